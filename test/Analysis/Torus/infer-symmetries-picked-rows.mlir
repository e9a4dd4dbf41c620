// RUN: noether-opt --noether-infer-symmetries --split-input-file %s | FileCheck %s

// Rows of two tables, picked by the same index and multiplied: each entry of a row rescales against the
// same entry of the other table's row, 7 rows of 5. The index is computed twice.

// CHECK: noether.dimension = {torus = 35 : i64, torus_exact = 35 : i64
// CHECK-SAME: noether.symmetries = [{broken_by = [], dimension = 35 : i64, family = "rescale", id = "S1", members = [
// CHECK-SAME: {argument = 2 : i64, axes = array<i64: 0, 1>, exponent = "1", view = array<i64: 7, 5>},
// CHECK-SAME: {argument = 3 : i64, axes = array<i64: 0, 1>, exponent = "-1", view = array<i64: 7, 5>}]}]
func.func public @main(%t: tensor<8xi32> {noether.role = "batch"}, %y: tensor<8x5xf32> {noether.role = "batch"},
                       %a: tensor<7x5xf32> {noether.role = "param", noether.name = "a"},
                       %b: tensor<7x5xf32> {noether.role = "param", noether.name = "b"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %i0 = "stablehlo.reshape"(%t) : (tensor<8xi32>) -> tensor<8x1xi32>
  %a0 = "stablehlo.gather"(%a, %i0) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 5>}> : (tensor<7x5xf32>, tensor<8x1xi32>) -> tensor<8x5xf32>
  %i1 = "stablehlo.broadcast_in_dim"(%t) <{broadcast_dimensions = array<i64: 0>}> : (tensor<8xi32>) -> tensor<8x1xi32>
  %b0 = "stablehlo.gather"(%b, %i1) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 5>}> : (tensor<7x5xf32>, tensor<8x1xi32>) -> tensor<8x5xf32>
  %p = "stablehlo.multiply"(%a0, %b0) : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<8x5xf32>
  %loss = "stablehlo.dot_general"(%p, %y) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// By another index, only what is common to all rows: 5 columns.

// CHECK: noether.dimension = {torus = 5 : i64, torus_exact = 5 : i64
func.func public @main(%t: tensor<8xi32> {noether.role = "batch"}, %s: tensor<8xi32> {noether.role = "batch"},
                       %y: tensor<8x5xf32> {noether.role = "batch"},
                       %a: tensor<7x5xf32> {noether.role = "param", noether.name = "a"},
                       %b: tensor<7x5xf32> {noether.role = "param", noether.name = "b"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %i0 = "stablehlo.reshape"(%t) : (tensor<8xi32>) -> tensor<8x1xi32>
  %a0 = "stablehlo.gather"(%a, %i0) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 5>}> : (tensor<7x5xf32>, tensor<8x1xi32>) -> tensor<8x5xf32>
  %i1 = "stablehlo.reshape"(%s) : (tensor<8xi32>) -> tensor<8x1xi32>
  %b0 = "stablehlo.gather"(%b, %i1) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 5>}> : (tensor<7x5xf32>, tensor<8x1xi32>) -> tensor<8x5xf32>
  %p = "stablehlo.multiply"(%a0, %b0) : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<8x5xf32>
  %loss = "stablehlo.dot_general"(%p, %y) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// The sum over what was picked forgets which rows they were.

// CHECK: noether.dimension = {torus = 5 : i64, torus_exact = 5 : i64
func.func public @main(%t: tensor<8xi32> {noether.role = "batch"}, %y: tensor<5xf32> {noether.role = "batch"},
                       %a: tensor<7x5xf32> {noether.role = "param", noether.name = "a"},
                       %b: tensor<5xf32> {noether.role = "param", noether.name = "b"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %i0 = "stablehlo.reshape"(%t) : (tensor<8xi32>) -> tensor<8x1xi32>
  %a0 = "stablehlo.gather"(%a, %i0) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 5>}> : (tensor<7x5xf32>, tensor<8x1xi32>) -> tensor<8x5xf32>
  %z = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %s = "stablehlo.reduce"(%a0, %z) <{dimensions = array<i64: 0>}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %sum = "stablehlo.add"(%l, %r) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%sum) : (tensor<f32>) -> ()
  }) : (tensor<8x5xf32>, tensor<f32>) -> tensor<5xf32>
  %p = "stablehlo.multiply"(%s, %b) : (tensor<5xf32>, tensor<5xf32>) -> tensor<5xf32>
  %loss = "stablehlo.dot_general"(%p, %y) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}> : (tensor<5xf32>, tensor<5xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
