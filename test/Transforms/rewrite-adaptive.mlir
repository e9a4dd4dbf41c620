// RUN: noether-opt --noether-rewrite-adaptive --split-input-file %s | FileCheck %s
// RUN: noether-opt --noether-rewrite-adaptive --split-input-file --remark-format=emitRemark "--remarks-filter=noether-adaptive" %s 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK

// One scale per column of the matrix: each column is divided by its root mean square over the batch. The
// epsilon is divided by the square of each radius, and so is the learning rate.

// REMARK: [Passed] Adapted {{.*}} | dimension=4, parameter=params['w'], symmetry=S1
// REMARK: [Analysis] Corrections {{.*}} count=2,

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[U:[^:]*]]: tensor<8x4xf32> {noether.carried_to = 0 : i64, noether.name = "params['w']", noether.role = "param"
// CHECK-SAME: %[[X:[^:]*]]: tensor<16x8xf32>
// CHECK-SAME: %[[R:[^:]*]]: tensor<4xf32> {noether.carried_to = 2 : i64, noether.name = "radius.S1", noether.role = "state"}
// CHECK-SAME: -> (tensor<8x4xf32>
// CHECK-SAME: tensor<f32>
// CHECK-SAME: tensor<4xf32> {noether.name = "radius.S1", noether.role = "state"})
// CHECK-SAME: noether.adaptive = [{argument = 2 : i64, parameters = [0], result = 2 : i64, states = [], symmetry = "S1"}], noether.entry
// CHECK-DAG: %[[SQUARE:.*]] = "stablehlo.multiply"(%[[R]], %[[R]])
// CHECK-DAG: %[[ONE:.*]] = "stablehlo.constant"() <{value = dense<1.000000e+00> : tensor<4xf32>}>
// CHECK: %[[INVERSE:.*]] = "stablehlo.divide"(%[[ONE]], %[[SQUARE]])
// CHECK: %[[RATE:.*]] = "stablehlo.constant"() <{value = dense<1.000000e-01> : tensor<8x4xf32>}>
// CHECK: %[[H:.*]] = "stablehlo.dot_general"(%[[X]], %[[U]])
// CHECK: %[[VARIANCE:.*]] = "stablehlo.reduce"
// The epsilon, block by block:
// CHECK: %[[EPS:.*]] = "stablehlo.constant"() <{value = dense<9.99999974E-6> : tensor<f32>}>
// CHECK: %[[EPS4:.*]] = "stablehlo.broadcast_in_dim"(%[[EPS]])
// CHECK: %[[SCALED:.*]] = "stablehlo.multiply"(%[[EPS4]], %[[INVERSE]])
// CHECK: "stablehlo.add"(%[[VARIANCE]], %[[SCALED]])
// CHECK: %[[G:.*]] = "stablehlo.dot_general"({{.*}} {gradient}
// CHECK: %[[DELTA:.*]] = "stablehlo.multiply"(%[[RATE]], %[[G]])
// CHECK: %[[INVERSES:.*]] = "stablehlo.broadcast_in_dim"(%[[INVERSE]]) <{broadcast_dimensions = array<i64: 1>}> : (tensor<4xf32>) -> tensor<8x4xf32>
// CHECK: %[[STEP:.*]] = "stablehlo.multiply"(%[[DELTA]], %[[INVERSES]])
// CHECK: %[[Z:.*]] = "stablehlo.subtract"(%[[U]], %[[STEP]])
// The new radius and the new direction:
// CHECK: %[[ZZ:.*]] = "stablehlo.multiply"(%[[Z]], %[[Z]])
// CHECK: %[[SUM:.*]] = "stablehlo.reduce"(%[[ZZ]], %{{.*}}) <{dimensions = array<i64: 0>}>
// CHECK: %[[ROOT:.*]] = "stablehlo.sqrt"(%[[SUM]])
// CHECK: %[[NE:.*]] = "stablehlo.compare"(%[[SUM]], %{{.*}}) <{compare_type = #stablehlo<comparison_type FLOAT>, comparison_direction = #stablehlo<comparison_direction NE>}>
// CHECK: %[[GROWTH:.*]] = "stablehlo.select"(%[[NE]], %[[ROOT]], %{{.*}})
// CHECK: %[[NEWR:.*]] = "stablehlo.multiply"(%[[R]], %[[GROWTH]])
// CHECK: %[[WIDE:.*]] = "stablehlo.broadcast_in_dim"(%[[GROWTH]])
// CHECK: %[[NEWU:.*]] = "stablehlo.divide"(%[[Z]], %[[WIDE]])
// CHECK: return %[[NEWU]], %{{.*}}, %[[NEWR]]

// CHECK-LABEL: func.func @noether_adapt(
// CHECK-SAME: %[[W:[^:]*]]: tensor<8x4xf32> {noether.name = "params['w']"}
// CHECK-SAME: -> (tensor<8x4xf32> {noether.name = "params['w']"}, tensor<16x8xf32> {{.*}}, tensor<4xf32> {noether.name = "radius.S1"})
// CHECK: %[[SQUARES:.*]] = "stablehlo.multiply"(%[[W]], %[[W]])
// CHECK: %[[CHARGE:.*]] = "stablehlo.reduce"(%[[SQUARES]]
// CHECK: %[[NORM:.*]] = "stablehlo.sqrt"(%[[CHARGE]])
// CHECK: %[[SAFE:.*]] = "stablehlo.select"(%{{.*}}, %[[NORM]], %{{.*}})
// CHECK: %[[OVER:.*]] = "stablehlo.divide"(%{{.*}}, %[[SAFE]])
// CHECK: %[[OVERS:.*]] = "stablehlo.broadcast_in_dim"(%[[OVER]])
// CHECK: %[[DIRECTION:.*]] = "stablehlo.multiply"(%[[W]], %[[OVERS]])
// CHECK: return %[[DIRECTION]], %{{.*}}, %[[SAFE]]

// CHECK-LABEL: func.func @noether_restore(
// CHECK-SAME: %[[U:[^:]*]]: tensor<8x4xf32>
// CHECK-SAME: %[[R:[^:]*]]: tensor<4xf32> {noether.name = "radius.S1"}
// CHECK: %[[RS:.*]] = "stablehlo.broadcast_in_dim"(%[[R]])
// CHECK: %[[W:.*]] = "stablehlo.multiply"(%[[U]], %[[RS]])
// CHECK: return %[[W]], %{{.*}} : tensor<8x4xf32>, tensor<16x8xf32>
func.func @main(%w: tensor<8x4xf32> loc("params['w']"), %x: tensor<16x8xf32> loc("x"))
    -> (tensor<8x4xf32> {jax.result_info = "result[0]['w']"}, tensor<f32> {jax.result_info = "result[1]"}) {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %eps = "stablehlo.constant"() <{value = dense<1.0e-5> : tensor<4xf32>}> : () -> tensor<4xf32>
  %rate = "stablehlo.constant"() <{value = dense<1.0e-1> : tensor<8x4xf32>}> : () -> tensor<8x4xf32>
  %h = "stablehlo.dot_general"(%x, %w) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<16x8xf32>, tensor<8x4xf32>) -> tensor<16x4xf32>
  %h2 = "stablehlo.multiply"(%h, %h) : (tensor<16x4xf32>, tensor<16x4xf32>) -> tensor<16x4xf32>
  %v = "stablehlo.reduce"(%h2, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %c = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%c) : (tensor<f32>) -> ()
  }) : (tensor<16x4xf32>, tensor<f32>) -> tensor<4xf32>
  %ve = "stablehlo.add"(%v, %eps) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %s = "stablehlo.rsqrt"(%ve) : (tensor<4xf32>) -> tensor<4xf32>
  %sb = "stablehlo.broadcast_in_dim"(%s) <{broadcast_dimensions = array<i64: 1>}> : (tensor<4xf32>) -> tensor<16x4xf32>
  %y = "stablehlo.multiply"(%h, %sb) : (tensor<16x4xf32>, tensor<16x4xf32>) -> tensor<16x4xf32>
  %t = "stablehlo.tanh"(%y) : (tensor<16x4xf32>) -> tensor<16x4xf32>
  %loss = "stablehlo.reduce"(%t, %zero) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %c = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%c) : (tensor<f32>) -> ()
  }) : (tensor<16x4xf32>, tensor<f32>) -> tensor<f32>
  // Not the gradient, but of its degree: nothing depends on more.
  %dy = "stablehlo.multiply"(%t, %sb) : (tensor<16x4xf32>, tensor<16x4xf32>) -> tensor<16x4xf32>
  %g = "stablehlo.dot_general"(%x, %dy) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}> {gradient} : (tensor<16x8xf32>, tensor<16x4xf32>) -> tensor<8x4xf32>
  %d = "stablehlo.multiply"(%rate, %g) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  %wn = "stablehlo.subtract"(%w, %d) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  return %wn, %loss : tensor<8x4xf32>, tensor<f32>
}

