// RUN: noether-opt --noether-infer-symmetries --remarks-filter=noether-symmetries --verify-diagnostics %s -o /dev/null

// The shift is tied to the gain by a sum, and the gain is pinned further on: the reason is where the chain ends.

func.func public @main(%x: tensor<8x3xf32> {noether.role = "batch"},
                       %g: tensor<3xf32> {noether.role = "param", noether.name = "g"},
                       %b: tensor<3xf32> {noether.role = "param", noether.name = "b"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %gb = "stablehlo.broadcast_in_dim"(%g) <{broadcast_dimensions = array<i64: 1>}> : (tensor<3xf32>) -> tensor<8x3xf32>
  %bb = "stablehlo.broadcast_in_dim"(%b) <{broadcast_dimensions = array<i64: 1>}> : (tensor<3xf32>) -> tensor<8x3xf32>
  %0 = "stablehlo.multiply"(%x, %gb) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %1 = "stablehlo.add"(%0, %bb) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  // expected-remark @below {{[Missed] NoSymmetry | Category:noether-symmetries | Function=main | Reason="needs degree 0; its operand has deg(g)", parameter=g}}
  // expected-remark @below {{[Missed] NoSymmetry | Category:noether-symmetries | Function=main | Reason="needs degree 0; its operand has deg(g)", parameter=b}}
  %2 = "stablehlo.exponential"(%1) : (tensor<8x3xf32>) -> tensor<8x3xf32>
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %loss = "stablehlo.reduce"(%2, %zero) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%left: tensor<f32>, %right: tensor<f32>):
    %sum = "stablehlo.add"(%left, %right) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%sum) : (tensor<f32>) -> ()
  }) : (tensor<8x3xf32>, tensor<f32>) -> tensor<f32>
  return %loss : tensor<f32>
}
