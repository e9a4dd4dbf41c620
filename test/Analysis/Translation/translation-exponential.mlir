// RUN: noether-opt --noether-infer-symmetries --split-input-file %s | FileCheck %s

// exp makes a factor of a shift, which cancels in the quotient: no maximum needs to be subtracted.

// CHECK: translation = 1 : i64
// CHECK-SAME: dimension = 1 : i64, family = "translation", id = "T1", members = [{argument = 0 : i64, axes = array<i64>, exponent = "1"
"builtin.module"() ({
  func.func @main(%b: tensor<4xf32> {noether.role = "param"}, %y: tensor<4xf32> {noether.role = "batch"}) -> (tensor<f32> {noether.role = "loss"}) {
    %init = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
    %e = "stablehlo.exponential"(%b) : (tensor<4xf32>) -> tensor<4xf32>
    %s = "stablehlo.reduce"(%e, %init) <{dimensions = array<i64: 0>}> ({
    ^bb0(%u: tensor<f32>, %v: tensor<f32>):
      %w = "stablehlo.add"(%u, %v) : (tensor<f32>, tensor<f32>) -> tensor<f32>
      "stablehlo.return"(%w) : (tensor<f32>) -> ()
    }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
    %d = "stablehlo.broadcast_in_dim"(%s) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4xf32>
    %p = "stablehlo.divide"(%e, %d) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %l = "stablehlo.dot_general"(%p, %y) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}> : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
    func.return %l : tensor<f32>
  }
}) : () -> ()

// -----

// One more under the quotient does not scale along.

// CHECK: translation = 0 : i64
"builtin.module"() ({
  func.func @main(%b: tensor<4xf32> {noether.role = "param"}, %y: tensor<4xf32> {noether.role = "batch"}) -> (tensor<f32> {noether.role = "loss"}) {
    %init = "stablehlo.constant"() <{value = dense<1.0> : tensor<f32>}> : () -> tensor<f32>
    %e = "stablehlo.exponential"(%b) : (tensor<4xf32>) -> tensor<4xf32>
    %s = "stablehlo.reduce"(%e, %init) <{dimensions = array<i64: 0>}> ({
    ^bb0(%u: tensor<f32>, %v: tensor<f32>):
      %w = "stablehlo.add"(%u, %v) : (tensor<f32>, tensor<f32>) -> tensor<f32>
      "stablehlo.return"(%w) : (tensor<f32>) -> ()
    }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
    %d = "stablehlo.broadcast_in_dim"(%s) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4xf32>
    %p = "stablehlo.divide"(%e, %d) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %l = "stablehlo.dot_general"(%p, %y) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}> : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
    func.return %l : tensor<f32>
  }
}) : () -> ()

// -----

// log makes a shift of a factor again.

// CHECK: translation = 1 : i64
// CHECK-SAME: dimension = 1 : i64, family = "translation", id = "T1", members = [{argument = 0 : i64, axes = array<i64>, exponent = "1"
"builtin.module"() ({
  func.func @main(%b: tensor<4xf32> {noether.role = "param"}, %y: tensor<4xf32> {noether.role = "batch"}) -> (tensor<f32> {noether.role = "loss"}) {
    %init = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
    %e = "stablehlo.exponential"(%b) : (tensor<4xf32>) -> tensor<4xf32>
    %s = "stablehlo.reduce"(%e, %init) <{dimensions = array<i64: 0>}> ({
    ^bb0(%u: tensor<f32>, %v: tensor<f32>):
      %w = "stablehlo.add"(%u, %v) : (tensor<f32>, tensor<f32>) -> tensor<f32>
      "stablehlo.return"(%w) : (tensor<f32>) -> ()
    }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
    %g = "stablehlo.log"(%s) : (tensor<f32>) -> tensor<f32>
    %d = "stablehlo.broadcast_in_dim"(%g) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4xf32>
    %p = "stablehlo.subtract"(%b, %d) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %l = "stablehlo.dot_general"(%p, %y) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}> : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
    func.return %l : tensor<f32>
  }
}) : () -> ()
