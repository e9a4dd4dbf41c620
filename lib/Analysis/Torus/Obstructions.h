// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Why a parameter cannot be scaled.

#ifndef NOETHER_LIB_ANALYSIS_TORUS_OBSTRUCTIONS_H
#define NOETHER_LIB_ANALYSIS_TORUS_OBSTRUCTIONS_H

#include "noether/Analysis/Solver/Solver.h"
#include "noether/Analysis/StepAnalysis.h"
#include "noether/Analysis/Torus/SystemMapping.h"

namespace noether {

/// The operations whose equations made the scale of a parameter 0, each with what it demands: at the end
/// of the chain of equations that leads there.
llvm::SmallVector<Obstruction> obstructionsOf(unsigned argument, const Program &program,
                                              const StepRoles &roles, SystemMapping &mapping,
                                              const Solution &solution);

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_TORUS_OBSTRUCTIONS_H
