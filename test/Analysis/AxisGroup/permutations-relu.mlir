// RUN: noether-opt --noether-report %s -o /dev/null | FileCheck %s

// A function of each entry treats all hidden units alike. What data and targets name stays where it is.

// CHECK-NOT: "general_linear"
// CHECK: "family": "permutation"
// CHECK: "order": "5!"
// CHECK-NOT: "family"
// CHECK: "permutations": {
// CHECK-NEXT: "permutations": {
// CHECK-NEXT: "P1": {
// CHECK-NEXT: "size": 5
// CHECK: "axes": {
// CHECK-NEXT: "a": [
// CHECK-NEXT: null,
// CHECK-NEXT: "P1"
// CHECK: "b": [
// CHECK-NEXT: "P1",
// CHECK-NEXT: null
// CHECK: "parts": {}
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       %a: tensor<4x5xf32> {noether.role = "param", noether.name = "a"},
                       %b: tensor<5x3xf32> {noether.role = "param", noether.name = "b"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %h = "stablehlo.dot_general"(%x, %a) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>
  %z = "stablehlo.constant"() <{value = dense<0.0> : tensor<8x5xf32>}> : () -> tensor<8x5xf32>
  %r = "stablehlo.maximum"(%h, %z) : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<8x5xf32>
  %y = "stablehlo.dot_general"(%r, %b) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x5xf32>, tensor<5x3xf32>) -> tensor<8x3xf32>
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %difference = "stablehlo.subtract"(%y, %t) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %square = "stablehlo.multiply"(%difference, %difference) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %loss = "stablehlo.reduce"(%square, %zero) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%a7: tensor<f32>, %b7: tensor<f32>):
    %s7 = "stablehlo.add"(%a7, %b7) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s7) : (tensor<f32>) -> ()
  }) : (tensor<8x3xf32>, tensor<f32>) -> tensor<f32>
  return %loss : tensor<f32>
}
