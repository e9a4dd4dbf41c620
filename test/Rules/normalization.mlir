// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: noether-opt --noether-populate-rules %s | FileCheck %s

// Batch normalisation as one operation: a non-zero epsilon pins what it is added to.

// CHECK-LABEL: func.func @normalization(
func.func @normalization(%x: tensor<4x6xf32>,
    %f: tensor<6xf32>) {
  // CHECK: stablehlo.batch_norm_grad{{.*}} #noether.rule<([i,j],[j],[j],[j],[i,j])->([i,j],[j],[j]) frozen {i} : o0 = 0, o2 = 0, o3 = 0, r0 = o1 + o4, r1 = o4, r2 = o4>
  "stablehlo.batch_norm_grad"(%x, %f, %f, %f, %x) <{epsilon = 1.0e-5 : f32, feature_index = 1 : i64}> : (tensor<4x6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<4x6xf32>) -> (tensor<4x6xf32>, tensor<6xf32>, tensor<6xf32>)
  // CHECK: stablehlo.batch_norm_grad{{.*}} #noether.rule<([i,j],[j],[j],[j],[i,j])->([i,j],[j],[j]) frozen {i} : o2 = o0, o3 = 2 o0, o3 = 2 o2, r0 = o1 + o4 - 1/2 o3, r1 = o4, r2 = o4>
  "stablehlo.batch_norm_grad"(%x, %f, %f, %f, %x) <{epsilon = 0.0 : f32, feature_index = 1 : i64}> : (tensor<4x6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<4x6xf32>) -> (tensor<4x6xf32>, tensor<6xf32>, tensor<6xf32>)
  // CHECK: stablehlo.batch_norm_inference{{.*}} #noether.rule<([i,j],[j],[j],[j],[j])->([i,j]) uses (_,*,+,_,_) : o0 = o3, r0 = o0 + o1, r0 = o3 + o1, o4 = 0, r0 = o2>
  "stablehlo.batch_norm_inference"(%x, %f, %f, %f, %f) <{epsilon = 1.0e-5 : f32, feature_index = 1 : i64}> : (tensor<4x6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<4x6xf32>
  // CHECK: stablehlo.batch_norm_inference{{.*}} #noether.rule<([i,j],[j],[j],[j],[j])->([i,j]) uses (_,*,+,_,_) : o0 = o3, r0 = o0 + o1 - 1/2 o4, r0 = o3 + o1 - 1/2 o4, r0 = o2>
  "stablehlo.batch_norm_inference"(%x, %f, %f, %f, %f) <{epsilon = 0.0 : f32, feature_index = 1 : i64}> : (tensor<4x6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<4x6xf32>
  // CHECK: stablehlo.batch_norm_training{{.*}} #noether.rule<([i,j],[j],[j])->([i,j],[j],[j]) frozen {i} uses (_,*,+) : o0 = 0, r0 = o1, r0 = o2, r1 = o0, r2 = 2 o0>
  "stablehlo.batch_norm_training"(%x, %f, %f) <{epsilon = 1.0e-5 : f32, feature_index = 1 : i64}> : (tensor<4x6xf32>, tensor<6xf32>, tensor<6xf32>) -> (tensor<4x6xf32>, tensor<6xf32>, tensor<6xf32>)
  // CHECK: stablehlo.batch_norm_training{{.*}} #noether.rule<([i,j],[j],[j])->([i,j],[j],[j]) frozen {i} uses (_,*,+) : r0 = o1, r0 = o2, r1 = o0, r2 = 2 o0>
  "stablehlo.batch_norm_training"(%x, %f, %f) <{epsilon = 0.0 : f32, feature_index = 1 : i64}> : (tensor<4x6xf32>, tensor<6xf32>, tensor<6xf32>) -> (tensor<4x6xf32>, tensor<6xf32>, tensor<6xf32>)
  return
}
