// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an update leaves of the groups that act on axes.

#ifndef NOETHER_LIB_ANALYSIS_KINETICS_GROUPKINETICS_H
#define NOETHER_LIB_ANALYSIS_KINETICS_GROUPKINETICS_H

#include "KineticAnalysis.h"

namespace noether {

/// Pushes the matrices of all groups through the updates of all parameters at once: parameters are
/// moved by M, gradients by its inverse transpose, and each state by whatever makes its next value
/// move alike.
llvm::SmallVector<SymmetryKinetics, 0>
analyzeGroupKinetics(const UpdateGraph &graph, const Structure &structure,
                     llvm::ArrayRef<AxisGroup> groups);

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_KINETICS_GROUPKINETICS_H