// -----

// One scale for a matrix and its bias (their sum is normalised): one radius. The momentum is held in the
// gauge of the gradients, decay included; the running mean square in that of the squares. The helper is
// inlined.

// REMARK: [Passed] Adapted {{.*}} | dimension=1, parameter=params['b'], parameter=params['w'], symmetry=S1

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[V:[^:]*]]: tensor<4xf32> {{{[^}]*}}noether.name = "params['b']"
// CHECK-SAME: %[[U:[^:]*]]: tensor<4xf32> {{{[^}]*}}noether.name = "params['w']"
// CHECK-SAME: %[[M:[^:]*]]: tensor<4xf32> {{{[^}]*}}noether.name = "opt['w']"
// CHECK-SAME: %[[A:[^:]*]]: tensor<f32> {{{[^}]*}}noether.name = "stats"
// CHECK-SAME: %[[R:[^:]*]]: tensor<f32> {{{[^}]*}}noether.name = "radius.S1"
// CHECK-SAME: noether.adaptive = [{argument = 5 : i64, parameters = [0, 1], result = 5 : i64, states = [2, 3], symmetry = "S1"}]
// CHECK-NOT: call
// The decay of the matrix, next to a gradient:
// CHECK: %[[DECAY:.*]] = "stablehlo.multiply"(%{{.*}}, %[[U]]) {decay}
// CHECK: %[[SQUARES:.*]] = "stablehlo.broadcast_in_dim"(%{{.*}}) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4xf32>
// CHECK: %[[CORRECTED:.*]] = "stablehlo.multiply"(%[[DECAY]], %[[SQUARES]])
// CHECK: "stablehlo.add"(%{{.*}}, %[[CORRECTED]])
// The momentum itself is not touched:
// CHECK: %[[OLD:.*]] = "stablehlo.multiply"(%{{.*}}, %[[M]])
// CHECK: "stablehlo.add"(%[[OLD]], %{{.*}}) {momentum}
// CHECK-NOT: func.func private

