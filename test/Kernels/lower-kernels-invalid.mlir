// RUN: noether-opt %s -split-input-file --noether-lower-kernels-to-cpu | FileCheck %s
// RUN: not noether-opt %s -split-input-file --noether-lower-kernels-to-cpu=lanes=3 2>&1 | FileCheck %s --check-prefix=LANES

// Functions that are marked but are no loops over one index space stay what they are.

// LANES: error: option 'lanes' of noether-lower-kernels-to-cpu is 3: it must be a power of two up to 1024
// CHECK-NOT: custom_call
// CHECK-NOT: @noether_kernels

// Sizes that are not known, and no tensors.
func.func @main(%x: tensor<?xf32>, %y: f32) -> (tensor<?xf32>, f32) {
  %0 = call @dynamic(%x) {noether.phase = 0 : i64} : (tensor<?xf32>) -> tensor<?xf32>
  %1 = call @scalar(%y) {noether.phase = 0 : i64} : (f32) -> f32
  return %0, %1 : tensor<?xf32>, f32
}
func.func private @dynamic(%x: tensor<?xf32>) -> tensor<?xf32> attributes {noether.kernel} {
  %0 = "stablehlo.add"(%x, %x) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
func.func private @scalar(%y: f32) -> f32 attributes {noether.kernel} {
  return %y : f32
}

// -----

// Two index spaces.
func.func @main(%x: tensor<4xf32>, %y: tensor<6xf32>) -> (tensor<4xf32>, tensor<6xf32>) {
  %0:2 = call @two(%x, %y) {noether.phase = 0 : i64} : (tensor<4xf32>, tensor<6xf32>) -> (tensor<4xf32>, tensor<6xf32>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<6xf32>
}
func.func private @two(%x: tensor<4xf32>, %y: tensor<6xf32>) -> (tensor<4xf32>, tensor<6xf32>) attributes {noether.kernel} {
  %0 = "stablehlo.add"(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = "stablehlo.add"(%y, %y) : (tensor<6xf32>, tensor<6xf32>) -> tensor<6xf32>
  return %0, %1 : tensor<4xf32>, tensor<6xf32>
}

// -----

// Sums that are used again, from another number than zero, of other things than sums, without a body.
func.func @main(%x: tensor<4xf32>) -> (tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) {
  %0 = call @again(%x) {noether.phase = 0 : i64} : (tensor<4xf32>) -> tensor<f32>
  %1 = call @from_one(%x) {noether.phase = 0 : i64} : (tensor<4xf32>) -> tensor<f32>
  %2 = call @largest(%x) {noether.phase = 0 : i64} : (tensor<4xf32>) -> tensor<f32>
  %3 = call @nothing(%x) {noether.phase = 0 : i64} : (tensor<4xf32>) -> tensor<f32>
  return %0, %1, %2, %3 : tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>
}
func.func private @again(%x: tensor<4xf32>) -> tensor<f32> attributes {noether.kernel} {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %0 = "stablehlo.reduce"(%x, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  %1 = "stablehlo.sqrt"(%0) : (tensor<f32>) -> tensor<f32>
  return %1 : tensor<f32>
}
func.func private @from_one(%x: tensor<4xf32>) -> tensor<f32> attributes {noether.kernel} {
  %one = "stablehlo.constant"() <{value = dense<1.0> : tensor<f32>}> : () -> tensor<f32>
  %0 = "stablehlo.reduce"(%x, %one) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
func.func private @largest(%x: tensor<4xf32>) -> tensor<f32> attributes {noether.kernel} {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %0 = "stablehlo.reduce"(%x, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %s = "stablehlo.maximum"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}
func.func private @nothing(%x: tensor<4xf32>) -> tensor<f32> attributes {noether.kernel} {
  %0 = "stablehlo.reduce"(%x) : (tensor<4xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}
