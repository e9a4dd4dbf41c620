// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: noether-opt --noether-populate-rules %s | FileCheck %s

// Contractions and matrices.

// CHECK-LABEL: func.func @contraction(
func.func @contraction(%a: tensor<2x3x4xf32>,
    %b: tensor<2x4x5xf32>,
    %m: tensor<3x4xf32>,
    %n: tensor<4x5xf32>,
    %v: tensor<4xf32>,
    %i: tensor<3x4xi32>,
    %q: tensor<2x3x3xf32>,
    %z: tensor<3x4xcomplex<f32>>) {
  // CHECK: stablehlo.cholesky{{.*}} #noether.rule<([i,j,k])->([i,j,k]) frozen {j,k} : r0 = 1/2 o0>
  "stablehlo.cholesky"(%q) <{lower = true}> : (tensor<2x3x3xf32>) -> tensor<2x3x3xf32>
  // CHECK: stablehlo.dot{{.*}} #noether.rule<([i,j],[j,k])->([i,k]) sum {j} uses (*,*) : r0 = o0 + o1>
  "stablehlo.dot"(%m, %n) : (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32>
  // CHECK: stablehlo.dot{{.*}} #noether.rule<([i,j],[j])->([i]) sum {j} uses (*,*) : r0 = o0 + o1>
  "stablehlo.dot"(%m, %v) : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3xf32>
  // CHECK: stablehlo.dot{{.*}} #noether.rule<([i],[i])->([]) sum {i} uses (*,*) : r0 = o0 + o1>
  "stablehlo.dot"(%v, %v) : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  // CHECK: stablehlo.dot_general{{.*}} #noether.rule<([i,j],[j,k])->([i,k]) sum {j} uses (*,*) : r0 = o0 + o1>
  "stablehlo.dot_general"(%m, %n) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32>
  // CHECK: stablehlo.dot_general{{.*}} #noether.rule<([i,j,k],[i,k,l])->([i,j,l]) sum {k} uses (*,*) : r0 = o0 + o1>
  "stablehlo.dot_general"(%a, %b) <{dot_dimension_numbers = #stablehlo.dot<lhs_batching_dimensions = [0], rhs_batching_dimensions = [0], lhs_contracting_dimensions = [2], rhs_contracting_dimensions = [1]>}> : (tensor<2x3x4xf32>, tensor<2x4x5xf32>) -> tensor<2x3x5xf32>
  // CHECK: stablehlo.dot_general{{.*}} #noether.rule<([i,j],[k,l])->([i,j,k,l]) uses (*,*) : r0 = o0 + o1>
  "stablehlo.dot_general"(%m, %m) <{dot_dimension_numbers = #stablehlo.dot<>}> : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4x3x4xf32>
  // CHECK: stablehlo.dot_general{{.*}} #noether.rule<([i,j],[k,j])->([i,k]) sum {j} : r0 = 0>
  "stablehlo.dot_general"(%i, %i) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1]>}> : (tensor<3x4xi32>, tensor<3x4xi32>) -> tensor<3x3xi32>
  // CHECK: mhlo.dot_general{{.*}} #noether.rule<([i,j],[j,k])->([i,k]) sum {j} uses (*,*) : r0 = o0 + o1>
  "mhlo.dot_general"(%m, %n) <{dot_dimension_numbers = #mhlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32>
  // CHECK: stablehlo.einsum{{.*}} #noether.rule<([i,j,k],[i,k,l])->([i,l,j]) sum {k} uses (*,*) : r0 = o0 + o1>
  "stablehlo.einsum"(%a, %b) <{einsum_config = "bij,bjk->bki"}> : (tensor<2x3x4xf32>, tensor<2x4x5xf32>) -> tensor<2x5x3xf32>
  // CHECK: stablehlo.fft{{.*}} #noether.rule<([i,j])->([i,k]) frozen {j,k} uses (*) : r0 = o0>
  "stablehlo.fft"(%z) <{fft_length = array<i64: 4>, fft_type = #stablehlo<fft_type FFT>}> : (tensor<3x4xcomplex<f32>>) -> tensor<3x4xcomplex<f32>>
  // CHECK: stablehlo.fft{{.*}} #noether.rule<([i,j])->([i,k]) frozen {j,k} uses (*) : r0 = o0>
  "stablehlo.fft"(%m) <{fft_length = array<i64: 4>, fft_type = #stablehlo<fft_type RFFT>}> : (tensor<3x4xf32>) -> tensor<3x3xcomplex<f32>>
  // The right-hand sides are independent; a unit diagonal has no scale.
  // CHECK: stablehlo.triangular_solve{{.*}} #noether.rule<([i,j,k],[i,l,m])->([i,l,m]) frozen {j,k,l} uses (_,*) : r0 = o1 - o0>
  "stablehlo.triangular_solve"(%q, %a) <{left_side = true, lower = true, transpose_a = #stablehlo<transpose NO_TRANSPOSE>, unit_diagonal = false}> : (tensor<2x3x3xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  // CHECK: stablehlo.triangular_solve{{.*}} #noether.rule<([i,j,k],[i,l,m])->([i,l,m]) frozen {j,k,l} uses (_,*) : o0 = 0, r0 = o1>
  "stablehlo.triangular_solve"(%q, %a) <{left_side = true, lower = true, transpose_a = #stablehlo<transpose NO_TRANSPOSE>, unit_diagonal = true}> : (tensor<2x3x3xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  // CHECK: stablehlo.unary_einsum{{.*}} #noether.rule<([i,j,k])->([j]) sum {i,k} uses (+) : r0 = o0>
  "stablehlo.unary_einsum"(%a) <{einsum_config = "bij->i"}> : (tensor<2x3x4xf32>) -> tensor<3xf32>
  return
}
