// RUN: noether-opt --noether-report %s -o /dev/null | FileCheck %s

// One matrix on both sides: M and its inverse transpose act on the same axis, so that they must be equal.

// CHECK: "family": "orthogonal"
// CHECK: "parameter": "e"
// CHECK: "axes": [
// CHECK-NEXT: 1
// CHECK: "side": "direct"
// CHECK: "block_shape": []
// CHECK: "size": 5
// CHECK: "dimension": 10
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x4xf32> {noether.role = "batch"},
                       %e: tensor<4x5xf32> {noether.role = "param", noether.name = "e"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %h = "stablehlo.dot_general"(%x, %e) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>
  %y = "stablehlo.dot_general"(%h, %e) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1]>}> : (tensor<8x5xf32>, tensor<4x5xf32>) -> tensor<8x4xf32>
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %difference = "stablehlo.subtract"(%y, %t) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  %square = "stablehlo.multiply"(%difference, %difference) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  %loss = "stablehlo.reduce"(%square, %zero) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%a11: tensor<f32>, %b11: tensor<f32>):
    %s11 = "stablehlo.add"(%a11, %b11) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s11) : (tensor<f32>) -> ()
  }) : (tensor<8x4xf32>, tensor<f32>) -> tensor<f32>
  return %loss : tensor<f32>
}
