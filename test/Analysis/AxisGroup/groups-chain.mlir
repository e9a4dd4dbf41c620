// RUN: noether-opt --noether-report %s -o /dev/null | FileCheck %s

// Nothing but linear operations between two matrices: any invertible matrix may be put between them.

// CHECK: "family": "general_linear"
// CHECK: "parameter": "a"
// CHECK: "axes": [
// CHECK-NEXT: 1
// CHECK: "side": "direct"
// CHECK: "parameter": "b"
// CHECK: "axes": [
// CHECK-NEXT: 0
// CHECK: "side": "inverse_transpose"
// CHECK: "block_shape": []
// CHECK: "size": 5
// CHECK: "dimension": 25
// CHECK: "dimension_in_torus": 5
// CHECK: "charge": "gram(a, axis 1) - gram(b, axis 0)"
// CHECK: "torus": 5
// CHECK: "linear": 25
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       %a: tensor<4x5xf32> {noether.role = "param", noether.name = "a"},
                       %b: tensor<5x3xf32> {noether.role = "param", noether.name = "b"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %h = "stablehlo.dot_general"(%x, %a) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>
  %y = "stablehlo.dot_general"(%h, %b) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x5xf32>, tensor<5x3xf32>) -> tensor<8x3xf32>
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %difference = "stablehlo.subtract"(%y, %t) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %square = "stablehlo.multiply"(%difference, %difference) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %loss = "stablehlo.reduce"(%square, %zero) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%a1: tensor<f32>, %b1: tensor<f32>):
    %s1 = "stablehlo.add"(%a1, %b1) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s1) : (tensor<f32>) -> ()
  }) : (tensor<8x3xf32>, tensor<f32>) -> tensor<f32>
  return %loss : tensor<f32>
}
