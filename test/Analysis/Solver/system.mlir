// RUN: noether-opt --noether-print-system %s -o /dev/null | FileCheck %s
// RUN: noether-opt --noether-print-system %s -o /dev/null | noether-solve | FileCheck %s --check-prefix=SOLVED
// RUN: noether-opt --noether-print-system %s -o /dev/null | noether-solve --spurions=kept | FileCheck %s --check-prefix=KEPT
// RUN: noether-opt --noether-print-system=spurion-threshold=0 %s -o /dev/null | noether-solve | FileCheck %s --check-prefix=KEPT

// Component 0 of a [4, 3] weight is its scale, 1 varies along columns, 2 along rows, 3 along both.

// CHECK: # v2: w, tensor<4x3xf32>
// CHECK-NEXT: # c0: 1e-05 at stablehlo.add, {{.*}}system.mlir:[[#@LINE+28]]
// CHECK-NEXT: unknown v2.0 dim 1
// CHECK-NEXT: unknown v2.1 dim 2
// CHECK-NEXT: unknown v2.2 dim 3
// CHECK-NEXT: unknown v2.3 dim 6
// CHECK-NEXT: spurion c0
// CHECK-NEXT: v2.2 = 0 # stablehlo.dot_general, {{.*}}system.mlir:[[#@LINE+19]]
// CHECK-NEXT: v2.3 = 0 # stablehlo.dot_general,
// CHECK-NEXT: 2 v2.0 = c0 # stablehlo.add,
// CHECK-NEXT: 2 v2.1 = c0 # stablehlo.add,
// CHECK-NOT: =

// SOLVED: dimension 3
// SOLVED-NEXT: v2.0 = v2.0
// SOLVED-NEXT: v2.1 = v2.1
// SOLVED-NEXT: v2.2 = 0
// SOLVED-NEXT: v2.3 = 0
// SOLVED-NEXT: c0 = 2 v2.0
// SOLVED-NEXT: c0 = 2 v2.1

// KEPT: dimension 0
func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       %w: tensor<4x3xf32> {noether.role = "param", noether.name = "w"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %y = "stablehlo.dot_general"(%x, %w) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<8x4xf32>, tensor<4x3xf32>) -> tensor<8x3xf32>
  %square = "stablehlo.dot_general"(%y, %y) <{dot_dimension_numbers = #stablehlo.dot<lhs_batching_dimensions = [1], rhs_batching_dimensions = [1], lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>}> : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<3xf32>
  %eps = "stablehlo.constant"() <{value = dense<1.0e-05> : tensor<3xf32>}> : () -> tensor<3xf32>
  %0 = "stablehlo.add"(%square, %eps) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %1 = "stablehlo.rsqrt"(%0) : (tensor<3xf32>) -> tensor<3xf32>
  %2 = "stablehlo.broadcast_in_dim"(%1) <{broadcast_dimensions = array<i64: 1>}> : (tensor<3xf32>) -> tensor<8x3xf32>
  %3 = "stablehlo.multiply"(%y, %2) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %loss = "stablehlo.dot_general"(%3, %t) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0, 1], rhs_contracting_dimensions = [0, 1]>}> : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
