// RUN: noether-opt --noether-report %s -o /dev/null | FileCheck %s

// A global norm brings the gradients of both parameters together: said so, with the law that holds while it
// does not act.

// CHECK: "equivariant": false
// CHECK-NEXT: "ksb": true
// CHECK-NEXT: "laws": [
// CHECK-NEXT: {
// CHECK-NEXT: "parameter": "a"
// CHECK-NEXT: "hyperparameter": "lr"
// CHECK-NEXT: "value": null
// CHECK-NEXT: "degree": "2"
// CHECK-NEXT: "text": "eta_eff = eta / r^2"
// CHECK-NEXT: "op": ""
// CHECK-NEXT: "location"
// CHECK-NEXT: }
// CHECK-NEXT: ]
// CHECK: "breaks": [
// CHECK: "op": "stablehlo.add"
// CHECK-NEXT: "location": "{{.*}}.mlir:[[#@LINE+17]]"
// CHECK-NEXT: "why": "couples several parameters; the laws hold while it is constant"
// CHECK: "gradient_mismatches": []
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       %a: tensor<4x5xf32> {noether.role = "param", noether.name = "a"},
                       %b: tensor<5x3xf32> {noether.role = "param", noether.name = "b"},
                       %lr: tensor<f32> {noether.role = "hyper", noether.name = "lr"})
    -> (tensor<f32> {noether.role = "loss"}, tensor<4x5xf32> {noether.role = "param", noether.name = "a"}, tensor<5x3xf32> {noether.role = "param", noether.name = "b"}) {
  %h = "stablehlo.dot_general"(%x, %a) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>
  %y = "stablehlo.dot_general"(%h, %b) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x5xf32>, tensor<5x3xf32>) -> tensor<8x3xf32>
  %loss = "stablehlo.dot_general"(%y, %t) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<f32>
  %gb = "stablehlo.dot_general"(%h, %t) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}> : (tensor<8x5xf32>, tensor<8x3xf32>) -> tensor<5x3xf32>
  %gh = "stablehlo.dot_general"(%t, %b) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1]>}> : (tensor<8x3xf32>, tensor<5x3xf32>) -> tensor<8x5xf32>
  %ga = "stablehlo.dot_general"(%x, %gh) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<8x5xf32>) -> tensor<4x5xf32>
  %na = "stablehlo.dot_general"(%ga, %ga) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<f32>
  %nb = "stablehlo.dot_general"(%gb, %gb) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<f32>
  %n = "stablehlo.add"(%na, %nb) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %norm = "stablehlo.sqrt"(%n) : (tensor<f32>) -> tensor<f32>
  %one = "stablehlo.constant"() <{value = dense<1.0> : tensor<f32>}> : () -> tensor<f32>
  %den = "stablehlo.maximum"(%norm, %one) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %factor = "stablehlo.divide"(%one, %den) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %fa = "stablehlo.broadcast_in_dim"(%factor) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4x5xf32>
  %ca = "stablehlo.multiply"(%fa, %ga) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %fb = "stablehlo.broadcast_in_dim"(%factor) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<5x3xf32>
  %cb = "stablehlo.multiply"(%fb, %gb) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %lr_a = "stablehlo.broadcast_in_dim"(%lr) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4x5xf32>
  %step_a = "stablehlo.multiply"(%lr_a, %ca) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %new_a = "stablehlo.subtract"(%a, %step_a) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %lr_b = "stablehlo.broadcast_in_dim"(%lr) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<5x3xf32>
  %step_b = "stablehlo.multiply"(%lr_b, %cb) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %new_b = "stablehlo.subtract"(%b, %step_b) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  return %loss, %new_a, %new_b : tensor<f32>, tensor<4x5xf32>, tensor<5x3xf32>
}
