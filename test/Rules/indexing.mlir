// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: noether-opt --noether-populate-rules %s | FileCheck %s

// Positions that are data: the indexed dimensions are frozen.

// CHECK-LABEL: func.func @indexing(
func.func @indexing(%t: tensor<32x16xf32>,
    %i: tensor<3x8x1xi32>,
    %v: tensor<4x5xf32>,
    %j: tensor<4x1x1xi32>,
    %u: tensor<3x8x16xf32>,
    %g: tensor<4x1xf32>,
    %c: tensor<i32>,
    %w: tensor<4x16xf32>,
    %n: tensor<2xi32>,
    %o: tensor<1xi32>,
    %h: tensor<32x2xf32>,
    %x: tensor<6xi32>) {
  // CHECK: stablehlo.dynamic_gather{{.*}} #noether.rule<([i,j],[k,l,m],[n])->([o,p,q]) frozen {i,j} uses (+,_,_) : r0 = o0>
  "stablehlo.dynamic_gather"(%t, %i, %n) <{dimension_numbers = #stablehlo.gather<offset_dims = [2], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 2>}> : (tensor<32x16xf32>, tensor<3x8x1xi32>, tensor<2xi32>) -> tensor<3x8x16xf32>
  // CHECK: stablehlo.dynamic_slice{{.*}} #noether.rule<([i,j],[],[])->([k,j]) frozen {i,k} uses (+,_,_) : r0 = o0>
  "stablehlo.dynamic_slice"(%t, %c, %c) <{slice_sizes = array<i64: 4, 16>}> : (tensor<32x16xf32>, tensor<i32>, tensor<i32>) -> tensor<4x16xf32>
  // A part, and all of it.
  // CHECK: stablehlo.dynamic_update_slice{{.*}} #noether.rule<([i,j],[k,j],[],[])->([i,j]) frozen {i,k} uses (|,|,_,_) : r0 = o0, r0 = o1>
  "stablehlo.dynamic_update_slice"(%t, %w, %c, %c) : (tensor<32x16xf32>, tensor<4x16xf32>, tensor<i32>, tensor<i32>) -> tensor<32x16xf32>
  // CHECK: stablehlo.dynamic_update_slice{{.*}} #noether.rule<([i,j],[i,j],[],[])->([i,j]) uses (_,+,_,_) : r0 = o1>
  "stablehlo.dynamic_update_slice"(%t, %t, %c, %c) : (tensor<32x16xf32>, tensor<32x16xf32>, tensor<i32>, tensor<i32>) -> tensor<32x16xf32>
  // Rows of a table; one element of each row, by batching dimensions.
  // CHECK: stablehlo.gather{{.*}} #noether.rule<([i,j],[k,l,m])->([k,l,j]) frozen {i} uses (+,_) : r0 = o0>
  "stablehlo.gather"(%t, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [2], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 2>, indices_are_sorted = false, slice_sizes = array<i64: 1, 16>}> : (tensor<32x16xf32>, tensor<3x8x1xi32>) -> tensor<3x8x16xf32>
  // CHECK: stablehlo.gather{{.*}} #noether.rule<([i,j],[i,k,l])->([i,k]) frozen {j} uses (+,_) : r0 = o0>
  "stablehlo.gather"(%v, %j) <{dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [1], operand_batching_dims = [0], start_indices_batching_dims = [0], start_index_map = [1], index_vector_dim = 2>, indices_are_sorted = false, slice_sizes = array<i64: 1, 1>}> : (tensor<4x5xf32>, tensor<4x1x1xi32>) -> tensor<4x1xf32>
  // Their gradients, a replacement, a product, and a window of full size that may be moved.
  // CHECK: {noether.rule = #noether.rule<([i,j],[k,l,m],[k,l,j])->([i,j]) sum {k,l} frozen {i} uses (+,_,*) : r0 = o0, r0 = o2>
  "stablehlo.scatter"(%t, %i, %u) <{indices_are_sorted = false, scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 2>, unique_indices = false}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %combined = "stablehlo.add"(%l, %r) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%combined) : (tensor<f32>) -> ()
  }) : (tensor<32x16xf32>, tensor<3x8x1xi32>, tensor<3x8x16xf32>) -> tensor<32x16xf32>
  // CHECK: {noether.rule = #noether.rule<([i,j],[i,k,l],[i,k])->([i,j]) sum {k} frozen {j} uses (+,_,*) : r0 = o0, r0 = o2>
  "stablehlo.scatter"(%v, %j, %g) <{indices_are_sorted = false, scatter_dimension_numbers = #stablehlo.scatter<inserted_window_dims = [1], input_batching_dims = [0], scatter_indices_batching_dims = [0], scatter_dims_to_operand_dims = [1], index_vector_dim = 2>, unique_indices = false}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %combined = "stablehlo.add"(%l, %r) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%combined) : (tensor<f32>) -> ()
  }) : (tensor<4x5xf32>, tensor<4x1x1xi32>, tensor<4x1xf32>) -> tensor<4x5xf32>
  // CHECK: {noether.rule = #noether.rule<([i,j],[k,l,m],[k,l,j])->([i,j]) sum {k,l} frozen {i} uses (|,_,|) : r0 = o0, r0 = o2>
  "stablehlo.scatter"(%t, %i, %u) <{indices_are_sorted = false, scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 2>, unique_indices = false}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    "stablehlo.return"(%r) : (tensor<f32>) -> ()
  }) : (tensor<32x16xf32>, tensor<3x8x1xi32>, tensor<3x8x16xf32>) -> tensor<32x16xf32>
  // CHECK: {noether.rule = #noether.rule<([i,j],[k,l,m],[k,l,j])->([i,j]) sum {k,l} frozen {i} : r0 = o0, o2 = 0>
  "stablehlo.scatter"(%t, %i, %u) <{indices_are_sorted = false, scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [2], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 2>, unique_indices = false}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %combined = "stablehlo.multiply"(%l, %r) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%combined) : (tensor<f32>) -> ()
  }) : (tensor<32x16xf32>, tensor<3x8x1xi32>, tensor<3x8x16xf32>) -> tensor<32x16xf32>
  // CHECK: {noether.rule = #noether.rule<([i,j],[k],[l,m])->([i,j]) frozen {i,j,l,m} uses (+,_,*) : r0 = o0, r0 = o2>
  "stablehlo.scatter"(%t, %o, %h) <{indices_are_sorted = false, scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [0, 1], scatter_dims_to_operand_dims = [0]>, unique_indices = false}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %combined = "stablehlo.add"(%l, %r) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%combined) : (tensor<f32>) -> ()
  }) : (tensor<32x16xf32>, tensor<1xi32>, tensor<32x2xf32>) -> tensor<32x16xf32>
  // CHECK: stablehlo.torch_index_select{{.*}} #noether.rule<([i,j],[k])->([k,j]) frozen {i} uses (+,_) : r0 = o0>
  "stablehlo.torch_index_select"(%t, %x) <{batch_dims = 0 : i64, dim = 0 : i64}> : (tensor<32x16xf32>, tensor<6xi32>) -> tensor<6x16xf32>
  return
}
