// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: noether-opt --noether-populate-rules %s | FileCheck %s

// Axes that are cut and joined: each piece is a factor of its own.

// CHECK-LABEL: func.func @slice(
func.func @slice(%q: tensor<6x12xf32>,
    %y: tensor<6x4xf32>,
    %w: tensor<6x0xf32>,
    %s: tensor<f32>,
    %i: tensor<2xi64>,
    %k: tensor<6x12xi32>) {
  // CHECK: stablehlo.concatenate{{.*}} #noether.rule<([i,j],[i,k],[i,l])->([i,{j|k|l}]) sizes {j=12, k=4, l=12} uses (+,+,+) : r0 = o0, r0 = o1, r0 = o2>
  "stablehlo.concatenate"(%q, %y, %q) <{dimension = 1 : i64}> : (tensor<6x12xf32>, tensor<6x4xf32>, tensor<6x12xf32>) -> tensor<6x28xf32>
  // CHECK: stablehlo.concatenate{{.*}} #noether.rule<([i,j],[i,k])->([i,j]) uses (+,+) : r0 = o0>
  "stablehlo.concatenate"(%q, %w) <{dimension = 1 : i64}> : (tensor<6x12xf32>, tensor<6x0xf32>) -> tensor<6x12xf32>
  // CHECK: stablehlo.dynamic_pad{{.*}} #noether.rule<([i,j],[],[k],[l],[m])->([n,o]) frozen {i,j,n,o} uses (|,|,_,_,_) : r0 = o0, r0 = o1>
  "stablehlo.dynamic_pad"(%q, %s, %i, %i, %i) : (tensor<6x12xf32>, tensor<f32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<8x12xf32>
  // Nothing, two sides, cut off (the value is not used), interior.
  // CHECK: stablehlo.pad{{.*}} #noether.rule<([i,j],[])->([i,j]) uses (+,_) : r0 = o0>
  "stablehlo.pad"(%q, %s) <{edge_padding_high = array<i64: 0, 0>, edge_padding_low = array<i64: 0, 0>, interior_padding = array<i64: 0, 0>}> : (tensor<6x12xf32>, tensor<f32>) -> tensor<6x12xf32>
  // CHECK: stablehlo.pad{{.*}} #noether.rule<([i,j],[])->([{i|k},{l|j|m}]) sizes {i=6, j=12, k=2, l=1, m=3} uses (+,+) : r0 = o0, r0 = o1>
  "stablehlo.pad"(%q, %s) <{edge_padding_high = array<i64: 2, 3>, edge_padding_low = array<i64: 0, 1>, interior_padding = array<i64: 0, 0>}> : (tensor<6x12xf32>, tensor<f32>) -> tensor<8x16xf32>
  // CHECK: stablehlo.pad{{.*}} #noether.rule<([{i|j},{k|l}],[])->([j,k]) sizes {i=1, j=5, k=8, l=4} uses (+,_) : r0 = o0>
  "stablehlo.pad"(%q, %s) <{edge_padding_high = array<i64: 0, -4>, edge_padding_low = array<i64: -1, 0>, interior_padding = array<i64: 0, 0>}> : (tensor<6x12xf32>, tensor<f32>) -> tensor<5x8xf32>
  // CHECK: stablehlo.pad{{.*}} #noether.rule<([{i|j},k],[])->([{j|l},k]) sizes {i=1, j=5, l=2} uses (+,+) : r0 = o0, r0 = o1>
  "stablehlo.pad"(%q, %s) <{edge_padding_high = array<i64: 2, 0>, edge_padding_low = array<i64: -1, 0>, interior_padding = array<i64: 0, 0>}> : (tensor<6x12xf32>, tensor<f32>) -> tensor<7x12xf32>
  // CHECK: stablehlo.pad{{.*}} #noether.rule<([i,j],[])->([k,j]) frozen {i,k} uses (|,|) : r0 = o0, r0 = o1>
  "stablehlo.pad"(%q, %s) <{edge_padding_high = array<i64: 0, 0>, edge_padding_low = array<i64: 0, 0>, interior_padding = array<i64: 1, 0>}> : (tensor<6x12xf32>, tensor<f32>) -> tensor<11x12xf32>
  // CHECK: stablehlo.real_dynamic_slice{{.*}} #noether.rule<([i,j],[k],[l],[m])->([i,n]) frozen {j,n} uses (+,_,_,_) : r0 = o0>
  "stablehlo.real_dynamic_slice"(%q, %i, %i, %i) : (tensor<6x12xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<6x3xf32>
  // A piece from within, one element, strides, integers.
  // CHECK: stablehlo.slice{{.*}} #noether.rule<([i,{j|k|l}])->([i,k]) sizes {j=4, k=4, l=4} uses (+) : r0 = o0>
  "stablehlo.slice"(%q) <{limit_indices = array<i64: 6, 8>, start_indices = array<i64: 0, 4>, strides = array<i64: 1, 1>}> : (tensor<6x12xf32>) -> tensor<6x4xf32>
  // CHECK: stablehlo.slice{{.*}} #noether.rule<([i,{j|k}])->([i,j]) sizes {j=4, k=8} uses (+) : r0 = o0>
  "stablehlo.slice"(%q) <{limit_indices = array<i64: 6, 4>, start_indices = array<i64: 0, 0>, strides = array<i64: 1, 1>}> : (tensor<6x12xf32>) -> tensor<6x4xf32>
  // CHECK: stablehlo.slice{{.*}} #noether.rule<([{i|j|k},l])->([j,l]) sizes {i=2, j=1, k=3} uses (+) : r0 = o0>
  "stablehlo.slice"(%q) <{limit_indices = array<i64: 3, 12>, start_indices = array<i64: 2, 0>, strides = array<i64: 1, 1>}> : (tensor<6x12xf32>) -> tensor<1x12xf32>
  // CHECK: stablehlo.slice{{.*}} #noether.rule<([i,j])->([i,k]) frozen {j,k} uses (+) : r0 = o0>
  "stablehlo.slice"(%q) <{limit_indices = array<i64: 6, 12>, start_indices = array<i64: 0, 0>, strides = array<i64: 1, 2>}> : (tensor<6x12xf32>) -> tensor<6x6xf32>
  // CHECK: stablehlo.slice{{.*}} #noether.rule<([i,{j|k}])->([i,j]) sizes {j=4, k=8} : r0 = 0>
  "stablehlo.slice"(%k) <{limit_indices = array<i64: 6, 4>, start_indices = array<i64: 0, 0>, strides = array<i64: 1, 1>}> : (tensor<6x12xi32>) -> tensor<6x4xi32>
  return
}
