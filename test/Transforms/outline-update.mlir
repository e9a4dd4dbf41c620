// RUN: noether-opt %s -split-input-file --noether-outline-update --mlir-print-local-scope | FileCheck %s

// Momentum with a learning rate: one loop, one function for both parameters, and sums in the same loop.

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[W:[^:]*]]: tensor<4x8xf32> {{.*}}, %[[V:[^:]*]]: tensor<4x8xf32> {{.*}}, %[[M:[^:]*]]: tensor<4x8xf32> {{.*}}, %[[N:[^:]*]]: tensor<4x8xf32> {{.*}}, %[[X:[^:]*]]: tensor<2x4xf32> {{.*}}, %[[LR:[^:]*]]: tensor<f32>
// CHECK:         "stablehlo.reduce"
// CHECK:         %[[GW:.*]] = "stablehlo.dot_general"
// CHECK:         %[[GV:.*]] = "stablehlo.dot_general"
// CHECK-NOT:     stablehlo.broadcast_in_dim
// CHECK-NOT:     stablehlo.reduce
// CHECK:         %[[A:.*]]:3 = call @update(%[[M]], %[[GW]], %[[LR]], %[[W]]) {noether.phase = 0 : i64}
// CHECK:         %[[B:.*]]:3 = call @update(%[[N]], %[[GV]], %[[LR]], %[[V]]) {noether.phase = 0 : i64}
// CHECK:         return %[[A]]#1, %[[B]]#1, %[[A]]#0, %[[B]]#0, %{{.*}}, %[[A]]#2, %[[B]]#2
// CHECK:       func.func private @update(%[[M:.*]]: tensor<4x8xf32>, %[[G:.*]]: tensor<4x8xf32>, %[[LR:.*]]: tensor<f32>, %[[W:.*]]: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<f32>) attributes {noether.kernel}
// CHECK-DAG:     %[[MU:.*]] = "stablehlo.broadcast_in_dim"(%{{.*}})
// CHECK:         %[[DECAYED:.*]] = "stablehlo.multiply"(%[[MU]], %[[M]])
// CHECK:         %[[NEXTM:.*]] = "stablehlo.add"(%[[DECAYED]], %[[G]])
// CHECK:         %[[ETA:.*]] = "stablehlo.broadcast_in_dim"(%[[LR]])
// CHECK:         %[[STEP:.*]] = "stablehlo.multiply"(%[[ETA]], %[[NEXTM]])
// CHECK:         %[[NEXT:.*]] = "stablehlo.subtract"(%[[W]], %[[STEP]])
// CHECK:         %[[SQUARE:.*]] = "stablehlo.multiply"(%[[NEXT]], %[[NEXT]])
// CHECK:         %[[SUM:.*]] = "stablehlo.reduce"(%[[SQUARE]]
// CHECK:         return %[[NEXTM]], %[[NEXT]], %[[SUM]]
// CHECK-NOT:   func.func
module {
  func.func @main(
      %w: tensor<4x8xf32> {noether.role = "param", noether.name = "w"},
      %v: tensor<4x8xf32> {noether.role = "param", noether.name = "v"},
      %mw: tensor<4x8xf32> {noether.role = "state", noether.name = "mw"},
      %mv: tensor<4x8xf32> {noether.role = "state", noether.name = "mv"},
      %x: tensor<2x4xf32> {noether.role = "batch"},
      %lr: tensor<f32> {noether.role = "hyper"})
      -> (tensor<4x8xf32> {noether.name = "w"}, tensor<4x8xf32> {noether.name = "v"},
          tensor<4x8xf32> {noether.name = "mw"}, tensor<4x8xf32> {noether.name = "mv"},
          tensor<f32> {noether.role = "loss"},
          tensor<f32> {noether.role = "charge"}, tensor<f32> {noether.role = "charge"}) {
    %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
    %mu = "stablehlo.constant"() <{value = dense<0.9> : tensor<f32>}> : () -> tensor<f32>
    %yw = "stablehlo.dot_general"(%x, %w) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<2x4xf32>, tensor<4x8xf32>) -> tensor<2x8xf32>
    %yv = "stablehlo.dot_general"(%x, %v) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<2x4xf32>, tensor<4x8xf32>) -> tensor<2x8xf32>
    %y = "stablehlo.multiply"(%yw, %yv) : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
    %loss = "stablehlo.reduce"(%y, %zero) <{dimensions = array<i64: 0, 1>}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
      "stablehlo.return"(%s) : (tensor<f32>) -> ()
    }) : (tensor<2x8xf32>, tensor<f32>) -> tensor<f32>
    %gw = "stablehlo.dot_general"(%x, %yv) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}> : (tensor<2x4xf32>, tensor<2x8xf32>) -> tensor<4x8xf32>
    %gv = "stablehlo.dot_general"(%x, %yw) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}> : (tensor<2x4xf32>, tensor<2x8xf32>) -> tensor<4x8xf32>
    %m0 = "stablehlo.broadcast_in_dim"(%mu) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4x8xf32>
    %e0 = "stablehlo.broadcast_in_dim"(%lr) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4x8xf32>
    %m1 = "stablehlo.multiply"(%m0, %mw) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %m2 = "stablehlo.add"(%m1, %gw) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %m3 = "stablehlo.multiply"(%e0, %m2) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %w2 = "stablehlo.subtract"(%w, %m3) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %n1 = "stablehlo.multiply"(%m0, %mv) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %n2 = "stablehlo.add"(%n1, %gv) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %n3 = "stablehlo.multiply"(%e0, %n2) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %v2 = "stablehlo.subtract"(%v, %n3) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %q1 = "stablehlo.multiply"(%w2, %w2) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %c1 = "stablehlo.reduce"(%q1, %zero) <{dimensions = array<i64: 0, 1>}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
      "stablehlo.return"(%s) : (tensor<f32>) -> ()
    }) : (tensor<4x8xf32>, tensor<f32>) -> tensor<f32>
    %q2 = "stablehlo.multiply"(%v2, %v2) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %c2 = "stablehlo.reduce"(%q2, %zero) <{dimensions = array<i64: 0, 1>}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
      "stablehlo.return"(%s) : (tensor<f32>) -> ()
    }) : (tensor<4x8xf32>, tensor<f32>) -> tensor<f32>
    return %w2, %v2, %m2, %n2, %loss, %c1, %c2 : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<f32>, tensor<f32>, tensor<f32>
  }
}

