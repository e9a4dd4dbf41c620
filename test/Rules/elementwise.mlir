// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: noether-opt --noether-populate-rules %s | FileCheck %s

// Elementwise operations, alphabetically.

// CHECK-LABEL: func.func @elementwise(
func.func @elementwise(%x: tensor<2x3xf32>,
    %y: tensor<2x3xf32>,
    %s: tensor<f32>,
    %k: tensor<2x3xi32>,
    %m: tensor<2x3xi32>,
    %p: tensor<2x3xi1>,
    %b: tensor<i1>,
    %z: tensor<2x3xcomplex<f32>>,
    %u: tensor<2x3xui32>) {
  // CHECK: stablehlo.constant{{.*}} #noether.rule<()->([]) : r0 = 0>
  %one = "stablehlo.constant"() <{value = dense<5.000000e-01> : tensor<f32>}> : () -> tensor<f32>
  // CHECK: stablehlo.broadcast_in_dim{{.*}} #noether.rule<([])->([i,j]) uses (+) : r0 = o0>
  %half = "stablehlo.broadcast_in_dim"(%one) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.constant{{.*}} #noether.rule<()->([i,j]) : r0 = 0>
  %third = "stablehlo.constant"() <{value = dense<0.333333343> : tensor<2x3xf32>}> : () -> tensor<2x3xf32>
  // CHECK: stablehlo.constant{{.*}} #noether.rule<()->([i,j]) : r0 = 0>
  %odd = "stablehlo.constant"() <{value = dense<0.123456> : tensor<2x3xf32>}> : () -> tensor<2x3xf32>
  // CHECK: stablehlo.abs{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = o0>
  "stablehlo.abs"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.abs{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = o0>
  "stablehlo.abs"(%z) : (tensor<2x3xcomplex<f32>>) -> tensor<2x3xf32>
  // CHECK: stablehlo.add{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) uses (+,+) : r0 = o0, r0 = o1>
  "stablehlo.add"(%x, %y) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.add{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  "stablehlo.add"(%k, %m) : (tensor<2x3xi32>, tensor<2x3xi32>) -> tensor<2x3xi32>
  // CHECK: stablehlo.and{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  "stablehlo.and"(%p, %p) : (tensor<2x3xi1>, tensor<2x3xi1>) -> tensor<2x3xi1>
  // CHECK: stablehlo.atan2{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : o0 = o1, r0 = 0>
  "stablehlo.atan2"(%x, %y) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.cbrt{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 1/3 o0>
  "stablehlo.cbrt"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.ceil{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "stablehlo.ceil"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.clamp{{.*}} #noether.rule<([],[i,j],[i,j])->([i,j]) uses (?,?,?) : r0 = o0, r0 = o1, r0 = o2>
  "stablehlo.clamp"(%s, %x, %y) : (tensor<f32>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.compare{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) uses (?,?) : o0 = o1, r0 = 0>
  "stablehlo.compare"(%x, %y) <{comparison_direction = #stablehlo<comparison_direction GT>}> : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>
  // CHECK: stablehlo.compare{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  "stablehlo.compare"(%k, %m) <{comparison_direction = #stablehlo<comparison_direction EQ>}> : (tensor<2x3xi32>, tensor<2x3xi32>) -> tensor<2x3xi1>
  // CHECK: stablehlo.complex{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = o0, r0 = o1>
  "stablehlo.complex"(%x, %y) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xcomplex<f32>>
  // Between floats, from integers, to integers, to booleans.
  // CHECK: stablehlo.convert{{.*}} #noether.rule<([i,j])->([i,j]) uses (+) : r0 = o0>
  "stablehlo.convert"(%x) : (tensor<2x3xf32>) -> tensor<2x3xbf16>
  // CHECK: stablehlo.convert{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  "stablehlo.convert"(%k) : (tensor<2x3xi32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.convert{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "stablehlo.convert"(%x) : (tensor<2x3xf32>) -> tensor<2x3xi32>
  // CHECK: stablehlo.convert{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  "stablehlo.convert"(%x) : (tensor<2x3xf32>) -> tensor<2x3xi1>
  // CHECK: stablehlo.cosine{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "stablehlo.cosine"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.count_leading_zeros{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  "stablehlo.count_leading_zeros"(%k) : (tensor<2x3xi32>) -> tensor<2x3xi32>
  // CHECK: stablehlo.divide{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) uses (*,_) : r0 = o0 - o1>
  "stablehlo.divide"(%x, %y) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.exponential{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "stablehlo.exponential"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.exponential_minus_one{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "stablehlo.exponential_minus_one"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.floor{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "stablehlo.floor"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.imag{{.*}} #noether.rule<([i,j])->([i,j]) uses (*) : r0 = o0>
  "stablehlo.imag"(%z) : (tensor<2x3xcomplex<f32>>) -> tensor<2x3xf32>
  // CHECK: stablehlo.is_finite{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  "stablehlo.is_finite"(%x) : (tensor<2x3xf32>) -> tensor<2x3xi1>
  // CHECK: stablehlo.log{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "stablehlo.log"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.log_plus_one{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "stablehlo.log_plus_one"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.logistic{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "stablehlo.logistic"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.maximum{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) uses (?,?) : r0 = o0, r0 = o1>
  "stablehlo.maximum"(%x, %y) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.minimum{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) uses (?,?) : r0 = o0, r0 = o1>
  "stablehlo.minimum"(%x, %y) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.multiply{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) uses (*,*) : r0 = o0 + o1>
  "stablehlo.multiply"(%x, %y) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.multiply{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  "stablehlo.multiply"(%k, %m) : (tensor<2x3xi32>, tensor<2x3xi32>) -> tensor<2x3xi32>
  // CHECK: stablehlo.negate{{.*}} #noether.rule<([i,j])->([i,j]) uses (-) : r0 = o0>
  "stablehlo.negate"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.not{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  "stablehlo.not"(%p) : (tensor<2x3xi1>) -> tensor<2x3xi1>
  // CHECK: stablehlo.optimization_barrier{{.*}} #noether.rule<([i,j],[k,l],[])->([i,j],[k,l],[]) uses (+,_,+) : r0 = o0, r1 = 0, r2 = o2>
  "stablehlo.optimization_barrier"(%x, %k, %s) : (tensor<2x3xf32>, tensor<2x3xi32>, tensor<f32>) -> (tensor<2x3xf32>, tensor<2x3xi32>, tensor<f32>)
  // CHECK: stablehlo.or{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  "stablehlo.or"(%p, %p) : (tensor<2x3xi1>, tensor<2x3xi1>) -> tensor<2x3xi1>
  // CHECK: stablehlo.popcnt{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  "stablehlo.popcnt"(%k) : (tensor<2x3xi32>) -> tensor<2x3xi32>
  // The exponent decides: a small rational, another constant, a variable.
  // CHECK: stablehlo.power{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 1/2 o0, o1 = 0>
  "stablehlo.power"(%x, %half) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.power{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 1/3 o0, o1 = 0>
  "stablehlo.power"(%x, %third) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.power{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : o0 = 0, o1 = 0, r0 = 0>
  "stablehlo.power"(%x, %odd) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.power{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : o0 = 0, o1 = 0, r0 = 0>
  "stablehlo.power"(%x, %y) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.real{{.*}} #noether.rule<([i,j])->([i,j]) uses (*) : r0 = o0>
  "stablehlo.real"(%z) : (tensor<2x3xcomplex<f32>>) -> tensor<2x3xf32>
  // CHECK: stablehlo.reduce_precision{{.*}} #noether.rule<([i,j])->([i,j]) uses (+) : r0 = o0>
  "stablehlo.reduce_precision"(%x) <{exponent_bits = 8 : i32, mantissa_bits = 7 : i32}> : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.remainder{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = o0, r0 = o1>
  "stablehlo.remainder"(%x, %y) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.round_nearest_afz{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "stablehlo.round_nearest_afz"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.round_nearest_even{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "stablehlo.round_nearest_even"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.rsqrt{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = -1/2 o0>
  "stablehlo.rsqrt"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.select{{.*}} #noether.rule<([i,j],[i,j],[i,j])->([i,j]) uses (_,|,|) : r0 = o1, r0 = o2>
  "stablehlo.select"(%p, %x, %y) : (tensor<2x3xi1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.select{{.*}} #noether.rule<([],[i,j],[i,j])->([i,j]) uses (_,|,|) : r0 = o1, r0 = o2>
  "stablehlo.select"(%b, %x, %y) : (tensor<i1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.select{{.*}} #noether.rule<([i,j],[i,j],[i,j])->([i,j]) : r0 = 0>
  "stablehlo.select"(%p, %k, %m) : (tensor<2x3xi1>, tensor<2x3xi32>, tensor<2x3xi32>) -> tensor<2x3xi32>
  // CHECK: stablehlo.shift_left{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  "stablehlo.shift_left"(%k, %m) : (tensor<2x3xi32>, tensor<2x3xi32>) -> tensor<2x3xi32>
  // CHECK: stablehlo.shift_right_arithmetic{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  "stablehlo.shift_right_arithmetic"(%k, %m) : (tensor<2x3xi32>, tensor<2x3xi32>) -> tensor<2x3xi32>
  // CHECK: stablehlo.shift_right_logical{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  "stablehlo.shift_right_logical"(%k, %m) : (tensor<2x3xi32>, tensor<2x3xi32>) -> tensor<2x3xi32>
  // CHECK: stablehlo.sign{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  "stablehlo.sign"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.sine{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "stablehlo.sine"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.sqrt{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 1/2 o0>
  "stablehlo.sqrt"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.subtract{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) uses (+,-) : r0 = o0, r0 = o1>
  "stablehlo.subtract"(%x, %y) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.tan{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "stablehlo.tan"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.tanh{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "stablehlo.tanh"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.xor{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = 0>
  "stablehlo.xor"(%p, %p) : (tensor<2x3xi1>, tensor<2x3xi1>) -> tensor<2x3xi1>
  // Operations of mhlo that stablehlo has not.
  // CHECK: mhlo.acos{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "mhlo.acos"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: mhlo.acosh{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "mhlo.acosh"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: mhlo.add{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) uses (+,+) : r0 = o0, r0 = o1>
  "mhlo.add"(%x, %y) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: mhlo.asin{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "mhlo.asin"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: mhlo.asinh{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "mhlo.asinh"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: mhlo.atan{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "mhlo.atan"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: mhlo.atanh{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "mhlo.atanh"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: mhlo.copy{{.*}} #noether.rule<([i,j])->([i,j]) uses (+) : r0 = o0>
  "mhlo.copy"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: mhlo.cosh{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "mhlo.cosh"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: mhlo.erf{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "mhlo.erf"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: mhlo.sinh{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "mhlo.sinh"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: mhlo.stochastic_convert{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : r0 = o0>
  "mhlo.stochastic_convert"(%x, %u) : (tensor<2x3xf32>, tensor<2x3xui32>) -> tensor<2x3xf32>
  return
}