// CHECK-LABEL: func.func @noether_adapt(
// Of both members:
// CHECK: %[[SUM0:.*]] = "stablehlo.reduce"
// CHECK: %[[SUM1:.*]] = "stablehlo.reduce"
// CHECK: %[[CHARGE:.*]] = "stablehlo.add"(%[[SUM0]], %[[SUM1]]) : (tensor<f32>, tensor<f32>) -> tensor<f32>
// CHECK: "stablehlo.sqrt"(%[[CHARGE]])
func.func @main(%b: tensor<4xf32> loc("params['b']"), %w: tensor<4xf32> loc("params['w']"), %m: tensor<4xf32> loc("opt['w']"),
                %stats: tensor<f32> loc("stats"), %x: tensor<4xf32> loc("x"))
    -> (tensor<4xf32> {jax.result_info = "result[0]['b']"}, tensor<4xf32> {jax.result_info = "result[0]['w']"}, tensor<4xf32> {jax.result_info = "result[1]['w']"}, tensor<f32> {jax.result_info = "result[2]"}, tensor<f32> {jax.result_info = "result[3]"}) {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %rate = "stablehlo.constant"() <{value = dense<1.0e-1> : tensor<4xf32>}> : () -> tensor<4xf32>
  %decay = "stablehlo.constant"() <{value = dense<1.0e-2> : tensor<4xf32>}> : () -> tensor<4xf32>
  %beta = "stablehlo.constant"() <{value = dense<9.0e-1> : tensor<4xf32>}> : () -> tensor<4xf32>
  %keep = "stablehlo.constant"() <{value = dense<9.0e-1> : tensor<f32>}> : () -> tensor<f32>
  %part = "stablehlo.constant"() <{value = dense<1.0e-1> : tensor<f32>}> : () -> tensor<f32>
  %xw = "stablehlo.multiply"(%x, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %h = "stablehlo.add"(%xw, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %v = func.call @squares(%h) : (tensor<4xf32>) -> tensor<f32>
  %s = "stablehlo.rsqrt"(%v) : (tensor<f32>) -> tensor<f32>
  %sb = "stablehlo.broadcast_in_dim"(%s) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4xf32>
  %y = "stablehlo.multiply"(%h, %sb) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %t = "stablehlo.tanh"(%y) : (tensor<4xf32>) -> tensor<4xf32>
  %loss = func.call @squares(%t) : (tensor<4xf32>) -> tensor<f32>
  %g = "stablehlo.multiply"(%t, %sb) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %wd = "stablehlo.multiply"(%decay, %w) {decay} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %gd = "stablehlo.add"(%g, %wd) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %bm = "stablehlo.multiply"(%beta, %m) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %mn = "stablehlo.add"(%bm, %gd) {momentum} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %dw = "stablehlo.multiply"(%rate, %mn) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %wn = "stablehlo.subtract"(%w, %dw) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %db = "stablehlo.multiply"(%rate, %g) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %bn = "stablehlo.subtract"(%b, %db) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %so = "stablehlo.multiply"(%keep, %stats) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %sv = "stablehlo.multiply"(%part, %v) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %sn = "stablehlo.add"(%so, %sv) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %bn, %wn, %mn, %sn, %loss : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>
}
func.func private @squares(%h: tensor<4xf32>) -> tensor<f32> {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %h2 = "stablehlo.multiply"(%h, %h) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %v = "stablehlo.reduce"(%h2, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a: tensor<f32>, %c: tensor<f32>):
    %d = "stablehlo.add"(%a, %c) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%d) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  return %v : tensor<f32>
}

// -----

// Nothing is scale-invariant here: the module stays as it is.

// REMARK: [Missed] NotAdapted {{.*}}Reason="no parameter is scale-invariant on its own"
// CHECK-LABEL: func.func @main(%arg0: tensor<4xf32>, %arg1: tensor<4xf32>) -> (tensor<4xf32>
// CHECK-NOT: noether
func.func @main(%w: tensor<4xf32> loc("params['w']"), %x: tensor<4xf32> loc("x"))
    -> (tensor<4xf32> {jax.result_info = "result[0]['w']"}, tensor<f32> {jax.result_info = "result[1]"}) {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %xw = "stablehlo.multiply"(%x, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %loss = "stablehlo.reduce"(%xw, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a: tensor<f32>, %c: tensor<f32>):
    %d = "stablehlo.add"(%a, %c) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%d) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  %wn = "stablehlo.subtract"(%w, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %wn, %loss : tensor<4xf32>, tensor<f32>
}
