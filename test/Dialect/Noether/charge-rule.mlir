// RUN: noether-opt --noether-populate-rules %s | FileCheck %s

// The charge is quadratic in each weight, the identity linear in weight and gradient; all are summed
// over everything but the block.
// CHECK-LABEL: func.func @rescale
func.func @rescale(%w1: tensor<4x8xf32>, %w2: tensor<8x2xf32>, %g1: tensor<4x8xf32>,
                   %g2: tensor<8x2xf32>, %n1: tensor<4x8xf32>, %n2: tensor<8x2xf32>) {
  // CHECK: noether.rule = #noether.rule<([i,j],[j,k],[i,j],[j,k],[i,j],[j,k])->([j],[j],[j],[j]) sum {i,k} :
  // CHECK-SAME: r0 = 2 o0, r1 = o0 + o2, r2 = 2 o2, r3 = 2 o4, r0 = 2 o1, r1 = o1 + o3, r2 = 2 o3, r3 = 2 o5>
  %c, %i, %n, %next = noether.charge "S1"
      members [#noether.member<1 view [4,8] axes [1]>, #noether.member<-1 view [8,2] axes [0]>]
      weights (%w1, %w2 : tensor<4x8xf32>, tensor<8x2xf32>)
      gradients (%g1, %g2 : tensor<4x8xf32>, tensor<8x2xf32>)
      next (%n1, %n2 : tensor<4x8xf32>, tensor<8x2xf32>)
      -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  return
}

// Where a member cuts or reshapes its weight there is no rule.
// CHECK-LABEL: func.func @part
func.func @part(%w: tensor<16x24xf32>) {
  // CHECK: noether.charge "S2" {{.*}} {noether.rule = #noether.rule<barrier>}
  %c = noether.charge "S2"
      members [#noether.member<3 view [16,3,4,2] axes [2] offsets [0,1,0,0] sizes [16,1,4,2]>]
      weights (%w : tensor<16x24xf32>) -> tensor<4xf64>
  return
}
