// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The index space of an outlined loop of the update: as few dimensions as its sums need.

#ifndef NOETHER_KERNELS_KERNELSPACE_H
#define NOETHER_KERNELS_KERNELSPACE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/DenseMap.h"

namespace noether {

/// Axes that every sum and every spread operand treats alike are one dimension; where all sums are
/// over everything there is just one.
struct KernelSpace {
  /// Row-major; at least one.
  llvm::SmallVector<int64_t> sizes;
  /// The dimensions that a reduction keeps, or that the operand of a spread has: bit d for
  /// dimension d.
  llvm::DenseMap<mlir::Operation *, unsigned> kept;

  int64_t getNumElements() const;
  /// The number of elements of a tensor that has the given dimensions only.
  int64_t getNumKept(unsigned mask) const;
};

/// Fails, silently, if the function is no loop over one index space, or has more than eight
/// dimensions.
mlir::FailureOr<KernelSpace> getKernelSpace(mlir::func::FuncOp kernel);

} // namespace noether

#endif // NOETHER_KERNELS_KERNELSPACE_H
