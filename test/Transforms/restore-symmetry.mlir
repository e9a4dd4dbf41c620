// RUN: noether-opt --noether-restore-symmetry %s | FileCheck %s --check-prefixes=CHECK,SPHERE
// RUN: noether-opt --noether-restore-symmetry=form=projected %s | FileCheck %s --check-prefixes=CHECK,PROJECTED
// RUN: not noether-opt --noether-restore-symmetry=form=cube %s 2>&1 | FileCheck %s --check-prefix=FORM
// RUN: not noether-opt --noether-restore-symmetry=symmetries=S9 %s 2>&1 | FileCheck %s --check-prefix=NAME

// FORM: error: option 'form' of noether-restore-symmetry is 'cube': it can be 'sphere' or 'projected'
// NAME: error: 'func.func' op has no symmetry 'S9'

// The step less its part along w, and the norm of before.

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[W:[^:]*]]: tensor<4xf32>
// CHECK: %[[NEXT:.*]] = "stablehlo.subtract"(%[[W]], %{{.*}}) {next}
// CHECK: %[[STEP:.*]] = "stablehlo.subtract"(%[[NEXT]], %[[W]])
// CHECK: "stablehlo.multiply"(%[[W]], %[[W]])
// CHECK: %[[RADIUS:.*]] = "stablehlo.select"
// CHECK: %[[DOT:.*]] = "stablehlo.multiply"(%[[W]], %[[STEP]])
// CHECK: %[[SUM:.*]] = "stablehlo.reduce"(%[[DOT]],
// CHECK: %[[SQUARE:.*]] = "stablehlo.multiply"(%[[RADIUS]], %[[RADIUS]])
// CHECK: %[[RADIAL:.*]] = "stablehlo.divide"(%[[SUM]], %[[SQUARE]])
// CHECK: %[[PART:.*]] = "stablehlo.multiply"(%[[W]], %{{.*}})
// CHECK: %[[Z:.*]] = "stablehlo.subtract"(%[[NEXT]], %[[PART]])
// SPHERE: %[[RATIO:.*]] = "stablehlo.divide"(%[[RADIUS]], %{{.*}})
// SPHERE: %[[NEW:.*]] = "stablehlo.multiply"(%[[Z]], %{{.*}})
// The average is one of the new weights:
// SPHERE: "stablehlo.multiply"(%{{.*}}, %[[NEW]]) {average}
// SPHERE: return %[[NEW]],
// PROJECTED: "stablehlo.multiply"(%{{.*}}, %[[Z]]) {average}
// PROJECTED: return %[[Z]],
func.func @main(%w: tensor<4xf32> loc("params['w']"), %m: tensor<4xf32> loc("average['w']"), %x: tensor<4xf32> loc("x"))
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
  %g = "stablehlo.multiply"(%t, %sb) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %d = "stablehlo.multiply"(%lambda, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %gd = "stablehlo.add"(%g, %d) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %wn = "stablehlo.subtract"(%w, %gd) {next} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %part = "stablehlo.multiply"(%rate, %wn) {average} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %old = "stablehlo.multiply"(%beta, %m) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %mn = "stablehlo.add"(%old, %part) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %wn, %mn, %loss : tensor<4xf32>, tensor<4xf32>, tensor<f32>
}
