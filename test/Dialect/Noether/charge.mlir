// RUN: noether-opt %s | FileCheck %s
// RUN: noether-opt --mlir-print-op-generic %s | noether-opt | FileCheck %s
// RUN: noether-opt --emit-bytecode %s | noether-opt | FileCheck %s
// RUN: noether-opt --cse --canonicalize %s | FileCheck %s --check-prefix=PURE

// PURE-LABEL: func.func @unused
// PURE-NOT: noether.charge
// PURE-LABEL: func.func @traceless

// CHECK-LABEL: func.func @rescale
func.func @rescale(%w1: tensor<4x8xf32>, %w2: tensor<8x2xbf16>, %g1: tensor<4x8xf32>,
                   %g2: tensor<8x2xbf16>, %n1: tensor<4x8xf32>, %n2: tensor<8x2xbf16>)
    -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) {
  // CHECK: %charge, %identity, %gradient_norm, %next_charge = noether.charge "S1"
  // CHECK-SAME: members [#noether.member<1 view [4,8] axes [1]>, #noether.member<-1/2 view [8,2] axes [0]>]
  // CHECK-SAME: weights(%arg0, %arg1 : tensor<4x8xf32>, tensor<8x2xbf16>)
  // CHECK-SAME: gradients(%arg2, %arg3 : tensor<4x8xf32>, tensor<8x2xbf16>)
  // CHECK-SAME: next(%arg4, %arg5 : tensor<4x8xf32>, tensor<8x2xbf16>)
  // CHECK-SAME: -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  %c, %i, %n, %next = noether.charge "S1"
      members [#noether.member<1 view [4,8] axes [1]>, #noether.member<-2/4 view [8,2] axes [0]>]
      weights (%w1, %w2 : tensor<4x8xf32>, tensor<8x2xbf16>)
      gradients (%g1, %g2 : tensor<4x8xf32>, tensor<8x2xbf16>)
      next (%n1, %n2 : tensor<4x8xf32>, tensor<8x2xbf16>)
      -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  return %c, %i, %n, %next : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
}

// A scalar block, in a part of a weight that is seen in another shape.
// CHECK-LABEL: func.func @part
func.func @part(%w: tensor<16x24xf32>, %next: tensor<16x24xf32>) -> (tensor<4xf64>, tensor<4xf64>) {
  // CHECK: %charge, %next_charge = noether.charge "S2"
  // CHECK-SAME: members [#noether.member<3 view [16,3,4,2] axes [2] offsets [0,1,0,0] sizes [16,1,4,2]>]
  // CHECK-SAME: weights(%arg0 : tensor<16x24xf32>) next(%arg1 : tensor<16x24xf32>) -> tensor<4xf64>, tensor<4xf64>
  %c, %n = noether.charge "S2"
      members [#noether.member<3 view [16,3,4,2] axes [2] offsets [0,1,0,0] sizes [16,1,4,2]>]
      weights (%w : tensor<16x24xf32>) next (%next : tensor<16x24xf32>)
      -> tensor<4xf64>, tensor<4xf64>
  return %c, %n : tensor<4xf64>, tensor<4xf64>
}

// CHECK-LABEL: func.func @scalar
func.func @scalar(%w: tensor<f32>) -> tensor<f32> {
  // CHECK: %charge = noether.charge "S3" members [#noether.member<1 view []>] weights(%arg0 : tensor<f32>) -> tensor<f32>
  %c = noether.charge "S3" members [#noether.member<1 view []>] weights (%w : tensor<f32>)
      -> tensor<f32>
  return %c : tensor<f32>
}

// CHECK-LABEL: func.func @unused
func.func @unused(%w: tensor<4xf32>) {
  // CHECK: noether.charge
  %c = noether.charge "S4" members [#noether.member<1 view [4]>] weights (%w : tensor<4xf32>)
      -> tensor<f32>
  return
}

// CHECK-LABEL: func.func @traceless
func.func @traceless(%w: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: noether.charge "S5" members [#noether.member<1 view [4] axes [0]>] traceless weights(%arg0 : tensor<4xf32>) -> tensor<4xf32>
  %c = noether.charge "S5" members [#noether.member<1 view [4] axes [0]>] traceless
      weights (%w : tensor<4xf32>) -> tensor<4xf32>
  return %c : tensor<4xf32>
}
