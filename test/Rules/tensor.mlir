// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: noether-opt --noether-populate-rules %s | FileCheck %s

// The tensor dialect, alphabetically.

// CHECK-LABEL: func.func @tensor(
func.func @tensor(%x: tensor<4x8xf32>,
    %y: tensor<4x2xf32>,
    %s: f32,
    %i: index,
    %shape: tensor<2xindex>,
    %at: tensor<3x1xindex>,
    %updates: tensor<3x1x8xf32>) {
  // CHECK: arith.constant{{.*}} #noether.rule<()->([]) : r0 = 0>
  %zero = arith.constant 0.000000e+00 : f32
  // CHECK: arith.constant{{.*}} #noether.rule<()->([]) : r0 = 0>
  %one = arith.constant 1.000000e+00 : f32
  // CHECK: tensor.bitcast{{.*}} #noether.rule<barrier>
  %0 = tensor.bitcast %x : tensor<4x8xf32> to tensor<4x8xi32>
  // CHECK: tensor.cast{{.*}} #noether.rule<([i,j])->([i,j]) uses (+) : r0 = o0>
  %1 = tensor.cast %x : tensor<4x8xf32> to tensor<?x8xf32>
  // CHECK: tensor.collapse_shape{{.*}} #noether.rule<([i,j])->([(i j)]) sizes {i=4, j=8} uses (+) : r0 = o0>
  %2 = tensor.collapse_shape %x [[0, 1]] : tensor<4x8xf32> into tensor<32xf32>
  // CHECK: tensor.concat{{.*}} #noether.rule<([i,j],[i,k])->([i,{j|k}]) sizes {j=8, k=2} uses (+,+) : r0 = o0, r0 = o1>
  %3 = tensor.concat dim(1) %x, %y : (tensor<4x8xf32>, tensor<4x2xf32>) -> tensor<4x10xf32>
  // CHECK: tensor.dim{{.*}} #noether.rule<([i,j],[])->([]) : r0 = 0>
  %4 = tensor.dim %x, %i : tensor<4x8xf32>
  // CHECK: tensor.empty{{.*}} #noether.rule<()->([i,j]) : r0 = 0>
  %5 = tensor.empty() : tensor<4x8xf32>
  // CHECK: tensor.expand_shape{{.*}} #noether.rule<([(i j),k])->([i,j,k]) sizes {i=2, j=2} uses (+) : r0 = o0>
  %6 = tensor.expand_shape %x [[0, 1], [2]] output_shape [2, 2, 8] : tensor<4x8xf32> into tensor<2x2x8xf32>
  // CHECK: tensor.extract{{.*}} #noether.rule<([i,j],[],[])->([]) frozen {i,j} uses (+,_,_) : r0 = o0>
  %7 = tensor.extract %x[%i, %i] : tensor<4x8xf32>
  // A piece, a dropped dimension, strides, a position that is a value.
  // CHECK: tensor.extract_slice{{.*}} #noether.rule<([i,{j|k|l}])->([i,k]) sizes {j=2, k=4, l=2} uses (+) : r0 = o0>
  %8 = tensor.extract_slice %x[0, 2] [4, 4] [1, 1] : tensor<4x8xf32> to tensor<4x4xf32>
  // CHECK: tensor.extract_slice{{.*}} #noether.rule<([i,j])->([i]) frozen {j} uses (+) : r0 = o0>
  %9 = tensor.extract_slice %x[0, 2] [4, 1] [1, 1] : tensor<4x8xf32> to tensor<4xf32>
  // CHECK: tensor.extract_slice{{.*}} #noether.rule<([i,j])->([i,k]) frozen {j,k} uses (+) : r0 = o0>
  %10 = tensor.extract_slice %x[0, 0] [4, 4] [1, 2] : tensor<4x8xf32> to tensor<4x4xf32>
  // CHECK: tensor.extract_slice{{.*}} #noether.rule<([i,j],[])->([k,j]) frozen {i,k} uses (+,_) : r0 = o0>
  %11 = tensor.extract_slice %x[%i, 0] [2, 8] [1, 1] : tensor<4x8xf32> to tensor<2x8xf32>
  // CHECK: tensor.from_elements{{.*}} #noether.rule<([],[],[])->([i]) uses (|,|,|) : r0 = o0, r0 = o1, r0 = o2>
  %12 = tensor.from_elements %s, %s, %s : tensor<3xf32>
  // CHECK: tensor.gather{{.*}} #noether.rule<barrier>
  %13 = tensor.gather %x[%at] gather_dims([0]) : (tensor<4x8xf32>, tensor<3x1xindex>) -> tensor<3x1x8xf32>
  // CHECK: {noether.rule = #noether.rule<barrier>
  %14 = tensor.generate {
  ^bb0(%row: index, %column: index):
    tensor.yield %s : f32
  } : tensor<2x3xf32>
  // CHECK: tensor.insert{{.*}} #noether.rule<([],[i,j],[],[])->([i,j]) frozen {i,j} uses (|,|,_,_) : r0 = o0, r0 = o1>
  %15 = tensor.insert %s into %x[%i, %i] : tensor<4x8xf32>
  // CHECK: tensor.insert_slice{{.*}} #noether.rule<([i,j],[i,{k|j|l}])->([i,{k|j|l}]) sizes {j=2, k=2, l=4} uses (|,|) : r0 = o1, r0 = o0>
  %16 = tensor.insert_slice %y into %x[0, 2] [4, 2] [1, 1] : tensor<4x2xf32> into tensor<4x8xf32>
  // CHECK: tensor.insert_slice{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) uses (|,|) : r0 = o0>
  %17 = tensor.insert_slice %x into %x[0, 0] [4, 8] [1, 1] : tensor<4x8xf32> into tensor<4x8xf32>
  // Zeros, ones, negative amounts are not possible here.
  // CHECK: {noether.rule = #noether.rule<([i,j])->([i,{k|j|l}]) sizes {j=8, k=1, l=2} uses (+) : r0 = o0>
  %18 = tensor.pad %x low[0, 1] high[0, 2] {
  ^bb0(%row: index, %column: index):
    tensor.yield %zero : f32
  } : tensor<4x8xf32> to tensor<4x11xf32>
  // CHECK: {noether.rule = #noether.rule<([i,j])->([i,{k|j|l}]) sizes {j=8, k=1, l=2} : r0 = o0, r0 = 0>
  %19 = tensor.pad %x low[0, 1] high[0, 2] {
  ^bb0(%row: index, %column: index):
    tensor.yield %one : f32
  } : tensor<4x8xf32> to tensor<4x11xf32>
  // CHECK: tensor.rank{{.*}} #noether.rule<([i,j])->([]) : r0 = 0>
  %20 = tensor.rank %x : tensor<4x8xf32>
  // CHECK: tensor.reshape{{.*}} #noether.rule<([(i j),k],[l])->([i,(j k)]) sizes {i=2, j=2, k=8} uses (+,_) : r0 = o0>
  %21 = tensor.reshape %x(%shape) : (tensor<4x8xf32>, tensor<2xindex>) -> tensor<2x16xf32>
  // CHECK: tensor.scatter{{.*}} #noether.rule<barrier>
  %22 = tensor.scatter %updates into %x[%at] scatter_dims([0]) unique : (tensor<3x1x8xf32>, tensor<4x8xf32>, tensor<3x1xindex>) -> tensor<4x8xf32>
  // CHECK: tensor.splat{{.*}} #noether.rule<([])->([i,j]) uses (+) : r0 = o0>
  %23 = tensor.splat %s : tensor<2x3xf32>
  return
}
