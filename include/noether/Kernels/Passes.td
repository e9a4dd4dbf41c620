// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef NOETHER_KERNELS_PASSES_TD
#define NOETHER_KERNELS_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerKernelsToCpu : Pass<"noether-lower-kernels-to-cpu", "::mlir::ModuleOp"> {
  let summary = "Turn the outlined update into kernels for the CPU and one call a phase.";
  let description = [{
    Functions that `noether-outline-update` made become functions on pointers, in a module
    `@noether_kernels` within this one: vectors of `lanes` numbers, with prefetches, computing in f32 what is stored
    narrower, and adding sums up in f64. What they compute does not depend on the sizes of tensors, so
    that equal loops over different tensors are one kernel. All calls of one phase become one
    `stablehlo.custom_call @noether_update`, whose `table` says which kernel runs on which operands and
    results (`noether/Runtime/KernelTable.h`). Results that are next values of arguments lie where the
    arguments did.

    Functions that hold what has no kernel (integers, products along an axis) stay calls, for the
    host compiler.

    Example:

    ```mlir
    %next, %charge = call @update(%lr, %g, %w) {noether.phase = 0 : i64} : ...
    ==>
    %0:2 = "stablehlo.custom_call"(%lr, %g, %w) {call_target_name = "noether_update", backend_config = {table = array<i64: ...>}, ...}
    module @noether_kernels {
      llvm.func @kernel_0(%buffers: !llvm.ptr, %sizes: !llvm.ptr, %sums: !llvm.ptr, ...) { ... }
    }
    ```
  }];
  let options = [
    Option<"lanes", "lanes", "unsigned", "0", "Numbers an iteration handles (0: what suits this machine)">,
    Option<"prefetch", "prefetch", "unsigned", "2048", "Bytes ahead of the loop that memory is asked for (0: none)">,
    Option<"alias", "alias", "bool", "true", "Put next values where the arguments are">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

def CompileKernels : Pass<"noether-compile-kernels", "::mlir::ModuleOp"> {
  let summary = "Compile the kernels and put the code into the calls.";
  let description = [{
    Compiles the module `@noether_kernels` for this machine and removes it. The object file goes into the
    configuration of every call of `@noether_update`, so that what is left needs no other file. Objects are kept in
    a cache on disk.

    Example: `noether-opt --noether-outline-update --noether-lower-kernels-to-cpu --noether-compile-kernels`.

    Remarks: `KernelsCompiled` and `KernelsFound` (category `noether-kernels`).
  }];
  let options = [
    Option<"cache", "cache", "std::string", /*default=*/"\"default\"",
           "Directory of the cache ('default': the user's, 'none': no cache)">
  ];
  let dependentDialects = ["::mlir::cf::ControlFlowDialect", "::mlir::LLVM::LLVMDialect"];
}

#endif // NOETHER_KERNELS_PASSES_TD
