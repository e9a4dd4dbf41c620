// RUN: noether-opt --noether-lint %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=QUIET --allow-empty --implicit-check-not=N1
// RUN: noether-opt --noether-lint --remarks-filter=noether-lint %s -o /dev/null 2>&1 | FileCheck %s
// RUN: not noether-opt --noether-lint="fail-on=N101" %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=FAIL
// RUN: noether-opt --noether-lint="fail-on=warning" %s -o /dev/null
// RUN: not noether-opt --noether-lint="fail-on=N1" %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=WRONG
// RUN: noether-opt --noether-report %s -o /dev/null | FileCheck %s --check-prefix=JSON

// y = x w is normalised by row and multiplied by a gain; both decay. That they do is a fact, and a remark. What
// `fail-on` names is an error.

// CHECK-DAG: remark: {{.*}}N101{{.*}}the decay of w only sets a learning rate
// CHECK-DAG: remark: {{.*}}N103{{.*}}gain multiplies a normalised value and is decayed
// QUIET-NOT: {{warning|error}}
// FAIL: error: the decay of w only sets a learning rate: the loss does not see the norm [N101]
// WRONG: error: fail-on is never, warning, error or the code of a lint, not 'N1'

// JSON: "prediction": {
// JSON-NEXT: "equilibrium_norm": null
// JSON-NEXT: "time_constant_steps": {{1000|999.99}}
// JSON-NEXT: "rotation_per_step": 0.04472
// JSON-NEXT: "label": "leading order"
// JSON: "driven_by": "gradient"
// JSON: "lints": [
// JSON-NEXT: {
// JSON-NEXT: "code": "N101"
// JSON-NEXT: "severity": "note"
// JSON-NEXT: "parameter": "w"
func.func public @main(%arg0: tensor<3xf32> {noether.role = "param", noether.name = "gain"},
                       %arg1: tensor<4x3xf32> {noether.role = "param", noether.name = "w"},
                       %arg2: tensor<8x4xf32> {noether.role = "batch"},
                       %arg3: tensor<8x3xf32> {noether.role = "batch"})
    -> (tensor<3xf32> {noether.role = "param", noether.name = "gain"},
        tensor<4x3xf32> {noether.role = "param", noether.name = "w"},
        tensor<f32> {noether.role = "loss"}) {
  %0 = "stablehlo.dot_general"(%arg2, %arg1) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>, precision_config = [#stablehlo<precision DEFAULT>, #stablehlo<precision DEFAULT>]}> : (tensor<8x4xf32>, tensor<4x3xf32>) -> tensor<8x3xf32>
  %1 = "stablehlo.multiply"(%0, %0) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %2 = "stablehlo.constant"() <{value = dense<0.000000e+00> : tensor<f32>}> : () -> tensor<f32>
  %3 = "stablehlo.reduce"(%1, %2) <{dimensions = array<i64: 1>}> ({
  ^bb0(%arg14: tensor<f32>, %arg15: tensor<f32>):
    %66 = "stablehlo.add"(%arg14, %arg15) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%66) : (tensor<f32>) -> ()
  }) : (tensor<8x3xf32>, tensor<f32>) -> tensor<8xf32>
  %4 = "stablehlo.broadcast_in_dim"(%3) <{broadcast_dimensions = array<i64: 0>}> : (tensor<8xf32>) -> tensor<8x1xf32>
  %5 = "stablehlo.rsqrt"(%4) : (tensor<8x1xf32>) -> tensor<8x1xf32>
  %6 = "stablehlo.divide"(%5, %4) : (tensor<8x1xf32>, tensor<8x1xf32>) -> tensor<8x1xf32>
  %7 = "stablehlo.constant"() <{value = dense<-5.000000e-01> : tensor<f32>}> : () -> tensor<f32>
  %8 = "stablehlo.broadcast_in_dim"(%7) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<8x1xf32>
  %9 = "stablehlo.multiply"(%8, %6) : (tensor<8x1xf32>, tensor<8x1xf32>) -> tensor<8x1xf32>
  %10 = "stablehlo.broadcast_in_dim"(%5) <{broadcast_dimensions = array<i64: 0, 1>}> : (tensor<8x1xf32>) -> tensor<8x3xf32>
  %11 = "stablehlo.multiply"(%0, %10) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %12 = "stablehlo.broadcast_in_dim"(%arg0) <{broadcast_dimensions = array<i64: 1>}> : (tensor<3xf32>) -> tensor<1x3xf32>
  %13 = "stablehlo.broadcast_in_dim"(%12) <{broadcast_dimensions = array<i64: 0, 1>}> : (tensor<1x3xf32>) -> tensor<8x3xf32>
  %14 = "stablehlo.multiply"(%11, %13) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %15 = "stablehlo.multiply"(%14, %arg3) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %16 = "stablehlo.constant"() <{value = dense<0.000000e+00> : tensor<f32>}> : () -> tensor<f32>
  %17 = "stablehlo.reduce"(%15, %16) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%arg12: tensor<f32>, %arg13: tensor<f32>):
    %65 = "stablehlo.add"(%arg12, %arg13) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%65) : (tensor<f32>) -> ()
  }) : (tensor<8x3xf32>, tensor<f32>) -> tensor<f32>
  %18 = "stablehlo.constant"() <{value = dense<1.000000e+00> : tensor<f32>}> : () -> tensor<f32>
  %19 = "stablehlo.broadcast_in_dim"(%18) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<8x3xf32>
  %20 = "stablehlo.multiply"(%19, %arg3) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %21 = "stablehlo.multiply"(%11, %20) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %22 = "stablehlo.constant"() <{value = dense<0.000000e+00> : tensor<f32>}> : () -> tensor<f32>
  %23 = "stablehlo.reduce"(%21, %22) <{dimensions = array<i64: 0>}> ({
  ^bb0(%arg10: tensor<f32>, %arg11: tensor<f32>):
    %64 = "stablehlo.add"(%arg10, %arg11) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%64) : (tensor<f32>) -> ()
  }) : (tensor<8x3xf32>, tensor<f32>) -> tensor<3xf32>
  %24 = "stablehlo.reshape"(%23) : (tensor<3xf32>) -> tensor<1x3xf32>
  %25 = "stablehlo.broadcast_in_dim"(%12) <{broadcast_dimensions = array<i64: 0, 1>}> : (tensor<1x3xf32>) -> tensor<8x3xf32>
  %26 = "stablehlo.multiply"(%20, %25) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %27 = "stablehlo.constant"() <{value = dense<0.000000e+00> : tensor<f32>}> : () -> tensor<f32>
  %28 = "stablehlo.reduce"(%24, %27) <{dimensions = array<i64: 0>}> ({
  ^bb0(%arg8: tensor<f32>, %arg9: tensor<f32>):
    %63 = "stablehlo.add"(%arg8, %arg9) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%63) : (tensor<f32>) -> ()
  }) : (tensor<1x3xf32>, tensor<f32>) -> tensor<3xf32>
  %29 = "stablehlo.multiply"(%0, %26) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %30 = "stablehlo.constant"() <{value = dense<0.000000e+00> : tensor<f32>}> : () -> tensor<f32>
  %31 = "stablehlo.reduce"(%29, %30) <{dimensions = array<i64: 1>}> ({
  ^bb0(%arg6: tensor<f32>, %arg7: tensor<f32>):
    %62 = "stablehlo.add"(%arg6, %arg7) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%62) : (tensor<f32>) -> ()
  }) : (tensor<8x3xf32>, tensor<f32>) -> tensor<8xf32>
  %32 = "stablehlo.reshape"(%31) : (tensor<8xf32>) -> tensor<8x1xf32>
  %33 = "stablehlo.broadcast_in_dim"(%5) <{broadcast_dimensions = array<i64: 0, 1>}> : (tensor<8x1xf32>) -> tensor<8x3xf32>
  %34 = "stablehlo.multiply"(%26, %33) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %35 = "stablehlo.multiply"(%32, %9) : (tensor<8x1xf32>, tensor<8x1xf32>) -> tensor<8x1xf32>
  %36 = "stablehlo.constant"() <{value = dense<0.000000e+00> : tensor<f32>}> : () -> tensor<f32>
  %37 = "stablehlo.reduce"(%35, %36) <{dimensions = array<i64: 1>}> ({
  ^bb0(%arg4: tensor<f32>, %arg5: tensor<f32>):
    %61 = "stablehlo.add"(%arg4, %arg5) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%61) : (tensor<f32>) -> ()
  }) : (tensor<8x1xf32>, tensor<f32>) -> tensor<8xf32>
  %38 = "stablehlo.broadcast_in_dim"(%37) <{broadcast_dimensions = array<i64: 0>}> : (tensor<8xf32>) -> tensor<8x3xf32>
  %39 = "stablehlo.multiply"(%0, %38) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %40 = "stablehlo.add"(%34, %39) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %41 = "stablehlo.multiply"(%38, %0) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %42 = "stablehlo.add"(%40, %41) : (tensor<8x3xf32>, tensor<8x3xf32>) -> tensor<8x3xf32>
  %43 = "stablehlo.dot_general"(%42, %arg2) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [0], rhs_contracting_dimensions = [0]>, precision_config = [#stablehlo<precision DEFAULT>, #stablehlo<precision DEFAULT>]}> : (tensor<8x3xf32>, tensor<8x4xf32>) -> tensor<3x4xf32>
  %44 = "stablehlo.transpose"(%43) <{permutation = array<i64: 1, 0>}> : (tensor<3x4xf32>) -> tensor<4x3xf32>
  %45 = "stablehlo.constant"() <{value = dense<0.00999999977> : tensor<f32>}> : () -> tensor<f32>
  %46 = "stablehlo.broadcast_in_dim"(%45) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<3xf32>
  %47 = "stablehlo.multiply"(%46, %arg0) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %48 = "stablehlo.add"(%28, %47) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %49 = "stablehlo.constant"() <{value = dense<1.000000e-01> : tensor<f32>}> : () -> tensor<f32>
  %50 = "stablehlo.broadcast_in_dim"(%49) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<3xf32>
  %51 = "stablehlo.multiply"(%50, %48) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %52 = "stablehlo.subtract"(%arg0, %51) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %53 = "stablehlo.constant"() <{value = dense<0.00999999977> : tensor<f32>}> : () -> tensor<f32>
  %54 = "stablehlo.broadcast_in_dim"(%53) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4x3xf32>
  %55 = "stablehlo.multiply"(%54, %arg1) : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  %56 = "stablehlo.add"(%44, %55) : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  %57 = "stablehlo.constant"() <{value = dense<1.000000e-01> : tensor<f32>}> : () -> tensor<f32>
  %58 = "stablehlo.broadcast_in_dim"(%57) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4x3xf32>
  %59 = "stablehlo.multiply"(%58, %56) : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  %60 = "stablehlo.subtract"(%arg1, %59) : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  return %52, %60, %17 : tensor<3xf32>, tensor<4x3xf32>, tensor<f32>
}
