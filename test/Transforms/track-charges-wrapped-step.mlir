// RUN: noether-opt --noether-track-charges %s | FileCheck %s

// A jitted step that is jitted again is a call in the entry. It is inlined: only values of the entry's own
// body can be returned.

// CHECK-LABEL: func.func @main
// CHECK-SAME: noether.name = "S1.identity"
// CHECK-NOT: call @
// CHECK: noether.charge "S1" {{.*}} gradients(%
// CHECK-NOT: func.func private @step
func.func @main(%w1: tensor<4x8xf32> loc("params['w1']"), %w2: tensor<8x2xf32> loc("params['w2']"),
                %x: tensor<3x4xf32> loc("x"))
    -> (tensor<4x8xf32> {jax.result_info = "result[0]['w1']"},
        tensor<8x2xf32> {jax.result_info = "result[0]['w2']"}, tensor<f32>) {
  %0:3 = call @step(%w1, %w2, %x) : (tensor<4x8xf32>, tensor<8x2xf32>, tensor<3x4xf32>)
      -> (tensor<4x8xf32>, tensor<8x2xf32>, tensor<f32>)
  return %0#0, %0#1, %0#2 : tensor<4x8xf32>, tensor<8x2xf32>, tensor<f32>
}
func.func private @step(%w1: tensor<4x8xf32>, %w2: tensor<8x2xf32>, %x: tensor<3x4xf32>)
    -> (tensor<4x8xf32>, tensor<8x2xf32>, tensor<f32>) {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %rate = "stablehlo.constant"() <{value = dense<0.1> : tensor<4x8xf32>}> : () -> tensor<4x8xf32>
  %rate2 = "stablehlo.constant"() <{value = dense<0.1> : tensor<8x2xf32>}> : () -> tensor<8x2xf32>
  %one = "stablehlo.constant"() <{value = dense<1.0> : tensor<3x2xf32>}> : () -> tensor<3x2xf32>
  %h = "stablehlo.dot_general"(%x, %w1) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}>
      : (tensor<3x4xf32>, tensor<4x8xf32>) -> tensor<3x8xf32>
  %y = "stablehlo.dot_general"(%h, %w2) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}>
      : (tensor<3x8xf32>, tensor<8x2xf32>) -> tensor<3x2xf32>
  %loss = "stablehlo.reduce"(%y, %zero) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s) : (tensor<f32>) -> ()
  }) : (tensor<3x2xf32>, tensor<f32>) -> tensor<f32>
  %g2 = "stablehlo.dot_general"(%h, %one) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}>
      : (tensor<3x8xf32>, tensor<3x2xf32>) -> tensor<8x2xf32>
  %gh = "stablehlo.dot_general"(%one, %w2) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1]>}>
      : (tensor<3x2xf32>, tensor<8x2xf32>) -> tensor<3x8xf32>
  %g1 = "stablehlo.dot_general"(%x, %gh) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}>
      : (tensor<3x4xf32>, tensor<3x8xf32>) -> tensor<4x8xf32>
  %u1 = "stablehlo.multiply"(%rate, %g1) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %u2 = "stablehlo.multiply"(%rate2, %g2) : (tensor<8x2xf32>, tensor<8x2xf32>) -> tensor<8x2xf32>
  %n1 = "stablehlo.subtract"(%w1, %u1) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %n2 = "stablehlo.subtract"(%w2, %u2) : (tensor<8x2xf32>, tensor<8x2xf32>) -> tensor<8x2xf32>
  return %n1, %n2, %loss : tensor<4x8xf32>, tensor<8x2xf32>, tensor<f32>
}
