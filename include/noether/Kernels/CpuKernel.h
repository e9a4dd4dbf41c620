// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From an outlined loop of the update to a function on pointers, for any sizes.

#ifndef NOETHER_KERNELS_CPUKERNEL_H
#define NOETHER_KERNELS_CPUKERNEL_H

#include "noether/Kernels/KernelSpace.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace noether {

struct CpuKernelOptions {
  /// Numbers that one iteration handles: twice what a register of the machine holds is best.
  unsigned lanes = 32;
  /// How far ahead of the loop memory is asked for, in bytes; 0 for not at all.
  unsigned prefetchDistance = 2048;
  /// Sums are taken in the type of the numbers over so many of them, then in f64.
  unsigned sumBlock = 4096;
};

/// Whether `emitCpuKernel` knows everything that the function computes.
bool isCpuKernel(mlir::func::FuncOp kernel);

/// Emits, in the LLVM dialect but for loops and arithmetic (`scf`, `arith`, `math`, `vector`):
///
///     void name(void *const *buffers, const int64_t *sizes, double *const *sums,
///               int64_t firstRow, int64_t lastRow, int64_t firstColumn, int64_t lastColumn)
///
/// `buffers` holds the addresses of the arguments, then of the results that are no sums; a result
/// may lie where an argument does. `sizes` are those of the dimensions; a row is one index of all
/// but the last. What the kernel sums over the given range is added to `sums`, where each sum has
/// all elements that it keeps. Numbers narrower than f32 are computed with in f32.
///
/// The kernel must be one (`isCpuKernel`). What is emitted does not depend on the sizes.
mlir::LLVM::LLVMFuncOp emitCpuKernel(mlir::func::FuncOp kernel, const KernelSpace &space,
                                     llvm::StringRef name, mlir::OpBuilder &builder,
                                     const CpuKernelOptions &options);

} // namespace noether

#endif // NOETHER_KERNELS_CPUKERNEL_H
