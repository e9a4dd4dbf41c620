// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: noether-opt --noether-populate-rules %s | FileCheck %s

// Convolutions: channels are contracted, space is frozen where the window moves.

// CHECK-LABEL: func.func @convolution(
func.func @convolution(%x: tensor<8x16x16x6xf32>,
    %k: tensor<3x3x6x12xf32>,
    %one: tensor<1x1x6x12xf32>,
    %all: tensor<16x16x6x12xf32>,
    %g: tensor<8x16x16x12xf32>,
    %grouped: tensor<3x3x3x12xf32>,
    %depth: tensor<3x3x1x6xf32>,
    %pad: tensor<2x2xi64>) {
  // 3x3, and its gradients by input and by kernel.
  // CHECK: stablehlo.convolution{{.*}} #noether.rule<([i,j,k,l],[m,n,l,o])->([i,p,q,o]) sum {l,m,n} frozen {j,k,p,q} uses (*,*) : r0 = o0 + o1>
  "stablehlo.convolution"(%x, %k) <{batch_group_count = 1 : i64, dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>, feature_group_count = 1 : i64, lhs_dilation = array<i64: 1, 1>, padding = dense<1> : tensor<2x2xi64>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, window_strides = array<i64: 1, 1>}> : (tensor<8x16x16x6xf32>, tensor<3x3x6x12xf32>) -> tensor<8x16x16x12xf32>
  // CHECK: stablehlo.convolution{{.*}} #noether.rule<([i,j,k,l],[m,n,o,l])->([i,p,q,o]) sum {l,m,n} frozen {j,k,p,q} uses (*,*) : r0 = o0 + o1>
  "stablehlo.convolution"(%g, %k) <{batch_group_count = 1 : i64, dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, o, i]->[b, 0, 1, f]>, feature_group_count = 1 : i64, lhs_dilation = array<i64: 1, 1>, padding = dense<1> : tensor<2x2xi64>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, window_strides = array<i64: 1, 1>}> : (tensor<8x16x16x12xf32>, tensor<3x3x6x12xf32>) -> tensor<8x16x16x6xf32>
  // CHECK: stablehlo.convolution{{.*}} #noether.rule<([i,j,k,l],[i,m,n,o])->([p,q,l,o]) sum {i,m,n} frozen {j,k,p,q} uses (*,*) : r0 = o0 + o1>
  "stablehlo.convolution"(%x, %g) <{batch_group_count = 1 : i64, dimension_numbers = #stablehlo.conv<[f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f]>, feature_group_count = 1 : i64, lhs_dilation = array<i64: 1, 1>, padding = dense<1> : tensor<2x2xi64>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, window_strides = array<i64: 1, 1>}> : (tensor<8x16x16x6xf32>, tensor<8x16x16x12xf32>) -> tensor<3x3x6x12xf32>
  // A window of one element, and one of everything: space is not mixed.
  // CHECK: stablehlo.convolution{{.*}} #noether.rule<([i,j,k,l],[_,_,l,m])->([i,j,k,m]) sum {l} uses (*,*) : r0 = o0 + o1>
  "stablehlo.convolution"(%x, %one) <{batch_group_count = 1 : i64, dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>, feature_group_count = 1 : i64, lhs_dilation = array<i64: 1, 1>, padding = dense<0> : tensor<2x2xi64>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, window_strides = array<i64: 1, 1>}> : (tensor<8x16x16x6xf32>, tensor<1x1x6x12xf32>) -> tensor<8x16x16x12xf32>
  // CHECK: stablehlo.convolution{{.*}} #noether.rule<([i,j,k,l],[m,n,l,o])->([i,p,q,o]) sum {l,m,n} frozen {j,k,p,q} uses (*,*) : r0 = o0 + o1>
  "stablehlo.convolution"(%x, %one) <{batch_group_count = 1 : i64, dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>, feature_group_count = 1 : i64, lhs_dilation = array<i64: 1, 1>, padding = dense<0> : tensor<2x2xi64>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, window_strides = array<i64: 2, 2>}> : (tensor<8x16x16x6xf32>, tensor<1x1x6x12xf32>) -> tensor<8x8x8x12xf32>
  // CHECK: stablehlo.convolution{{.*}} #noether.rule<([i,j,k,l],[j,k,l,m])->([i,_,_,m]) sum {j,k,l} uses (*,*) : r0 = o0 + o1>
  "stablehlo.convolution"(%x, %all) <{batch_group_count = 1 : i64, dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>, feature_group_count = 1 : i64, lhs_dilation = array<i64: 1, 1>, padding = dense<0> : tensor<2x2xi64>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, window_strides = array<i64: 1, 1>}> : (tensor<8x16x16x6xf32>, tensor<16x16x6x12xf32>) -> tensor<8x1x1x12xf32>
  // Groups of features, one feature per group, groups of the batch.
  // CHECK: stablehlo.convolution{{.*}} #noether.rule<([i,j,k,(l m)],[n,o,m,(l p)])->([i,q,r,(l p)]) sizes {l=2, m=3, p=6} sum {m,n,o} frozen {j,k,q,r} uses (*,*) : r0 = o0 + o1>
  "stablehlo.convolution"(%x, %grouped) <{batch_group_count = 1 : i64, dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>, feature_group_count = 2 : i64, lhs_dilation = array<i64: 1, 1>, padding = dense<1> : tensor<2x2xi64>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, window_strides = array<i64: 1, 1>}> : (tensor<8x16x16x6xf32>, tensor<3x3x3x12xf32>) -> tensor<8x16x16x12xf32>
  // CHECK: stablehlo.convolution{{.*}} #noether.rule<([i,j,k,l],[m,n,o,l])->([i,p,q,l]) sum {m,n,o} frozen {j,k,p,q} uses (*,*) : r0 = o0 + o1>
  "stablehlo.convolution"(%x, %depth) <{batch_group_count = 1 : i64, dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>, feature_group_count = 6 : i64, lhs_dilation = array<i64: 1, 1>, padding = dense<1> : tensor<2x2xi64>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, window_strides = array<i64: 1, 1>}> : (tensor<8x16x16x6xf32>, tensor<3x3x1x6xf32>) -> tensor<8x16x16x6xf32>
  // CHECK: stablehlo.convolution{{.*}} #noether.rule<([(i j),k,l,m],[n,o,m,(i p)])->([j,q,r,(i p)]) sizes {i=2, j=4, p=6} sum {m,n,o} frozen {k,l,q,r} uses (*,*) : r0 = o0 + o1>
  "stablehlo.convolution"(%x, %k) <{batch_group_count = 2 : i64, dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>, feature_group_count = 1 : i64, lhs_dilation = array<i64: 1, 1>, padding = dense<1> : tensor<2x2xi64>, rhs_dilation = array<i64: 1, 1>, window_reversal = array<i1: false, false>, window_strides = array<i64: 1, 1>}> : (tensor<8x16x16x6xf32>, tensor<3x3x6x12xf32>) -> tensor<4x16x16x12xf32>
  // CHECK: stablehlo.dynamic_conv{{.*}} #noether.rule<([i,j,k,l],[m,n,l,o],[p,q])->([i,r,s,o]) sum {l,m,n} frozen {j,k,r,s} uses (*,*,_) : r0 = o0 + o1>
  "stablehlo.dynamic_conv"(%x, %k, %pad) <{batch_group_count = 1 : i64, dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>, feature_group_count = 1 : i64}> : (tensor<8x16x16x6xf32>, tensor<3x3x6x12xf32>, tensor<2x2xi64>) -> tensor<8x16x16x12xf32>
  return
}
