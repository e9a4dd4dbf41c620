// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: noether-opt --noether-populate-rules %s | FileCheck %s

// The math dialect, alphabetically.

// CHECK-LABEL: func.func @math(
func.func @math(%x: tensor<2x3xf32>,
    %y: tensor<2x3xf32>,
    %w: tensor<2x3xf32>,
    %k: tensor<2x3xi32>,
    %m: tensor<2x3xi32>) {
  // CHECK: arith.constant{{.*}} #noether.rule<()->([i,j]) : r0 = 0>
  %three = arith.constant dense<3> : tensor<2x3xi32>
  // CHECK: arith.constant{{.*}} #noether.rule<()->([i,j]) : r0 = 0>
  %half = arith.constant dense<5.000000e-01> : tensor<2x3xf32>
  // CHECK: math.absf{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = o0>
  %0 = math.absf %x : tensor<2x3xf32>
  // CHECK: math.absi{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  %1 = math.absi %k : tensor<2x3xi32>
  // CHECK: math.acos{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %2 = math.acos %x : tensor<2x3xf32>
  // CHECK: math.acosh{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %3 = math.acosh %x : tensor<2x3xf32>
  // CHECK: math.asin{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %4 = math.asin %x : tensor<2x3xf32>
  // CHECK: math.asinh{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %5 = math.asinh %x : tensor<2x3xf32>
  // CHECK: math.atan{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %6 = math.atan %x : tensor<2x3xf32>
  // CHECK: math.atan2{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : o0 = o1, r0 = 0>
  %7 = math.atan2 %x, %y : tensor<2x3xf32>
  // CHECK: math.atanh{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %8 = math.atanh %x : tensor<2x3xf32>
  // CHECK: math.cbrt{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 1/3 o0>
  %9 = math.cbrt %x : tensor<2x3xf32>
  // CHECK: math.ceil{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %10 = math.ceil %x : tensor<2x3xf32>
  // CHECK: math.clampf{{.*}} #noether.rule<([i,j],[i,j],[i,j])->([i,j]) uses (?,?,?) : r0 = o0, r0 = o1, r0 = o2>
  %11 = math.clampf %x to [%y, %w] : tensor<2x3xf32>
  // CHECK: math.copysign{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = o0>
  %12 = math.copysign %x, %y : tensor<2x3xf32>
  // CHECK: math.cos{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %13 = math.cos %x : tensor<2x3xf32>
  // CHECK: math.cosh{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %14 = math.cosh %x : tensor<2x3xf32>
  // CHECK: math.ctlz{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  %15 = math.ctlz %k : tensor<2x3xi32>
  // CHECK: math.ctpop{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  %16 = math.ctpop %k : tensor<2x3xi32>
  // CHECK: math.cttz{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  %17 = math.cttz %k : tensor<2x3xi32>
  // CHECK: math.erf{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %18 = math.erf %x : tensor<2x3xf32>
  // CHECK: math.erfc{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %19 = math.erfc %x : tensor<2x3xf32>
  // CHECK: math.exp{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %20 = math.exp %x : tensor<2x3xf32>
  // CHECK: math.exp2{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %21 = math.exp2 %x : tensor<2x3xf32>
  // CHECK: math.expm1{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %22 = math.expm1 %x : tensor<2x3xf32>
  // CHECK: math.floor{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %23 = math.floor %x : tensor<2x3xf32>
  // CHECK: math.fma{{.*}} #noether.rule<([i,j],[i,j],[i,j])->([i,j]) uses (*,*,+) : r0 = o0 + o1, r0 = o2>
  %24 = math.fma %x, %y, %w : tensor<2x3xf32>
  // The exponent decides: constants, variables.
  // CHECK: math.fpowi{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 3 o0, o1 = 0>
  %25 = math.fpowi %x, %three : tensor<2x3xf32>, tensor<2x3xi32>
  // CHECK: math.fpowi{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : o0 = 0, r0 = 0>
  %26 = math.fpowi %x, %k : tensor<2x3xf32>, tensor<2x3xi32>
  // CHECK: math.ipowi{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  %27 = math.ipowi %k, %m : tensor<2x3xi32>
  // CHECK: math.isfinite{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  %28 = math.isfinite %x : tensor<2x3xf32>
  // CHECK: math.isinf{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  %29 = math.isinf %x : tensor<2x3xf32>
  // CHECK: math.isnan{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  %30 = math.isnan %x : tensor<2x3xf32>
  // CHECK: math.isnormal{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %31 = math.isnormal %x : tensor<2x3xf32>
  // CHECK: math.log{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %32 = math.log %x : tensor<2x3xf32>
  // CHECK: math.log10{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %33 = math.log10 %x : tensor<2x3xf32>
  // CHECK: math.log1p{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %34 = math.log1p %x : tensor<2x3xf32>
  // CHECK: math.log2{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %35 = math.log2 %x : tensor<2x3xf32>
  // CHECK: math.powf{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 1/2 o0, o1 = 0>
  %36 = math.powf %x, %half : tensor<2x3xf32>
  // CHECK: math.powf{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : o0 = 0, o1 = 0, r0 = 0>
  %37 = math.powf %x, %y : tensor<2x3xf32>
  // CHECK: math.round{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %38 = math.round %x : tensor<2x3xf32>
  // CHECK: math.roundeven{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %39 = math.roundeven %x : tensor<2x3xf32>
  // CHECK: math.rsqrt{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = -1/2 o0>
  %40 = math.rsqrt %x : tensor<2x3xf32>
  // CHECK: math.sin{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %41 = math.sin %x : tensor<2x3xf32>
  // CHECK: math.sincos{{.*}} #noether.rule<([i,j])->([i,j],[i,j]) : o0 = 0, r0 = 0, r1 = 0>
  %s, %c = math.sincos %x : tensor<2x3xf32>
  // CHECK: math.sinh{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %42 = math.sinh %x : tensor<2x3xf32>
  // CHECK: math.sqrt{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 1/2 o0>
  %43 = math.sqrt %x : tensor<2x3xf32>
  // CHECK: math.tan{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %44 = math.tan %x : tensor<2x3xf32>
  // CHECK: math.tanh{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %45 = math.tanh %x : tensor<2x3xf32>
  // CHECK: math.trunc{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  %46 = math.trunc %x : tensor<2x3xf32>
  return
}
