// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes down the proofs of axis groups: how the matrix acts on every value it reaches.

#ifndef NOETHER_LIB_ANALYSIS_PROOF_AXISDERIVATIONS_H
#define NOETHER_LIB_ANALYSIS_PROOF_AXISDERIVATIONS_H

#include "../AxisGroup/AxisGroupEngine.h"

#include "noether/Analysis/AxisGroup/AxisGroups.h"
#include "noether/Analysis/Torus/SystemMapping.h"

namespace noether {

/// A claim as the engine knows it.
struct AxisClaim {
  AxisGroup *group;
  AxisClasses::Node root;
  /// The matrix of the root is the inverse transpose of the group's.
  bool flip;
  llvm::SmallVector<AtomId, 2> blockAtoms;
};

/// Adds to each group the operations of the loss that read or make what its matrix acts on.
void addAxisDerivations(const Program &program, SystemMapping &mapping, AxisGroupEngine &engine,
                        llvm::ArrayRef<AxisClaim> claims);

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_PROOF_AXISDERIVATIONS_H
