// RUN: noether-opt --noether-infer-symmetries %s | FileCheck %s

// One matrix holds queries, keys and values: the pieces move by themselves.

// CHECK: noether.dimension = {torus = 10 : i64, torus_exact = 10 : i64
// CHECK-SAME: noether.symmetries = [{broken_by = [], dimension = 5 : i64, family = "rescale", id = "S1", members = [
// CHECK-SAME: {argument = 2 : i64, axes = array<i64: 2>, exponent = "1", offsets = array<i64: 0, 0, 0>, sizes = array<i64: 4, 1, 5>, view = array<i64: 4, 3, 5>},
// CHECK-SAME: {argument = 2 : i64, axes = array<i64: 2>, exponent = "-1", offsets = array<i64: 0, 1, 0>, sizes = array<i64: 4, 1, 5>, view = array<i64: 4, 3, 5>}]},
// CHECK-SAME: {broken_by = [], dimension = 5 : i64, family = "rescale", id = "S2", members = [
// CHECK-SAME: {argument = 2 : i64, axes = array<i64: 2>, exponent = "1", offsets = array<i64: 0, 2, 0>, sizes = array<i64: 4, 1, 5>, view = array<i64: 4, 3, 5>},
// CHECK-SAME: {argument = 3 : i64, axes = array<i64: 0>, exponent = "-1", view = array<i64: 5, 5>}]}
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x5xf32> {noether.role = "batch"},
                       %qkv: tensor<4x15xf32> {noether.role = "param", noether.name = "qkv"},
                       %out: tensor<5x5xf32> {noether.role = "param", noether.name = "out"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %0 = "stablehlo.dot_general"(%x, %qkv) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x15xf32>) -> tensor<8x15xf32>
  %q = "stablehlo.slice"(%0) <{start_indices = array<i64: 0, 0>, limit_indices = array<i64: 8, 5>, strides = array<i64: 1, 1>}> : (tensor<8x15xf32>) -> tensor<8x5xf32>
  %k = "stablehlo.slice"(%0) <{start_indices = array<i64: 0, 5>, limit_indices = array<i64: 8, 10>, strides = array<i64: 1, 1>}> : (tensor<8x15xf32>) -> tensor<8x5xf32>
  %v = "stablehlo.slice"(%0) <{start_indices = array<i64: 0, 10>, limit_indices = array<i64: 8, 15>, strides = array<i64: 1, 1>}> : (tensor<8x15xf32>) -> tensor<8x5xf32>
  %scores = "stablehlo.dot_general"(%q, %k) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1]>}> : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<8x8xf32>
  %p = "stablehlo.tanh"(%scores) : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %o = "stablehlo.dot_general"(%p, %v) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x8xf32>, tensor<8x5xf32>) -> tensor<8x5xf32>
  %y = "stablehlo.dot_general"(%o, %out) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x5xf32>, tensor<5x5xf32>) -> tensor<8x5xf32>
  %loss = "stablehlo.dot_general"(%y, %t) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
