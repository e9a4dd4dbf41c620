// RUN: noether-opt --noether-infer-symmetries %s | FileCheck %s

// The number of the branch is known, and larger than any: the last one is taken. What the other one reads has no part
// in the loss.

// CHECK: noether.dimension = {torus = 6 : i64, torus_exact = 6 : i64
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       %w: tensor<4x5xf32> {noether.role = "param", noether.name = "w"},
                       %a: tensor<5x3xf32> {noether.role = "param", noether.name = "a"},
                       %b: tensor<5x3xf32> {noether.role = "param", noether.name = "b"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %0 = "stablehlo.dot_general"(%x, %w) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>
  %k = "stablehlo.constant"() <{value = dense<7> : tensor<i32>}> : () -> tensor<i32>
  %1 = "stablehlo.case"(%k) ({
    %2 = "stablehlo.dot_general"(%0, %a) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x5xf32>, tensor<5x3xf32>) -> tensor<8x3xf32>
    "stablehlo.return"(%2) : (tensor<8x3xf32>) -> ()
  }, {
    %3 = "stablehlo.dot_general"(%0, %b) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x5xf32>, tensor<5x3xf32>) -> tensor<8x3xf32>
    "stablehlo.return"(%3) : (tensor<8x3xf32>) -> ()
  }) : (tensor<i32>) -> tensor<8x3xf32>
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %square = "stablehlo.multiply"(%1, %1) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %var = "stablehlo.reduce"(%square, %zero) <{dimensions = array<i64: 1>}> ({
  ^bb0(%var_a: tensor<f32>, %var_b: tensor<f32>):
    %var_s = "stablehlo.add"(%var_a, %var_b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%var_s) : (tensor<f32>) -> ()
  }) : (tensor<8x3xf32>, tensor<f32>) -> tensor<8xf32>
  %rstd = "stablehlo.rsqrt"(%var) : (tensor<8xf32>) -> tensor<8xf32>
  %rstd_b = "stablehlo.broadcast_in_dim"(%rstd) <{broadcast_dimensions = array<i64: 0>}> : (tensor<8xf32>) -> tensor<8x3xf32>
  %normed = "stablehlo.multiply"(%1, %rstd_b) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %loss = "stablehlo.dot_general"(%normed, %t) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
