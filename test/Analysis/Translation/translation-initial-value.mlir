// RUN: noether-opt --noether-infer-symmetries --split-input-file %s | FileCheck %s

// The initial value of a reduction is added once, however many entries are added to it.

// CHECK: translation = 1 : i64
func.func @main(%x: tensor<4xf32> {noether.role = "batch"}, %b: tensor<f32> {noether.role = "param"}) -> (tensor<f32> {noether.role = "loss"}) {
  %r = "stablehlo.reduce"(%x, %b) <{dimensions = array<i64: 0>}> ({
  ^bb0(%u: tensor<f32>, %v: tensor<f32>):
    %w = "stablehlo.add"(%u, %v) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%w) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  %d = "stablehlo.subtract"(%r, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %l = "stablehlo.sine"(%d) : (tensor<f32>) -> tensor<f32>
  return %l : tensor<f32>
}

// -----

// CHECK: translation = 0 : i64
func.func @main(%x: tensor<4xf32> {noether.role = "batch"}, %b: tensor<f32> {noether.role = "param"}) -> (tensor<f32> {noether.role = "loss"}) {
  %r = "stablehlo.reduce"(%x, %b) <{dimensions = array<i64: 0>}> ({
  ^bb0(%u: tensor<f32>, %v: tensor<f32>):
    %w = "stablehlo.add"(%u, %v) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%w) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  %four = "stablehlo.constant"() <{value = dense<4.0> : tensor<f32>}> : () -> tensor<f32>
  %bs = "stablehlo.multiply"(%b, %four) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %d = "stablehlo.subtract"(%r, %bs) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %l = "stablehlo.sine"(%d) : (tensor<f32>) -> tensor<f32>
  return %l : tensor<f32>
}
