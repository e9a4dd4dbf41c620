// RUN: noether-opt --noether-balance="sweeps=7" %s | FileCheck %s
// RUN: noether-opt --noether-balance="every-step=true" %s | FileCheck %s --check-prefix=EVERY
// RUN: noether-opt --noether-balance --remark-format=emitRemark "--remarks-filter=noether-balance" %s 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK
// RUN: noether-opt --noether-teleport --remark-format=emitRemark "--remarks-filter=noether-teleport" %s 2>&1 | FileCheck %s --check-prefix=TELEPORT
// RUN: not noether-opt --noether-teleport="distance=-1" %s 2>&1 | FileCheck %s --check-prefix=DISTANCE

// REMARK: [Passed] Moved {{.*}} dimension=8, symmetry=S1
// The update has no gradient to go by:
// TELEPORT: [Missed] NotMoved {{.*}} Reason="the gradient of params['a'] is not known"
// TELEPORT-NOT: func.func @noether_teleport
// DISTANCE: error: option 'distance' of noether-teleport must be between 0 and 10

// CHECK-LABEL: func.func @main(
// CHECK: return %{{.*}}, %arg1, %{{.*}}
// CHECK-LABEL: func.func @noether_balance(
// CHECK-SAME: %[[A:[^:]*]]: tensor<4x8xf32>
// CHECK-SAME: %[[B:[^:]*]]: tensor<8x3xf32>
// CHECK-SAME: %[[X:[^:]*]]: tensor<16x4xf32>
// CHECK: %[[LOOP:.*]]:3 = "stablehlo.while"(%{{.*}}, %[[A]], %[[B]])
// CHECK: dense<7> : tensor<i32>
// CHECK: ^bb0(%{{.*}}: tensor<i32>, %[[P:.*]]: tensor<4x8xf32>, %[[Q:.*]]: tensor<8x3xf32>):
// CHECK-DAG: "stablehlo.multiply"(%[[P]], %[[P]])
// CHECK-DAG: "stablehlo.multiply"(%[[Q]], %[[Q]])
// CHECK: dense<2.500000e-01> : tensor<8xf32>
// CHECK: "stablehlo.power"
// CHECK: return %[[LOOP]]#1, %[[LOOP]]#2, %[[X]]

// EVERY-LABEL: func.func @main(
// EVERY: %[[FACTOR:.*]] = "stablehlo.power"
// EVERY: return
func.func @main(%a: tensor<4x8xf32> loc("params['a']"), %b: tensor<8x3xf32> loc("params['b']"), %x: tensor<16x4xf32> loc("x"))
    -> (tensor<4x8xf32> {jax.result_info = "result[0]['a']"}, tensor<8x3xf32> {jax.result_info = "result[0]['b']"}, tensor<f32> {jax.result_info = "result[1]"}) {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %zeros = "stablehlo.constant"() <{value = dense<0.0> : tensor<16x8xf32>}> : () -> tensor<16x8xf32>
  %h = "stablehlo.dot_general"(%x, %a) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<16x4xf32>, tensor<4x8xf32>) -> tensor<16x8xf32>
  %r = "stablehlo.maximum"(%h, %zeros) : (tensor<16x8xf32>, tensor<16x8xf32>) -> tensor<16x8xf32>
  %y = "stablehlo.dot_general"(%r, %b) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<16x8xf32>, tensor<8x3xf32>) -> tensor<16x3xf32>
  %t = "stablehlo.tanh"(%y) : (tensor<16x3xf32>) -> tensor<16x3xf32>
  %loss = "stablehlo.reduce"(%t, %zero) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%p: tensor<f32>, %q: tensor<f32>):
    %c = "stablehlo.add"(%p, %q) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%c) : (tensor<f32>) -> ()
  }) : (tensor<16x3xf32>, tensor<f32>) -> tensor<f32>
  %rate = "stablehlo.constant"() <{value = dense<1.0e-1> : tensor<4x8xf32>}> : () -> tensor<4x8xf32>
  %d = "stablehlo.multiply"(%rate, %a) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %an = "stablehlo.subtract"(%a, %d) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %an, %b, %loss : tensor<4x8xf32>, tensor<8x3xf32>, tensor<f32>
}
