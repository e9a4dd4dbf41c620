// RUN: noether-opt --noether-infer-symmetries %s | FileCheck %s
// RUN: noether-opt --noether-infer-symmetries --remarks-filter=noether-symmetries --verify-diagnostics %s -o /dev/null

// Normalised over the batch: each channel has a scale of its own, broken by epsilon alone.

// CHECK: noether.dimension = {torus = 3 : i64, torus_exact = 0 : i64
// CHECK-SAME: noether.symmetries = [{broken_by = [{constant = 1.000000e-05 : f64, degree = "2"}], dimension = 3 : i64, family = "scale", id = "S1", members = [
// CHECK-SAME: {argument = 2 : i64, axes = array<i64: 1>, exponent = "1", view = array<i64: 4, 3>}]}]
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       // expected-remark @below {{[Passed] SymmetryFound | Category:noether-symmetries | Function=main | dimension=3, exact=no, family=scale, id=S1, w=1}}
                       %w: tensor<4x3xf32> {noether.role = "param", noether.name = "w"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %y = "stablehlo.dot_general"(%x, %w) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x3xf32>) -> tensor<8x3xf32>
  %eps = "stablehlo.constant"() <{value = dense<1.0e-05> : tensor<3xf32>}> : () -> tensor<3xf32>
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %sum = "stablehlo.reduce"(%y, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%sum_a: tensor<f32>, %sum_b: tensor<f32>):
    %sum_s = "stablehlo.add"(%sum_a, %sum_b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%sum_s) : (tensor<f32>) -> ()
  }) : (tensor<8x3xf32>, tensor<f32>) -> tensor<3xf32>
  %n = "stablehlo.constant"() <{value = dense<8.0> : tensor<3xf32>}> : () -> tensor<3xf32>
  %mean = "stablehlo.divide"(%sum, %n) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %mean_b = "stablehlo.broadcast_in_dim"(%mean) <{broadcast_dimensions = array<i64: 1>}> : (tensor<3xf32>) -> tensor<8x3xf32>
  %centred = "stablehlo.subtract"(%y, %mean_b) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %square = "stablehlo.multiply"(%centred, %centred) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %var = "stablehlo.reduce"(%square, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%var_a: tensor<f32>, %var_b: tensor<f32>):
    %var_s = "stablehlo.add"(%var_a, %var_b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%var_s) : (tensor<f32>) -> ()
  }) : (tensor<8x3xf32>, tensor<f32>) -> tensor<3xf32>
  // expected-remark @below {{[Missed] SymmetryBroken | Category:noether-symmetries | Function=main | constant=1e-05, degree=2, id=S1}}
  %var_eps = "stablehlo.add"(%var, %eps) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %rstd = "stablehlo.rsqrt"(%var_eps) : (tensor<3xf32>) -> tensor<3xf32>
  %rstd_b = "stablehlo.broadcast_in_dim"(%rstd) <{broadcast_dimensions = array<i64: 1>}> : (tensor<3xf32>) -> tensor<8x3xf32>
  %normed = "stablehlo.multiply"(%centred, %rstd_b) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %loss = "stablehlo.dot_general"(%normed, %t) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
