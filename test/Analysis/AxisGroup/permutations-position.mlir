// RUN: noether-opt --noether-report %s -o /dev/null | FileCheck %s

// An axis on which a number depends on the index is not permuted: something is added to it that is not the same everywhere.

// CHECK-NOT: "permutation",
// CHECK: "permutations": {
// CHECK-NEXT: "permutations": {}
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       %a: tensor<4x5xf32> {noether.role = "param", noether.name = "a"},
                       %b: tensor<5x3xf32> {noether.role = "param", noether.name = "b"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %h = "stablehlo.dot_general"(%x, %a) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>
  %i = "stablehlo.iota"() <{iota_dimension = 1 : i64}> : () -> tensor<8x5xf32>
  %hi = "stablehlo.add"(%h, %i) : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<8x5xf32>
  %r = "stablehlo.tanh"(%hi) : (tensor<8x5xf32>) -> tensor<8x5xf32>
  %y = "stablehlo.dot_general"(%r, %b) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x5xf32>, tensor<5x3xf32>) -> tensor<8x3xf32>
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %difference = "stablehlo.subtract"(%y, %t) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %square = "stablehlo.multiply"(%difference, %difference) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %loss = "stablehlo.reduce"(%square, %zero) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%a8: tensor<f32>, %b8: tensor<f32>):
    %s8 = "stablehlo.add"(%a8, %b8) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s8) : (tensor<f32>) -> ()
  }) : (tensor<8x3xf32>, tensor<f32>) -> tensor<f32>
  return %loss : tensor<f32>
}
