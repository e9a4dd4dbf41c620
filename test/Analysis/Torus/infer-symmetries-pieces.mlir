// RUN: noether-opt --noether-infer-symmetries --split-input-file %s | FileCheck %s

// Every other hidden unit, then the rest: each of the six has its own scale.

// CHECK: noether.dimension = {torus = 6 : i64, torus_exact = 6 : i64
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"}, %y: tensor<8x2xf32> {noether.role = "batch"},
                       %w1: tensor<4x6xf32> {noether.role = "param", noether.name = "w1"},
                       %w2: tensor<6x2xf32> {noether.role = "param", noether.name = "w2"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %h = "stablehlo.dot_general"(%x, %w1) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x6xf32>) -> tensor<8x6xf32>
  %even = "stablehlo.slice"(%h) <{start_indices = array<i64: 0, 0>, limit_indices = array<i64: 8, 6>, strides = array<i64: 1, 2>}> : (tensor<8x6xf32>) -> tensor<8x3xf32>
  %odd = "stablehlo.slice"(%h) <{start_indices = array<i64: 0, 1>, limit_indices = array<i64: 8, 6>, strides = array<i64: 1, 2>}> : (tensor<8x6xf32>) -> tensor<8x3xf32>
  %c = "stablehlo.concatenate"(%even, %odd) <{dimension = 1 : i64}> : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x6xf32>
  %o = "stablehlo.dot_general"(%c, %w2) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x6xf32>, tensor<6x2xf32>) -> tensor<8x2xf32>
  %loss = "stablehlo.dot_general"(%o, %y) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<8x2xf32>, tensor<8x2xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// Reversed, and padded with ones: the two rows that read the ones are fixed, the others are not.

// CHECK: noether.dimension = {torus = 4 : i64, torus_exact = 4 : i64
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"}, %y: tensor<8x2xf32> {noether.role = "batch"},
                       %w1: tensor<4x4xf32> {noether.role = "param", noether.name = "w1"},
                       %w2: tensor<6x2xf32> {noether.role = "param", noether.name = "w2"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %h = "stablehlo.dot_general"(%x, %w1) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
  %r = "stablehlo.reverse"(%h) <{dimensions = array<i64: 1>}> : (tensor<8x4xf32>) -> tensor<8x4xf32>
  %one = "stablehlo.constant"() <{value = dense<1.0> : tensor<f32>}> : () -> tensor<f32>
  %c = "stablehlo.pad"(%r, %one) <{edge_padding_low = array<i64: 0, 1>, edge_padding_high = array<i64: 0, 1>, interior_padding = array<i64: 0, 0>}> : (tensor<8x4xf32>, tensor<f32>) -> tensor<8x6xf32>
  %o = "stablehlo.dot_general"(%c, %w2) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x6xf32>, tensor<6x2xf32>) -> tensor<8x2xf32>
  %loss = "stablehlo.dot_general"(%o, %y) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<8x2xf32>, tensor<8x2xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
