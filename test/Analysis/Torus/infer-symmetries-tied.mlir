// RUN: noether-opt --noether-infer-symmetries %s | FileCheck %s

// One matrix used twice is one unknown: the gain must make up for both uses.

// CHECK: noether.dimension = {torus = 5 : i64, torus_exact = 5 : i64
// CHECK-SAME: noether.symmetries = [{broken_by = [], dimension = 5 : i64, family = "rescale", id = "S1", members = [
// CHECK-SAME: {argument = 2 : i64, axes = array<i64: 1>, exponent = "1", view = array<i64: 4, 5>},
// CHECK-SAME: {argument = 3 : i64, axes = array<i64: 0>, exponent = "-2", view = array<i64: 5>}]}
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x4xf32> {noether.role = "batch"},
                       %w: tensor<4x5xf32> {noether.role = "param", noether.name = "w"},
                       %gain: tensor<5xf32> {noether.role = "param", noether.name = "gain"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %0 = "stablehlo.dot_general"(%x, %w) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>
  %z1 = "stablehlo.constant"() <{value = dense<0.0> : tensor<8x5xf32>}> : () -> tensor<8x5xf32>
  %1 = "stablehlo.maximum"(%0, %z1) : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<8x5xf32>
  %2 = "stablehlo.broadcast_in_dim"(%gain) <{broadcast_dimensions = array<i64: 1>}> : (tensor<5xf32>) -> tensor<8x5xf32>
  %3 = "stablehlo.multiply"(%1, %2) : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<8x5xf32>
  %4 = "stablehlo.dot_general"(%3, %w) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1]>}> : (tensor<8x5xf32>, tensor<4x5xf32>) -> tensor<8x4xf32>
  %loss = "stablehlo.dot_general"(%4, %t) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
