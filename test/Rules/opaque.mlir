// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: noether-opt --noether-populate-rules %s | FileCheck %s

// Operations that are barriers on purpose, and those whose operands do not matter.

// CHECK-LABEL: func.func @opaque(
func.func @opaque(%x: tensor<2x3xf32>,
    %k: tensor<2x3xi32>,
    %s: tensor<f32>,
    %i: tensor<1xi64>,
    %u: tensor<2xui64>,
    %tok: !stablehlo.token,
    %tu: tuple<tensor<f32>>,
    %q: tensor<2x3x!quant.uniform<i8:f32, 5.000000e-01>>,
    %d: tensor<?x3xf32>) {
  // CHECK: stablehlo.after_all{{.*}} #noether.rule<barrier>
  "stablehlo.after_all"(%tok) : (!stablehlo.token) -> !stablehlo.token
  // Bits of floats; bits of integers; nothing to convert.
  // CHECK: stablehlo.bitcast_convert{{.*}} #noether.rule<([i,j])->([k,l]) : o0 = 0, r0 = 0>
  "stablehlo.bitcast_convert"(%x) : (tensor<2x3xf32>) -> tensor<2x3xi32>
  // CHECK: stablehlo.bitcast_convert{{.*}} #noether.rule<([i,j])->([k,l]) : r0 = 0>
  "stablehlo.bitcast_convert"(%k) : (tensor<2x3xi32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.bitcast_convert{{.*}} #noether.rule<([i,j])->([i,j]) uses (+) : r0 = o0>
  "stablehlo.bitcast_convert"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.create_token{{.*}} #noether.rule<barrier>
  "stablehlo.create_token"() : () -> !stablehlo.token
  // An annotation, and a target nobody knows.
  // CHECK: stablehlo.custom_call{{.*}} #noether.rule<([i,j])->([i,j]) uses (+) : r0 = o0>
  "stablehlo.custom_call"(%x) <{call_target_name = "Sharding"}> : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.custom_call{{.*}} #noether.rule<barrier>
  "stablehlo.custom_call"(%x) <{call_target_name = "lapack_sgetrf_ffi"}> : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: stablehlo.get_dimension_size{{.*}} #noether.rule<([i,j])->([]) : r0 = 0>
  "stablehlo.get_dimension_size"(%x) <{dimension = 0 : i64}> : (tensor<2x3xf32>) -> tensor<i32>
  // CHECK: stablehlo.get_tuple_element{{.*}} #noether.rule<barrier>
  "stablehlo.get_tuple_element"(%tu) <{index = 0 : i32}> : (tuple<tensor<f32>>) -> tensor<f32>
  // CHECK: stablehlo.infeed{{.*}} #noether.rule<barrier>
  "stablehlo.infeed"(%tok) : (!stablehlo.token) -> (tensor<2x3xf32>, !stablehlo.token)
  // CHECK: stablehlo.outfeed{{.*}} #noether.rule<barrier>
  "stablehlo.outfeed"(%x, %tok) : (tensor<2x3xf32>, !stablehlo.token) -> !stablehlo.token
  // CHECK: stablehlo.recv{{.*}} #noether.rule<barrier>
  "stablehlo.recv"(%tok) : (!stablehlo.token) -> (tensor<2x3xf32>, !stablehlo.token)
  // CHECK: stablehlo.rng{{.*}} #noether.rule<([],[],[i])->([j]) : o0 = 0, o1 = 0, r0 = 0>
  "stablehlo.rng"(%s, %s, %i) <{rng_distribution = #stablehlo<rng_distribution UNIFORM>}> : (tensor<f32>, tensor<f32>, tensor<1xi64>) -> tensor<4xf32>
  // CHECK: stablehlo.rng_bit_generator{{.*}} #noether.rule<([i])->([j],[k,l]) : r0 = 0, r1 = 0>
  "stablehlo.rng_bit_generator"(%u) <{rng_algorithm = #stablehlo<rng_algorithm THREE_FRY>}> : (tensor<2xui64>) -> (tensor<2xui64>, tensor<2x3xui32>)
  // CHECK: stablehlo.send{{.*}} #noether.rule<barrier>
  "stablehlo.send"(%x, %tok) : (tensor<2x3xf32>, !stablehlo.token) -> !stablehlo.token
  // CHECK: stablehlo.trace{{.*}} #noether.rule<barrier>
  "stablehlo.trace"(%x) <{tag = "x"}> : (tensor<2x3xf32>) -> ()
  // CHECK: stablehlo.tuple{{.*}} #noether.rule<barrier>
  "stablehlo.tuple"(%s) : (tensor<f32>) -> tuple<tensor<f32>>
  // CHECK: stablehlo.uniform_dequantize{{.*}} #noether.rule<barrier>
  "stablehlo.uniform_dequantize"(%q) : (tensor<2x3x!quant.uniform<i8:f32, 5.000000e-01>>) -> tensor<2x3xf32>
  // CHECK: stablehlo.uniform_quantize{{.*}} #noether.rule<barrier>
  "stablehlo.uniform_quantize"(%x) : (tensor<2x3xf32>) -> tensor<2x3x!quant.uniform<i8:f32, 5.000000e-01>>
  // Quantized elements, and shapes that are not known.
  // CHECK: stablehlo.add{{.*}} #noether.rule<barrier>
  "stablehlo.add"(%q, %q) : (tensor<2x3x!quant.uniform<i8:f32, 5.000000e-01>>, tensor<2x3x!quant.uniform<i8:f32, 5.000000e-01>>) -> tensor<2x3x!quant.uniform<i8:f32, 5.000000e-01>>
  // CHECK: stablehlo.add{{.*}} #noether.rule<([i,j],[i,j])->([i,j]) uses (+,+) : r0 = o0, r0 = o1>
  "stablehlo.add"(%d, %d) : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: stablehlo.reshape{{.*}} #noether.rule<barrier>
  "stablehlo.reshape"(%d) : (tensor<?x3xf32>) -> tensor<12xf32>
  return
}
