// RUN: noether-opt --allow-unregistered-dialect --noether-mark-roles %s | FileCheck %s
// RUN: noether-opt --allow-unregistered-dialect --noether-mark-roles --noether-mark-roles %s | FileCheck %s
// RUN: noether-opt --allow-unregistered-dialect --noether-mark-roles --remarks-filter=noether-roles %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Roles that are there are kept, so that a second run changes nothing.

// REMARK: mark-roles.mlir:[[#@LINE+8]]:1: remark: [Analysis] RoleDecided | Category:noether-roles | Function=step | argument=0, carried_to=0, decided_by="data flow", name=params['w'], role=param
// REMARK: remark: [Analysis] RoleDecided | Category:noether-roles | Function=step | argument=1, decided_by="data flow", name=x, role=batch

// CHECK: func.func @step(
// CHECK-SAME: %{{.*}}: tensor<4xf32> {noether.carried_to = 0 : i64, noether.name = "params['w']", noether.role = "param", noether.role_decided_by = "data flow"},
// CHECK-SAME: %{{.*}}: tensor<8xf32> {noether.name = "x", noether.role = "batch", noether.role_decided_by = "data flow"})
// CHECK-SAME: -> (tensor<4xf32> {jax.result_info = "result[0]['w']", noether.name = "result[0]['w']", noether.role = "param"},
// CHECK-SAME: tensor<f32> {noether.name = "result1", noether.role = "loss"})
func.func @step(%w: tensor<4xf32> loc("params['w']"), %x: tensor<8xf32> loc("x"))
    -> (tensor<4xf32> {jax.result_info = "result[0]['w']"}, tensor<f32>) {
  %loss = "test.loss"(%w, %x) : (tensor<4xf32>, tensor<8xf32>) -> tensor<f32>
  %next = "test.update"(%w, %x) : (tensor<4xf32>, tensor<8xf32>) -> tensor<4xf32>
  return %next, %loss : tensor<4xf32>, tensor<f32>
}
