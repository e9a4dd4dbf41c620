// RUN: noether-opt --noether-eliminate-decay %s | FileCheck %s
// RUN: noether-opt --noether-eliminate-decay --remark-format=emitRemark "--remarks-filter=noether-eliminate-decay" %s 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK
// RUN: sed -e 's/dense<5.0e-4>/dense<5.0e-1>/' %s | noether-opt --noether-eliminate-decay --remark-format=emitRemark "--remarks-filter=noether-eliminate-decay" 2>&1 | FileCheck %s --check-prefix=STRONG
// RUN: sed -e 's/dense<5.0e-4>/dense<0.0>/' %s | noether-opt --noether-eliminate-decay --remark-format=emitRemark "--remarks-filter=noether-eliminate-decay" 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: sed -e 's/"stablehlo.add"(%old, %gd)/"stablehlo.maximum"(%old, %gd)/' %s | noether-opt --noether-eliminate-decay --remark-format=emitRemark "--remarks-filter=noether-eliminate-decay" 2>&1 | FileCheck %s --check-prefix=LINEAR

// Heavy ball with decay becomes heavy ball without: beta stays, and the learning rate is a power of the
// number of steps.

// REMARK: [Passed] DecayEliminated {{.*}} factor=0.999497728367892{{[0-9]*}}, parameter=params['w']
// STRONG: [Missed] DecayKept {{.*}} Reason="the decay is too strong for the momentum", symmetry=S1
// STRONG-NOT: noether_adapt
// NONE: [Missed] DecayKept {{.*}} Reason="params['w'] does not decay", symmetry=S1
// LINEAR: [Missed] DecayKept {{.*}} Reason="the update of params['w'] is not linear in the gradient", symmetry=S1

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[U:[^:]*]]: tensor<4xf32>
// CHECK-SAME: %[[Y:[^:]*]]: tensor<4xf32>
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32>
// CHECK-SAME: %[[T:[^:]*]]: tensor<i32> {noether.carried_to = 3 : i64, noether.name = "decay.0.steps", noether.role = "state"}
// CHECK: "stablehlo.multiply"(%[[X]], %[[U]])
// CHECK: %[[G:.*]] = "stablehlo.multiply"({{.*}} {gradient}
// CHECK-NOT: {decay}
// The unit is set back after 22074 steps.
// CHECK: dense<22074> : tensor<i32>
// CHECK: %[[FULL:.*]] = "stablehlo.compare"
// a^(-2t - 1):
// CHECK: %[[COUNT:.*]] = "stablehlo.convert"(%[[T]])
// CHECK: dense<0.00100479566>
// CHECK: %[[LOG:.*]] = "stablehlo.multiply"(%[[COUNT]],
// CHECK: dense<5.0239783E-4>
// CHECK: %[[SUM:.*]] = "stablehlo.add"(%[[LOG]],
// CHECK: %[[RATE:.*]] = "stablehlo.exponential"(%[[SUM]])
// CHECK: dense<-9.000000e-02>
// CHECK: "stablehlo.multiply"(%[[Y]],
// CHECK: dense<-1.000000e-01>
// CHECK: "stablehlo.multiply"(%[[G]],
// CHECK: %[[MOVE:.*]] = "stablehlo.add"
// CHECK: %[[RATES:.*]] = "stablehlo.broadcast_in_dim"(%[[RATE]])
// CHECK: %[[STEP:.*]] = "stablehlo.multiply"(%[[MOVE]], %[[RATES]])
// CHECK: %[[NEXT:.*]] = "stablehlo.add"(%[[STEP]], %[[U]])
// CHECK: "stablehlo.multiply"(%[[NEXT]],
// beta of the buffer, and nothing of the parameter:
// CHECK: dense<0.899999976>
// CHECK: "stablehlo.multiply"(%[[Y]],
// CHECK-NOT: %[[U]]
// CHECK: return

// CHECK-LABEL: func.func @noether_adapt(
// CHECK-SAME: %[[W:[^:]*]]: tensor<4xf32>
// CHECK-SAME: %[[M:[^:]*]]: tensor<4xf32>
// CHECK: %[[MODE:.*]] = "stablehlo.constant"() <{value = dense<-5.025240e-03>
// CHECK: %[[PART:.*]] = "stablehlo.multiply"(%[[W]], %[[MODE]])
// CHECK: %[[REST:.*]] = "stablehlo.add"(%[[M]], %[[PART]])
// CHECK: return %[[W]], %[[REST]], %{{.*}}, %{{.*}} : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<i32>

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
