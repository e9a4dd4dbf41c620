// RUN: noether-opt --noether-report %s -o /dev/null | FileCheck %s

// The same where the square is one operation of its own.

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
// CHECK: "dimension": 10
// CHECK: "dimension_in_torus": 0
// CHECK: "fixes_constant": false
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       %a: tensor<4x5xf32> {noether.role = "param", noether.name = "a"},
                       %b: tensor<5x3xf32> {noether.role = "param", noether.name = "b"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %h = "stablehlo.dot_general"(%x, %a) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>
  %sq = "chlo.square"(%h) : (tensor<8x5xf32>) -> tensor<8x5xf32>
  %var = "stablehlo.reduce"(%sq, %zero) <{dimensions = array<i64: 1>}> ({
  ^bb0(%a3: tensor<f32>, %b3: tensor<f32>):
    %s3 = "stablehlo.add"(%a3, %b3) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s3) : (tensor<f32>) -> ()
  }) : (tensor<8x5xf32>, tensor<f32>) -> tensor<8xf32>
  %rstd = "stablehlo.rsqrt"(%var) : (tensor<8xf32>) -> tensor<8xf32>
  %rstd_b = "stablehlo.broadcast_in_dim"(%rstd) <{broadcast_dimensions = array<i64: 0>}> : (tensor<8xf32>) -> tensor<8x5xf32>
  %normed = "stablehlo.multiply"(%h, %rstd_b) : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<8x5xf32>
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
