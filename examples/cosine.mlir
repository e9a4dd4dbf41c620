// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// One step of gradient descent on the cosine between a weight and a vector: loss = -<x, w> / |w|.
func.func @main(%w: tensor<8xf32> {noether.name = "w"}, %x: tensor<8xf32> {noether.name = "x"})
    -> (tensor<8xf32> {noether.name = "w"}, tensor<f32> {noether.name = "loss"}) {
  %zero = arith.constant dense<0.0> : tensor<f32>
  %eta = arith.constant dense<0.1> : tensor<8xf32>
  %xw = linalg.dot ins(%x, %w : tensor<8xf32>, tensor<8xf32>) outs(%zero : tensor<f32>) -> tensor<f32>
  %ww = linalg.dot ins(%w, %w : tensor<8xf32>, tensor<8xf32>) outs(%zero : tensor<f32>) -> tensor<f32>
  %s = math.rsqrt %ww : tensor<f32>
  %cos = arith.mulf %xw, %s : tensor<f32>
  %loss = arith.negf %cos : tensor<f32>

  // The gradient: cos / |w|^2 w - x / |w|.
  %s2 = arith.mulf %s, %s : tensor<f32>
  %c = arith.mulf %cos, %s2 : tensor<f32>
  %e = tensor.empty() : tensor<8xf32>
  %cs = linalg.broadcast ins(%c : tensor<f32>) outs(%e : tensor<8xf32>) dimensions = [0]
  %ss = linalg.broadcast ins(%s : tensor<f32>) outs(%e : tensor<8xf32>) dimensions = [0]
  %a = arith.mulf %cs, %w : tensor<8xf32>
  %b = arith.mulf %ss, %x : tensor<8xf32>
  %g = arith.subf %a, %b : tensor<8xf32>
  %step = arith.mulf %eta, %g : tensor<8xf32>
  %next = arith.subf %w, %step : tensor<8xf32>
  return %next, %loss : tensor<8xf32>, tensor<f32>
}
