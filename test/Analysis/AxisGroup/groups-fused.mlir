// RUN: noether-opt --noether-report %s -o /dev/null | FileCheck %s

// One matrix of queries and keys: its parts have groups of their own, or share one.

// CHECK: "family": "general_linear"
// CHECK: "parameter": "w"
// CHECK: "axes": [
// CHECK-NEXT: 2
// CHECK: "side": "direct"
// CHECK: "parameter": "w"
// CHECK: "axes": [
// CHECK-NEXT: 2
// CHECK: "side": "inverse_transpose"
// CHECK: "block_shape": []
// CHECK: "size": 5
// CHECK: "dimension": 25
// CHECK: "parts": {
// CHECK: "w": [
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %w: tensor<4x10xf32> {noether.role = "param", noether.name = "w"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %h = "stablehlo.dot_general"(%x, %w) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x10xf32>) -> tensor<8x10xf32>
  %q = "stablehlo.slice"(%h) <{start_indices = array<i64: 0, 0>, limit_indices = array<i64: 8, 5>, strides = array<i64: 1, 1>}> : (tensor<8x10xf32>) -> tensor<8x5xf32>
  %k = "stablehlo.slice"(%h) <{start_indices = array<i64: 0, 5>, limit_indices = array<i64: 8, 10>, strides = array<i64: 1, 1>}> : (tensor<8x10xf32>) -> tensor<8x5xf32>
  %scores = "stablehlo.dot_general"(%q, %k) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1]>}> : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<8x8xf32>
  %w2 = "stablehlo.tanh"(%scores) : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %sq = "stablehlo.multiply"(%w2, %w2) : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %loss = "stablehlo.reduce"(%sq, %zero) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%a16: tensor<f32>, %b16: tensor<f32>):
    %s16 = "stablehlo.add"(%a16, %b16) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s16) : (tensor<f32>) -> ()
  }) : (tensor<8x8xf32>, tensor<f32>) -> tensor<f32>
  return %loss : tensor<f32>
}
