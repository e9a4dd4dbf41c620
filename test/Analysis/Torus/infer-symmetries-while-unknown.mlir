// RUN: noether-opt --noether-infer-symmetries %s | FileCheck %s

// The number of iterations is not known: what the loop carries must keep its scale from one to the next.

// CHECK: noether.dimension = {torus = 5 : i64, torus_exact = 5 : i64
// CHECK-SAME: noether.symmetries = [{broken_by = [], dimension = 1 : i64, family = "scale", id = "S1", members = [
// CHECK-SAME: {argument = 3 : i64, axes = array<i64>, exponent = "1", view = array<i64: 4, 4>}]},
// CHECK-SAME: {broken_by = [], dimension = 4 : i64, family = "rescale", id = "S2", members = [
// CHECK-SAME: {argument = 4 : i64, axes = array<i64: 1>, exponent = "1", view = array<i64: 4, 4>},
// CHECK-SAME: {argument = 5 : i64, axes = array<i64: 0>, exponent = "-1", view = array<i64: 4, 4>}]}
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x4xf32> {noether.role = "batch"},
                       %n: tensor<i32> {noether.role = "batch"},
                       %w: tensor<4x4xf32> {noether.role = "param", noether.name = "w"},
                       %a: tensor<4x4xf32> {noether.role = "param", noether.name = "a"},
                       %b: tensor<4x4xf32> {noether.role = "param", noether.name = "b"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %0 = "stablehlo.dot_general"(%x, %w) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
  %i0 = "stablehlo.constant"() <{value = dense<0> : tensor<i32>}> : () -> tensor<i32>
  %one = "stablehlo.constant"() <{value = dense<1> : tensor<i32>}> : () -> tensor<i32>
  %loop:2 = "stablehlo.while"(%i0, %0) ({
  ^bb0(%i: tensor<i32>, %h: tensor<8x4xf32>):
    %c = "stablehlo.compare"(%i, %n) <{comparison_direction = #stablehlo<comparison_direction LT>}> : (tensor<i32>, tensor<i32>) -> tensor<i1>
    "stablehlo.return"(%c) : (tensor<i1>) -> ()
  }, {
  ^bb0(%i: tensor<i32>, %h: tensor<8x4xf32>):
    %j = "stablehlo.add"(%i, %one) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    %1 = "stablehlo.dot_general"(%h, %a) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
    %z2 = "stablehlo.constant"() <{value = dense<0.0> : tensor<8x4xf32>}> : () -> tensor<8x4xf32>
    %2 = "stablehlo.maximum"(%1, %z2) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
    %3 = "stablehlo.dot_general"(%2, %b) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
    "stablehlo.return"(%j, %3) : (tensor<i32>, tensor<8x4xf32>) -> ()
  }) : (tensor<i32>, tensor<8x4xf32>) -> (tensor<i32>, tensor<8x4xf32>)
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %square = "stablehlo.multiply"(%loop#1, %loop#1) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  %var = "stablehlo.reduce"(%square, %zero) <{dimensions = array<i64: 1>}> ({
  ^bb0(%var_a: tensor<f32>, %var_b: tensor<f32>):
    %var_s = "stablehlo.add"(%var_a, %var_b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%var_s) : (tensor<f32>) -> ()
  }) : (tensor<8x4xf32>, tensor<f32>) -> tensor<8xf32>
  %rstd = "stablehlo.rsqrt"(%var) : (tensor<8xf32>) -> tensor<8xf32>
  %rstd_b = "stablehlo.broadcast_in_dim"(%rstd) <{broadcast_dimensions = array<i64: 0>}> : (tensor<8xf32>) -> tensor<8x4xf32>
  %normed = "stablehlo.multiply"(%loop#1, %rstd_b) : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  %loss = "stablehlo.dot_general"(%normed, %t) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
