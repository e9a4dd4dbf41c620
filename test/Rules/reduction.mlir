// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: noether-opt --noether-populate-rules %s | FileCheck %s

// Reductions, windows and sorting: the rules of the operations in the body are composed.

// CHECK-LABEL: func.func @reduction(
func.func @reduction(%x: tensor<2x3x4xf32>,
    %y: tensor<2x3x4xf32>,
    %k: tensor<2x3x4xi32>,
    %p: tensor<2x3x4xi1>,
    %s: tensor<f32>,
    %n: tensor<i32>,
    %b: tensor<i1>,
    %im: tensor<4x8x8x3xf32>,
    %src: tensor<4x4x4x3xf32>) {
  // A value that may be zero keeps both forms of the product: x * relu(x) and x * y.
  // CHECK: {noether.rule = #noether.rule<([i,j,k],[i,j,k])->([i,j,k]) : r0 = 2 o0, r0 = o0 + o1, o1 = o0>
  "stablehlo.map"(%x, %y) <{dimensions = array<i64: 0, 1, 2>}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %zero = "stablehlo.constant"() <{value = dense<0.000000e+00> : tensor<f32>}> : () -> tensor<f32>
    %relu = "stablehlo.maximum"(%l, %zero) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %sum = "stablehlo.add"(%relu, %r) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %product = "stablehlo.multiply"(%l, %sum) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%product) : (tensor<f32>) -> ()
  }) : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  // CHECK: {noether.rule = #noether.rule<([i,j,k],[])->([j]) sum {i,k} uses (+,+) : r0 = o0, r0 = o1>
  "stablehlo.reduce"(%x, %s) <{dimensions = array<i64: 0, 2>}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %combined = "stablehlo.add"(%l, %r) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%combined) : (tensor<f32>) -> ()
  }) : (tensor<2x3x4xf32>, tensor<f32>) -> tensor<3xf32>
  // CHECK: {noether.rule = #noether.rule<([i,j,k],[])->([]) sum {i,j,k} uses (?,?) : r0 = o0, r0 = o1>
  "stablehlo.reduce"(%x, %s) <{dimensions = array<i64: 0, 1, 2>}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %combined = "stablehlo.maximum"(%l, %r) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%combined) : (tensor<f32>) -> ()
  }) : (tensor<2x3x4xf32>, tensor<f32>) -> tensor<f32>
  // CHECK: {noether.rule = #noether.rule<([i,j,k],[])->([i,j,k]) uses (?,?) : r0 = o0, r0 = o1>
  "stablehlo.reduce"(%x, %s) <{dimensions = array<i64>}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %combined = "stablehlo.minimum"(%l, %r) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%combined) : (tensor<f32>) -> ()
  }) : (tensor<2x3x4xf32>, tensor<f32>) -> tensor<2x3x4xf32>
  // A product of twelve elements.
  // CHECK: {noether.rule = #noether.rule<([i,j,k],[])->([i]) sum {j,k} : r0 = 12 o0 + o1>
  "stablehlo.reduce"(%x, %s) <{dimensions = array<i64: 1, 2>}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %combined = "stablehlo.multiply"(%l, %r) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%combined) : (tensor<f32>) -> ()
  }) : (tensor<2x3x4xf32>, tensor<f32>) -> tensor<2xf32>
  // CHECK: {noether.rule = #noether.rule<([i,j,k],[])->([i,j]) sum {k} : r0 = 0>
  "stablehlo.reduce"(%p, %b) <{dimensions = array<i64: 2>}> ({
  ^bb0(%l: tensor<i1>, %r: tensor<i1>):
    %combined = "stablehlo.or"(%l, %r) : (tensor<i1>, tensor<i1>) -> tensor<i1>
    "stablehlo.return"(%combined) : (tensor<i1>) -> ()
  }) : (tensor<2x3x4xi1>, tensor<i1>) -> tensor<2x3xi1>
  // CHECK: {noether.rule = #noether.rule<([i,j,k],[])->([i,j]) sum {k} : r0 = 0>
  "stablehlo.reduce"(%k, %n) <{dimensions = array<i64: 2>}> ({
  ^bb0(%l: tensor<i32>, %r: tensor<i32>):
    %combined = "stablehlo.add"(%l, %r) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    "stablehlo.return"(%combined) : (tensor<i32>) -> ()
  }) : (tensor<2x3x4xi32>, tensor<i32>) -> tensor<2x3xi32>
  // An arg-max; two results that share a scale; a body that pins; a body that is not known.
  // CHECK: {noether.rule = #noether.rule<([i,j,k],[i,j,k],[],[])->([i,j],[i,j]) sum {k} uses (?,_,?,_) : r0 = o0, r0 = o2, r1 = 0>
  "stablehlo.reduce"(%x, %k, %s, %n) <{dimensions = array<i64: 2>}> ({
  ^bb0(%l: tensor<f32>, %li: tensor<i32>, %r: tensor<f32>, %ri: tensor<i32>):
    %gt = "stablehlo.compare"(%l, %r) <{comparison_direction = #stablehlo<comparison_direction GT>}> : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %ne = "stablehlo.compare"(%l, %l) <{comparison_direction = #stablehlo<comparison_direction NE>}> : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %or = "stablehlo.or"(%gt, %ne) : (tensor<i1>, tensor<i1>) -> tensor<i1>
    %max = "stablehlo.select"(%or, %l, %r) : (tensor<i1>, tensor<f32>, tensor<f32>) -> tensor<f32>
    %at = "stablehlo.select"(%or, %li, %ri) : (tensor<i1>, tensor<i32>, tensor<i32>) -> tensor<i32>
    "stablehlo.return"(%max, %at) : (tensor<f32>, tensor<i32>) -> ()
  }) : (tensor<2x3x4xf32>, tensor<2x3x4xi32>, tensor<f32>, tensor<i32>) -> (tensor<2x3xf32>, tensor<2x3xi32>)
  // CHECK: {noether.rule = #noether.rule<([i,j,k],[i,j,k],[],[])->([i,j],[i,j]) sum {k} : r0 = o0, r0 = o2, r1 = o1, r1 = o3, r1 = o0, r0 = o1>
  "stablehlo.reduce"(%x, %y, %s, %s) <{dimensions = array<i64: 2>}> ({
  ^bb0(%l0: tensor<f32>, %l1: tensor<f32>, %r0: tensor<f32>, %r1: tensor<f32>):
    %s0 = "stablehlo.add"(%l0, %r0) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    %s1 = "stablehlo.maximum"(%l1, %s0) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s0, %s1) : (tensor<f32>, tensor<f32>) -> ()
  }) : (tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<f32>, tensor<f32>) -> (tensor<2x3xf32>, tensor<2x3xf32>)
  // CHECK: {noether.rule = #noether.rule<([i,j,k],[])->([i,j]) sum {k} : r0 = o0, r0 = o1, o0 = 0, r0 = 0>
  "stablehlo.reduce"(%x, %s) <{dimensions = array<i64: 2>}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %e = "stablehlo.exponential"(%r) : (tensor<f32>) -> tensor<f32>
    %c = "stablehlo.add"(%l, %e) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%c) : (tensor<f32>) -> ()
  }) : (tensor<2x3x4xf32>, tensor<f32>) -> tensor<2x3xf32>
  // CHECK: {noether.rule = #noether.rule<barrier>
  "stablehlo.reduce"(%x, %s) <{dimensions = array<i64: 2>}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %c = "mhlo.unknown"(%l, %r) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%c) : (tensor<f32>) -> ()
  }) : (tensor<2x3x4xf32>, tensor<f32>) -> tensor<2x3xf32>
  // CHECK: {noether.rule = #noether.rule<([i,j,k,l],[])->([i,m,n,l]) frozen {j,k,m,n} uses (?,?) : r0 = o0, r0 = o1>
  "stablehlo.reduce_window"(%im, %s) <{padding = dense<0> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 2, 2, 1>, window_strides = array<i64: 1, 2, 2, 1>}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %combined = "stablehlo.maximum"(%l, %r) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%combined) : (tensor<f32>) -> ()
  }) : (tensor<4x8x8x3xf32>, tensor<f32>) -> tensor<4x4x4x3xf32>
  // CHECK: {noether.rule = #noether.rule<([i,j,k],[])->([i,l,k]) frozen {j,l} uses (*,_) : r0 = o0, r0 = o1>
  "stablehlo.reduce_window"(%x, %s) <{padding = dense<[[0, 0], [2, 0], [0, 0]]> : tensor<3x2xi64>, window_dimensions = array<i64: 1, 3, 1>, window_strides = array<i64: 1, 1, 1>}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %combined = "stablehlo.add"(%l, %r) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%combined) : (tensor<f32>) -> ()
  }) : (tensor<2x3x4xf32>, tensor<f32>) -> tensor<2x3x4xf32>
  // The operand only says where the source goes.
  // CHECK: {noether.rule = #noether.rule<([i,j,k,l],[i,m,n,l],[])->([i,j,k,l]) frozen {j,k,m,n} uses (_,*,+) : r0 = o1, r0 = o2>
  "stablehlo.select_and_scatter"(%im, %src, %s) <{padding = dense<0> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 2, 2, 1>, window_strides = array<i64: 1, 2, 2, 1>}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %lt = "stablehlo.compare"(%l, %r) <{comparison_direction = #stablehlo<comparison_direction LT>}> : (tensor<f32>, tensor<f32>) -> tensor<i1>
    "stablehlo.return"(%lt) : (tensor<i1>) -> ()
  }, {
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %combined = "stablehlo.add"(%l, %r) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%combined) : (tensor<f32>) -> ()
  }) : (tensor<4x8x8x3xf32>, tensor<4x4x4x3xf32>, tensor<f32>) -> tensor<4x8x8x3xf32>
  // CHECK: {noether.rule = #noether.rule<([i,j,k])->([i,l,k]) frozen {j,l} uses (?) : r0 = o0>
  "stablehlo.sort"(%x) <{dimension = 1 : i64, is_stable = true}> ({
  ^bb0(%l: tensor<f32>, %r: tensor<f32>):
    %lt = "stablehlo.compare"(%l, %r) <{comparison_direction = #stablehlo<comparison_direction LT>}> : (tensor<f32>, tensor<f32>) -> tensor<i1>
    "stablehlo.return"(%lt) : (tensor<i1>) -> ()
  }) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}
