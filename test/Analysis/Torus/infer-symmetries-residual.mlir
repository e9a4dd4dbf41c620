// RUN: noether-opt --noether-infer-symmetries %s | FileCheck %s

// A branch is added to the stream: whatever writes to the stream scales together, and the hidden units of
// the branch are free.

// CHECK: noether.dimension = {torus = 6 : i64, torus_exact = 6 : i64
// CHECK-SAME: noether.symmetries = [{broken_by = [], dimension = 1 : i64, family = "scale", id = "S1", members = [
// CHECK-SAME: {argument = 2 : i64, axes = array<i64>, exponent = "1", view = array<i64: 4, 3>}]},
// CHECK-SAME: {broken_by = [], dimension = 5 : i64, family = "rescale", id = "S2", members = [
// CHECK-SAME: {argument = 3 : i64, axes = array<i64: 1>, exponent = "1", view = array<i64: 3, 5>},
// CHECK-SAME: {argument = 4 : i64, axes = array<i64: 0>, exponent = "-1", view = array<i64: 5, 3>}]}
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       %embed: tensor<4x3xf32> {noether.role = "param", noether.name = "embed"},
                       %up: tensor<3x5xf32> {noether.role = "param", noether.name = "up"},
                       %down: tensor<5x3xf32> {noether.role = "param", noether.name = "down"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %stream = "stablehlo.dot_general"(%x, %embed) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x3xf32>) -> tensor<8x3xf32>
  %0 = "stablehlo.dot_general"(%stream, %up) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x3xf32>, tensor<3x5xf32>) -> tensor<8x5xf32>
  %z1 = "stablehlo.constant"() <{value = dense<0.0> : tensor<8x5xf32>}> : () -> tensor<8x5xf32>
  %1 = "stablehlo.maximum"(%0, %z1) : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<8x5xf32>
  %2 = "stablehlo.dot_general"(%1, %down) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x5xf32>, tensor<5x3xf32>) -> tensor<8x3xf32>
  %y = "stablehlo.add"(%stream, %2) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %square = "stablehlo.multiply"(%y, %y) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %var = "stablehlo.reduce"(%square, %zero) <{dimensions = array<i64: 1>}> ({
  ^bb0(%var_a: tensor<f32>, %var_b: tensor<f32>):
    %var_s = "stablehlo.add"(%var_a, %var_b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%var_s) : (tensor<f32>) -> ()
  }) : (tensor<8x3xf32>, tensor<f32>) -> tensor<8xf32>
  %rstd = "stablehlo.rsqrt"(%var) : (tensor<8xf32>) -> tensor<8xf32>
  %rstd_b = "stablehlo.broadcast_in_dim"(%rstd) <{broadcast_dimensions = array<i64: 0>}> : (tensor<8xf32>) -> tensor<8x3xf32>
  %normed = "stablehlo.multiply"(%y, %rstd_b) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %loss = "stablehlo.dot_general"(%normed, %t) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
