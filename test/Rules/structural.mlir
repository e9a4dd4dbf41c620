// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: noether-opt --noether-populate-rules %s | FileCheck %s

// Functions, calls, loops and branches have no rule; what is inside them has. The body of an operation that
// has a rule is part of it and keeps none of its own.

// CHECK-LABEL: func.func @structural(
// CHECK-NOT: {noether.rule{{.*}}while
func.func @structural(%x: tensor<4xf32>, %n: tensor<i32>, %p: tensor<i1>, %s: tensor<f32>) -> tensor<4xf32> {
  // CHECK: "stablehlo.while"(%{{.*}}, %{{.*}}) ({
  %w:2 = "stablehlo.while"(%n, %x) ({
  ^bb0(%i: tensor<i32>, %v: tensor<4xf32>):
    // CHECK: stablehlo.compare{{.*}} #noether.rule<([],[])->([]) : r0 = 0>
    %c = "stablehlo.compare"(%i, %n) <{comparison_direction = #stablehlo<comparison_direction LT>}> : (tensor<i32>, tensor<i32>) -> tensor<i1>
    "stablehlo.return"(%c) : (tensor<i1>) -> ()
  }, {
  ^bb0(%i: tensor<i32>, %v: tensor<4xf32>):
    // CHECK: stablehlo.negate{{.*}} #noether.rule<([i])->([i]) uses (-) : r0 = o0>
    %v1 = "stablehlo.negate"(%v) : (tensor<4xf32>) -> tensor<4xf32>
    // CHECK-NEXT: "stablehlo.return"(%{{.*}}, %{{.*}}) : (tensor<i32>
    "stablehlo.return"(%i, %v1) : (tensor<i32>, tensor<4xf32>) -> ()
    // CHECK-NEXT: }) : (tensor<i32>
  }) : (tensor<i32>, tensor<4xf32>) -> (tensor<i32>, tensor<4xf32>)
  // CHECK: "stablehlo.if"(%{{.*}}) ({
  %b = "stablehlo.if"(%p) ({
    // CHECK: stablehlo.abs{{.*}} #noether.rule<([i])->([i]) : r0 = o0>
    %t = "stablehlo.abs"(%x) : (tensor<4xf32>) -> tensor<4xf32>
    "stablehlo.return"(%t) : (tensor<4xf32>) -> ()
  }, {
    "stablehlo.return"(%x) : (tensor<4xf32>) -> ()
  // CHECK: }) : (tensor<i1>) -> tensor<4xf32>
  }) : (tensor<i1>) -> tensor<4xf32>
  // CHECK-NEXT: call @callee(%{{.*}}) : (tensor<4xf32>) -> tensor<4xf32>
  %call = func.call @callee(%w#1) : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: stablehlo.add"(%{{.*}}, %{{.*}}) : (tensor<f32>
  // CHECK: }) {noether.rule = #noether.rule<([i],[])->([]) sum {i} uses (+,+) : r0 = o0, r0 = o1>}
  %r = "stablehlo.reduce"(%call, %s) <{dimensions = array<i64: 0>}> ({
  ^bb0(%l: tensor<f32>, %m: tensor<f32>):
    %sum = "stablehlo.add"(%l, %m) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%sum) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  // CHECK-NEXT: return %{{.*}} : tensor<4xf32>
  return %b : tensor<4xf32>
}

// CHECK-LABEL: func.func private @callee(
func.func private @callee(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: stablehlo.sqrt{{.*}} #noether.rule<([i])->([i]) : r0 = 1/2 o0>
  %0 = "stablehlo.sqrt"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
