// RUN: noether-opt --noether-infer-symmetries --split-input-file --verify-diagnostics %s

// What is not a training step is refused.

// expected-error @below {{has no parameters: the loss depends on no argument of which some result is the next value}}
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x4xf32> {noether.role = "batch"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %loss = "stablehlo.dot_general"(%x, %t) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// expected-error @below {{has no loss: no result is a float scalar that is not carried}}
func.func public @main(%w: tensor<4xf32> {noether.role = "param"}) -> (tensor<4xf32> {noether.role = "param"}) {
  return %w : tensor<4xf32>
}
