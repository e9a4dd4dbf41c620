// RUN: noether-opt --noether-report %s -o /dev/null | FileCheck %s

// Adam divides the gradient's degree out: the learning rate has degree 1, a decoupled decay degree -1, and
// the epsilon that of the gradient.

// CHECK: "equivariant": false
// CHECK-NEXT: "ksb": true
// CHECK-NEXT: "laws": [
// CHECK-NEXT: {
// CHECK-NEXT: "parameter": "a"
// CHECK-NEXT: "hyperparameter": "lr"
// CHECK-NEXT: "value": null
// CHECK-NEXT: "degree": "1"
// CHECK-NEXT: "text": "eta_eff = eta / r"
// CHECK-NEXT: "op": ""
// CHECK-NEXT: "location"
// CHECK-NEXT: }
// CHECK-NEXT: {
// CHECK-NEXT: "parameter": "a"
// CHECK-NEXT: "hyperparameter": "epsilon"
// CHECK-NEXT: "value": 1e-08
// CHECK-NEXT: "degree": "-1"
// CHECK-NEXT: "text": "epsilon_eff = epsilon * r"
// CHECK-NEXT: "op": "stablehlo.add"
// CHECK-NEXT: "location"
// CHECK-NEXT: }
// CHECK-NEXT: {
// CHECK-NEXT: "parameter": "a"
// CHECK-NEXT: "hyperparameter": "weight_decay"
// CHECK-NEXT: "value": 0.0625
// CHECK-NEXT: "degree": "-1"
// CHECK-NEXT: "text": "lambda_eff = lambda * r"
// CHECK-NEXT: "op": "stablehlo.multiply"
// CHECK-NEXT: "location"
// CHECK-NEXT: }
// CHECK-NEXT: ]
// CHECK: "name": "va"
// CHECK: "degree": "-2"
// CHECK: "name": "ma"
// CHECK: "degree": "-1"
// CHECK: "name": "vb"
// CHECK: "degree": "-2"
// CHECK: "name": "mb"
// CHECK: "degree": "-1"
// CHECK: "breaks": []
// CHECK: "gradient_mismatches": []
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       %a: tensor<4x5xf32> {noether.role = "param", noether.name = "a"},
                       %b: tensor<5x3xf32> {noether.role = "param", noether.name = "b"},
                       %ma: tensor<4x5xf32> {noether.role = "state", noether.name = "ma"},
                       %va: tensor<4x5xf32> {noether.role = "state", noether.name = "va"},
                       %mb: tensor<5x3xf32> {noether.role = "state", noether.name = "mb"},
                       %vb: tensor<5x3xf32> {noether.role = "state", noether.name = "vb"},
                       %lr: tensor<f32> {noether.role = "hyper", noether.name = "lr"})
    -> (tensor<f32> {noether.role = "loss"}, tensor<4x5xf32> {noether.role = "param", noether.name = "a"}, tensor<5x3xf32> {noether.role = "param", noether.name = "b"}, tensor<4x5xf32> {noether.role = "state", noether.name = "ma"}, tensor<4x5xf32> {noether.role = "state", noether.name = "va"}, tensor<5x3xf32> {noether.role = "state", noether.name = "mb"}, tensor<5x3xf32> {noether.role = "state", noether.name = "vb"}) {
  %h = "stablehlo.dot_general"(%x, %a) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>
  %y = "stablehlo.dot_general"(%h, %b) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x5xf32>, tensor<5x3xf32>) -> tensor<8x3xf32>
  %loss = "stablehlo.dot_general"(%y, %t) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<f32>
  %gb = "stablehlo.dot_general"(%h, %t) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}> : (tensor<8x5xf32>, tensor<8x3xf32>) -> tensor<5x3xf32>
  %gh = "stablehlo.dot_general"(%t, %b) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1]>}> : (tensor<8x3xf32>, tensor<5x3xf32>) -> tensor<8x5xf32>
  %ga = "stablehlo.dot_general"(%x, %gh) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<8x5xf32>) -> tensor<4x5xf32>
  %b1_a = "stablehlo.constant"() <{value = dense<0.9> : tensor<4x5xf32>}> : () -> tensor<4x5xf32>
  %b1c_a = "stablehlo.constant"() <{value = dense<0.1> : tensor<4x5xf32>}> : () -> tensor<4x5xf32>
  %new_ma_x = "stablehlo.multiply"(%b1_a, %ma) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %new_ma_y = "stablehlo.multiply"(%b1c_a, %ga) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %new_ma = "stablehlo.add"(%new_ma_x, %new_ma_y) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %g2a = "stablehlo.multiply"(%ga, %ga) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %b2_a = "stablehlo.constant"() <{value = dense<0.99> : tensor<4x5xf32>}> : () -> tensor<4x5xf32>
  %b2c_a = "stablehlo.constant"() <{value = dense<1.0e-02> : tensor<4x5xf32>}> : () -> tensor<4x5xf32>
  %new_va_x = "stablehlo.multiply"(%b2_a, %va) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %new_va_y = "stablehlo.multiply"(%b2c_a, %g2a) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %new_va = "stablehlo.add"(%new_va_x, %new_va_y) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %root_a = "stablehlo.sqrt"(%new_va) : (tensor<4x5xf32>) -> tensor<4x5xf32>
  %eps_a = "stablehlo.constant"() <{value = dense<1.0e-08> : tensor<4x5xf32>}> : () -> tensor<4x5xf32>
  %den_a = "stablehlo.add"(%root_a, %eps_a) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %dir_a = "stablehlo.divide"(%new_ma, %den_a) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %wd_a = "stablehlo.constant"() <{value = dense<0.0625> : tensor<4x5xf32>}> : () -> tensor<4x5xf32>
  %decay_a = "stablehlo.multiply"(%wd_a, %a) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %ua = "stablehlo.add"(%dir_a, %decay_a) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %lr_a = "stablehlo.broadcast_in_dim"(%lr) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4x5xf32>
  %step_a = "stablehlo.multiply"(%lr_a, %ua) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %new_a = "stablehlo.subtract"(%a, %step_a) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %b1_b = "stablehlo.constant"() <{value = dense<0.9> : tensor<5x3xf32>}> : () -> tensor<5x3xf32>
  %b1c_b = "stablehlo.constant"() <{value = dense<0.1> : tensor<5x3xf32>}> : () -> tensor<5x3xf32>
  %new_mb_x = "stablehlo.multiply"(%b1_b, %mb) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %new_mb_y = "stablehlo.multiply"(%b1c_b, %gb) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %new_mb = "stablehlo.add"(%new_mb_x, %new_mb_y) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %g2b = "stablehlo.multiply"(%gb, %gb) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %b2_b = "stablehlo.constant"() <{value = dense<0.99> : tensor<5x3xf32>}> : () -> tensor<5x3xf32>
  %b2c_b = "stablehlo.constant"() <{value = dense<1.0e-02> : tensor<5x3xf32>}> : () -> tensor<5x3xf32>
  %new_vb_x = "stablehlo.multiply"(%b2_b, %vb) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %new_vb_y = "stablehlo.multiply"(%b2c_b, %g2b) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %new_vb = "stablehlo.add"(%new_vb_x, %new_vb_y) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %root_b = "stablehlo.sqrt"(%new_vb) : (tensor<5x3xf32>) -> tensor<5x3xf32>
  %eps_b = "stablehlo.constant"() <{value = dense<1.0e-08> : tensor<5x3xf32>}> : () -> tensor<5x3xf32>
  %den_b = "stablehlo.add"(%root_b, %eps_b) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %dir_b = "stablehlo.divide"(%new_mb, %den_b) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %wd_b = "stablehlo.constant"() <{value = dense<0.0625> : tensor<5x3xf32>}> : () -> tensor<5x3xf32>
  %decay_b = "stablehlo.multiply"(%wd_b, %b) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %ub = "stablehlo.add"(%dir_b, %decay_b) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %lr_b = "stablehlo.broadcast_in_dim"(%lr) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<5x3xf32>
  %step_b = "stablehlo.multiply"(%lr_b, %ub) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %new_b = "stablehlo.subtract"(%b, %step_b) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  return %loss, %new_a, %new_b, %new_ma, %new_va, %new_mb, %new_vb : tensor<f32>, tensor<4x5xf32>, tensor<5x3xf32>, tensor<4x5xf32>, tensor<4x5xf32>, tensor<5x3xf32>, tensor<5x3xf32>
}
