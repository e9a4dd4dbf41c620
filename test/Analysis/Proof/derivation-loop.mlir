// RUN: noether-opt --noether-report=derivations %S/../Torus/infer-symmetries-while-unknown.mlir -o /dev/null | FileCheck %s

// The proof goes through the loop: what it carries begins with its initial value, and each round keeps its degree.

// CHECK: "derivation": [
// CHECK: "op": "stablehlo.while",
// CHECK-NEXT: "location": "{{.*}}infer-symmetries-while-unknown.mlir:21",
// CHECK-NEXT: "equation": "r0 = o0",
// CHECK-NEXT: "path": "4",
// CHECK-NEXT: "part": 1,
// CHECK-NEXT: "kind": "carry",
// CHECK: "holds": "1 = 1",

// Operation 2 of the body.
// CHECK: "path": "4/1.0/2",
// CHECK: "holds": "1 = 1 + 0",

// CHECK: "op": "stablehlo.while",
// CHECK: "equation": "o0 = o1",
// CHECK-NEXT: "path": "4",
// CHECK-NEXT: "part": 1,
// CHECK-NEXT: "kind": "loop",
// CHECK: "holds": "1 = 1",
