// RUN: noether-opt --noether-rewrite-adaptive=eps=keep %s | FileCheck %s --check-prefix=KEEP
// RUN: noether-opt --noether-rewrite-adaptive %s | FileCheck %s --check-prefix=EXACT

// A small constant next to a variance: kept, or divided by the square of the radius.

// KEEP: %[[V:.*]] = "stablehlo.reduce"
// KEEP: "stablehlo.add"(%[[V]], %[[EPS:.*]]) {eps}
// EXACT: %[[V:.*]] = "stablehlo.reduce"
// EXACT: %[[EPS:.*]] = "stablehlo.constant"() <{value = dense<9.99999974E-6> : tensor<f32>}>
// EXACT: %[[SCALED:.*]] = "stablehlo.multiply"(%[[EPS]], %{{.*}})
// EXACT: "stablehlo.add"(%[[V]], %[[SCALED]]) {eps}

// The loss is used in a way that no radius may be seen in: nothing else is corrected but the update.
// KEEP: "stablehlo.rsqrt"
// KEEP: "stablehlo.multiply"({{.*}}) {gradient}
// KEEP-NEXT: "stablehlo.broadcast_in_dim"
// KEEP-NEXT: "stablehlo.multiply"
// KEEP-NEXT: "stablehlo.subtract"
func.func @main(%w: tensor<4xf32> loc("params['w']"), %x: tensor<4xf32> loc("x"))
    -> (tensor<4xf32> {jax.result_info = "result[0]['w']"}, tensor<f32> {jax.result_info = "result[1]"}) {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %eps = "stablehlo.constant"() <{value = dense<1.0e-5> : tensor<f32>}> : () -> tensor<f32>
  %h = "stablehlo.multiply"(%x, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %h2 = "stablehlo.multiply"(%h, %h) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %v = "stablehlo.reduce"(%h2, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %c = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%c) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  %ve = "stablehlo.add"(%v, %eps) {eps} : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %s = "stablehlo.rsqrt"(%ve) : (tensor<f32>) -> tensor<f32>
  %sb = "stablehlo.broadcast_in_dim"(%s) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4xf32>
  %y = "stablehlo.multiply"(%h, %sb) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %t = "stablehlo.tanh"(%y) : (tensor<4xf32>) -> tensor<4xf32>
  %loss = "stablehlo.reduce"(%t, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %c = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%c) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  %g = "stablehlo.multiply"(%t, %sb) {gradient} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %wn = "stablehlo.subtract"(%w, %g) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %wn, %loss : tensor<4xf32>, tensor<f32>
}
