// RUN: noether-opt --noether-report %s -o /dev/null | FileCheck %s

// A mean along the axis is taken away: only rotations that leave the constant vector where it is.

// CHECK: "family": "orthogonal"
// CHECK: "parameter": "a"
// CHECK: "axes": [
// CHECK-NEXT: 1
// CHECK: "side": "direct"
// CHECK: "parameter": "b"
// CHECK: "axes": [
// CHECK-NEXT: 0
// CHECK: "side": "direct"
// CHECK: "block_shape": []
// CHECK: "size": 5
// CHECK: "dimension": 6
// CHECK: "fixes_constant": true
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       %a: tensor<4x5xf32> {noether.role = "param", noether.name = "a"},
                       %b: tensor<5x3xf32> {noether.role = "param", noether.name = "b"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %h = "stablehlo.dot_general"(%x, %a) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>
  %total = "stablehlo.reduce"(%h, %zero) <{dimensions = array<i64: 1>}> ({
  ^bb0(%a4: tensor<f32>, %b4: tensor<f32>):
    %s4 = "stablehlo.add"(%a4, %b4) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s4) : (tensor<f32>) -> ()
  }) : (tensor<8x5xf32>, tensor<f32>) -> tensor<8xf32>
  %n = "stablehlo.constant"() <{value = dense<5.0> : tensor<8xf32>}> : () -> tensor<8xf32>
  %mean = "stablehlo.divide"(%total, %n) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %mean_b = "stablehlo.broadcast_in_dim"(%mean) <{broadcast_dimensions = array<i64: 0>}> : (tensor<8xf32>) -> tensor<8x5xf32>
  %c = "stablehlo.subtract"(%h, %mean_b) : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<8x5xf32>
  %sq = "stablehlo.multiply"(%c, %c) : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<8x5xf32>
  %var = "stablehlo.reduce"(%sq, %zero) <{dimensions = array<i64: 1>}> ({
  ^bb0(%a5: tensor<f32>, %b5: tensor<f32>):
    %s5 = "stablehlo.add"(%a5, %b5) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s5) : (tensor<f32>) -> ()
  }) : (tensor<8x5xf32>, tensor<f32>) -> tensor<8xf32>
  %rstd = "stablehlo.rsqrt"(%var) : (tensor<8xf32>) -> tensor<8xf32>
  %rstd_b = "stablehlo.broadcast_in_dim"(%rstd) <{broadcast_dimensions = array<i64: 0>}> : (tensor<8xf32>) -> tensor<8x5xf32>
  %normed = "stablehlo.multiply"(%c, %rstd_b) : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<8x5xf32>
  %y = "stablehlo.dot_general"(%normed, %b) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x5xf32>, tensor<5x3xf32>) -> tensor<8x3xf32>
  %difference = "stablehlo.subtract"(%y, %t) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %square = "stablehlo.multiply"(%difference, %difference) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %loss = "stablehlo.reduce"(%square, %zero) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%a2: tensor<f32>, %b2: tensor<f32>):
    %s2 = "stablehlo.add"(%a2, %b2) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s2) : (tensor<f32>) -> ()
  }) : (tensor<8x3xf32>, tensor<f32>) -> tensor<f32>
  return %loss : tensor<f32>
}
