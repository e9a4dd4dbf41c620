// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: noether-opt --noether-populate-rules %s | FileCheck %s

// Structured operations: loops are factors, bodies are composed of the rules of their operations.

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#diagonal = affine_map<(i, j) -> (i, i)>

func.func private @f(f32) -> f32

// CHECK-LABEL: func.func @linalg(
func.func @linalg(%a: tensor<2x3x4xf32>,
    %b: tensor<2x4x5xf32>,
    %c: tensor<2x3x5xf32>,
    %v: tensor<4xf32>,
    %x: tensor<4x8xf32>,
    %y: tensor<4x8xf32>,
    %im: tensor<1x6x6x3xf32>,
    %k: tensor<3x3x3x8xf32>,
    %om: tensor<1x4x4x8xf32>,
    %dk: tensor<3x3x3xf32>,
    %dm: tensor<1x4x4x3xf32>,
    %w: tensor<8x5xf32>,
    %z: tensor<4x5xf32>,
    %win: tensor<2x2xf32>,
    %pm: tensor<1x3x3x3xf32>,
    %tr: tensor<8x4xf32>) {
  // CHECK: arith.constant{{.*}} #noether.rule<()->([]) : r0 = 0>
  %zero = arith.constant 0.000000e+00 : f32
  // CHECK: noether.rule = #noether.rule<([i,j,k],[i,k,l],[i,j,l])->([i,j,l]) sum {k} uses (*,*,+) : r0 = o2, r0 = o0 + o1>
  %0 = linalg.batch_matmul ins(%a, %b : tensor<2x3x4xf32>, tensor<2x4x5xf32>) outs(%c : tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
  // CHECK: noether.rule = #noether.rule<([i],[i,j])->([i,j]) uses (+,_) : r0 = o0>
  linalg.broadcast ins(%v : tensor<4xf32>) outs(%x : tensor<4x8xf32>) dimensions = [1]
  // CHECK: noether.rule = #noether.rule<([i,j,k,l],[m,n,l,o],[i,p,q,o])->([i,p,q,o]) sum {l,m,n} frozen {j,k} uses (*,*,+) : r0 = o2, r0 = o0 + o1>
  %1 = linalg.conv_2d_nhwc_hwcf ins(%im, %k : tensor<1x6x6x3xf32>, tensor<3x3x3x8xf32>) outs(%om : tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
  // CHECK: noether.rule = #noether.rule<([i,j,k,l],[m,n,l],[i,o,p,l])->([i,o,p,l]) sum {m,n} frozen {j,k} uses (*,*,+) : r0 = o2, r0 = o0 + o1>
  %2 = linalg.depthwise_conv_2d_nhwc_hwc ins(%im, %dk : tensor<1x6x6x3xf32>, tensor<3x3x3xf32>) outs(%dm : tensor<1x4x4x3xf32>) -> tensor<1x4x4x3xf32>
  // CHECK: noether.rule = #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0, o0 = 0>
  %3 = linalg.exp ins(%x : tensor<4x8xf32>) outs(%y : tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK: noether.rule = #noether.rule<([],[i,j])->([i,j]) uses (+,_) : r0 = o0>
  %4 = linalg.fill ins(%zero : f32) outs(%x : tensor<4x8xf32>) -> tensor<4x8xf32>
  // Positions are integers: they have no scale.
  // CHECK: noether.rule = #noether.rule<([i,j])->([i,j]) : r0 = 0>
  %5 = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]} outs(%x : tensor<4x8xf32>) {
  ^bb0(%p: f32):
    %at = linalg.index 0 : index
    %int = arith.index_cast %at : index to i32
    %float = arith.sitofp %int : i32 to f32
    linalg.yield %float : f32
  } -> tensor<4x8xf32>
  // A ReLU; a sum of x (x + y); a body that no rule covers; a diagonal.
  // CHECK: noether.rule = #noether.rule<([i,j],[i,j])->([i,j]) : r0 = o0>
  %6 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x8xf32>) outs(%y : tensor<4x8xf32>) {
  ^bb0(%p: f32, %q: f32):
    %max = arith.maximumf %p, %zero : f32
    linalg.yield %max : f32
  } -> tensor<4x8xf32>
  // CHECK: noether.rule = #noether.rule<([i,j],[i,j],[i])->([i]) sum {j} uses (_,_,+) : r0 = o2, o1 = o0, r0 = 2 o0, r0 = o0 + o1>
  %7 = linalg.generic {indexing_maps = [#id, #id, #row], iterator_types = ["parallel", "reduction"]} ins(%x, %y : tensor<4x8xf32>, tensor<4x8xf32>) outs(%v : tensor<4xf32>) {
  ^bb0(%p: f32, %q: f32, %sum: f32):
    %t = arith.addf %p, %q : f32
    %u = arith.mulf %p, %t : f32
    %total = arith.addf %u, %sum : f32
    linalg.yield %total : f32
  } -> tensor<4xf32>
  // CHECK: noether.rule = #noether.rule<barrier>
  %8 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x8xf32>) outs(%y : tensor<4x8xf32>) {
  ^bb0(%p: f32, %q: f32):
    %unknown = func.call @f(%p) : (f32) -> f32
    linalg.yield %unknown : f32
  } -> tensor<4x8xf32>
  // CHECK: noether.rule = #noether.rule<([i,j],[i,j],[i,j])->([i,j]) uses (*,*,_) : r0 = o0 + o1>
  linalg.map { arith.mulf } ins(%x, %y : tensor<4x8xf32>, tensor<4x8xf32>) outs(%x : tensor<4x8xf32>)
  // CHECK: noether.rule = #noether.rule<([i,j],[j,k],[i,k])->([i,k]) sum {j} uses (*,*,+) : r0 = o2, r0 = o0 + o1>
  %9 = linalg.matmul ins(%x, %w : tensor<4x8xf32>, tensor<8x5xf32>) outs(%z : tensor<4x5xf32>) -> tensor<4x5xf32>
  // CHECK: noether.rule = #noether.rule<([i,j,k,l],[m,n],[i,o,p,l])->([i,o,p,l]) sum {m,n} frozen {j,k} uses (?,_,?) : r0 = o2, r0 = o0>
  %10 = linalg.pooling_nhwc_max {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>} ins(%im, %win : tensor<1x6x6x3xf32>, tensor<2x2xf32>) outs(%pm : tensor<1x3x3x3xf32>) -> tensor<1x3x3x3xf32>
  // CHECK: noether.rule = #noether.rule<([i,j],[i])->([i]) sum {j} uses (?,?) : r0 = o1, r0 = o0>
  linalg.reduce { arith.maximumf } ins(%x : tensor<4x8xf32>) outs(%v : tensor<4xf32>) dimensions = [1]
  // CHECK: linalg.softmax{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : o0 = 0, r0 = 0>
  %11 = linalg.softmax dimension(1) ins(%x : tensor<4x8xf32>) outs(%y : tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK: noether.rule = #noether.rule<([i,j],[j,i])->([j,i]) uses (+,_) : r0 = o0>
  linalg.transpose ins(%x : tensor<4x8xf32>) outs(%tr : tensor<8x4xf32>) permutation = [1, 0]
  return
}
