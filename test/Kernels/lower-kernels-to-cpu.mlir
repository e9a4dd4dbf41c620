// RUN: noether-opt %s -split-input-file --noether-lower-kernels-to-cpu="lanes=16 prefetch=1024" | FileCheck %s
// RUN: noether-opt %s -split-input-file --noether-lower-kernels-to-cpu --noether-compile-kernels=cache=none | FileCheck %s --check-prefix=COMPILED
// A cache that cannot be used is none; one that can has the same code the second time.
// RUN: noether-opt %s -split-input-file --noether-lower-kernels-to-cpu --noether-compile-kernels=cache=/proc/none | FileCheck %s --check-prefix=COMPILED
// RUN: rm -rf %t && noether-opt %s -split-input-file --noether-lower-kernels-to-cpu --noether-compile-kernels=cache=%t -o %t.first
// RUN: noether-opt %s -split-input-file --noether-lower-kernels-to-cpu --noether-compile-kernels=cache=%t --remarks-filter=noether-kernels --remark-policy=all -o %t.second 2>&1 | FileCheck %s --check-prefix=FOUND
// RUN: cmp %t.first %t.second

// FOUND-NOT: KernelsCompiled
// FOUND: KernelsFound

// Equal loops over tensors of any size are one kernel. What is next for an argument lies where it did.

// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[W:[^:]*]]: tensor<4x8xf32> {{.*}}, %[[V:[^:]*]]: tensor<5xf32> {{.*}}, %[[G:[^:]*]]: tensor<4x8xf32>, %[[H:[^:]*]]: tensor<5xf32>, %[[LR:[^:]*]]: tensor<f32>
// CHECK:         %[[U:.*]]:4 = "stablehlo.custom_call"(%[[LR]], %[[G]], %[[W]], %[[H]], %[[V]])
// One version, operands, results and runs; then for each run the kernel, sizes, buffers and sums.
// CHECK-SAME:      backend_config = {table = array<i64: 1, 5, 4, 2, 0, 1, 32, 4, 0, 1, 2, -1, 1, 1, 0, 0, 0, 1, 5, 4, 0, 3, 4, -3, 1, 3, 0, 0>}
// CHECK-SAME:      call_target_name = "noether_update"
// CHECK-SAME:      output_operand_aliases = [#stablehlo.output_operand_alias<output_tuple_indices = [0], operand_index = 2, operand_tuple_indices = []>, #stablehlo.output_operand_alias<output_tuple_indices = [2], operand_index = 4, operand_tuple_indices = []>]
// CHECK:         return %[[U]]#0, %[[U]]#2, %[[U]]#1, %[[U]]#3
// CHECK-NOT:   func.func
// CHECK:       module @noether_kernels {
// CHECK:         llvm.func @kernel_0(
// CHECK:           scf.for
// CHECK:             "llvm.intr.prefetch"
// CHECK:             llvm.load %{{.*}} : !llvm.ptr -> vector<16xf32>
// CHECK:             arith.subf %{{.*}} : vector<16xf32>
// CHECK:             llvm.store %{{.*}} : vector<16xf32>, !llvm.ptr
// CHECK:           scf.for
// CHECK:             arith.subf %{{.*}} : f32
// CHECK:           vector.reduction <add>, %{{.*}} : vector<16xf64> into f64
// CHECK-NOT:     llvm.func

// COMPILED-LABEL: func.func @main(
// COMPILED:         "stablehlo.custom_call"
// COMPILED-SAME:      kernels = 1 : i64, key = "{{[0-9a-f]+}}", object = "{{[0-9A-Za-z+/=]+}}", table =
// COMPILED-NOT:   module @noether_kernels
module {
  func.func @main(%w: tensor<4x8xf32> {noether.carried_to = 0 : i64}, %v: tensor<5xf32> {noether.carried_to = 1 : i64},
                  %g: tensor<4x8xf32>, %h: tensor<5xf32>, %lr: tensor<f32>)
      -> (tensor<4x8xf32>, tensor<5xf32>, tensor<f32>, tensor<f32>) {
    %0:2 = call @update(%lr, %g, %w) {noether.phase = 0 : i64} : (tensor<f32>, tensor<4x8xf32>, tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<f32>)
    %1:2 = call @update_0(%lr, %h, %v) {noether.phase = 0 : i64} : (tensor<f32>, tensor<5xf32>, tensor<5xf32>) -> (tensor<5xf32>, tensor<f32>)
    return %0#0, %1#0, %0#1, %1#1 : tensor<4x8xf32>, tensor<5xf32>, tensor<f32>, tensor<f32>
  }
  func.func private @update(%lr: tensor<f32>, %g: tensor<4x8xf32>, %w: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<f32>) attributes {noether.kernel} {
    %0 = "stablehlo.broadcast_in_dim"(%lr) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4x8xf32>
    %1 = "stablehlo.multiply"(%0, %g) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %2 = "stablehlo.subtract"(%w, %1) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %3 = "stablehlo.multiply"(%w, %w) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %4 = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
    %5 = "stablehlo.reduce"(%3, %4) <{dimensions = array<i64: 0, 1>}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
      "stablehlo.return"(%s) : (tensor<f32>) -> ()
    }) : (tensor<4x8xf32>, tensor<f32>) -> tensor<f32>
    return %2, %5 : tensor<4x8xf32>, tensor<f32>
  }
  func.func private @update_0(%lr: tensor<f32>, %g: tensor<5xf32>, %w: tensor<5xf32>) -> (tensor<5xf32>, tensor<f32>) attributes {noether.kernel} {
    %0 = "stablehlo.broadcast_in_dim"(%lr) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<5xf32>
    %1 = "stablehlo.multiply"(%0, %g) : (tensor<5xf32>, tensor<5xf32>) -> tensor<5xf32>
    %2 = "stablehlo.subtract"(%w, %1) : (tensor<5xf32>, tensor<5xf32>) -> tensor<5xf32>
    %3 = "stablehlo.multiply"(%w, %w) : (tensor<5xf32>, tensor<5xf32>) -> tensor<5xf32>
    %4 = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
    %5 = "stablehlo.reduce"(%3, %4) <{dimensions = array<i64: 0>}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %s = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
      "stablehlo.return"(%s) : (tensor<f32>) -> ()
    }) : (tensor<5xf32>, tensor<f32>) -> tensor<f32>
    return %2, %5 : tensor<5xf32>, tensor<f32>
  }
}

// -----

// Integers have no kernel: the host compiler keeps the call.

// CHECK-LABEL: func.func @main(
// CHECK:         call @update
// CHECK:       func.func private @update
// CHECK-NOT:   module @noether_kernels
module {
  func.func @main(%n: tensor<4xi32>) -> tensor<4xi32> {
    %0 = call @update(%n) {noether.phase = 0 : i64} : (tensor<4xi32>) -> tensor<4xi32>
    return %0 : tensor<4xi32>
  }
  func.func private @update(%n: tensor<4xi32>) -> tensor<4xi32> attributes {noether.kernel} {
    %0 = "stablehlo.add"(%n, %n) : (tensor<4xi32>, tensor<4xi32>) -> tensor<4xi32>
    return %0 : tensor<4xi32>
  }
}
