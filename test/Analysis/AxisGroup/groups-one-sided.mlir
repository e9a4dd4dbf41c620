// RUN: noether-opt --noether-report %s -o /dev/null | FileCheck %s

// What is only summed may be shifted, which is more than matrices do: a translation, not a group.

// CHECK-NOT: "general_linear"
// CHECK: "family": "permutation"
func.func public @main(%t: tensor<4xf32> {noether.role = "batch"},
                       %a: tensor<4x5xf32> {noether.role = "param", noether.name = "a"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %y = "stablehlo.reduce"(%a, %zero) <{dimensions = array<i64: 1>}> ({
  ^bb0(%a12: tensor<f32>, %b12: tensor<f32>):
    %s12 = "stablehlo.add"(%a12, %b12) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s12) : (tensor<f32>) -> ()
  }) : (tensor<4x5xf32>, tensor<f32>) -> tensor<4xf32>
  %difference = "stablehlo.subtract"(%y, %t) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %square = "stablehlo.multiply"(%difference, %difference) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %loss = "stablehlo.reduce"(%square, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a13: tensor<f32>, %b13: tensor<f32>):
    %s13 = "stablehlo.add"(%a13, %b13) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s13) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  return %loss : tensor<f32>
}
