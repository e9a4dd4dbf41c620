// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: noether-opt --noether-populate-rules %s | FileCheck %s

// The chlo dialect, alphabetically.

// CHECK-LABEL: func.func @chlo(
func.func @chlo(%x: tensor<2x3xf32>,
    %y: tensor<2x3xf32>,
    %r: tensor<3xf32>,
    %ir: tensor<3xi32>,
    %col: tensor<2x1xf32>,
    %k: tensor<2x3xi32>,
    %p: tensor<2x3xi1>,
    %z: tensor<2x3xcomplex<f32>>,
    %shape: tensor<1xi64>,
    %shape2: tensor<2xi64>,
    %g: tensor<2x3x4xf32>) {
  // CHECK: chlo._asin_acos_kernel{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "chlo._asin_acos_kernel"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.acos{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "chlo.acos"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.acosh{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "chlo.acosh"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.asin{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "chlo.asin"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.asinh{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "chlo.asinh"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.atan{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "chlo.atan"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.atanh{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "chlo.atanh"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.bessel_i1e{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "chlo.bessel_i1e"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.broadcast_add{{.*}} #noether.rule<([i,j],[j])->([i,j]) uses (+,+) : r0 = o0, r0 = o1>
  "chlo.broadcast_add"(%x, %r) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.broadcast_and{{.*}} #noether.rule<([i,j],[j])->([i,j]) : r0 = 0>
  "chlo.broadcast_and"(%k, %ir) : (tensor<2x3xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  // CHECK: chlo.broadcast_atan2{{.*}} #noether.rule<([i,j],[j])->([i,j]) : o0 = o1, r0 = 0>
  "chlo.broadcast_atan2"(%x, %r) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.broadcast_compare{{.*}} #noether.rule<([i,j],[j])->([i,j]) uses (?,?) : o0 = o1, r0 = 0>
  "chlo.broadcast_compare"(%x, %r) <{comparison_direction = #chlo<comparison_direction LT>}> : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
  // CHECK: chlo.broadcast_complex{{.*}} #noether.rule<([i,j],[j])->([i,j]) : r0 = o0, r0 = o1>
  "chlo.broadcast_complex"(%x, %r) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xcomplex<f32>>
  // CHECK: chlo.broadcast_divide{{.*}} #noether.rule<([i,j],[j])->([i,j]) uses (*,_) : r0 = o0 - o1>
  "chlo.broadcast_divide"(%x, %r) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.broadcast_maximum{{.*}} #noether.rule<([i,j],[j])->([i,j]) uses (?,?) : r0 = o0, r0 = o1>
  "chlo.broadcast_maximum"(%x, %r) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.broadcast_minimum{{.*}} #noether.rule<([i,j],[j])->([i,j]) uses (?,?) : r0 = o0, r0 = o1>
  "chlo.broadcast_minimum"(%x, %r) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.broadcast_multiply{{.*}} #noether.rule<([i,j],[j])->([i,j]) uses (*,*) : r0 = o0 + o1>
  "chlo.broadcast_multiply"(%x, %r) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.broadcast_next_after{{.*}} #noether.rule<([i,j],[j])->([i,j]) : o0 = 0, o1 = 0, r0 = 0>
  "chlo.broadcast_next_after"(%x, %r) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.broadcast_or{{.*}} #noether.rule<([i,j],[j])->([i,j]) : r0 = 0>
  "chlo.broadcast_or"(%k, %ir) : (tensor<2x3xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  // CHECK: chlo.broadcast_polygamma{{.*}} #noether.rule<([i,j],[j])->([i,j]) : o0 = 0, o1 = 0, r0 = 0>
  "chlo.broadcast_polygamma"(%x, %r) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.broadcast_power{{.*}} #noether.rule<([i,j],[j])->([i,j]) : o0 = 0, o1 = 0, r0 = 0>
  "chlo.broadcast_power"(%x, %r) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.broadcast_remainder{{.*}} #noether.rule<([i,j],[j])->([i,j]) : r0 = o0, r0 = o1>
  "chlo.broadcast_remainder"(%x, %r) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.broadcast_select{{.*}} #noether.rule<([i,j],[i,j],[j])->([i,j]) uses (_,|,|) : r0 = o1, r0 = o2>
  "chlo.broadcast_select"(%p, %x, %r) : (tensor<2x3xi1>, tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.broadcast_shift_left{{.*}} #noether.rule<([i,j],[j])->([i,j]) : r0 = 0>
  "chlo.broadcast_shift_left"(%k, %ir) : (tensor<2x3xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  // CHECK: chlo.broadcast_shift_right_arithmetic{{.*}} #noether.rule<([i,j],[j])->([i,j]) : r0 = 0>
  "chlo.broadcast_shift_right_arithmetic"(%k, %ir) : (tensor<2x3xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  // CHECK: chlo.broadcast_shift_right_logical{{.*}} #noether.rule<([i,j],[j])->([i,j]) : r0 = 0>
  "chlo.broadcast_shift_right_logical"(%k, %ir) : (tensor<2x3xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  // CHECK: chlo.broadcast_subtract{{.*}} #noether.rule<([i,j],[i,_])->([i,j]) uses (+,-) : r0 = o0, r0 = o1>
  "chlo.broadcast_subtract"(%x, %col) : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.broadcast_xor{{.*}} #noether.rule<([i,j],[j])->([i,j]) : r0 = 0>
  "chlo.broadcast_xor"(%k, %ir) : (tensor<2x3xi32>, tensor<3xi32>) -> tensor<2x3xi32>
  // CHECK: chlo.broadcast_zeta{{.*}} #noether.rule<([i,j],[j])->([i,j]) : o0 = 0, o1 = 0, r0 = 0>
  "chlo.broadcast_zeta"(%x, %r) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.conj{{.*}} #noether.rule<([i,j])->([i,j]) uses (*) : r0 = o0>
  "chlo.conj"(%z) : (tensor<2x3xcomplex<f32>>) -> tensor<2x3xcomplex<f32>>
  // CHECK: chlo.constant{{.*}} #noether.rule<()->([i,j]) : r0 = 0>
  "chlo.constant"() <{value = dense<1.0> : tensor<2x3xf32>}> : () -> tensor<2x3xf32>
  // CHECK: chlo.constant_like{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  "chlo.constant_like"(%x) <{value = 1.0 : f32}> : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.cosh{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "chlo.cosh"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.digamma{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "chlo.digamma"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.dynamic_reshape{{.*}} #noether.rule<([i,j],[k])->([(i j)]) sizes {i=2, j=3} uses (+,_) : r0 = o0>
  "chlo.dynamic_reshape"(%x, %shape) : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<6xf32>
  // CHECK: chlo.erf{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "chlo.erf"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.erf_inv{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "chlo.erf_inv"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.erfc{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "chlo.erfc"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.is_inf{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  "chlo.is_inf"(%x) : (tensor<2x3xf32>) -> tensor<2x3xi1>
  // CHECK: chlo.is_neg_inf{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  "chlo.is_neg_inf"(%x) : (tensor<2x3xf32>) -> tensor<2x3xi1>
  // CHECK: chlo.is_pos_inf{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 0>
  "chlo.is_pos_inf"(%x) : (tensor<2x3xf32>) -> tensor<2x3xi1>
  // CHECK: chlo.lgamma{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "chlo.lgamma"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.minimum_broadcast_shapes{{.*}} #noether.rule<barrier>
  "chlo.minimum_broadcast_shapes"(%shape) : (tensor<1xi64>) -> tensor<1xi64>
  // CHECK: chlo.next_after{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : o0 = 0, o1 = 0, r0 = 0>
  "chlo.next_after"(%x, %y) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.polygamma{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : o0 = 0, o1 = 0, r0 = 0>
  "chlo.polygamma"(%x, %y) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.ragged_dot{{.*}} #noether.rule<barrier>
  "chlo.ragged_dot"(%x, %g, %shape2) : (tensor<2x3xf32>, tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<2x4xf32>
  // CHECK: chlo.sinh{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "chlo.sinh"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.square{{.*}} #noether.rule<([i,j])->([i,j]) : r0 = 2 o0>
  "chlo.square"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.tan{{.*}} #noether.rule<([i,j])->([i,j]) : o0 = 0, r0 = 0>
  "chlo.tan"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: chlo.top_k{{.*}} #noether.rule<([i,j])->([i,k],[i,k]) frozen {j,k} uses (?) : r0 = o0, r1 = 0>
  "chlo.top_k"(%x) <{k = 2 : i64}> : (tensor<2x3xf32>) -> (tensor<2x2xf32>, tensor<2x2xi32>)
  // CHECK: chlo.zeta{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) : o0 = 0, o1 = 0, r0 = 0>
  "chlo.zeta"(%x, %y) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}
