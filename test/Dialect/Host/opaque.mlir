// RUN: noether-opt --verify-roundtrip %s | FileCheck %s

// Operations, attributes and types of the host dialects are opaque, and are known to no one else.

// CHECK-LABEL: func.func @f
func.func @f(%token: !stablehlo.token, %x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: "stablehlo.custom"(%{{.*}}, %{{.*}}) {dims = #stablehlo.dot<lhs_batching_dimensions = [0], x = "<]">, kind = #chlo<kind one>} : (!stablehlo.token, tensor<4xf32>) -> tensor<4xf32>
  %0 = "stablehlo.custom"(%token, %x) {dims = #stablehlo.dot<lhs_batching_dimensions = [0], x = "<]">, kind = #chlo<kind one>} : (!stablehlo.token, tensor<4xf32>) -> tensor<4xf32>
  // CHECK: "mhlo.other"() : () -> ()
  "mhlo.other"() : () -> ()
  // CHECK: "sdy.mesh"() <{mesh = #sdy.mesh<["data"=8]>, sym_name = "mesh"}>
  "sdy.mesh"() <{mesh = #sdy.mesh<["data"=8]>, sym_name = "mesh"}> : () -> ()
  return %0 : tensor<4xf32>
}
