// RUN: noether-opt --noether-report %s -o /dev/null | FileCheck %s

// Weight decay in the gradient: of degree -2, so that lr * wd has degree 0.

// CHECK: "equivariant": false
// CHECK-NEXT: "ksb": true
// CHECK-NEXT: "laws": [
// CHECK-NEXT: {
// CHECK-NEXT: "parameter": "a"
// CHECK-NEXT: "hyperparameter": "wd"
// CHECK-NEXT: "value": null
// CHECK-NEXT: "degree": "-2"
// CHECK-NEXT: "text": "lambda_eff = lambda * r^2"
// CHECK-NEXT: "op": ""
// CHECK-NEXT: "location"
// CHECK-NEXT: }
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
// CHECK: "breaks": []
// CHECK: "gradient_mismatches": []
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       %a: tensor<4x5xf32> {noether.role = "param", noether.name = "a"},
                       %b: tensor<5x3xf32> {noether.role = "param", noether.name = "b"},
                       %lr: tensor<f32> {noether.role = "hyper", noether.name = "lr"},
                       %wd: tensor<f32> {noether.role = "hyper", noether.name = "wd"})
    -> (tensor<f32> {noether.role = "loss"}, tensor<4x5xf32> {noether.role = "param", noether.name = "a"}, tensor<5x3xf32> {noether.role = "param", noether.name = "b"}) {
  %h = "stablehlo.dot_general"(%x, %a) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>
  %y = "stablehlo.dot_general"(%h, %b) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x5xf32>, tensor<5x3xf32>) -> tensor<8x3xf32>
  %loss = "stablehlo.dot_general"(%y, %t) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<f32>
  %gb = "stablehlo.dot_general"(%h, %t) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}> : (tensor<8x5xf32>, tensor<8x3xf32>) -> tensor<5x3xf32>
  %gh = "stablehlo.dot_general"(%t, %b) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1]>}> : (tensor<8x3xf32>, tensor<5x3xf32>) -> tensor<8x5xf32>
  %ga = "stablehlo.dot_general"(%x, %gh) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<8x5xf32>) -> tensor<4x5xf32>
  %wd_a = "stablehlo.broadcast_in_dim"(%wd) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4x5xf32>
  %decay_a = "stablehlo.multiply"(%wd_a, %a) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %da = "stablehlo.add"(%ga, %decay_a) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %lr_a = "stablehlo.broadcast_in_dim"(%lr) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4x5xf32>
  %step_a = "stablehlo.multiply"(%lr_a, %da) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %new_a = "stablehlo.subtract"(%a, %step_a) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %wd_b = "stablehlo.broadcast_in_dim"(%wd) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<5x3xf32>
  %decay_b = "stablehlo.multiply"(%wd_b, %b) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %db = "stablehlo.add"(%gb, %decay_b) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %lr_b = "stablehlo.broadcast_in_dim"(%lr) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<5x3xf32>
  %step_b = "stablehlo.multiply"(%lr_b, %db) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %new_b = "stablehlo.subtract"(%b, %step_b) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  return %loss, %new_a, %new_b : tensor<f32>, tensor<4x5xf32>, tensor<5x3xf32>
}
