// RUN: noether-opt --noether-infer-symmetries --split-input-file %s | FileCheck %s

// An axis that has been turned around is read in pieces. What is added to all of them comes out of a maximum over them, and
// of a sum of exponentials as a factor.

// CHECK: translation = 1 : i64
// CHECK-SAME: dimension = 1 : i64, family = "translation", id = "T1", members = [{argument = 0 : i64, axes = array<i64>, exponent = "1"
func.func @main(%b: tensor<4xf32> {noether.role = "param"}, %y: tensor<4xf32> {noether.role = "batch"}) -> (tensor<f32> {noether.role = "loss"}) {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %least = "stablehlo.constant"() <{value = dense<0xFF800000> : tensor<f32>}> : () -> tensor<f32>
  %turned = "stablehlo.reverse"(%b) <{dimensions = array<i64: 0>}> : (tensor<4xf32>) -> tensor<4xf32>
  %m = "stablehlo.reduce"(%turned, %least) <{dimensions = array<i64: 0>}> ({
  ^bb0(%u: tensor<f32>, %v: tensor<f32>):
    %w = "stablehlo.maximum"(%u, %v) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%w) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  %ms = "stablehlo.broadcast_in_dim"(%m) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4xf32>
  %below = "stablehlo.subtract"(%turned, %ms) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %e = "stablehlo.exponential"(%turned) : (tensor<4xf32>) -> tensor<4xf32>
  %s = "stablehlo.reduce"(%e, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%u: tensor<f32>, %v: tensor<f32>):
    %w = "stablehlo.add"(%u, %v) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%w) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  %ss = "stablehlo.broadcast_in_dim"(%s) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4xf32>
  %p = "stablehlo.divide"(%e, %ss) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %sine = "stablehlo.sine"(%below) : (tensor<4xf32>) -> tensor<4xf32>
  %q = "stablehlo.multiply"(%p, %sine) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %l = "stablehlo.dot_general"(%q, %y) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}> : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  return %l : tensor<f32>
}

// -----

// What is added to one piece only does not.

// CHECK: translation = 0 : i64
func.func @main(%b: tensor<4xf32> {noether.role = "param"}, %y: tensor<6xf32> {noether.role = "batch"}, %x: tensor<2xf32> {noether.role = "batch"}) -> (tensor<f32> {noether.role = "loss"}) {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %joined = "stablehlo.concatenate"(%b, %x) <{dimension = 0 : i64}> : (tensor<4xf32>, tensor<2xf32>) -> tensor<6xf32>
  %e = "stablehlo.exponential"(%joined) : (tensor<6xf32>) -> tensor<6xf32>
  %s = "stablehlo.reduce"(%e, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%u: tensor<f32>, %v: tensor<f32>):
    %w = "stablehlo.add"(%u, %v) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%w) : (tensor<f32>) -> ()
  }) : (tensor<6xf32>, tensor<f32>) -> tensor<f32>
  %ss = "stablehlo.broadcast_in_dim"(%s) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<6xf32>
  %p = "stablehlo.divide"(%e, %ss) : (tensor<6xf32>, tensor<6xf32>) -> tensor<6xf32>
  %l = "stablehlo.dot_general"(%p, %y) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}> : (tensor<6xf32>, tensor<6xf32>) -> tensor<f32>
  return %l : tensor<f32>
}
