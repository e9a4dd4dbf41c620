// RUN: noether-opt --noether-rewrite-adaptive="form=rmsprop" %s | FileCheck %s --check-prefixes=CHECK,COHERENT
// RUN: noether-opt --noether-rewrite-adaptive="form=rmsprop gradients=noise" %s | FileCheck %s --check-prefixes=CHECK,NOISE
// RUN: not noether-opt --noether-rewrite-adaptive="form=rmsprop gradients=loud" %s 2>&1 | FileCheck %s --check-prefix=OPTION
// RUN: sed -e 's/"stablehlo.add"(%old, %gd)/"stablehlo.maximum"(%old, %gd)/' %s | noether-opt --noether-rewrite-adaptive="form=rmsprop" --remark-format=emitRemark "--remarks-filter=noether-adaptive" 2>&1 | FileCheck %s --check-prefix=LINEAR

// OPTION: error: option 'gradients' of noether-rewrite-adaptive is 'loud': it can be 'coherent' or 'noise'
// LINEAR: [Missed] NotAdapted {{.*}} Reason="the update of params['w'] is not linear in the gradient", symmetry=S1

// eta = 0.1, lambda = 5e-4, beta = 0.9: the direction moves by eta / (1 - beta) = 1, the average forgets
// 4 eta lambda / (1 - beta) = 2e-3 per step, and gets 2 eta^2 (1 + beta) / (1 - beta)^3 = 38, or 2, of |g|^2.

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[U:[^:]*]]: tensor<4xf32>
// CHECK-SAME: %[[R:[^:]*]]: tensor<f32> {noether.carried_to = 3 : i64, noether.name = "radius.S1", noether.role = "state"}
// CHECK: %[[SQUARE:.*]] = "stablehlo.multiply"(%[[R]], %[[R]])
// CHECK: {gradient}
// CHECK: dense<{{-1.0+e[+]00|-0.99999.*}}> : tensor<f32>
// CHECK: %[[SIZE:.*]] = "stablehlo.reduce"
// CHECK: %[[FOURTH:.*]] = "stablehlo.multiply"(%[[SQUARED:.*]], %[[SQUARED]])
// CHECK: %[[SHARE:.*]] = "stablehlo.divide"(%[[SIZE]], %[[FOURTH]])
// COHERENT: dense<{{38.0.*|3.8.*e.01|37.99.*}}> : tensor<f32>
// NOISE: dense<{{2.0.*|1.99.*}}> : tensor<f32>
// CHECK: %[[GAIN:.*]] = "stablehlo.multiply"(%[[SHARE]],
// CHECK: dense<{{9.98.*e-01|0.99[78].*}}> : tensor<f32>
// CHECK: %[[GROWTH:.*]] = "stablehlo.add"(%[[GAIN]],
// CHECK: %[[ROOT:.*]] = "stablehlo.sqrt"(%[[GROWTH]])
// CHECK: "stablehlo.sqrt"(%[[ROOT]])
// CHECK-LABEL: func.func @noether_restore(
func.func @main(%w: tensor<4xf32> loc("params['w']"), %m: tensor<4xf32> loc("opt['w']"), %x: tensor<4xf32> loc("x"))
    -> (tensor<4xf32> {jax.result_info = "result[0]['w']"}, tensor<4xf32> {jax.result_info = "result[1]['w']"}, tensor<f32> {jax.result_info = "result[2]"}) {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %rate = "stablehlo.constant"() <{value = dense<1.0e-1> : tensor<4xf32>}> : () -> tensor<4xf32>
  %lambda = "stablehlo.constant"() <{value = dense<5.0e-4> : tensor<4xf32>}> : () -> tensor<4xf32>
  %beta = "stablehlo.constant"() <{value = dense<9.0e-1> : tensor<4xf32>}> : () -> tensor<4xf32>
  %h = "stablehlo.multiply"(%x, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %h2 = "stablehlo.multiply"(%h, %h) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %v = "stablehlo.reduce"(%h2, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %c = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%c) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  %s = "stablehlo.rsqrt"(%v) : (tensor<f32>) -> tensor<f32>
  %sb = "stablehlo.broadcast_in_dim"(%s) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4xf32>
  %y = "stablehlo.multiply"(%h, %sb) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %t = "stablehlo.tanh"(%y) : (tensor<4xf32>) -> tensor<4xf32>
  %loss = "stablehlo.reduce"(%t, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %c = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%c) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  %g = "stablehlo.multiply"(%t, %sb) {gradient} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %d = "stablehlo.multiply"(%lambda, %w) {decay} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %gd = "stablehlo.add"(%g, %d) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %old = "stablehlo.multiply"(%beta, %m) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %mn = "stablehlo.add"(%old, %gd) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %step = "stablehlo.multiply"(%rate, %mn) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %wn = "stablehlo.subtract"(%w, %step) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %wn, %mn, %loss : tensor<4xf32>, tensor<4xf32>, tensor<f32>
}
