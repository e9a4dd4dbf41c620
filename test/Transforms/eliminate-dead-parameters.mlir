// RUN: noether-opt --noether-eliminate-dead-parameters --split-input-file %s | FileCheck %s
// RUN: noether-opt --noether-eliminate-dead-parameters --split-input-file --remark-format=emitRemark "--remarks-filter=noether-dead-parameters" %s 2>&1 >/dev/null | FileCheck %s --check-prefix=REMARK

// The dead parameter and its momentum leave; numbers of results that arguments name move up.

// REMARK: [Passed] Eliminated {{.*}} name=params['dead'], role=param
// REMARK: [Passed] Eliminated {{.*}} name=opt['dead'], role=state

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[W:[^:]*]]: tensor<4xf32> {{[^}]*}}noether.name = "params['w']"
// CHECK-SAME: %[[C:[^:]*]]: tensor<f32> {noether.carried_to = 1 : i64, noether.name = "count"{{[^}]*}}tf.aliasing_output = 1 : i32}
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32> {{[^}]*}}noether.name = "x"
// CHECK-SAME: -> (tensor<4xf32> {{[^}]*}}}, tensor<f32> {{[^}]*}}}, tensor<f32>
// CHECK-SAME: noether.dropped = {arguments = array<i64: 0, 2>, results = array<i64: 0, 2>}
// CHECK-NOT: {dead}
// CHECK: return %{{.*}}, %{{.*}}, %{{.*}} : tensor<4xf32>, tensor<f32>, tensor<f32>

// CHECK-LABEL: func.func @noether_adapt(
// CHECK-SAME: %[[D:[^:]*]]: tensor<8xf32> {noether.name = "params['dead']"}, %[[W:[^:]*]]: tensor<4xf32> {{[^}]*}}}, %[[M:[^:]*]]: tensor<8xf32> {{[^}]*}}}, %[[C:[^:]*]]: tensor<f32> {{[^}]*}}}, %[[X:[^:]*]]: tensor<4xf32>
// CHECK: return %[[W]], %[[C]], %[[X]], %[[D]], %[[M]]

// CHECK-LABEL: func.func @noether_restore(
// CHECK-SAME: %[[W:[^:]*]]: tensor<4xf32> {{[^}]*}}}, %[[C:[^:]*]]: tensor<f32> {{[^}]*}}}, %[[X:[^:]*]]: tensor<4xf32> {{[^}]*}}}, %[[D:[^:]*]]: tensor<8xf32> {{[^}]*}}}, %[[M:[^:]*]]: tensor<8xf32>
// CHECK: return %[[D]], %[[W]], %[[M]], %[[C]], %[[X]]
func.func @main(%d: tensor<8xf32> {noether.role = "param"} loc("params['dead']"), %w: tensor<4xf32> loc("params['w']"),
                %m: tensor<8xf32> loc("opt['dead']"), %n: tensor<f32> {tf.aliasing_output = 3 : i32} loc("count"), %x: tensor<4xf32> loc("x"))
    -> (tensor<8xf32> {jax.result_info = "result[0]['dead']"}, tensor<4xf32> {jax.result_info = "result[0]['w']"},
        tensor<8xf32> {jax.result_info = "result[1]['dead']"}, tensor<f32> {jax.result_info = "result[2]"}, tensor<f32> {jax.result_info = "result[3]"}) {
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
  %nw = "stablehlo.broadcast_in_dim"(%n) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4xf32>
  %gn = "stablehlo.divide"(%g, %nw) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %wn = "stablehlo.subtract"(%w, %gn) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %one = "stablehlo.constant"() <{value = dense<1.0> : tensor<f32>}> : () -> tensor<f32>
  %nn = "stablehlo.add"(%n, %one) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %mn = "stablehlo.add"(%m, %d) {dead} : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %nb = "stablehlo.broadcast_in_dim"(%nn) <{broadcast_dimensions = array<i64>}> {dead} : (tensor<f32>) -> tensor<8xf32>
  %k = "stablehlo.divide"(%mn, %nb) {dead} : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %dn = "stablehlo.subtract"(%d, %k) {dead} : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %dn, %wn, %mn, %nn, %loss : tensor<8xf32>, tensor<4xf32>, tensor<8xf32>, tensor<f32>, tensor<f32>
}

// -----

// The size of the dead parameter sets the step of the other one.

// REMARK: [Missed] NotEliminated {{.*}} Reason="stablehlo.multiply {{.*}}needs it for another result", name=params['dead']
// REMARK-NOT: Eliminated

// CHECK-LABEL: func.func @main(
// CHECK-SAME: tensor<8xf32>
// CHECK-NOT: noether.dropped
func.func @main(%d: tensor<8xf32> {noether.role = "param"} loc("params['dead']"), %w: tensor<4xf32> loc("params['w']"), %x: tensor<4xf32> loc("x"))
    -> (tensor<8xf32> {jax.result_info = "result[0]['dead']"}, tensor<4xf32> {jax.result_info = "result[0]['w']"}, tensor<f32> {jax.result_info = "result[1]"}) {
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
  %d2 = "stablehlo.multiply"(%d, %d) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %size = "stablehlo.reduce"(%d2, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %c = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%c) : (tensor<f32>) -> ()
  }) : (tensor<8xf32>, tensor<f32>) -> tensor<f32>
  %sizes = "stablehlo.broadcast_in_dim"(%size) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4xf32>
  %step = "stablehlo.multiply"(%g, %sizes) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %wn = "stablehlo.subtract"(%w, %step) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %d, %wn, %loss : tensor<8xf32>, tensor<4xf32>, tensor<f32>
}
