// RUN: noether-opt --noether-infer-symmetries --split-input-file %s | FileCheck %s
// RUN: noether-opt --noether-report --split-input-file %s -o /dev/null | FileCheck %s --check-prefix=JSON

// A shift of b by t is taken up by one of c by minus t times v: the weights of the mean add up to one, whatever they are.

// CHECK: affine = 3 : i64
// CHECK-SAME: absorbers = [{argument = 4 : i64, exponent = "-1", factors = [{argument = 3 : i64, indices = array<i64: 0, 1>
// CHECK-SAME: indices = array<i64: 1>
// CHECK-SAME: family = "affine", id = "A1", members = [{argument = 2 : i64, axes = array<i64: 0>, exponent = "1"
// JSON: "id": "A1",
// JSON-NEXT: "family": "affine",
// JSON: "absorbers": [
// JSON: "parameter": "c",
// JSON-NEXT: "indices": [
// JSON-NEXT: 1
// JSON: "exponent": "-1",
// JSON: "parameter": "v",
// JSON-NEXT: "indices": [
// JSON-NEXT: 0,
// JSON-NEXT: 1
// JSON: "dimension": {
// JSON: "affine": 3,
func.func @main(%x: tensor<6x3xf32> {noether.name = "x", noether.role = "batch"}, %t: tensor<6x6xf32> {noether.name = "t", noether.role = "batch"}, %b: tensor<3xf32> {noether.name = "b", noether.role = "param"}, %v: tensor<3x2xf32> {noether.name = "v", noether.role = "param"}, %c: tensor<2xf32> {noether.name = "c", noether.role = "param"}) -> (tensor<f32> {noether.role = "loss"}) {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %e = "stablehlo.exponential"(%t) : (tensor<6x6xf32>) -> tensor<6x6xf32>
  %sum = "stablehlo.reduce"(%e, %zero) <{dimensions = array<i64: 1>}> ({
  ^bb0(%p: tensor<f32>, %q: tensor<f32>):
    %s = "stablehlo.add"(%p, %q) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s) : (tensor<f32>) -> ()
  }) : (tensor<6x6xf32>, tensor<f32>) -> tensor<6xf32>
  %sums = "stablehlo.broadcast_in_dim"(%sum) <{broadcast_dimensions = array<i64: 0>}> : (tensor<6xf32>) -> tensor<6x6xf32>
  %weights = "stablehlo.divide"(%e, %sums) : (tensor<6x6xf32>, tensor<6x6xf32>) -> tensor<6x6xf32>
  %bs = "stablehlo.broadcast_in_dim"(%b) <{broadcast_dimensions = array<i64: 1>}> : (tensor<3xf32>) -> tensor<6x3xf32>
  %values = "stablehlo.add"(%x, %bs) : (tensor<6x3xf32>, tensor<6x3xf32>) -> tensor<6x3xf32>
  %mean = "stablehlo.dot_general"(%weights, %values) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<6x6xf32>, tensor<6x3xf32>) -> tensor<6x3xf32>
  %o = "stablehlo.dot_general"(%mean, %v) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<6x3xf32>, tensor<3x2xf32>) -> tensor<6x2xf32>
  %cs = "stablehlo.broadcast_in_dim"(%c) <{broadcast_dimensions = array<i64: 1>}> : (tensor<2xf32>) -> tensor<6x2xf32>
  %y = "stablehlo.add"(%o, %cs) : (tensor<6x2xf32>, tensor<6x2xf32>) -> tensor<6x2xf32>
  %sine = "stablehlo.sine"(%y) : (tensor<6x2xf32>) -> tensor<6x2xf32>
  %loss = "stablehlo.reduce"(%sine, %zero) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%p: tensor<f32>, %q: tensor<f32>):
    %s = "stablehlo.add"(%p, %q) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s) : (tensor<f32>) -> ()
  }) : (tensor<6x2xf32>, tensor<f32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// Not where what should take it up is read elsewhere as well.

// CHECK-NOT: affine
// JSON: "affine": 0,
func.func @main(%x: tensor<6x3xf32> {noether.name = "x", noether.role = "batch"}, %b: tensor<3xf32> {noether.name = "b", noether.role = "param"}, %v: tensor<3x2xf32> {noether.name = "v", noether.role = "param"}, %c: tensor<2xf32> {noether.name = "c", noether.role = "param"}) -> (tensor<f32> {noether.role = "loss"}) {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %bs = "stablehlo.broadcast_in_dim"(%b) <{broadcast_dimensions = array<i64: 1>}> : (tensor<3xf32>) -> tensor<6x3xf32>
  %values = "stablehlo.add"(%x, %bs) : (tensor<6x3xf32>, tensor<6x3xf32>) -> tensor<6x3xf32>
  %o = "stablehlo.dot_general"(%values, %v) <{dot_dimension_numbers = #stablehlo.dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}> : (tensor<6x3xf32>, tensor<3x2xf32>) -> tensor<6x2xf32>
  %cs = "stablehlo.broadcast_in_dim"(%c) <{broadcast_dimensions = array<i64: 1>}> : (tensor<2xf32>) -> tensor<6x2xf32>
  %y = "stablehlo.add"(%o, %cs) : (tensor<6x2xf32>, tensor<6x2xf32>) -> tensor<6x2xf32>
  %sine = "stablehlo.sine"(%y) : (tensor<6x2xf32>) -> tensor<6x2xf32>
  %z = "stablehlo.multiply"(%sine, %cs) : (tensor<6x2xf32>, tensor<6x2xf32>) -> tensor<6x2xf32>
  %loss = "stablehlo.reduce"(%z, %zero) <{dimensions = array<i64: 0, 1>}> ({
  ^bb0(%p: tensor<f32>, %q: tensor<f32>):
    %s = "stablehlo.add"(%p, %q) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%s) : (tensor<f32>) -> ()
  }) : (tensor<6x2xf32>, tensor<f32>) -> tensor<f32>
  return %loss : tensor<f32>
}
