// RUN: noether-opt --noether-report=derivations %S/../Torus/infer-symmetries-fused-qkv.mlir -o /dev/null | FileCheck %s
// RUN: noether-opt --noether-infer-symmetries --remarks-filter=noether-symmetries %S/../Torus/infer-symmetries-fused-qkv.mlir -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Queries and keys are pieces of one matrix. They move against each other, and their product does not move.

// CHECK: "id": "S1",
// CHECK: "holds": "s(2) on [0:8, 0:1, 0:5] - s(2) on [0:8, 1:2, 0:5] = 0 + (s(2) on [0:4, 0:1, 0:5] - s(2) on [0:4, 1:2, 0:5])",
// CHECK: "op": "stablehlo.slice",
// CHECK: "holds": "s(1) = s(2) on [0:8, 0:1, 0:5] - s(2) on [0:8, 1:2, 0:5]",
// CHECK: "op": "stablehlo.slice",
// CHECK: "holds": "-s(1) = s(2) on [0:8, 0:1, 0:5] - s(2) on [0:8, 1:2, 0:5]",
// CHECK: "op": "stablehlo.dot_general",
// CHECK: "holds": "0 = s(1) + -s(1)",
// CHECK: "id": "S2",

// Remarks tell the pieces apart.
// REMARK: [Passed] SymmetryFound | {{.*}} id=S1, qkv[0:4, 0:1, 0:5 of 4x3x5]=1, qkv[0:4, 1:2, 0:5 of 4x3x5]=-1
// REMARK: [Passed] SymmetryFound | {{.*}} id=S2, out=-1, qkv[0:4, 2:3, 0:5 of 4x3x5]=1
