// RUN: noether-opt --noether-lower-charges %s | FileCheck %s

// Without any StableHLO the charges become linalg: one operation per member makes all sums.

// CHECK-NOT: noether.charge

// CHECK-LABEL: func.func @rescale
// CHECK-SAME: (%[[W1:.*]]: tensor<4x8xf32>, %[[W2:.*]]: tensor<8x2xbf16>, %[[G1:.*]]: tensor<4x8xf32>, %[[G2:.*]]: tensor<8x2xbf16>)
// CHECK: %[[INIT:.*]] = linalg.fill
// CHECK: %[[FIRST:.*]]:3 = linalg.generic {{.*}} iterator_types = ["reduction", "parallel"]} ins(%[[W1]], %[[G1]] : {{.*}}) outs(%[[INIT]], %[[INIT]], %[[INIT]] :
// CHECK: %[[SECOND:.*]]:3 = linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]} ins(%[[W2]], %[[G2]] : {{.*}}) outs(%[[FIRST]]#0, %[[FIRST]]#1, %[[FIRST]]#2 :
// CHECK: arith.extf %{{.*}} : bf16 to f32
// CHECK: arith.constant -5.000000e-01 : f32
// CHECK: return %[[SECOND]]#0, %[[SECOND]]#1, %[[SECOND]]#2
func.func @rescale(%w1: tensor<4x8xf32>, %w2: tensor<8x2xbf16>, %g1: tensor<4x8xf32>,
                   %g2: tensor<8x2xbf16>)
    -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) {
  %c, %i, %n = noether.charge "S1"
      members [#noether.member<1 view [4,8] axes [1]>, #noether.member<-1/2 view [8,2] axes [0]>]
      weights (%w1, %w2 : tensor<4x8xf32>, tensor<8x2xbf16>)
      gradients (%g1, %g2 : tensor<4x8xf32>, tensor<8x2xbf16>)
      -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  return %c, %i, %n : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
}

// CHECK-LABEL: func.func @part
// CHECK: %[[VIEW:.*]] = tensor.expand_shape %{{.*}} {{\[\[}}0], [1, 2, 3]] output_shape [16, 3, 4, 2]
// CHECK: %[[CUT:.*]] = tensor.extract_slice %[[VIEW]][0, 1, 0, 0] [16, 1, 4, 2] [1, 1, 1, 1]
// CHECK: linalg.generic {{.*}} iterator_types = ["reduction", "reduction", "parallel", "parallel"]} ins(%[[CUT]],
func.func @part(%w: tensor<16x24xf32>, %next: tensor<16x24xf32>) -> (tensor<2x4xf64>, tensor<2x4xf64>) {
  %c, %n = noether.charge "S2"
      members [#noether.member<3 view [16,3,4,2] axes [3,2] offsets [0,1,0,0] sizes [16,1,4,2]>]
      weights (%w : tensor<16x24xf32>) next (%next : tensor<16x24xf32>)
      -> tensor<2x4xf64>, tensor<2x4xf64>
  return %c, %n : tensor<2x4xf64>, tensor<2x4xf64>
}

// CHECK-LABEL: func.func @scalar
// CHECK: linalg.generic {{.*}} iterator_types = []} ins(%{{.*}} : tensor<f32>)
func.func @scalar(%w: tensor<f32>) -> tensor<f32> {
  %c = noether.charge "S3" members [#noether.member<1 view []>] weights(%w : tensor<f32>)
      -> tensor<f32>
  return %c : tensor<f32>
}

// A view that neither only splits nor only merges axes.
// CHECK-LABEL: func.func @crossed
// CHECK: %[[FLAT:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0, 1]] : tensor<4x6xf32> into tensor<24xf32>
// CHECK: tensor.expand_shape %[[FLAT]] {{\[\[}}0, 1]] output_shape [3, 8] : tensor<24xf32> into tensor<3x8xf32>
func.func @crossed(%w: tensor<4x6xf32>) -> tensor<3xf32> {
  %c = noether.charge "S4" members [#noether.member<1 view [3,8] axes [0]>]
      weights (%w : tensor<4x6xf32>) -> tensor<3xf32>
  return %c : tensor<3xf32>
}

// Where only differences along the block are conserved, means are taken away.
// CHECK-LABEL: func.func @traceless
// CHECK: %[[SUMS:.*]] = linalg.generic {{.*}} iterator_types = ["reduction", "parallel"]}
// CHECK: %[[TOTAL:.*]] = linalg.generic {{.*}} iterator_types = ["reduction"]} ins(%[[SUMS]] : tensor<8xf32>)
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel"]} ins(%[[SUMS]], %[[TOTAL]] : tensor<8xf32>, tensor<f32>)
// CHECK: arith.constant 8.000000e+00 : f32
// CHECK: arith.divf
// CHECK: arith.subf
func.func @traceless(%w: tensor<4x8xf32>) -> tensor<8xf32> {
  %c = noether.charge "S5" members [#noether.member<1 view [4,8] axes [1]>] traceless
      weights (%w : tensor<4x8xf32>) -> tensor<8xf32>
  return %c : tensor<8xf32>
}
