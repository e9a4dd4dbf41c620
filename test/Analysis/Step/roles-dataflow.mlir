// RUN: noether-opt --allow-unregistered-dialect --noether-mark-roles --split-input-file %s | FileCheck %s

// Without names the update tells what is carried; the reconstruction, which the loss is computed from, is no
// next value of the data.

// CHECK-LABEL: func.func @autoencoder
// CHECK-SAME: %{{.*}}: tensor<4x4xf32> {noether.carried_to = 0 : i64, noether.name = "arg0", noether.role = "param", noether.role_decided_by = "data flow"}
// CHECK-SAME: %{{.*}}: tensor<4x4xf32> {noether.name = "arg1", noether.role = "batch"
// CHECK-SAME: -> (tensor<4x4xf32> {{.*}}"param"}, tensor<f32> {{.*}}"loss"}, tensor<4x4xf32> {noether.name = "result2", noether.role = "metric"})
func.func @autoencoder(%w: tensor<4x4xf32>, %x: tensor<4x4xf32>)
    -> (tensor<4x4xf32>, tensor<f32>, tensor<4x4xf32>) {
  %y = "test.product"(%x, %w) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %out = "stablehlo.add"(%y, %x) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %loss = "test.distance"(%out, %x) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<f32>
  %g = "test.product"(%x, %out) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %next = "stablehlo.subtract"(%w, %g) : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %next, %loss, %out : tensor<4x4xf32>, tensor<f32>, tensor<4x4xf32>
}

// -----

// Aliasing pairs by type and order: here it gives the parameter the state's result. It is not trusted.

// CHECK-LABEL: func.func @aliased
// CHECK-SAME: %{{.*}}: tensor<4xf32> {noether.carried_to = 1 : i64, noether.name = "p", noether.role = "param"
// CHECK-SAME: %{{.*}}: tensor<4xf32> {noether.carried_to = 0 : i64, noether.name = "m", noether.role = "state"
func.func @aliased(%p: tensor<4xf32> {tf.aliasing_output = 0 : i32} loc("p"),
                   %m: tensor<4xf32> {tf.aliasing_output = 1 : i32} loc("m"), %x: tensor<8xf32> loc("x"))
    -> (tensor<4xf32> {jax.result_info = "result['a_state']"},
        tensor<4xf32> {jax.result_info = "result['b_param']"},
        tensor<f32> {jax.result_info = "result['loss']"}) {
  %loss = "test.loss"(%p, %x) : (tensor<4xf32>, tensor<8xf32>) -> tensor<f32>
  %c = "test.decay"(%m) : (tensor<4xf32>) -> tensor<4xf32>
  %state = "stablehlo.add"(%c, %p) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %d = "test.scale"(%state) : (tensor<4xf32>) -> tensor<4xf32>
  %next = "stablehlo.subtract"(%p, %m) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %state, %next, %loss : tensor<4xf32>, tensor<4xf32>, tensor<f32>
}

// -----

// Results of calls, branches and barriers are told apart: the running mean goes through the same
// operations as the parameter, but the loss does not need it.

// CHECK-LABEL: func.func @main
// CHECK-SAME: noether.name = "params['w']", noether.role = "param"
// CHECK-SAME: noether.name = "stats['mean']", noether.role = "state"
func.func @main(%w: tensor<4xf32> loc("params['w']"), %mean: tensor<4xf32> loc("stats['mean']"),
                %x: tensor<4xf32> loc("x"), %p: tensor<i1> loc("p"))
    -> (tensor<4xf32> {jax.result_info = "result[0]['w']"},
        tensor<4xf32> {jax.result_info = "result[1]['mean']"}, tensor<f32>) {
  %y:2 = call @layer(%w, %mean, %x)
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %z:2 = "stablehlo.optimization_barrier"(%y#0, %y#1)
      : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %u:2 = "stablehlo.if"(%p) ({
    "stablehlo.return"(%z#0, %z#1) : (tensor<4xf32>, tensor<4xf32>) -> ()
  }, {
    "stablehlo.return"(%x, %mean) : (tensor<4xf32>, tensor<4xf32>) -> ()
  }) : (tensor<i1>) -> (tensor<4xf32>, tensor<4xf32>)
  %v:2 = "stablehlo.while"(%u#0, %u#1) ({
  ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
    "stablehlo.return"(%p) : (tensor<i1>) -> ()
  }, {
  ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
    %c = "stablehlo.add"(%b, %a) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    "stablehlo.return"(%a, %c) : (tensor<4xf32>, tensor<4xf32>) -> ()
  }) : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %loss = "test.sum"(%v#0) : (tensor<4xf32>) -> tensor<f32>
  %next = "stablehlo.subtract"(%w, %v#0) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %next, %v#1, %loss : tensor<4xf32>, tensor<4xf32>, tensor<f32>
}
func.func private @layer(%w: tensor<4xf32>, %mean: tensor<4xf32>, %x: tensor<4xf32>)
    -> (tensor<4xf32>, tensor<4xf32>) {
  %y = "stablehlo.multiply"(%w, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %m = "stablehlo.add"(%mean, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y, %m : tensor<4xf32>, tensor<4xf32>
}

// -----

// The caller's word counts, and stays the caller's: a parameter the loss does not need is dead, not state.

// CHECK-LABEL: func.func @step
// CHECK-SAME: {noether.carried_to = 0 : i64, noether.name = "w", noether.role = "param", noether.role_decided_by = "data flow"}
// CHECK-SAME: {noether.carried_to = 1 : i64, noether.name = "unused", noether.role = "param", noether.role_decided_by = "caller"}
// CHECK-SAME: {noether.name = "frozen", noether.role = "hyper", noether.role_decided_by = "caller"}
func.func @step(%w: tensor<4xf32> {noether.name = "w"},
                %v: tensor<4xf32> {noether.role = "param", noether.name = "unused", noether.carried_to = 1 : i64},
                %x: tensor<4xf32> {noether.role = "hyper", noether.name = "frozen"})
    -> (tensor<4xf32>, tensor<4xf32>, tensor<f32>) {
  %y = "stablehlo.multiply"(%w, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %loss = "test.sum"(%y) : (tensor<4xf32>) -> tensor<f32>
  %next = "stablehlo.subtract"(%w, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %next, %v, %loss : tensor<4xf32>, tensor<4xf32>, tensor<f32>
}
