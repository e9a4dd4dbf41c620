// RUN: noether-opt --noether-report %s -o /dev/null | FileCheck %s

// Heads are contracted one by one: each has a matrix of its own, and the heads may be exchanged.

// CHECK: "family": "general_linear"
// CHECK: "parameter": "q"
// CHECK: "axes": [
// CHECK-NEXT: 2
// CHECK: "side": "direct"
// CHECK: "parameter": "k"
// CHECK: "axes": [
// CHECK-NEXT: 2
// CHECK: "side": "inverse_transpose"
// CHECK: "block_shape": [
// CHECK-NEXT: 2
// CHECK: "size": 5
// CHECK: "dimension": 50
// CHECK: "dimension_in_torus": 10
// CHECK: "family": "permutation"
// CHECK: "order": "(5!)^2"
// CHECK: "order": "2!"
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %q: tensor<4x2x5xf32> {noether.role = "param", noether.name = "q"},
                       %k: tensor<4x2x5xf32> {noether.role = "param", noether.name = "k"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %hq = "stablehlo.dot_general"(%x, %q) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x2x5xf32>) -> tensor<8x2x5xf32>
  %hk = "stablehlo.dot_general"(%x, %k) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x2x5xf32>) -> tensor<8x2x5xf32>
  %scores = "stablehlo.dot_general"(%hq, %hk) <{dot_dimension_numbers = #stablehlo.dot<lhs_batching_dimensions = [1], rhs_batching_dimensions = [1], lhs_contracting_dimensions = [2], rhs_contracting_dimensions = [2]>}> : (tensor<8x2x5xf32>, tensor<8x2x5xf32>) -> tensor<2x8x8xf32>
  %pooled = "stablehlo.reduce"(%scores, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a9: tensor<f32>, %b9: tensor<f32>):
    %s9 = "stablehlo.add"(%a9, %b9) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s9) : (tensor<f32>) -> ()
  }) : (tensor<2x8x8xf32>, tensor<f32>) -> tensor<8x8xf32>
  %w = "stablehlo.tanh"(%pooled) : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %difference = "stablehlo.multiply"(%w, %w) : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %loss = "stablehlo.reduce"(%difference, %zero) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%a10: tensor<f32>, %b10: tensor<f32>):
    %s10 = "stablehlo.add"(%a10, %b10) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s10) : (tensor<f32>) -> ()
  }) : (tensor<8x8xf32>, tensor<f32>) -> tensor<f32>
  return %loss : tensor<f32>
}
