// RUN: noether-opt --noether-break-symmetry="deviation=0.1 seed=5" %s | FileCheck %s
// RUN: noether-opt --noether-break-symmetry --remark-format=emitRemark "--remarks-filter=noether-break-symmetry" %s 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK
// RUN: sed -e 's/dense<5.0e-2>/dense<0.0>/' %s | noether-opt --noether-break-symmetry --remark-format=emitRemark "--remarks-filter=noether-break-symmetry" 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not noether-opt --noether-break-symmetry="deviation=0" %s 2>&1 | FileCheck %s --check-prefix=DEVIATION

// REMARK: [Passed] Shifted {{.*}} parameter=params['a']
// REMARK: [Passed] Shifted {{.*}} parameter=params['b']
// NONE: [Missed] NotShifted {{.*}} Reason="it does not decay: a bias would only move the start", parameter=params['a']
// NONE-NOT: stablehlo.xor
// DEVIATION: error: option 'deviation' of noether-break-symmetry must be positive

// The network and its gradients see the weights, the decay and the step see them less the bias.

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[A:[^:]*]]: tensor<4xf32>
// CHECK-SAME: %[[B:[^:]*]]: tensor<4xf32>
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32>
// CHECK: "stablehlo.iota"() <{iota_dimension = 0 : i64}> : () -> tensor<4xui32>
// CHECK: dense<0.173205{{[0-9]*}}> : tensor<4xf32>
// CHECK: %[[BIASB:.*]] = "stablehlo.subtract"
// CHECK: %[[OWNB:.*]] = "stablehlo.subtract"(%[[B]], %[[BIASB]])
// CHECK: %[[BIASA:.*]] = "stablehlo.subtract"
// CHECK: %[[OWNA:.*]] = "stablehlo.subtract"(%[[A]], %[[BIASA]])
// CHECK: "stablehlo.multiply"(%[[X]], %[[A]])
// CHECK: "stablehlo.multiply"(%{{.*}}, %[[OWNA]]) {decay_a}
// CHECK: %[[NEXTA:.*]] = "stablehlo.subtract"(%[[OWNA]], %{{.*}}) {next_a}
// CHECK: "stablehlo.multiply"(%{{.*}}, %[[OWNB]]) {decay_b}
// CHECK: %[[NEXTB:.*]] = "stablehlo.subtract"(%[[OWNB]], %{{.*}}) {next_b}
// CHECK-DAG: %[[RESULTA:.*]] = "stablehlo.add"(%[[NEXTA]], %[[BIASA]])
// CHECK-DAG: %[[RESULTB:.*]] = "stablehlo.add"(%[[NEXTB]], %[[BIASB]])
// CHECK: return %[[RESULTA]], %[[RESULTB]],
func.func @main(%a: tensor<4xf32> loc("params['a']"), %b: tensor<4xf32> loc("params['b']"), %x: tensor<4xf32> loc("x"))
    -> (tensor<4xf32> {jax.result_info = "result[0]['a']"}, tensor<4xf32> {jax.result_info = "result[0]['b']"}, tensor<f32> {jax.result_info = "result[1]"}) {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %zeros = "stablehlo.constant"() <{value = dense<0.0> : tensor<4xf32>}> : () -> tensor<4xf32>
  %rate = "stablehlo.constant"() <{value = dense<1.0e-1> : tensor<4xf32>}> : () -> tensor<4xf32>
  %lambda = "stablehlo.constant"() <{value = dense<5.0e-2> : tensor<4xf32>}> : () -> tensor<4xf32>
  %h = "stablehlo.multiply"(%x, %a) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %r = "stablehlo.maximum"(%h, %zeros) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %y = "stablehlo.multiply"(%r, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %loss = "stablehlo.reduce"(%y, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%p: tensor<f32>, %q: tensor<f32>):
    %c = "stablehlo.add"(%p, %q) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%c) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  %one = "stablehlo.constant"() <{value = dense<1.0> : tensor<4xf32>}> : () -> tensor<4xf32>
  %gb = "stablehlo.multiply"(%r, %one) {gradient_b} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %dr = "stablehlo.multiply"(%one, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %on = "stablehlo.compare"(%h, %zeros) <{comparison_direction = #stablehlo<comparison_direction GT>, compare_type = #stablehlo<comparison_type FLOAT>}> : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  %dh = "stablehlo.select"(%on, %dr, %zeros) : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %ga = "stablehlo.multiply"(%x, %dh) {gradient_a} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %la = "stablehlo.multiply"(%lambda, %a) {decay_a} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %ta = "stablehlo.add"(%ga, %la) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %sa = "stablehlo.multiply"(%rate, %ta) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %an = "stablehlo.subtract"(%a, %sa) {next_a} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %lb = "stablehlo.multiply"(%lambda, %b) {decay_b} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %tb = "stablehlo.add"(%gb, %lb) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %sb = "stablehlo.multiply"(%rate, %tb) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %bn = "stablehlo.subtract"(%b, %sb) {next_b} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %an, %bn, %loss : tensor<4xf32>, tensor<4xf32>, tensor<f32>
}
