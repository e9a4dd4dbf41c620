// RUN: noether-opt --noether-track-charges %s --mlir-print-op-generic | FileCheck %s
// RUN: noether-opt --noether-track-charges --remarks-filter=noether-charges %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// The update does not show the gradient (the loss is differentiated elsewhere): what needs it is left out.

// REMARK: remark: [Missed] GradientNotFound | Category:noether-charges | Function=main | parameter=params['w'], symmetry=S1
// CHECK: noether.name = "S1.charge", noether.role = "charge"
// CHECK-NOT: identity
// CHECK-SAME: noether.name = "S1.next_charge", noether.role = "charge"
// CHECK: "noether.charge"(%arg0, %{{.*}}) <{members = [#noether.member<1 view [4]>], operandSegmentSizes = array<i32: 1, 0, 1>, symmetry = "S1"}>
// CHECK-SAME: (tensor<4xf32>, tensor<4xf32>) -> (tensor<f32>, tensor<f32>)
func.func @main(%w: tensor<4xf32> loc("params['w']"), %x: tensor<4xf32> loc("x"))
    -> (tensor<4xf32> {jax.result_info = "result[0]['w']"}, tensor<f32>) {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %square = "stablehlo.multiply"(%w, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %sum = "stablehlo.reduce"(%square, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  %r = "stablehlo.rsqrt"(%sum) : (tensor<f32>) -> tensor<f32>
  %rs = "stablehlo.broadcast_in_dim"(%r) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4xf32>
  %u = "stablehlo.multiply"(%w, %rs) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %y = "stablehlo.multiply"(%u, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %loss = "stablehlo.reduce"(%y, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  %next = "stablehlo.subtract"(%w, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %next, %loss : tensor<4xf32>, tensor<f32>
}
