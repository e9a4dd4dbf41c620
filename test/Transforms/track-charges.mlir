// RUN: noether-opt --noether-track-charges %dumps/mlp_relu_sgd.mlir | FileCheck %s
// RUN: noether-opt --noether-track-charges --remarks-filter=noether-charges %dumps/mlp_relu_sgd.mlir -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Each hidden unit of a ReLU network can be rescaled: its weights and bias against its outgoing weights.
// Charges come after the results that are there, so that donated buffers keep their results.

// REMARK: remark: [Passed] ChargeTracked | Category:noether-charges | Function=main | dimension=8, family=rescale, symmetry=S1

// CHECK: func.func public @main(%[[B1:.*]]: tensor<8xf32> {{{.*}}tf.aliasing_output = 0 : i32}, %[[W1:.*]]: tensor<4x8xf32> {{{.*}}}, %{{.*}}: tensor<3xf32> {{{.*}}}, %[[W2:.*]]: tensor<8x3xf32>
// CHECK-SAME: tensor<f32> {jax.result_info = "result[1]", noether.name = "result[1]", noether.role = "loss"},
// CHECK-SAME: tensor<8xf32> {noether.name = "S1.charge", noether.role = "charge"},
// CHECK-SAME: tensor<8xf32> {noether.name = "S1.identity", noether.role = "charge"},
// CHECK-SAME: tensor<8xf32> {noether.name = "S1.gradient_norm", noether.role = "charge"},
// CHECK-SAME: tensor<8xf32> {noether.name = "S1.next_charge", noether.role = "charge"})
// CHECK: %charge, %identity, %gradient_norm, %next_charge = noether.charge "S1"
// CHECK-SAME: weights(%[[B1]], %[[W1]], %[[W2]] :
// CHECK-SAME: gradients(%{{[0-9]+}}, %{{[0-9]+}}, %{{[0-9]+}} : tensor<8xf32>, tensor<4x8xf32>, tensor<8x3xf32>)
// CHECK-SAME: next(%[[N1:[0-9]+]], %[[N2:[0-9]+]], %[[N3:[0-9]+]] :
// CHECK-SAME: -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
// CHECK: return %[[N1]], %[[N2]], %{{[0-9]+}}, %[[N3]], %{{[0-9]+}}, %charge, %identity, %gradient_norm, %next_charge :
