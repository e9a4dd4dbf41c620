// RUN: noether-opt --noether-infer-symmetries --remarks-filter=noether-symmetries --verify-diagnostics %s -o /dev/null

// What bends everywhere admits no scale on either side.

func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       // expected-remark @below {{[Passed] SymmetryFound | Category:noether-symmetries | Function=main | dimension=0, family=permutation, id=P1, w1="axis 1", w2="axis 0"}}
                       %w1: tensor<4x5xf32> {noether.role = "param", noether.name = "w1"},
                       %w2: tensor<5x3xf32> {noether.role = "param", noether.name = "w2"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %0 = "stablehlo.dot_general"(%x, %w1) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>
  // expected-remark @below {{[Missed] NoSymmetry | Category:noether-symmetries | Function=main | Reason="needs degree 0; its operand has deg(w1)", parameter=w1}}
  %1 = "stablehlo.tanh"(%0) : (tensor<8x5xf32>) -> tensor<8x5xf32>
  %2 = "stablehlo.dot_general"(%1, %w2) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x5xf32>, tensor<5x3xf32>) -> tensor<8x3xf32>
  // expected-remark @below {{[Missed] NoSymmetry | Category:noether-symmetries | Function=main | Reason="the loss needs degree 0; it has deg(w2)", parameter=w2}}
  %loss = "stablehlo.dot_general"(%2, %t) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
