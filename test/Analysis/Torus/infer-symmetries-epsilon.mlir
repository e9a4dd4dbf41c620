// RUN: noether-opt --noether-infer-symmetries --remarks-filter=noether-symmetries --verify-diagnostics %s | FileCheck %s --check-prefix=KEPT
// RUN: noether-opt --noether-infer-symmetries=spurion-threshold=0.02 %s | FileCheck %s --check-prefix=PROMOTED

// 0.01 is above the default threshold: it is taken for a number that means something.

// KEPT: noether.dimension = {torus = 0 : i64, torus_exact = 0 : i64
// PROMOTED: noether.dimension = {torus = 3 : i64, torus_exact = 0 : i64
// PROMOTED-SAME: broken_by = [{constant = 1.000000e-02 : f64, degree = "2"}], dimension = 3 : i64
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       %w: tensor<4x3xf32> {noether.role = "param", noether.name = "w"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %y = "stablehlo.dot_general"(%x, %w) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x3xf32>) -> tensor<8x3xf32>
  %eps = "stablehlo.constant"() <{value = dense<1.0e-02> : tensor<3xf32>}> : () -> tensor<3xf32>
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %square = "stablehlo.multiply"(%y, %y) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %var = "stablehlo.reduce"(%square, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%var_a: tensor<f32>, %var_b: tensor<f32>):
    %var_s = "stablehlo.add"(%var_a, %var_b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%var_s) : (tensor<f32>) -> ()
  }) : (tensor<8x3xf32>, tensor<f32>) -> tensor<3xf32>
  // expected-remark @below {{[Missed] NoSymmetry | Category:noether-symmetries | Function=main | Reason="needs one degree in its operands; they have 2 deg(w) and 0", parameter=w}}
  %var_eps = "stablehlo.add"(%var, %eps) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %rstd = "stablehlo.rsqrt"(%var_eps) : (tensor<3xf32>) -> tensor<3xf32>
  %rstd_b = "stablehlo.broadcast_in_dim"(%rstd) <{broadcast_dimensions = array<i64: 1>}> : (tensor<3xf32>) -> tensor<8x3xf32>
  %normed = "stablehlo.multiply"(%y, %rstd_b) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %loss = "stablehlo.dot_general"(%normed, %t) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
