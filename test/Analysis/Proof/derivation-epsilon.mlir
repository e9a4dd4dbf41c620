// RUN: noether-opt --noether-report=derivations %S/../Torus/infer-symmetries-batchnorm.mlir -o /dev/null | FileCheck %s

// Each step has its rule, the degree of what goes in and comes out, and what the equations say of these.

// CHECK: "loss": {
// CHECK-NEXT: "result": 0
// CHECK: "derivation": [
// CHECK-NEXT: {
// CHECK-NEXT: "op": "stablehlo.dot_general",
// CHECK-NEXT: "location": "{{.*}}infer-symmetries-batchnorm.mlir:14",
// CHECK-NEXT: "equation": "r0 = o0 + o1",
// CHECK-NEXT: "path": "1",
// CHECK-NEXT: "part": 0,
// CHECK-NEXT: "kind": "rule",
// CHECK-NEXT: "rule": "#noether.rule<([i,j],[j,k])->([i,k]) sum {j} uses (*,*) : r0 = o0 + o1>",
// CHECK-NEXT: "holds": "s(1) = 0 + s(1)",
// CHECK-NEXT: "operands": [
// CHECK-NEXT: {
// CHECK-NEXT: "value": [[X:.*]],
// CHECK-NEXT: "degree": []
// CHECK-NEXT: },
// CHECK-NEXT: {
// CHECK-NEXT: "value": [[W:.*]],
// CHECK-NEXT: "degree": [
// CHECK-NEXT: {
// CHECK-NEXT: "coefficient": "1",
// CHECK-NEXT: "axes": [
// CHECK-NEXT: 1
// CHECK-NEXT: ],
// CHECK-NEXT: "view": [
// CHECK-NEXT: 4,
// CHECK-NEXT: 3
// CHECK-NEXT: ]
// CHECK: "results": [

// A sum over what is zero begins with any degree.
// CHECK: "holds": "s(0) = s(1), s(0) = any",

// The epsilon stands for itself.
// CHECK: "op": "stablehlo.add",
// CHECK: "holds": "2 s(0) = 2 s(0), 2 s(0) = [1e-05]",
// CHECK: "spurions": [
// CHECK-NEXT: {
// CHECK-NEXT: "constant": 1e-05,
// CHECK-NEXT: "degree": "2"

// CHECK: "op": "stablehlo.rsqrt",
// CHECK: "holds": "-s(0) = -1/2*(2 s(0))",
