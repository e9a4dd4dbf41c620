// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whether an update keeps apart what a symmetry scales apart: the channels of a weight, say.

#ifndef NOETHER_LIB_ANALYSIS_KINETICS_BLOCKCOUPLING_H
#define NOETHER_LIB_ANALYSIS_KINETICS_BLOCKCOUPLING_H

#include "KineticSystem.h"

namespace noether {

/// Follows a scale that varies along `axes` of the parameter through its update, in which every
/// value has the degree of `update`. Hyperparameters may vary along with the blocks. Returns the
/// first operation that brings several blocks together; null if none does.
mlir::Operation *findBlockCoupling(const UpdateGraph &graph, unsigned parameter,
                                   const KineticSystem::Result &update,
                                   llvm::ArrayRef<int64_t> axes);

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_KINETICS_BLOCKCOUPLING_H
