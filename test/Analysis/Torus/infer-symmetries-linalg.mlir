// RUN: noether-opt --noether-infer-symmetries %s | FileCheck %s

// Upstream dialects, by the same rules: hidden units of a ReLU, then a norm whose epsilon stands within a body.

// CHECK: noether.dimension = {torus = 6 : i64, torus_exact = 5 : i64
// CHECK-SAME: noether.symmetries = [{broken_by = [], dimension = 5 : i64, family = "rescale", id = "S1", members = [
// CHECK-SAME: {argument = 2 : i64, axes = array<i64: 1>, exponent = "1", view = array<i64: 4, 5>},
// CHECK-SAME: {argument = 3 : i64, axes = array<i64: 0>, exponent = "-1", view = array<i64: 5, 3>}]},
// CHECK-SAME: {broken_by = [{constant = 1.000000e-05 : f64, degree = "2"}], dimension = 1 : i64, family = "scale", id = "S2", members = [
// CHECK-SAME: {argument = 3 : i64, axes = array<i64>, exponent = "1", view = array<i64: 5, 3>}]}]
#rows = affine_map<(i, j) -> (i)>
#all = affine_map<(i, j) -> (i, j)>

func.func public @main(%x: tensor<8x4xf32> {noether.role = "batch"},
                       %t: tensor<8x3xf32> {noether.role = "batch"},
                       %w1: tensor<4x5xf32> {noether.role = "param", noether.name = "w1"},
                       %w2: tensor<5x3xf32> {noether.role = "param", noether.name = "w2"})
    -> (tensor<f32> {noether.role = "loss"}) {
  %zero = arith.constant 0.0 : f32
  %eps = arith.constant 1.0e-5 : f32
  %e5 = tensor.empty() : tensor<8x5xf32>
  %e3 = tensor.empty() : tensor<8x3xf32>
  %e1 = tensor.empty() : tensor<8xf32>
  %e0 = tensor.empty() : tensor<f32>
  %f5 = linalg.fill ins(%zero : f32) outs(%e5 : tensor<8x5xf32>) -> tensor<8x5xf32>
  %f3 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<8x3xf32>) -> tensor<8x3xf32>
  %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<8xf32>) -> tensor<8xf32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
  %0 = linalg.matmul ins(%x, %w1 : tensor<8x4xf32>, tensor<4x5xf32>) outs(%f5 : tensor<8x5xf32>) -> tensor<8x5xf32>
  %1 = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<8x5xf32>) outs(%e5 : tensor<8x5xf32>) {
  ^bb0(%a: f32, %b: f32):
    %m = arith.maximumf %a, %zero : f32
    linalg.yield %m : f32
  } -> tensor<8x5xf32>
  %y = linalg.matmul ins(%1, %w2 : tensor<8x5xf32>, tensor<5x3xf32>) outs(%f3 : tensor<8x3xf32>) -> tensor<8x3xf32>
  %square = linalg.generic {indexing_maps = [#all, #rows], iterator_types = ["parallel", "reduction"]}
      ins(%y : tensor<8x3xf32>) outs(%f1 : tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.mulf %a, %a : f32
    %p = arith.addf %b, %s : f32
    linalg.yield %p : f32
  } -> tensor<8xf32>
  %normed = linalg.generic {indexing_maps = [#all, #rows, #all], iterator_types = ["parallel", "parallel"]}
      ins(%y, %square : tensor<8x3xf32>, tensor<8xf32>) outs(%e3 : tensor<8x3xf32>) {
  ^bb0(%a: f32, %v: f32, %b: f32):
    %ve = arith.addf %v, %eps : f32
    %r = math.rsqrt %ve : f32
    %n = arith.mulf %a, %r : f32
    linalg.yield %n : f32
  } -> tensor<8x3xf32>
  %loss = linalg.generic {indexing_maps = [#all, #all, affine_map<(i, j) -> ()>], iterator_types = ["reduction", "reduction"]}
      ins(%normed, %t : tensor<8x3xf32>, tensor<8x3xf32>) outs(%f0 : tensor<f32>) {
  ^bb0(%a: f32, %c: f32, %b: f32):
    %s = arith.mulf %a, %c : f32
    %p = arith.addf %b, %s : f32
    linalg.yield %p : f32
  } -> tensor<f32>
  return %loss : tensor<f32>
}
