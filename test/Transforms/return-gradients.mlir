// RUN: noether-opt --noether-return-gradients %dumps/mlp_relu_sgd.mlir --mlir-print-op-generic | FileCheck %s

// One more result for each of the four parameters: what is multiplied by the learning rate and subtracted.

// CHECK: "func.func"() <{
// CHECK-SAME: {noether.name = "gradient[0]", noether.role = "metric"}
// CHECK-SAME: {noether.name = "gradient[1]", noether.role = "metric"}
// CHECK-SAME: {noether.name = "gradient[2]", noether.role = "metric"}
// CHECK-SAME: {noether.name = "gradient[3]", noether.role = "metric"}
