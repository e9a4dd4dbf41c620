// RUN: noether-opt --noether-infer-symmetries --remarks-filter=noether-symmetries --verify-diagnostics %s -o /dev/null

// Nothing is known about the operation: nothing is guessed about what it reads.

func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       %w: tensor<4x3xf32> {noether.role = "param", noether.name = "w"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %0 = "stablehlo.dot_general"(%x, %w) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x3xf32>) -> tensor<8x3xf32>
  // expected-remark @below {{[Missed] NoSymmetry | Category:noether-symmetries | Function=main | Reason="needs degree 0 in all operands; operand 0 has deg(w)", parameter=w}}
  // expected-remark @below {{[Missed] UnknownOperation | Category:noether-symmetries | Function=main | op=stablehlo.from_another_time}}
  %1 = "stablehlo.from_another_time"(%0) : (tensor<8x3xf32>) -> tensor<8x3xf32>
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %square = "stablehlo.multiply"(%1, %1) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %var = "stablehlo.reduce"(%square, %zero) <{dimensions = array<i64: 1>}> ({
  ^bb0(%var_a: tensor<f32>, %var_b: tensor<f32>):
    %var_s = "stablehlo.add"(%var_a, %var_b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%var_s) : (tensor<f32>) -> ()
  }) : (tensor<8x3xf32>, tensor<f32>) -> tensor<8xf32>
  %rstd = "stablehlo.rsqrt"(%var) : (tensor<8xf32>) -> tensor<8xf32>
  %rstd_b = "stablehlo.broadcast_in_dim"(%rstd) <{broadcast_dimensions = array<i64: 0>}> : (tensor<8xf32>) -> tensor<8x3xf32>
  %normed = "stablehlo.multiply"(%1, %rstd_b) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %loss = "stablehlo.dot_general"(%normed, %t) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
