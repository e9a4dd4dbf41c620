// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: noether-opt --noether-populate-rules %s | FileCheck %s

// Communication between devices.

// CHECK-LABEL: func.func @collective(
func.func @collective(%x: tensor<4x6xf32>,
    %k: tensor<4x6xi32>) {
  // CHECK: stablehlo.all_gather{{.*}} #noether.rule<([i,j])->([(k i),j]) sizes {i=4, k=2} uses (*) : r0 = o0>
  "stablehlo.all_gather"(%x) <{all_gather_dim = 0 : i64, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}> : (tensor<4x6xf32>) -> tensor<8x6xf32>
  // CHECK: {noether.rule = #noether.rule<([i,j])->([i,j]) uses (*) : r0 = o0>
  "stablehlo.all_reduce"(%x) <{replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %combined = "stablehlo.add"(%l, %r) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%combined) : (tensor<f32>) -> ()
  }) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  // CHECK: {noether.rule = #noether.rule<([i,j])->([i,j]) : r0 = o0, o0 = 0, r0 = 0>
  "stablehlo.all_reduce"(%x) <{replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %combined = "stablehlo.multiply"(%l, %r) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%combined) : (tensor<f32>) -> ()
  }) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  // CHECK: stablehlo.all_to_all{{.*}} #noether.rule<([(i j),k])->([j,(l k)]) sizes {i=2, j=2, k=6, l=2} uses (*) : r0 = o0>
  "stablehlo.all_to_all"(%x) <{concat_dimension = 1 : i64, split_count = 2 : i64, split_dimension = 0 : i64, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}> : (tensor<4x6xf32>) -> tensor<2x12xf32>
  // CHECK: stablehlo.collective_broadcast{{.*}} #noether.rule<([i,j])->([i,j]) uses (*) : r0 = o0>
  "stablehlo.collective_broadcast"(%x) <{replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}> : (tensor<4x6xf32>) -> tensor<4x6xf32>
  // CHECK: stablehlo.collective_permute{{.*}} #noether.rule<([i,j])->([i,j]) uses (*) : r0 = o0>
  "stablehlo.collective_permute"(%x) <{source_target_pairs = dense<[[0, 1]]> : tensor<1x2xi64>}> : (tensor<4x6xf32>) -> tensor<4x6xf32>
  // CHECK: stablehlo.cross-replica-sum{{.*}} #noether.rule<([i,j])->([i,j]) uses (*) : r0 = o0>
  "stablehlo.cross-replica-sum"(%x) <{replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}> : (tensor<4x6xf32>) -> tensor<4x6xf32>
  // CHECK: stablehlo.partition_id{{.*}} #noether.rule<()->([]) : r0 = 0>
  "stablehlo.partition_id"() : () -> tensor<ui32>
  // CHECK: {noether.rule = #noether.rule<([(i j),k])->([j,k]) sizes {i=2, j=2} uses (*) : r0 = o0>
  "stablehlo.reduce_scatter"(%x) <{scatter_dimension = 0 : i64, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %combined = "stablehlo.add"(%l, %r) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%combined) : (tensor<f32>) -> ()
  }) : (tensor<4x6xf32>) -> tensor<2x6xf32>
  // CHECK: stablehlo.replica_id{{.*}} #noether.rule<()->([]) : r0 = 0>
  "stablehlo.replica_id"() : () -> tensor<ui32>
  // CHECK: sdy.all_gather{{.*}} #noether.rule<([i,j])->([i,j]) uses (+) : r0 = o0>
  "sdy.all_gather"(%x) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  // CHECK: sdy.all_reduce{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = o0>
  "sdy.all_reduce"(%x) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  // CHECK: sdy.all_slice{{.*}} #noether.rule<([i,j])->([i,j]) uses (+) : r0 = o0>
  "sdy.all_slice"(%x) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  // CHECK: sdy.all_to_all{{.*}} #noether.rule<([i,j])->([i,j]) uses (+) : r0 = o0>
  "sdy.all_to_all"(%x) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  // CHECK: sdy.collective_permute{{.*}} #noether.rule<([i,j])->([i,j]) uses (+) : r0 = o0>
  "sdy.collective_permute"(%x) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  // CHECK: sdy.constant{{.*}} #noether.rule<()->([i,j]) : r0 = 0>
  "sdy.constant"() <{value = dense<1.0> : tensor<4x6xf32>}> : () -> tensor<4x6xf32>
  // CHECK: sdy.data_flow_edge{{.*}} #noether.rule<([i,j])->([i,j]) uses (+) : r0 = o0>
  "sdy.data_flow_edge"(%x) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  // CHECK: sdy.propagation_barrier{{.*}} #noether.rule<([i,j])->([i,j]) uses (+) : r0 = o0>
  "sdy.propagation_barrier"(%x) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  // CHECK: sdy.reduce_scatter{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = o0>
  "sdy.reduce_scatter"(%x) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  // CHECK: sdy.reshard{{.*}} #noether.rule<([i,j])->([i,j]) uses (+) : r0 = o0>
  "sdy.reshard"(%x) : (tensor<4x6xf32>) -> tensor<4x6xf32>
  // CHECK: sdy.sharding_constraint{{.*}} #noether.rule<([i,j])->([i,j]) uses (+) : r0 = o0>
  "sdy.sharding_constraint"(%x) <{sharding = #sdy.sharding<@mesh, [{}, {"model"}]>}> : (tensor<4x6xf32>) -> tensor<4x6xf32>
  // CHECK: sdy.sharding_group{{.*}} #noether.rule<([i,j])->()>
  "sdy.sharding_group"(%x) <{group_id = 0 : i64}> : (tensor<4x6xf32>) -> ()
  return
}
