// RUN: noether-opt --noether-lint %s -o /dev/null 2>&1 | FileCheck %s
// RUN: not noether-opt --noether-lint="fail-on=warning" %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=SEVERE

// A decay by 0.1 % of a bf16 weight is less than half a unit in its last place.

// CHECK: warning: the decay of {{gain|w}} by 0.001{{[0-9]*}} per step is less than half a unit in the last place of bf16 {{.*}} [N107]
// CHECK: note: keep the parameter in a wider type
// SEVERE: error: the decay of {{.*}} [N107]
func.func public @main(%arg0: tensor<3xbf16> {noether.role = "param", noether.name = "gain"},
                       %arg1: tensor<4x3xbf16> {noether.role = "param", noether.name = "w"},
                       %arg2: tensor<8x4xbf16> {noether.role = "batch"},
                       %arg3: tensor<8x3xbf16> {noether.role = "batch"})
    -> (tensor<3xbf16> {noether.role = "param", noether.name = "gain"},
        tensor<4x3xbf16> {noether.role = "param", noether.name = "w"},
        tensor<bf16> {noether.role = "loss"}) {
  %0 = "stablehlo.dot_general"(%arg2, %arg1) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>, precision_config = [#stablehlo<precision DEFAULT>, #stablehlo<precision DEFAULT>]}> : (tensor<8x4xbf16>, tensor<4x3xbf16>) -> tensor<8x3xbf16>
  %1 = "stablehlo.multiply"(%0, %0) : (tensor<8x3xbf16>, tensor<8x3xbf16>) -> tensor<8x3xbf16>
  %2 = "stablehlo.constant"() <{value = dense<0.000000e+00> : tensor<bf16>}> : () -> tensor<bf16>
  %3 = "stablehlo.reduce"(%1, %2) <{dimensions = array<i64: 1>}> ({
  ^bb0(%arg14: tensor<bf16>, %arg15: tensor<bf16>):
    %66 = "stablehlo.add"(%arg14, %arg15) : (tensor<bf16>, tensor<bf16>) -> tensor<bf16>
    "stablehlo.return"(%66) : (tensor<bf16>) -> ()
  }) : (tensor<8x3xbf16>, tensor<bf16>) -> tensor<8xbf16>
  %4 = "stablehlo.broadcast_in_dim"(%3) <{broadcast_dimensions = array<i64: 0>}> : (tensor<8xbf16>) -> tensor<8x1xbf16>
  %5 = "stablehlo.rsqrt"(%4) : (tensor<8x1xbf16>) -> tensor<8x1xbf16>
  %6 = "stablehlo.divide"(%5, %4) : (tensor<8x1xbf16>, tensor<8x1xbf16>) -> tensor<8x1xbf16>
  %7 = "stablehlo.constant"() <{value = dense<-5.000000e-01> : tensor<bf16>}> : () -> tensor<bf16>
  %8 = "stablehlo.broadcast_in_dim"(%7) <{broadcast_dimensions = array<i64>}> : (tensor<bf16>) -> tensor<8x1xbf16>
  %9 = "stablehlo.multiply"(%8, %6) : (tensor<8x1xbf16>, tensor<8x1xbf16>) -> tensor<8x1xbf16>
  %10 = "stablehlo.broadcast_in_dim"(%5) <{broadcast_dimensions = array<i64: 0, 1>}> : (tensor<8x1xbf16>) -> tensor<8x3xbf16>
  %11 = "stablehlo.multiply"(%0, %10) : (tensor<8x3xbf16>, tensor<8x3xbf16>) -> tensor<8x3xbf16>
  %12 = "stablehlo.broadcast_in_dim"(%arg0) <{broadcast_dimensions = array<i64: 1>}> : (tensor<3xbf16>) -> tensor<1x3xbf16>
  %13 = "stablehlo.broadcast_in_dim"(%12) <{broadcast_dimensions = array<i64: 0, 1>}> : (tensor<1x3xbf16>) -> tensor<8x3xbf16>
  %14 = "stablehlo.multiply"(%11, %13) : (tensor<8x3xbf16>, tensor<8x3xbf16>) -> tensor<8x3xbf16>
  %15 = "stablehlo.multiply"(%14, %arg3) : (tensor<8x3xbf16>, tensor<8x3xbf16>) -> tensor<8x3xbf16>
  %16 = "stablehlo.constant"() <{value = dense<0.000000e+00> : tensor<bf16>}> : () -> tensor<bf16>
  %17 = "stablehlo.reduce"(%15, %16) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%arg12: tensor<bf16>, %arg13: tensor<bf16>):
    %65 = "stablehlo.add"(%arg12, %arg13) : (tensor<bf16>, tensor<bf16>) -> tensor<bf16>
    "stablehlo.return"(%65) : (tensor<bf16>) -> ()
  }) : (tensor<8x3xbf16>, tensor<bf16>) -> tensor<bf16>
  %18 = "stablehlo.constant"() <{value = dense<1.000000e+00> : tensor<bf16>}> : () -> tensor<bf16>
  %19 = "stablehlo.broadcast_in_dim"(%18) <{broadcast_dimensions = array<i64>}> : (tensor<bf16>) -> tensor<8x3xbf16>
  %20 = "stablehlo.multiply"(%19, %arg3) : (tensor<8x3xbf16>, tensor<8x3xbf16>) -> tensor<8x3xbf16>
  %21 = "stablehlo.multiply"(%11, %20) : (tensor<8x3xbf16>, tensor<8x3xbf16>) -> tensor<8x3xbf16>
  %22 = "stablehlo.constant"() <{value = dense<0.000000e+00> : tensor<bf16>}> : () -> tensor<bf16>
  %23 = "stablehlo.reduce"(%21, %22) <{dimensions = array<i64: 0>}> ({
  ^bb0(%arg10: tensor<bf16>, %arg11: tensor<bf16>):
    %64 = "stablehlo.add"(%arg10, %arg11) : (tensor<bf16>, tensor<bf16>) -> tensor<bf16>
    "stablehlo.return"(%64) : (tensor<bf16>) -> ()
  }) : (tensor<8x3xbf16>, tensor<bf16>) -> tensor<3xbf16>
  %24 = "stablehlo.reshape"(%23) : (tensor<3xbf16>) -> tensor<1x3xbf16>
  %25 = "stablehlo.broadcast_in_dim"(%12) <{broadcast_dimensions = array<i64: 0, 1>}> : (tensor<1x3xbf16>) -> tensor<8x3xbf16>
  %26 = "stablehlo.multiply"(%20, %25) : (tensor<8x3xbf16>, tensor<8x3xbf16>) -> tensor<8x3xbf16>
  %27 = "stablehlo.constant"() <{value = dense<0.000000e+00> : tensor<bf16>}> : () -> tensor<bf16>
  %28 = "stablehlo.reduce"(%24, %27) <{dimensions = array<i64: 0>}> ({
  ^bb0(%arg8: tensor<bf16>, %arg9: tensor<bf16>):
    %63 = "stablehlo.add"(%arg8, %arg9) : (tensor<bf16>, tensor<bf16>) -> tensor<bf16>
    "stablehlo.return"(%63) : (tensor<bf16>) -> ()
  }) : (tensor<1x3xbf16>, tensor<bf16>) -> tensor<3xbf16>
  %29 = "stablehlo.multiply"(%0, %26) : (tensor<8x3xbf16>, tensor<8x3xbf16>) -> tensor<8x3xbf16>
  %30 = "stablehlo.constant"() <{value = dense<0.000000e+00> : tensor<bf16>}> : () -> tensor<bf16>
  %31 = "stablehlo.reduce"(%29, %30) <{dimensions = array<i64: 1>}> ({
  ^bb0(%arg6: tensor<bf16>, %arg7: tensor<bf16>):
    %62 = "stablehlo.add"(%arg6, %arg7) : (tensor<bf16>, tensor<bf16>) -> tensor<bf16>
    "stablehlo.return"(%62) : (tensor<bf16>) -> ()
  }) : (tensor<8x3xbf16>, tensor<bf16>) -> tensor<8xbf16>
  %32 = "stablehlo.reshape"(%31) : (tensor<8xbf16>) -> tensor<8x1xbf16>
  %33 = "stablehlo.broadcast_in_dim"(%5) <{broadcast_dimensions = array<i64: 0, 1>}> : (tensor<8x1xbf16>) -> tensor<8x3xbf16>
  %34 = "stablehlo.multiply"(%26, %33) : (tensor<8x3xbf16>, tensor<8x3xbf16>) -> tensor<8x3xbf16>
  %35 = "stablehlo.multiply"(%32, %9) : (tensor<8x1xbf16>, tensor<8x1xbf16>) -> tensor<8x1xbf16>
  %36 = "stablehlo.constant"() <{value = dense<0.000000e+00> : tensor<bf16>}> : () -> tensor<bf16>
  %37 = "stablehlo.reduce"(%35, %36) <{dimensions = array<i64: 1>}> ({
  ^bb0(%arg4: tensor<bf16>, %arg5: tensor<bf16>):
    %61 = "stablehlo.add"(%arg4, %arg5) : (tensor<bf16>, tensor<bf16>) -> tensor<bf16>
    "stablehlo.return"(%61) : (tensor<bf16>) -> ()
  }) : (tensor<8x1xbf16>, tensor<bf16>) -> tensor<8xbf16>
  %38 = "stablehlo.broadcast_in_dim"(%37) <{broadcast_dimensions = array<i64: 0>}> : (tensor<8xbf16>) -> tensor<8x3xbf16>
  %39 = "stablehlo.multiply"(%0, %38) : (tensor<8x3xbf16>, tensor<8x3xbf16>) -> tensor<8x3xbf16>
  %40 = "stablehlo.add"(%34, %39) : (tensor<8x3xbf16>, tensor<8x3xbf16>) -> tensor<8x3xbf16>
  %41 = "stablehlo.multiply"(%38, %0) : (tensor<8x3xbf16>, tensor<8x3xbf16>) -> tensor<8x3xbf16>
  %42 = "stablehlo.add"(%40, %41) : (tensor<8x3xbf16>, tensor<8x3xbf16>) -> tensor<8x3xbf16>
  %43 = "stablehlo.dot_general"(%42, %arg2) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>, precision_config = [#stablehlo<precision DEFAULT>, #stablehlo<precision DEFAULT>]}> : (tensor<8x3xbf16>, tensor<8x4xbf16>) -> tensor<3x4xbf16>
  %44 = "stablehlo.transpose"(%43) <{permutation = array<i64: 1, 0>}> : (tensor<3x4xbf16>) -> tensor<4x3xbf16>
  %45 = "stablehlo.constant"() <{value = dense<1.000000e-02> : tensor<bf16>}> : () -> tensor<bf16>
  %46 = "stablehlo.broadcast_in_dim"(%45) <{broadcast_dimensions = array<i64>}> : (tensor<bf16>) -> tensor<3xbf16>
  %47 = "stablehlo.multiply"(%46, %arg0) : (tensor<3xbf16>, tensor<3xbf16>) -> tensor<3xbf16>
  %48 = "stablehlo.add"(%28, %47) : (tensor<3xbf16>, tensor<3xbf16>) -> tensor<3xbf16>
  %49 = "stablehlo.constant"() <{value = dense<1.000000e-01> : tensor<bf16>}> : () -> tensor<bf16>
  %50 = "stablehlo.broadcast_in_dim"(%49) <{broadcast_dimensions = array<i64>}> : (tensor<bf16>) -> tensor<3xbf16>
  %51 = "stablehlo.multiply"(%50, %48) : (tensor<3xbf16>, tensor<3xbf16>) -> tensor<3xbf16>
  %52 = "stablehlo.subtract"(%arg0, %51) : (tensor<3xbf16>, tensor<3xbf16>) -> tensor<3xbf16>
  %53 = "stablehlo.constant"() <{value = dense<1.000000e-02> : tensor<bf16>}> : () -> tensor<bf16>
  %54 = "stablehlo.broadcast_in_dim"(%53) <{broadcast_dimensions = array<i64>}> : (tensor<bf16>) -> tensor<4x3xbf16>
  %55 = "stablehlo.multiply"(%54, %arg1) : (tensor<4x3xbf16>, tensor<4x3xbf16>) -> tensor<4x3xbf16>
  %56 = "stablehlo.add"(%44, %55) : (tensor<4x3xbf16>, tensor<4x3xbf16>) -> tensor<4x3xbf16>
  %57 = "stablehlo.constant"() <{value = dense<1.000000e-01> : tensor<bf16>}> : () -> tensor<bf16>
  %58 = "stablehlo.broadcast_in_dim"(%57) <{broadcast_dimensions = array<i64>}> : (tensor<bf16>) -> tensor<4x3xbf16>
  %59 = "stablehlo.multiply"(%58, %56) : (tensor<4x3xbf16>, tensor<4x3xbf16>) -> tensor<4x3xbf16>
  %60 = "stablehlo.subtract"(%arg1, %59) : (tensor<4x3xbf16>, tensor<4x3xbf16>) -> tensor<4x3xbf16>
  return %52, %60, %17 : tensor<3xbf16>, tensor<4x3xbf16>, tensor<bf16>
}
