// RUN: noether-opt --noether-track-charges=predict %dumps/mlp_layernorm_sgdm.mlir | FileCheck %s
// RUN: noether-opt --noether-track-charges %dumps/mlp_layernorm_sgdm.mlir | FileCheck %s --check-prefix=PLAIN --implicit-check-not=transition --implicit-check-not=noether.predictions
// RUN: noether-opt --noether-track-charges=predict --noether-lower-charges %dumps/mlp_layernorm_sgdm.mlir | FileCheck %s --check-prefix=LOWERED --implicit-check-not=noether.charge

// What the recurrences of momentum need: inner products of parameters and buffers, those of buffers and gradients,
// and the numbers of the update; of shifts the sums. A norm with an epsilon has its law to leading order.

// PLAIN: noether.name = "S1.next_charge"
// LOWERED: noether.name = "S1.transition"

// CHECK: func.func public @main(
// CHECK-SAME: tensor<f32> {noether.name = "S1.gram_1_1", noether.role = "charge"}
// CHECK-SAME: tensor<f32> {noether.name = "S1.overlap_1", noether.role = "charge"}
// CHECK-SAME: tensor<f32> {noether.name = "S1.gram_0_1", noether.role = "charge"}
// CHECK-SAME: tensor<2x3xf32> {noether.name = "S1.transition", noether.role = "charge"}
// CHECK-SAME: tensor<f32> {noether.name = "T1.charge", noether.role = "charge"}
// CHECK-SAME: tensor<f32> {noether.name = "T1.identity", noether.role = "charge"}
// CHECK-SAME: tensor<f32> {noether.name = "T1.next_charge", noether.role = "charge"}
// CHECK-SAME: tensor<f32> {noether.name = "T1.sum_1", noether.role = "charge"}
// CHECK-SAME: attributes {noether.predictions = {S1 = "leading order", S2 = "leading order", S3 = "exact", S4 = "exact", T1 = "exact"
// CHECK: noether.charge "S1"
// CHECK-SAME: weights(%[[B:.*]], %[[W:.*]] : tensor<16xf32>, tensor<6x16xf32>) gradients(%[[GB:.*]], %[[GW:.*]] : {{.*}}) next(
// CHECK: noether.charge "S1"
// CHECK-SAME: weights(%[[MB:.*]], %[[MW:.*]] : tensor<16xf32>, tensor<6x16xf32>) gradients(%[[GB]], %[[GW]] :
// CHECK: noether.charge "S1"
// CHECK-SAME: weights(%[[B]], %[[W]] : tensor<16xf32>, tensor<6x16xf32>) gradients(%[[MB]], %[[MW]] :
// CHECK: "stablehlo.concatenate"
// CHECK-SAME: -> tensor<6xf32>
