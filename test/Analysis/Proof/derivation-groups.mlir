// RUN: noether-opt --noether-report=derivations %S/../AxisGroup/groups-chain.mlir -o /dev/null | FileCheck %s

// The proof of a group says of each operation how the matrix acts on what it reads and makes.

// CHECK: "id": "G1"
// CHECK: "derivation": [
// CHECK: "op": "stablehlo.dot_general",
// CHECK: "note": "1, M(1) -> M(1)",
// CHECK: "rule": "#noether.rule<([i,j],[j,k])->([i,k]) sum {j} uses (*,*) : r0 = o0 + o1>"
// CHECK: "actions": []
// CHECK: "actions": [
// CHECK-NEXT: {
// CHECK-NEXT: "axis": 1,
// CHECK-NEXT: "side": "direct",
// CHECK-NEXT: "block_axes": [],
// CHECK-NEXT: "view": [
// CHECK-NEXT: 4,
// CHECK-NEXT: 5

// The contraction with what its inverse transpose moves leaves nothing.
// CHECK: "note": "M(1), M^-T(0) -> 1",

// CHECK: "id": "P1"
// CHECK: "note": "1, M(1) -> M(1)",
// CHECK: "note": "M(1), M(0) -> 1",
