// RUN: noether-opt --noether-report %s -o /dev/null | FileCheck %s

// The gradient of each hidden unit rescaled to the length of its weights: of their degree, so that nothing is
// left to scale along.

// CHECK: "equivariant": true
// CHECK-NEXT: "ksb": false
// CHECK-NEXT: "laws": []
// CHECK-NEXT: "states": []
// CHECK-NEXT: "breaks": []
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
  %wwa = "stablehlo.dot_general"(%a, %a) <{dot_dimension_numbers = #stablehlo.dot<lhs_batching_dimensions = [1], rhs_batching_dimensions = [1], lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}> : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<5xf32>
  %nwa = "stablehlo.sqrt"(%wwa) : (tensor<5xf32>) -> tensor<5xf32>
  %gga = "stablehlo.dot_general"(%ga, %ga) <{dot_dimension_numbers = #stablehlo.dot<lhs_batching_dimensions = [1], rhs_batching_dimensions = [1], lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}> : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<5xf32>
  %nga = "stablehlo.sqrt"(%gga) : (tensor<5xf32>) -> tensor<5xf32>
  %trusta = "stablehlo.divide"(%nwa, %nga) : (tensor<5xf32>, tensor<5xf32>) -> tensor<5xf32>
  %ta = "stablehlo.broadcast_in_dim"(%trusta) <{broadcast_dimensions = array<i64: 1>}> : (tensor<5xf32>) -> tensor<4x5xf32>
  %da = "stablehlo.multiply"(%ta, %ga) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %lr_a = "stablehlo.broadcast_in_dim"(%lr) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4x5xf32>
  %step_a = "stablehlo.multiply"(%lr_a, %da) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %new_a = "stablehlo.subtract"(%a, %step_a) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %wwb = "stablehlo.dot_general"(%b, %b) <{dot_dimension_numbers = #stablehlo.dot<lhs_batching_dimensions = [0], rhs_batching_dimensions = [0], lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1]>}> : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5xf32>
  %nwb = "stablehlo.sqrt"(%wwb) : (tensor<5xf32>) -> tensor<5xf32>
  %ggb = "stablehlo.dot_general"(%gb, %gb) <{dot_dimension_numbers = #stablehlo.dot<lhs_batching_dimensions = [0], rhs_batching_dimensions = [0], lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1]>}> : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5xf32>
  %ngb = "stablehlo.sqrt"(%ggb) : (tensor<5xf32>) -> tensor<5xf32>
  %trustb = "stablehlo.divide"(%nwb, %ngb) : (tensor<5xf32>, tensor<5xf32>) -> tensor<5xf32>
  %tb = "stablehlo.broadcast_in_dim"(%trustb) <{broadcast_dimensions = array<i64: 0>}> : (tensor<5xf32>) -> tensor<5x3xf32>
  %db = "stablehlo.multiply"(%tb, %gb) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %lr_b = "stablehlo.broadcast_in_dim"(%lr) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<5x3xf32>
  %step_b = "stablehlo.multiply"(%lr_b, %db) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %new_b = "stablehlo.subtract"(%b, %step_b) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  return %loss, %new_a, %new_b : tensor<f32>, tensor<4x5xf32>, tensor<5x3xf32>
}
