// RUN: mlir-opt --load-dialect-plugin=%noether_plugin %s | FileCheck %s
// RUN: mlir-opt --load-dialect-plugin=%noether_plugin --mlir-print-op-generic --mlir-print-debuginfo %dumps/mlp_shardmap8_sgd.mlir | diff -B - %dumps/mlp_shardmap8_sgd.mlir
// RUN: mlir-opt --load-dialect-plugin=%noether_plugin --load-pass-plugin=%noether_plugin --pass-pipeline='builtin.module(noether-populate-rules)' %s | FileCheck %s --check-prefix=PASS
// RUN: not mlir-opt %dumps/mlp_shardmap8_sgd.mlir 2>&1 | FileCheck %s --check-prefix=WITHOUT

// WITHOUT: error: operation being parsed with an unregistered dialect

// CHECK: noether.rule = #noether.rule<([i])->([i]) : r0 = o0>
// CHECK: return
// PASS: noether.rule = #noether.rule<([i])->([i]) : r0 = o0>
// PASS: noether.rule = #noether.rule<([i])->([i]) : r0 = -1/2 o0>
func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = "stablehlo.tanh"(%x) {noether.rule = #noether.rule<([a])->([a]) : r0 = o0>} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = "stablehlo.rsqrt"(%0) : (tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}
