// RUN: noether-opt --noether-report %s -o /dev/null | FileCheck %s

// An elementwise product with a parameter leaves diagonal matrices, which are rescalings, and permutations.

// CHECK-NOT: "general_linear"
// CHECK-NOT: "orthogonal"
// CHECK: "family": "permutation"
// CHECK: "parameter": "g"
// CHECK: "axes": [
// CHECK-NEXT: 0
// CHECK: "side": "direct"
// CHECK: "parameter": "a"
// CHECK: "axes": [
// CHECK-NEXT: 1
// CHECK: "side": "direct"
// CHECK: "parameter": "b"
// CHECK: "axes": [
// CHECK-NEXT: 0
// CHECK: "side": "direct"
// CHECK: "block_shape": []
// CHECK: "size": 5
// CHECK: "dimension": 0
// CHECK: "order": "5!"
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       %g: tensor<5xf32> {noether.role = "param", noether.name = "g"},
                       %a: tensor<4x5xf32> {noether.role = "param", noether.name = "a"},
                       %b: tensor<5x3xf32> {noether.role = "param", noether.name = "b"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %h = "stablehlo.dot_general"(%x, %a) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>
  %gb = "stablehlo.broadcast_in_dim"(%g) <{broadcast_dimensions = array<i64: 1>}> : (tensor<5xf32>) -> tensor<8x5xf32>
  %hg = "stablehlo.multiply"(%h, %gb) : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<8x5xf32>
  %y = "stablehlo.dot_general"(%hg, %b) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x5xf32>, tensor<5x3xf32>) -> tensor<8x3xf32>
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %difference = "stablehlo.subtract"(%y, %t) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %square = "stablehlo.multiply"(%difference, %difference) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %loss = "stablehlo.reduce"(%square, %zero) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%a6: tensor<f32>, %b6: tensor<f32>):
    %s6 = "stablehlo.add"(%a6, %b6) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s6) : (tensor<f32>) -> ()
  }) : (tensor<8x3xf32>, tensor<f32>) -> tensor<f32>
  return %loss : tensor<f32>
}