// -----

// A gradient clipped by its norm: the norm is summed first, everything else in the second phase.

// CHECK-LABEL: func.func @main(
// CHECK:         "stablehlo.reduce"
// CHECK:         %[[G:.*]] = "stablehlo.dot_general"
// CHECK:         %[[SUM:.*]] = call @update(%[[G]]) {noether.phase = 0 : i64} : (tensor<4x8xf32>) -> tensor<f32>
// CHECK:         %[[SCALE:.*]] = "stablehlo.rsqrt"(%[[SUM]])
// CHECK:         %[[NEXT:.*]]:2 = call @update_0(%[[SCALE]], %[[G]], %{{.*}}) {noether.phase = 1 : i64}
// CHECK:         return %[[NEXT]]#0, %{{.*}}, %[[NEXT]]#1
module {
  func.func @main(
      %w: tensor<4x8xf32> {noether.role = "param", noether.name = "w"},
      %x: tensor<2x4xf32> {noether.role = "batch"})
      -> (tensor<4x8xf32> {noether.name = "w"}, tensor<f32> {noether.role = "loss"},
          tensor<8xf32> {noether.role = "charge"}) {
    %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
    %y = "stablehlo.dot_general"(%x, %w) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<2x4xf32>, tensor<4x8xf32>) -> tensor<2x8xf32>
    %y2 = "stablehlo.multiply"(%y, %y) : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
    %loss = "stablehlo.reduce"(%y2, %zero) <{dimensions = array<i64: 0, 1>}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
      "stablehlo.return"(%s) : (tensor<f32>) -> ()
    }) : (tensor<2x8xf32>, tensor<f32>) -> tensor<f32>
    %g = "stablehlo.dot_general"(%x, %y) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}> : (tensor<2x4xf32>, tensor<2x8xf32>) -> tensor<4x8xf32>
    %g2 = "stablehlo.multiply"(%g, %g) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %norm = "stablehlo.reduce"(%g2, %zero) <{dimensions = array<i64: 0, 1>}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
      "stablehlo.return"(%s) : (tensor<f32>) -> ()
    }) : (tensor<4x8xf32>, tensor<f32>) -> tensor<f32>
    %scale = "stablehlo.rsqrt"(%norm) : (tensor<f32>) -> tensor<f32>
    %e = "stablehlo.broadcast_in_dim"(%scale) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4x8xf32>
    %step = "stablehlo.multiply"(%e, %g) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %w2 = "stablehlo.subtract"(%w, %step) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %q = "stablehlo.multiply"(%w2, %g) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %c = "stablehlo.reduce"(%q, %zero) <{dimensions = array<i64: 0>}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
      "stablehlo.return"(%s) : (tensor<f32>) -> ()
    }) : (tensor<4x8xf32>, tensor<f32>) -> tensor<8xf32>
    return %w2, %loss, %c : tensor<4x8xf32>, tensor<f32>, tensor<8xf32>
  }
}
