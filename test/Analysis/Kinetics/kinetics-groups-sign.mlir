// RUN: noether-opt --noether-report %s -o /dev/null | FileCheck %s

// Signs of gradients: permutations are left.

// CHECK: "symmetry": "G1"
// CHECK: "op": "stablehlo.sign"
// CHECK: "why": "acts on each entry by itself, which permutations pass only"
// CHECK: "keeps": "permutation"
// CHECK: "symmetry": "P1"
// CHECK-NEXT: "equivariant": true
// CHECK: "keeps": "permutation"
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
  %lr_a = "stablehlo.broadcast_in_dim"(%lr) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4x5xf32>
  %sign_a = "stablehlo.sign"(%ga) : (tensor<4x5xf32>) -> tensor<4x5xf32>
  %step_a = "stablehlo.multiply"(%lr_a, %sign_a) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %new_a = "stablehlo.subtract"(%a, %step_a) : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %lr_b = "stablehlo.broadcast_in_dim"(%lr) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<5x3xf32>
  %sign_b = "stablehlo.sign"(%gb) : (tensor<5x3xf32>) -> tensor<5x3xf32>
  %step_b = "stablehlo.multiply"(%lr_b, %sign_b) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %new_b = "stablehlo.subtract"(%b, %step_b) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  return %loss, %new_a, %new_b : tensor<f32>, tensor<4x5xf32>, tensor<5x3xf32>
}
