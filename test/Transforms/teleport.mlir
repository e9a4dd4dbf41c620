// RUN: noether-opt --noether-teleport="distance=0.25" %s | FileCheck %s

// Each unit's factor is e^(-distance (sum e |g|^2) / (sum |e| |g|^2)).

// CHECK-LABEL: func.func @main(
// CHECK-NOT: stablehlo.exponential
// CHECK-LABEL: func.func @noether_teleport(
// CHECK-SAME: %[[A:[^:]*]]: tensor<4xf32>
// CHECK-SAME: %[[B:[^:]*]]: tensor<4xf32>
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32>
// CHECK-NOT: {decay_a}
// CHECK: %[[GB:.*]] = "stablehlo.multiply"({{.*}} {gradient_b}
// CHECK: %[[GA:.*]] = "stablehlo.multiply"({{.*}} {gradient_a}
// CHECK-DAG: "stablehlo.multiply"(%[[GA]], %[[GA]])
// CHECK-DAG: "stablehlo.multiply"(%[[GB]], %[[GB]])
// CHECK: %[[SHARE:.*]] = "stablehlo.divide"
// CHECK: dense<-2.500000e-01> : tensor<4xf32>
// CHECK: %[[LOG:.*]] = "stablehlo.multiply"(%[[SHARE]],
// CHECK: %[[FACTOR:.*]] = "stablehlo.exponential"(%[[LOG]])
// CHECK-DAG: "stablehlo.multiply"(%[[A]],
// CHECK-DAG: "stablehlo.multiply"(%[[B]],
// CHECK: return %{{.*}}, %{{.*}}, %[[X]]
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
