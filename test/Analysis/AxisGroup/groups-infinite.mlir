// RUN: noether-opt --noether-report %s -o /dev/null | FileCheck %s

// Masked entries are minus infinity, which no matrix mixes with others.

// CHECK-NOT: "general_linear"
// CHECK: "family": "permutation"
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %m: tensor<8x1xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       %a: tensor<4x5xf32> {noether.role = "param", noether.name = "a"},
                       %b: tensor<5x3xf32> {noether.role = "param", noether.name = "b"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %h = "stablehlo.dot_general"(%x, %a) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>
  %inf = "stablehlo.constant"() <{value = dense<0xFF800000> : tensor<8x5xf32>}> : () -> tensor<8x5xf32>
  %z = "stablehlo.constant"() <{value = dense<0.0> : tensor<8x1xf32>}> : () -> tensor<8x1xf32>
  %p = "stablehlo.compare"(%m, %z) <{comparison_direction = #stablehlo<comparison_direction GT>}> : (tensor<8x1xf32>, tensor<8x1xf32>) -> tensor<8x1xi1>
  %pb = "stablehlo.broadcast_in_dim"(%p) <{broadcast_dimensions = array<i64: 0, 1>}> : (tensor<8x1xi1>) -> tensor<8x5xi1>
  %s = "stablehlo.select"(%pb, %h, %inf) : (tensor<8x5xi1>, tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<8x5xf32>
  %y = "stablehlo.dot_general"(%s, %b) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x5xf32>, tensor<5x3xf32>) -> tensor<8x3xf32>
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %difference = "stablehlo.subtract"(%y, %t) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %square = "stablehlo.multiply"(%difference, %difference) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %loss = "stablehlo.reduce"(%square, %zero) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%a14: tensor<f32>, %b14: tensor<f32>):
    %s14 = "stablehlo.add"(%a14, %b14) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s14) : (tensor<f32>) -> ()
  }) : (tensor<8x3xf32>, tensor<f32>) -> tensor<f32>
  return %loss : tensor<f32>
}
