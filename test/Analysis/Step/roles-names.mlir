// RUN: noether-opt --allow-unregistered-dialect --noether-mark-roles --split-input-file %s | FileCheck %s

// Names pair arguments with results: the roots differ, and results are in a tuple. The loss reaches the
// parameter only; the moving average has its name.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %{{.*}}: tensor<4xf32> {noether.carried_to = 2 : i64, noether.name = "params['w']", noether.role = "param", noether.role_decided_by = "data flow"}
// CHECK-SAME: %{{.*}}: tensor<4xf32> {noether.carried_to = 1 : i64, noether.name = "opt_state[0].mu['w']", noether.role = "state", noether.role_decided_by = "name"}
// CHECK-SAME: %{{.*}}: tensor<i32> {noether.carried_to = 0 : i64, noether.name = "opt_state[0].count", noether.role = "state", noether.role_decided_by = "name"}
// CHECK-SAME: %{{.*}}: tensor<4xf32> {noether.name = "batch['w']", noether.role = "batch", noether.role_decided_by = "data flow"}
// CHECK-SAME: %{{.*}}: tensor<f32> {noether.name = "learning_rate", noether.role = "hyper", noether.role_decided_by = "data flow"}
// CHECK-SAME: %{{.*}}: tensor<2xui32> {noether.name = "key", noether.role = "rng", noether.role_decided_by = "name"}
// CHECK-SAME: -> (tensor<i32> {jax.result_info = "result[1][0].count", noether.name = "result[1][0].count", noether.role = "state"}
// CHECK-SAME: tensor<4xf32> {{{.*}}noether.role = "state"}
// CHECK-SAME: tensor<4xf32> {{{.*}}noether.role = "param"}
// CHECK-SAME: tensor<f32> {{{.*}}noether.role = "metric"}
// CHECK-SAME: tensor<f32> {{{.*}}noether.role = "loss"}
func.func @main(%w: tensor<4xf32> loc("params['w']"), %mu: tensor<4xf32> loc("opt_state[0].mu['w']"),
                %count: tensor<i32> loc("opt_state[0].count"), %x: tensor<4xf32> loc("batch['w']"),
                %lr: tensor<f32> loc("learning_rate"), %key: tensor<2xui32> loc("key"))
    -> (tensor<i32> {jax.result_info = "result[1][0].count"},
        tensor<4xf32> {jax.result_info = "result[1][0].mu['w']"},
        tensor<4xf32> {jax.result_info = "result[0]['w']"},
        tensor<f32> {jax.result_info = "result[2]['accuracy']"},
        tensor<f32> {jax.result_info = "result[2]['loss']"}) {
  %y = "stablehlo.multiply"(%w, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %loss = "test.sum"(%y) : (tensor<4xf32>) -> tensor<f32>
  %accuracy = "test.accuracy"(%y) : (tensor<4xf32>) -> tensor<f32>
  %next_mu = "stablehlo.add"(%mu, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %step = "test.scale"(%lr, %next_mu) : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %next_w = "stablehlo.subtract"(%w, %step) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %next_count = "test.increment"(%count) : (tensor<i32>) -> tensor<i32>
  return %next_count, %next_mu, %next_w, %accuracy, %loss
      : tensor<i32>, tensor<4xf32>, tensor<4xf32>, tensor<f32>, tensor<f32>
}

// -----

// Equal suffixes on both sides: what updates what settles it, whatever the order.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %{{.*}}: tensor<4xf32> {noether.carried_to = 1 : i64, noether.name = "params['w']", noether.role = "param"
// CHECK-SAME: %{{.*}}: tensor<4xf32> {noether.carried_to = 0 : i64, noether.name = "momentum['w']", noether.role = "state"
func.func @main(%w: tensor<4xf32> loc("params['w']"), %m: tensor<4xf32> loc("momentum['w']"),
                %x: tensor<4xf32> loc("x"))
    -> (tensor<4xf32> {jax.result_info = "result[0]['w']"},
        tensor<4xf32> {jax.result_info = "result[1]['w']"},
        tensor<f32> {jax.result_info = "result[2]"}) {
  %y = "stablehlo.multiply"(%w, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %loss = "test.sum"(%y) : (tensor<4xf32>) -> tensor<f32>
  %next_m = "stablehlo.add"(%m, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %next_w = "stablehlo.subtract"(%w, %next_m) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %next_m, %next_w, %loss : tensor<4xf32>, tensor<4xf32>, tensor<f32>
}

// -----

// Keys may hold anything, brackets and dots included; deeper roots differ as well.

// CHECK-LABEL: func.func @main
// CHECK-SAME: %{{.*}}: tensor<4xf32> {noether.carried_to = 1 : i64, noether.name = "state.params['a.b[0]/c']"
// CHECK-SAME: %{{.*}}: tensor<4xf32> {noether.carried_to = 0 : i64, noether.name = "state.params[\22d\22]"
func.func @main(%a: tensor<4xf32> loc("state.params['a.b[0]/c']"),
                %d: tensor<4xf32> loc("state.params[\"d\"]"), %x: tensor<8xf32> loc("x"))
    -> (tensor<4xf32> {jax.result_info = "result[0]['d']"},
        tensor<4xf32> {jax.result_info = "result[0]['a.b[0]/c']"}, tensor<f32>) {
  %loss = "test.loss"(%a, %d, %x) : (tensor<4xf32>, tensor<4xf32>, tensor<8xf32>) -> tensor<f32>
  return %d, %a, %loss : tensor<4xf32>, tensor<4xf32>, tensor<f32>
}
