// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: noether-opt --noether-populate-rules --split-input-file --verify-diagnostics %s | FileCheck %s

// A rule on the operation wins: it teaches a custom call, and overrides the table.

// CHECK-LABEL: func.func @taught(
func.func @taught(%x: tensor<4x8xf32>, %w: tensor<8xf32>) {
  // CHECK: "kernel"{{.*}}#noether.rule<([i,j],[j])->([i]) sum {j} : r0 = o0 + o1>
  %0 = "stablehlo.custom_call"(%x, %w) <{call_target_name = "kernel"}> {noether.rule = #noether.rule<([i,j],[j])->([i]) sum {j} : r0 = o0 + o1>} : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4xf32>
  // CHECK: "stablehlo.add"{{.*}}#noether.rule<barrier>
  %1 = "stablehlo.add"(%x, %x) {noether.rule = #noether.rule<barrier>} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK: "mhlo.unknown"{{.*}}#noether.rule<([i,j])->([i,j]) : r0 = 3 o0>
  %2 = "mhlo.unknown"(%x) {noether.rule = #noether.rule<([i,j])->([i,j]) : r0 = 3 o0>} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @not_a_rule(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{has a 'noether.rule' that is not a rule}}
  %0 = "stablehlo.custom_call"(%x) <{call_target_name = "kernel"}> {noether.rule = "pass"} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @operands(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{the rule has 2 operands, the operation 1}}
  %0 = "stablehlo.custom_call"(%x) <{call_target_name = "kernel"}> {noether.rule = #noether.rule<([i,j],[j])->([i,j]) : r0 = o0>} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @rank(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{operand 0 has rank 2 where rank 1 is expected}}
  %0 = "stablehlo.custom_call"(%x) <{call_target_name = "kernel"}> {noether.rule = #noether.rule<([i])->([i,j]) : r0 = o0>} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @size(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{result 0 has size 9 in dimension 1 where 8 is expected}}
  %0 = "stablehlo.custom_call"(%x) <{call_target_name = "kernel"}> {noether.rule = #noether.rule<([i,j])->([i,j]) : r0 = o0>} : (tensor<4x8xf32>) -> tensor<4x9xf32>
  return
}

// -----

func.func @product(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{size 8 where 6 is expected}}
  %0 = "stablehlo.custom_call"(%x) <{call_target_name = "kernel"}> {noether.rule = #noether.rule<([i,(j k)])->([i]) sizes {j = 2, k = 3} sum {j, k} : r0 = o0>} : (tensor<4x8xf32>) -> tensor<4xf32>
  return
}

// -----

// One warning for all operations of a name.
func.func @unknown(%x: tensor<4xf32>) {
  // expected-warning @+1 {{no rule is known for 'mhlo.unknown': it is taken as a barrier}}
  %0 = "mhlo.unknown"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "mhlo.unknown"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  return
}
