// RUN: noether-opt --noether-infer-symmetries %s | FileCheck %s
// RUN: noether-opt --noether-infer-symmetries --remarks-filter=noether-symmetries --verify-diagnostics %s -o /dev/null

// A hidden unit of a ReLU network: what comes in may grow if what goes out shrinks. The last bias is added
// to what has degree 0.

// CHECK: noether.dimension = {torus = 5 : i64, torus_exact = 5 : i64
// CHECK-SAME: noether.symmetries = [{broken_by = [], dimension = 5 : i64, family = "rescale", id = "S1", members = [
// CHECK-SAME: {argument = 2 : i64, axes = array<i64: 1>, exponent = "1", view = array<i64: 4, 5>},
// CHECK-SAME: {argument = 3 : i64, axes = array<i64: 0>, exponent = "1", view = array<i64: 5>},
// CHECK-SAME: {argument = 4 : i64, axes = array<i64: 0>, exponent = "-1", view = array<i64: 5, 3>}]}
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       // expected-remark @below {{[Passed] SymmetryFound | Category:noether-symmetries | Function=main | b1=1, dimension=5, exact=yes, family=rescale, id=S1, w1=1, w2=-1}}
                       // expected-remark @below {{[Passed] SymmetryFound | Category:noether-symmetries | Function=main | b1="axis 0", dimension=0, family=permutation, id=P1, w1="axis 1", w2="axis 0"}}
                       %w1: tensor<4x5xf32> {noether.role = "param", noether.name = "w1"},
                       %b1: tensor<5xf32> {noether.role = "param", noether.name = "b1"},
                       %w2: tensor<5x3xf32> {noether.role = "param", noether.name = "w2"},
                       %b2: tensor<3xf32> {noether.role = "param", noether.name = "b2"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %0 = "stablehlo.dot_general"(%x, %w1) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>
  %1 = "stablehlo.broadcast_in_dim"(%b1) <{broadcast_dimensions = array<i64: 1>}> : (tensor<5xf32>) -> tensor<8x5xf32>
  %2 = "stablehlo.add"(%0, %1) : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<8x5xf32>
  %z3 = "stablehlo.constant"() <{value = dense<0.0> : tensor<8x5xf32>}> : () -> tensor<8x5xf32>
  %3 = "stablehlo.maximum"(%2, %z3) : (tensor<8x5xf32>, tensor<8x5xf32>) -> tensor<8x5xf32>
  %4 = "stablehlo.dot_general"(%3, %w2) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x5xf32>, tensor<5x3xf32>) -> tensor<8x3xf32>
  %5 = "stablehlo.broadcast_in_dim"(%b2) <{broadcast_dimensions = array<i64: 1>}> : (tensor<3xf32>) -> tensor<8x3xf32>
  // expected-remark @below {{[Missed] NoSymmetry | Category:noether-symmetries | Function=main | Reason="needs one degree in its operands; they have deg(w1) + deg(w2) and deg(b2)", parameter=b2}}
  %6 = "stablehlo.add"(%4, %5) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %loss = "stablehlo.dot_general"(%6, %t) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
