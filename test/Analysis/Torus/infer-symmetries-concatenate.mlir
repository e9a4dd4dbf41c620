// RUN: noether-opt --noether-infer-symmetries %s | FileCheck %s

// Two branches side by side, read by one matrix: its rows follow the branch that they read.

// CHECK: noether.dimension = {torus = 7 : i64, torus_exact = 7 : i64
// CHECK-SAME: noether.symmetries = [{broken_by = [], dimension = 2 : i64, family = "rescale", id = "S1", members = [
// CHECK-SAME: {argument = 2 : i64, axes = array<i64: 1>, exponent = "1", view = array<i64: 4, 2>},
// CHECK-SAME: {argument = 4 : i64, axes = array<i64: 0>, exponent = "-1", offsets = array<i64: 0, 0>, sizes = array<i64: 2, 3>, view = array<i64: 7, 3>}]},
// CHECK-SAME: {broken_by = [], dimension = 5 : i64, family = "rescale", id = "S2", members = [
// CHECK-SAME: {argument = 3 : i64, axes = array<i64: 1>, exponent = "1", view = array<i64: 4, 5>},
// CHECK-SAME: {argument = 4 : i64, axes = array<i64: 0>, exponent = "-1", offsets = array<i64: 2, 0>, sizes = array<i64: 5, 3>, view = array<i64: 7, 3>}]}
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       %a: tensor<4x2xf32> {noether.role = "param", noether.name = "a"},
                       %b: tensor<4x5xf32> {noether.role = "param", noether.name = "b"},
                       %out: tensor<7x3xf32> {noether.role = "param", noether.name = "out"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %0 = "stablehlo.dot_general"(%x, %a) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x2xf32>) -> tensor<8x2xf32>
  %1 = "stablehlo.dot_general"(%x, %b) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>
  %2 = "stablehlo.concatenate"(%0, %1) <{dimension = 1 : i64}> : (tensor<8x2xf32>, tensor<8x5xf32>) -> tensor<8x7xf32>
  %y = "stablehlo.dot_general"(%2, %out) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x7xf32>, tensor<7x3xf32>) -> tensor<8x3xf32>
  %loss = "stablehlo.dot_general"(%y, %t) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
