// RUN: noether-opt --noether-infer-symmetries %s | FileCheck %s

// x + x (v * w): the residual makes both axes of v and w one index, but no operation turns them around. So each entry
// of v may grow as that of w shrinks: 9 dimensions.

// CHECK: noether.dimension = {torus = 9 : i64, torus_exact = 9 : i64
// CHECK-SAME: axes = array<i64: 0, 1>, exponent = "1"
// CHECK-SAME: axes = array<i64: 0, 1>, exponent = "-1"
func.func public @main(%x: tensor<5x3xf32> {noether.role = "batch"},
                       %v: tensor<3x3xf32> {noether.role = "param", noether.name = "v"},
                       %w: tensor<3x3xf32> {noether.role = "param", noether.name = "w"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %vw = "stablehlo.multiply"(%v, %w) : (tensor<3x3xf32>, tensor<3x3xf32>) -> tensor<3x3xf32>
  %y = "stablehlo.dot_general"(%x, %vw) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<5x3xf32>, tensor<3x3xf32>) -> tensor<5x3xf32>
  %s = "stablehlo.add"(%x, %y) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %loss = "stablehlo.dot_general"(%s, %s) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
