// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One loop of the update: what it computes, reads and hands on.

#ifndef NOETHER_LIB_TRANSFORMS_OUTLINE_UPDATEKERNEL_H
#define NOETHER_LIB_TRANSFORMS_OUTLINE_UPDATEKERNEL_H

#include "UpdatePhases.h"

#include "llvm/ADT/SetVector.h"

namespace noether {

struct UpdateKernel {
  unsigned group;
  unsigned phase;
  /// What it computes, in the order of the step; some of it other kernels of the group compute too.
  llvm::SmallVector<mlir::Operation *> operations;
  /// What others use of it.
  llvm::SmallVector<mlir::Value> outputs;
};

/// The kernels of all groups and phases, earlier phases first.
///
/// A value that a later phase of the same group needs again is computed again if that reads at most
/// two more tensors (as much as writing it and reading it back), else it is an output.
llvm::SmallVector<UpdateKernel, 0> makeKernels(const UpdatePhases &phases);

} // namespace noether

#endif // NOETHER_LIB_TRANSFORMS_OUTLINE_UPDATEKERNEL_H
