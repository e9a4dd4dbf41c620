// RUN: noether-opt --noether-report %s -o /dev/null | FileCheck %s

// What a user says of scales does not say that all indices are treated alike.

// CHECK-NOT: "general_linear"
// CHECK-NOT: "permutation",
// CHECK: "permutations": {
// CHECK-NEXT: "permutations": {}
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       %a: tensor<4x5xf32> {noether.role = "param", noether.name = "a"},
                       %b: tensor<5x3xf32> {noether.role = "param", noether.name = "b"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %h = "stablehlo.dot_general"(%x, %a) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>
  %c = "stablehlo.custom_call"(%h) {call_target_name = "mine", noether.rule = #noether.rule<([i,j])->([i,j]) : r0 = o0>} : (tensor<8x5xf32>) -> tensor<8x5xf32>
  %y = "stablehlo.dot_general"(%c, %b) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x5xf32>, tensor<5x3xf32>) -> tensor<8x3xf32>
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %difference = "stablehlo.subtract"(%y, %t) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %square = "stablehlo.multiply"(%difference, %difference) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %loss = "stablehlo.reduce"(%square, %zero) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%a15: tensor<f32>, %b15: tensor<f32>):
    %s15 = "stablehlo.add"(%a15, %b15) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s15) : (tensor<f32>) -> ()
  }) : (tensor<8x3xf32>, tensor<f32>) -> tensor<f32>
  return %loss : tensor<f32>
}
