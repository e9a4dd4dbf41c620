// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: noether-opt --noether-populate-rules %s | FileCheck %s

// Broadcasts, reshapes, permutations and generated tensors.

// CHECK-LABEL: func.func @data_movement(
func.func @data_movement(%s: tensor<f32>,
    %x: tensor<2x3x4xf32>,
    %c: tensor<3x1xf32>,
    %k: tensor<2x3x4xi32>,
    %r: tensor<24x6xf32>,
    %t: tensor<4x6xf32>,
    %e: tensor<0x4xf32>,
    %shape: tensor<2xi64>) {
  // CHECK: stablehlo.broadcast{{.*}} #noether.rule<([i,j])->([k,i,j]) uses (+) : r0 = o0>
  "stablehlo.broadcast"(%c) <{broadcast_sizes = array<i64: 5>}> : (tensor<3x1xf32>) -> tensor<5x3x1xf32>
  // CHECK: stablehlo.broadcast_in_dim{{.*}} #noether.rule<([])->([i,j]) uses (+) : r0 = o0>
  "stablehlo.broadcast_in_dim"(%s) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.broadcast_in_dim{{.*}} #noether.rule<([i,_])->([j,i,k]) uses (+) : r0 = o0>
  "stablehlo.broadcast_in_dim"(%c) <{broadcast_dimensions = array<i64: 1, 2>}> : (tensor<3x1xf32>) -> tensor<2x3x4xf32>
  // CHECK: stablehlo.constant{{.*}} #noether.rule<()->([i,j]) : r0 = 0>
  "stablehlo.constant"() <{value = dense<1.0> : tensor<2x3xf32>}> : () -> tensor<2x3xf32>
  // CHECK: stablehlo.dynamic_broadcast_in_dim{{.*}} #noether.rule<([i,_],[j])->([i,k]) uses (+,_) : r0 = o0>
  "stablehlo.dynamic_broadcast_in_dim"(%c, %shape) <{broadcast_dimensions = array<i64: 0, 1>}> : (tensor<3x1xf32>, tensor<2xi64>) -> tensor<3x4xf32>
  // CHECK: stablehlo.dynamic_iota{{.*}} #noether.rule<([i])->([j,k]) : r0 = 0>
  "stablehlo.dynamic_iota"(%shape) <{iota_dimension = 0 : i64}> : (tensor<2xi64>) -> tensor<3x4xf32>
  // CHECK: stablehlo.dynamic_reshape{{.*}} #noether.rule<([(i j),k],[l])->([i,(j k)]) sizes {i=2, j=2, k=6} uses (+,_) : r0 = o0>
  "stablehlo.dynamic_reshape"(%t, %shape) : (tensor<4x6xf32>, tensor<2xi64>) -> tensor<2x12xf32>
  // CHECK: stablehlo.iota{{.*}} #noether.rule<()->([i,j]) : r0 = 0>
  "stablehlo.iota"() <{iota_dimension = 1 : i64}> : () -> tensor<2x3xf32>
  // Splits, merges, both at once, dimensions of size 1, axes that cut each other, no elements.
  // CHECK: stablehlo.reshape{{.*}} #noether.rule<([(i j k),l])->([i,j,k,l]) sizes {i=2, j=3, k=4} uses (+) : r0 = o0>
  "stablehlo.reshape"(%r) : (tensor<24x6xf32>) -> tensor<2x3x4x6xf32>
  // CHECK: stablehlo.reshape{{.*}} #noether.rule<([i,j,k])->([(i j),k]) sizes {i=2, j=3} uses (+) : r0 = o0>
  "stablehlo.reshape"(%x) : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
  // CHECK: stablehlo.reshape{{.*}} #noether.rule<([i,j,(k l)])->([(i j),k,l]) sizes {i=2, j=3, k=2, l=2} uses (+) : r0 = o0>
  "stablehlo.reshape"(%x) : (tensor<2x3x4xf32>) -> tensor<6x2x2xf32>
  // CHECK: stablehlo.reshape{{.*}} #noether.rule<([(i j),k])->([i,(j k)]) sizes {i=8, j=3, k=6} uses (+) : r0 = o0>
  "stablehlo.reshape"(%r) : (tensor<24x6xf32>) -> tensor<8x18xf32>
  // CHECK: stablehlo.reshape{{.*}} #noether.rule<([i,_])->([_,i]) uses (+) : r0 = o0>
  "stablehlo.reshape"(%c) : (tensor<3x1xf32>) -> tensor<1x3xf32>
  // CHECK: stablehlo.reshape{{.*}} #noether.rule<([i,j])->([k,l]) frozen {i,j,k,l} uses (+) : r0 = o0>
  "stablehlo.reshape"(%t) : (tensor<4x6xf32>) -> tensor<6x4xf32>
  // CHECK: stablehlo.reshape{{.*}} #noether.rule<([i,j])->([k,l]) uses (+) : r0 = o0>
  "stablehlo.reshape"(%e) : (tensor<0x4xf32>) -> tensor<2x0xf32>
  // CHECK: stablehlo.reshape{{.*}} #noether.rule<([i,j,k])->([(i j k)]) sizes {i=2, j=3, k=4} : r0 = 0>
  "stablehlo.reshape"(%k) : (tensor<2x3x4xi32>) -> tensor<24xi32>
  // CHECK: stablehlo.reverse{{.*}} #noether.rule<([i,j,k])->([i,l,k]) frozen {j,l} uses (+) : r0 = o0>
  "stablehlo.reverse"(%x) <{dimensions = array<i64: 1>}> : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  // CHECK: stablehlo.transpose{{.*}} #noether.rule<([i,j,k])->([k,i,j]) uses (+) : r0 = o0>
  "stablehlo.transpose"(%x) <{permutation = array<i64: 2, 0, 1>}> : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  return
}
