// RUN: noether-opt --noether-infer-symmetries %s | FileCheck %s

// The same of a bias: it is the same number in both halves, and cancels.

// CHECK: translation = 3 : i64
// CHECK-SAME: {broken_by = [], dimension = 3 : i64, family = "translation", id = "T1", members = [{argument = 2 : i64, axes = array<i64: 0>, exponent = "1", view = array<i64: 3>}]}
"builtin.module"() <{sym_name = "jit__lambda"}> ({
  "func.func"() <{arg_attrs = [{noether.name = "x", noether.role = "batch"}, {noether.name = "t", noether.role = "batch"}, {noether.name = "b", noether.role = "param"}], res_attrs = [{noether.role = "loss"}], function_type = (tensor<8x3xf32>, tensor<4x3xf32>, tensor<3xf32>) -> tensor<f32>, sym_name = "main", sym_visibility = "public"}> ({
  ^bb0(%arg0: tensor<8x3xf32>, %arg1: tensor<4x3xf32>, %arg2: tensor<3xf32>):
    %0 = "stablehlo.broadcast_in_dim"(%arg2) <{broadcast_dimensions = array<i64: 1>}> : (tensor<3xf32>) -> tensor<1x3xf32>
    %1 = "stablehlo.broadcast_in_dim"(%0) <{broadcast_dimensions = array<i64: 0, 1>}> : (tensor<1x3xf32>) -> tensor<8x3xf32>
    %2 = "stablehlo.add"(%arg0, %1) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
    %3 = "stablehlo.slice"(%2) <{limit_indices = array<i64: 4, 3>, start_indices = array<i64: 0, 0>, strides = array<i64: 1, 1>}> : (tensor<8x3xf32>) -> tensor<4x3xf32>
    %4 = "stablehlo.broadcast_in_dim"(%arg2) <{broadcast_dimensions = array<i64: 1>}> : (tensor<3xf32>) -> tensor<1x3xf32>
    %5 = "stablehlo.broadcast_in_dim"(%4) <{broadcast_dimensions = array<i64: 0, 1>}> : (tensor<1x3xf32>) -> tensor<8x3xf32>
    %6 = "stablehlo.add"(%arg0, %5) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
    %7 = "stablehlo.slice"(%6) <{limit_indices = array<i64: 8, 3>, start_indices = array<i64: 4, 0>, strides = array<i64: 1, 1>}> : (tensor<8x3xf32>) -> tensor<4x3xf32>
    %8 = "stablehlo.subtract"(%3, %7) : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
    %9 = "stablehlo.tanh"(%8) : (tensor<4x3xf32>) -> tensor<4x3xf32>
    %10 = "stablehlo.multiply"(%9, %arg1) : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
    %11 = "stablehlo.constant"() <{value = dense<0.000000e+00> : tensor<f32>}> : () -> tensor<f32>
    %12 = "stablehlo.reduce"(%10, %11) <{dimensions = array<i64: 0, 1>}> ({
    ^bb0(%arg3: tensor<f32>, %arg4: tensor<f32>):
      %13 = "stablehlo.add"(%arg3, %arg4) : (tensor<f32>, tensor<f32>) -> tensor<f32>
      "stablehlo.return"(%13) : (tensor<f32>) -> ()
    }) : (tensor<4x3xf32>, tensor<f32>) -> tensor<f32>
    "func.return"(%12) : (tensor<f32>) -> ()
  }) : () -> ()
}) {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} : () -> ()
