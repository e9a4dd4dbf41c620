// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which parameters are gains of normalisations: the loss reads them in one place, where they multiply
// something that does not change when what it is made of is scaled.

#ifndef NOETHER_LIB_ANALYSIS_MOTION_NORMGAINS_H
#define NOETHER_LIB_ANALYSIS_MOTION_NORMGAINS_H

#include "noether/Analysis/Program/Program.h"

namespace noether {

/// For those of `candidates` (entry arguments) that are gains, the operation that multiplies by them.
/// `lossSlice` has a bit for each step that the loss depends on.
llvm::MapVector<unsigned, mlir::Operation *> findNormGains(const Program &program,
                                                           const llvm::BitVector &lossSlice,
                                                           llvm::ArrayRef<unsigned> candidates);

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_MOTION_NORMGAINS_H
