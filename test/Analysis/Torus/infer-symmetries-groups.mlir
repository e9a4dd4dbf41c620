// RUN: noether-opt --noether-infer-symmetries %S/../AxisGroup/groups-chain.mlir | FileCheck %s

// Every symmetry that a parameter refers to is described on the function, groups and permutations as well.

// CHECK: noether.symmetries = ["S1", "G1", "P1"]
// CHECK: noether.symmetries = [
// CHECK-SAME: family = "rescale", id = "S1"
// CHECK-SAME: family = "general_linear", id = "G1", members = [{argument = 2 : i64, axis = 1 : i64, block_axes = array<i64>, side = "direct", view = array<i64: 4, 5>}, {argument = 3 : i64, axis = 0 : i64, block_axes = array<i64>, side = "inverse_transpose", view = array<i64: 5, 3>}], size = 5 : i64
// CHECK-SAME: family = "permutation", id = "P1"
