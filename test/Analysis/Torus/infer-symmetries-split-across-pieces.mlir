// RUN: noether-opt --noether-infer-symmetries %s -split-input-file | FileCheck %s

// A reversal takes an axis apart, a reshape then splits it: both columns of each half may be scaled.

// CHECK: noether.dimension = {torus = 4 : i64, torus_exact = 4 : i64
func.func public @reversed_then_split(%x: tensor<5x1xf32> {noether.role = "batch"},
                       %w: tensor<1x4xf32> {noether.role = "param", noether.name = "w"},
                       %v: tensor<2x2xf32> {noether.role = "param", noether.name = "v"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %r = "stablehlo.reverse"(%w) <{dimensions = array<i64: 1>}> : (tensor<1x4xf32>) -> tensor<1x4xf32>
  %y = "stablehlo.dot_general"(%x, %r) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<5x1xf32>, tensor<1x4xf32>) -> tensor<5x4xf32>
  %s = "stablehlo.reshape"(%y) : (tensor<5x4xf32>) -> tensor<5x2x2xf32>
  %b = "stablehlo.broadcast_in_dim"(%v) <{broadcast_dimensions = array<i64: 1, 2>}> : (tensor<2x2xf32>) -> tensor<5x2x2xf32>
  %m = "stablehlo.multiply"(%s, %b) : (tensor<5x2x2xf32>, tensor<5x2x2xf32>) -> tensor<5x2x2xf32>
  %loss = "stablehlo.dot_general"(%m, %m) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1, 2], rhs_contracting_dimensions = [0, 1, 2]>}> : (tensor<5x2x2xf32>, tensor<5x2x2xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// Three columns and one of data, in two halves: the second half is not all of one kind.

// CHECK: noether.dimension = {torus = 3 : i64, torus_exact = 3 : i64
func.func public @joined_then_split(%x: tensor<5x3xf32> {noether.role = "batch"},
                       %d: tensor<5x1xf32> {noether.role = "batch"},
                       %w: tensor<3xf32> {noether.role = "param", noether.name = "w"},
                       %v: tensor<2x2xf32> {noether.role = "param", noether.name = "v"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %g = "stablehlo.broadcast_in_dim"(%w) <{broadcast_dimensions = array<i64: 1>}> : (tensor<3xf32>) -> tensor<5x3xf32>
  %y = "stablehlo.multiply"(%x, %g) : (tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %j = "stablehlo.concatenate"(%y, %d) <{dimension = 1 : i64}> : (tensor<5x3xf32>, tensor<5x1xf32>) -> tensor<5x4xf32>
  %s = "stablehlo.reshape"(%j) : (tensor<5x4xf32>) -> tensor<5x2x2xf32>
  %b = "stablehlo.broadcast_in_dim"(%v) <{broadcast_dimensions = array<i64: 1, 2>}> : (tensor<2x2xf32>) -> tensor<5x2x2xf32>
  %m = "stablehlo.multiply"(%s, %b) : (tensor<5x2x2xf32>, tensor<5x2x2xf32>) -> tensor<5x2x2xf32>
  %loss = "stablehlo.dot_general"(%m, %m) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1, 2], rhs_contracting_dimensions = [0, 1, 2]>}> : (tensor<5x2x2xf32>, tensor<5x2x2xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
