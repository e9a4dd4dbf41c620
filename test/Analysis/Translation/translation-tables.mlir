// RUN: noether-opt --noether-infer-symmetries %s | FileCheck %s

// What is added to all rows of one table and taken from all rows of the other.

// CHECK: translation = 5 : i64
// CHECK-SAME: {broken_by = [], dimension = 5 : i64, family = "translation", id = "T1", members = [{argument = 2 : i64, axes = array<i64: 1>, exponent = "1", view = array<i64: 7, 5>}, {argument = 3 : i64, axes = array<i64: 1>, exponent = "-1", view = array<i64: 6, 5>}]}
"builtin.module"() <{sym_name = "jit__lambda"}> ({
  "func.func"() <{arg_attrs = [{noether.name = "i", noether.role = "batch"}, {noether.name = "t", noether.role = "batch"}, {noether.name = "e", noether.role = "param"}, {noether.name = "p", noether.role = "param"}], res_attrs = [{noether.role = "loss"}], function_type = (tensor<6xi32>, tensor<6x5xf32>, tensor<7x5xf32>, tensor<6x5xf32>) -> tensor<f32>, sym_name = "main", sym_visibility = "public"}> ({
  ^bb0(%arg0: tensor<6xi32>, %arg1: tensor<6x5xf32>, %arg2: tensor<7x5xf32>, %arg3: tensor<6x5xf32>):
    %0 = "stablehlo.constant"() <{value = dense<0> : tensor<i32>}> : () -> tensor<i32>
    %1 = "stablehlo.broadcast_in_dim"(%0) <{broadcast_dimensions = array<i64>}> : (tensor<i32>) -> tensor<6xi32>
    %2 = "stablehlo.compare"(%arg0, %1) <{compare_type = #stablehlo<comparison_type SIGNED>, comparison_direction = #stablehlo<comparison_direction LT>}> : (tensor<6xi32>, tensor<6xi32>) -> tensor<6xi1>
    %3 = "stablehlo.constant"() <{value = dense<7> : tensor<i32>}> : () -> tensor<i32>
    %4 = "stablehlo.broadcast_in_dim"(%3) <{broadcast_dimensions = array<i64>}> : (tensor<i32>) -> tensor<6xi32>
    %5 = "stablehlo.add"(%arg0, %4) : (tensor<6xi32>, tensor<6xi32>) -> tensor<6xi32>
    %6 = "stablehlo.select"(%2, %5, %arg0) : (tensor<6xi1>, tensor<6xi32>, tensor<6xi32>) -> tensor<6xi32>
    %7 = "stablehlo.broadcast_in_dim"(%6) <{broadcast_dimensions = array<i64: 0>}> : (tensor<6xi32>) -> tensor<6x1xi32>
    %8 = "stablehlo.gather"(%arg2, %7) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 5>}> : (tensor<7x5xf32>, tensor<6x1xi32>) -> tensor<6x5xf32>
    %9 = "stablehlo.add"(%8, %arg3) : (tensor<6x5xf32>, tensor<6x5xf32>) -> tensor<6x5xf32>
    %10 = "stablehlo.tanh"(%9) : (tensor<6x5xf32>) -> tensor<6x5xf32>
    %11 = "stablehlo.multiply"(%10, %arg1) : (tensor<6x5xf32>, tensor<6x5xf32>) -> tensor<6x5xf32>
    %12 = "stablehlo.constant"() <{value = dense<0.000000e+00> : tensor<f32>}> : () -> tensor<f32>
    %13 = "stablehlo.reduce"(%11, %12) <{dimensions = array<i64: 0, 1>}> ({
    ^bb0(%arg4: tensor<f32>, %arg5: tensor<f32>):
      %14 = "stablehlo.add"(%arg4, %arg5) : (tensor<f32>, tensor<f32>) -> tensor<f32>
      "stablehlo.return"(%14) : (tensor<f32>) -> ()
    }) : (tensor<6x5xf32>, tensor<f32>) -> tensor<f32>
    "func.return"(%13) : (tensor<f32>) -> ()
  }) : () -> ()
}) {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} : () -> ()
