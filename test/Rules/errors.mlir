// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: noether-opt --noether-populate-rules --split-input-file --verify-diagnostics %s

// Operations that contradict themselves end in one error at the operation.

func.func @add_shapes(%x: tensor<2x3xf32>, %y: tensor<3x2xf32>) {
  // expected-error @+1 {{has size 3 in dimension 0 where 2 is expected}}
  %0 = "stablehlo.add"(%x, %y) : (tensor<2x3xf32>, tensor<3x2xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @add_ranks(%x: tensor<2x3xf32>, %y: tensor<3xf32>) {
  // expected-error @+1 {{operand and result shapes do not fit}}
  %0 = "stablehlo.add"(%x, %y) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @all_gather(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{dimensions do not fit the operands}}
  %0 = "stablehlo.all_gather"(%x) <{all_gather_dim = 2 : i64}> : (tensor<2x3xf32>) -> tensor<2x6xf32>
  return
}

// -----

func.func @batch_norm(%x: tensor<2x3xf32>, %f: tensor<3xf32>) {
  // expected-error @+1 {{attribute 'epsilon' or 'feature_index' is missing or does not fit the operand}}
  %0 = "stablehlo.batch_norm_inference"(%x, %f, %f, %f, %f) <{epsilon = 1.0 : f32, feature_index = -1 : i64}> : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @broadcast_missing(%x: tensor<3xf32>) {
  // expected-error @+1 {{attribute 'broadcast_dimensions' is missing or cannot be read}}
  %0 = "stablehlo.broadcast_in_dim"(%x) : (tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @broadcast_range(%x: tensor<3xf32>) {
  // expected-error @+1 {{broadcast dimensions do not fit the result}}
  %0 = "stablehlo.broadcast_in_dim"(%x) <{broadcast_dimensions = array<i64: 7>}> : (tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @broadcast_size(%x: tensor<4xf32>) {
  // expected-error @+1 {{operand size 4 cannot be broadcast to size 3}}
  %0 = "stablehlo.broadcast_in_dim"(%x) <{broadcast_dimensions = array<i64: 1>}> : (tensor<4xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @concatenate_dimension(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{the dimension does not fit the result}}
  %0 = "stablehlo.concatenate"(%x, %x) <{dimension = 5 : i64}> : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @concatenate_size(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{size 5 where 4 is expected}}
  %0 = "stablehlo.concatenate"(%x, %x) <{dimension = 0 : i64}> : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<5x3xf32>
  return
}

// -----

func.func @convolution_text(%x: tensor<1x8x8x3xf32>, %k: tensor<3x3x3x4xf32>) {
  // expected-error @+1 {{attribute 'dimension_numbers' is missing or cannot be read}}
  %0 = "stablehlo.convolution"(%x, %k) <{dimension_numbers = #stablehlo.conv<[b, 0, 1, f]y[0, 1, i, o]->[b, 0, 1, f]>}> : (tensor<1x8x8x3xf32>, tensor<3x3x3x4xf32>) -> tensor<1x6x6x4xf32>
  return
}

// -----

func.func @convolution_rank(%x: tensor<1x8x3xf32>, %k: tensor<3x3x4xf32>) {
  // expected-error @+1 {{dimension numbers do not fit the ranks}}
  %0 = "stablehlo.convolution"(%x, %k) <{dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>}> : (tensor<1x8x3xf32>, tensor<3x3x4xf32>) -> tensor<1x6x4xf32>
  return
}

// -----

func.func @convolution_groups(%x: tensor<1x8x8x3xf32>, %k: tensor<3x3x3x4xf32>) {
  // expected-error @+1 {{group counts do not fit the shapes}}
  %0 = "stablehlo.convolution"(%x, %k) <{dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>, feature_group_count = 3 : i64}> : (tensor<1x8x8x3xf32>, tensor<3x3x3x4xf32>) -> tensor<1x6x6x4xf32>
  return
}

// -----

func.func @convolution_window(%x: tensor<1x8x8x3xf32>, %k: tensor<3x3x3x4xf32>) {
  // expected-error @+1 {{window attributes or group counts cannot be read}}
  %0 = "stablehlo.convolution"(%x, %k) <{dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>, window_strides = array<i64: 1>}> : (tensor<1x8x8x3xf32>, tensor<3x3x3x4xf32>) -> tensor<1x6x6x4xf32>
  return
}

// -----

func.func @dot_text(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{attribute 'dot_dimension_numbers' is missing or cannot be read}}
  %0 = "stablehlo.dot_general"(%x, %x) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [one]>}> : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @dot_range(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{dimension numbers out of range}}
  %0 = "stablehlo.dot_general"(%x, %x) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [4], rhs_contracting_dimensions = [1]>}> : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @dot_twice(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{dimension numbers out of range}}
  %0 = "stablehlo.dot_general"(%x, %x) <{dot_dimension_numbers = #stablehlo.dot<lhs_batching_dimensions = [1], rhs_batching_dimensions = [1], lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1]>}> : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @dot_result(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{result 0 has size 3 in dimension 1 where 2 is expected}}
  %0 = "stablehlo.dot_general"(%x, %x) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1]>}> : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @dynamic_slice(%x: tensor<2x3xf32>, %i: tensor<i32>) {
  // expected-error @+1 {{the slice is larger than its operand}}
  %0 = "stablehlo.dynamic_slice"(%x, %i, %i) <{slice_sizes = array<i64: 4, 3>}> : (tensor<2x3xf32>, tensor<i32>, tensor<i32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @einsum(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{the result has an index that no operand has}}
  %0 = "stablehlo.einsum"(%x, %x) <{einsum_config = "ij,ij->k"}> : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @fft(%x: tensor<3xcomplex<f32>>) {
  // expected-error @+1 {{attribute 'fft_length' is missing or does not fit the operand}}
  %0 = "stablehlo.fft"(%x) <{fft_length = array<i64: 3, 3>}> : (tensor<3xcomplex<f32>>) -> tensor<3xcomplex<f32>>
  return
}

// -----

func.func @gather_range(%x: tensor<32x16xf32>, %i: tensor<3x1xi32>) {
  // expected-error @+1 {{dimension numbers do not fit the operands}}
  %0 = "stablehlo.gather"(%x, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [9], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 16>}> : (tensor<32x16xf32>, tensor<3x1xi32>) -> tensor<3x16xf32>
  return
}

// -----

func.func @gather_unknown_field(%x: tensor<32x16xf32>, %i: tensor<3x1xi32>) {
  // expected-error @+1 {{attribute 'dimension_numbers' or 'slice_sizes' is missing or cannot be read}}
  %0 = "stablehlo.gather"(%x, %i) <{dimension_numbers = #stablehlo.gather<offset = [1]>, slice_sizes = array<i64: 1, 16>}> : (tensor<32x16xf32>, tensor<3x1xi32>) -> tensor<3x16xf32>
  return
}

// -----

func.func @gather_slice(%x: tensor<32x16xf32>, %i: tensor<3x1xi32>) {
  // expected-error @+1 {{dimension numbers do not fit the operands}}
  %0 = "stablehlo.gather"(%x, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 17>}> : (tensor<32x16xf32>, tensor<3x1xi32>) -> tensor<3x17xf32>
  return
}

// -----

func.func @pad(%x: tensor<2x3xf32>, %z: tensor<f32>) {
  // expected-error @+1 {{padding is out of range}}
  %0 = "stablehlo.pad"(%x, %z) <{edge_padding_high = array<i64: 9223372036854775807, 0>, edge_padding_low = array<i64: 9223372036854775807, 0>, interior_padding = array<i64: 0, 0>}> : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @reduce(%x: tensor<2x3xf32>, %z: tensor<f32>) {
  // expected-error @+1 {{attribute 'dimensions' does not fit the operand}}
  %0 = "stablehlo.reduce"(%x, %z) <{dimensions = array<i64: 1, 1>}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    "stablehlo.return"(%l) : (tensor<f32>) -> ()
  }) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2xf32>
  return
}

// -----

func.func @reduce_window(%x: tensor<2x3xf32>, %z: tensor<f32>) {
  // expected-error @+1 {{window attributes cannot be read or do not fit the operand}}
  %0 = "stablehlo.reduce_window"(%x, %z) <{window_dimensions = array<i64: 2>}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    "stablehlo.return"(%l) : (tensor<f32>) -> ()
  }) : (tensor<2x3xf32>, tensor<f32>) -> tensor<1x3xf32>
  return
}

// -----

func.func @reshape(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{operand and result have different numbers of elements}}
  %0 = "stablehlo.reshape"(%x) : (tensor<2x3xf32>) -> tensor<7xf32>
  return
}

// -----

func.func @reshape_overflow(%x: tensor<4294967296x4294967296xf32>) {
  // expected-error @+1 {{operand and result have different numbers of elements}}
  %0 = "stablehlo.reshape"(%x) : (tensor<4294967296x4294967296xf32>) -> tensor<4294967296x4294967296xf32>
  return
}

// -----

func.func @scatter(%x: tensor<32x16xf32>, %i: tensor<3x1xi32>, %u: tensor<3x16xf32>) {
  // expected-error @+1 {{dimension numbers do not fit the operands}}
  %0 = "stablehlo.scatter"(%x, %i, %u) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0, 0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    "stablehlo.return"(%r) : (tensor<f32>) -> ()
  }) : (tensor<32x16xf32>, tensor<3x1xi32>, tensor<3x16xf32>) -> tensor<32x16xf32>
  return
}

// -----

func.func @slice(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{the slice is outside its operand}}
  %0 = "stablehlo.slice"(%x) <{limit_indices = array<i64: 2, 9>, start_indices = array<i64: 0, 0>, strides = array<i64: 1, 1>}> : (tensor<2x3xf32>) -> tensor<2x9xf32>
  return
}

// -----

func.func @slice_indices(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{slice indices are missing or do not fit the operand}}
  %0 = "stablehlo.slice"(%x) <{limit_indices = array<i64: 2>, start_indices = array<i64: 0, 0>, strides = array<i64: 1, 1>}> : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @sort(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{attribute 'dimension' does not fit the operand}}
  %0 = "stablehlo.sort"(%x) <{dimension = 2 : i64}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %c = "stablehlo.compare"(%l, %r) : (tensor<f32>, tensor<f32>) -> tensor<i1>
    "stablehlo.return"(%c) : (tensor<i1>) -> ()
  }) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @sqrt_operands() {
  // expected-error @+1 {{wrong number of operands or results}}
  %0 = "stablehlo.sqrt"() : () -> tensor<2xf32>
  return
}

// -----

func.func @transpose(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{attribute 'permutation' is not a permutation}}
  %0 = "stablehlo.transpose"(%x) <{permutation = array<i64: 0, 0>}> : (tensor<2x3xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @triangular_solve(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{attributes 'left_side' and 'unit_diagonal' cannot be read}}
  %0 = "stablehlo.triangular_solve"(%x, %x) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}
