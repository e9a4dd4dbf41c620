// RUN: noether-opt --noether-lower-charges --mlir-print-op-generic --split-input-file %s | FileCheck %s

// CHECK-NOT: noether.charge

// Each member is squared, summed over what is not its block, and added with its exponent.

// CHECK: sym_name = "rescale"
// CHECK: ^bb0(%[[W1:.*]]: tensor<4x8xf32>, %[[W2:.*]]: tensor<8x2xf32>):
// CHECK: %[[S1:.*]] = "stablehlo.multiply"(%[[W1]], %[[W1]]) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
// CHECK: %[[ZERO:.*]] = "stablehlo.constant"() <{value = dense<0.000000e+00> : tensor<f32>}>
// CHECK: %[[R1:.*]] = "stablehlo.reduce"(%[[S1]], %[[ZERO]]) <{dimensions = array<i64: 0>}> ({
// CHECK-NEXT: ^bb0(%[[A:.*]]: tensor<f32>, %[[B:.*]]: tensor<f32>):
// CHECK-NEXT: %[[SUM:.*]] = "stablehlo.add"(%[[A]], %[[B]])
// CHECK-NEXT: "stablehlo.return"(%[[SUM]]) : (tensor<f32>) -> ()
// CHECK-NEXT: }) : (tensor<4x8xf32>, tensor<f32>) -> tensor<8xf32>
// CHECK: %[[S2:.*]] = "stablehlo.multiply"(%[[W2]], %[[W2]])
// CHECK: %[[R2:.*]] = "stablehlo.reduce"(%[[S2]], {{.*}}) <{dimensions = array<i64: 1>}>
// CHECK: %[[N2:.*]] = "stablehlo.negate"(%[[R2]])
// CHECK: %[[C:.*]] = "stablehlo.add"(%[[R1]], %[[N2]]) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
// CHECK: "func.return"(%[[C]])
"func.func"() <{function_type = (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<8xf32>, sym_name = "rescale"}> ({
^bb0(%w1: tensor<4x8xf32>, %w2: tensor<8x2xf32>):
  "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %c = noether.charge "S1"
      members [#noether.member<1 view [4,8] axes [1]>, #noether.member<-1 view [8,2] axes [0]>]
      weights (%w1, %w2 : tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<8xf32>
  "func.return"(%c) : (tensor<8xf32>) -> ()
}) : () -> ()

// -----

// Half precision is widened before anything is multiplied; parts are cut out of the sums, so that what has several
// parts is summed up once for all.

// CHECK: sym_name = "part"
// CHECK: ^bb0(%[[W:.*]]: tensor<16x24xbf16>, %[[G:.*]]: tensor<16x24xbf16>):
// CHECK: %[[VIEW:.*]] = "stablehlo.reshape"(%[[W]]) : (tensor<16x24xbf16>) -> tensor<16x3x4x2xbf16>
// CHECK: %[[WIDE:.*]] = "stablehlo.convert"(%[[VIEW]]) : (tensor<16x3x4x2xbf16>) -> tensor<16x3x4x2xf32>
// CHECK: %[[GWIDE:.*]] = "stablehlo.convert"
// CHECK: %[[SQUARE:.*]] = "stablehlo.multiply"(%[[WIDE]], %[[WIDE]])
// CHECK: %[[SUM:.*]] = "stablehlo.reduce"(%[[SQUARE]], {{.*}}) <{dimensions = array<i64: 0>}>
// CHECK: %[[CUT:.*]] = "stablehlo.slice"(%[[SUM]]) <{limit_indices = array<i64: 2, 4, 2>, start_indices = array<i64: 1, 0, 0>, strides = array<i64: 1, 1, 1>}>
// CHECK: "stablehlo.reduce"(%[[CUT]], {{.*}}) <{dimensions = array<i64: 0>}>
// CHECK: "stablehlo.transpose"({{.*}}) <{permutation = array<i64: 1, 0>}> : (tensor<4x2xf32>) -> tensor<2x4xf32>
// CHECK: %[[HALF:.*]] = "stablehlo.constant"() <{value = dense<5.000000e-01> : tensor<2x4xf32>}>
// CHECK: "stablehlo.multiply"({{.*}}, %[[HALF]])
// CHECK: "stablehlo.multiply"(%[[WIDE]], %[[GWIDE]])
// CHECK: "stablehlo.multiply"(%[[GWIDE]], %[[GWIDE]])
"func.func"() <{function_type = (tensor<16x24xbf16>, tensor<16x24xbf16>) -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>), sym_name = "part"}> ({
^bb0(%w: tensor<16x24xbf16>, %g: tensor<16x24xbf16>):
  "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %c:3 = noether.charge "S1"
      members [#noether.member<1/2 view [16,3,4,2] axes [3,2] offsets [0,1,0,0] sizes [16,1,4,2]>]
      weights (%w : tensor<16x24xbf16>) gradients (%g : tensor<16x24xbf16>)
      -> tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>
  "func.return"(%c#0, %c#1, %c#2) : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> ()
}) : () -> ()

// -----

// A part of a tensor that is hardly larger than its sums is cut out first.

// CHECK: sym_name = "small"
// CHECK: %[[CUT:.*]] = "stablehlo.slice"(%{{.*}}) <{limit_indices = array<i64: 2, 2, 4>, start_indices = array<i64: 0, 1, 0>
// CHECK: %[[SQUARE:.*]] = "stablehlo.multiply"(%[[CUT]], %[[CUT]]) : (tensor<2x1x4xf32>, tensor<2x1x4xf32>)
// CHECK: %[[SUM:.*]] = "stablehlo.reduce"(%[[SQUARE]], {{.*}}) <{dimensions = array<i64: 0>}>
// CHECK: "stablehlo.reduce"(%[[SUM]], {{.*}}) <{dimensions = array<i64: 0>}>
"func.func"() <{function_type = (tensor<2x12xf32>) -> tensor<4xf32>, sym_name = "small"}> ({
^bb0(%w: tensor<2x12xf32>):
  "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %c = noether.charge "S1"
      members [#noether.member<1 view [2,3,4] axes [2] offsets [0,1,0] sizes [2,1,4]>]
      weights (%w : tensor<2x12xf32>) -> tensor<4xf32>
  "func.return"(%c) : (tensor<4xf32>) -> ()
}) : () -> ()
