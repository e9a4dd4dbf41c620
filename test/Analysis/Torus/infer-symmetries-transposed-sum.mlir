// RUN: noether-opt --noether-infer-symmetries %s | FileCheck %s

// The sign of w + w^T. Its entries may be scaled by any symmetric s(i, j), which has 10 dimensions; rows and columns
// alike (4) are what components along one axis can say. More than 10 would be false: s(i, j) is not s(j, i).

// CHECK: noether.dimension = {torus = 4 : i64, torus_exact = 4 : i64
func.func public @main(%t: tensor<4x4xf32> {noether.role = "batch"},
                       %w: tensor<4x4xf32> {noether.role = "param", noether.name = "w"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %wt = "stablehlo.transpose"(%w) <{permutation = array<i64: 1, 0>}> : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %s = "stablehlo.add"(%w, %wt) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %a = "stablehlo.abs"(%s) : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %n = "stablehlo.divide"(%s, %a) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %loss = "stablehlo.dot_general"(%n, %t) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
