// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The laws of every symmetry, and the check that the backward graph computes gradients of the right
// degree.

#ifndef NOETHER_LIB_ANALYSIS_KINETICS_KINETICANALYSIS_H
#define NOETHER_LIB_ANALYSIS_KINETICS_KINETICANALYSIS_H

#include "UpdateGraph.h"

#include "noether/Analysis/Solver/Solver.h"
#include "noether/Analysis/StepAnalysis.h"
#include "noether/Analysis/Torus/SystemMapping.h"

namespace noether {

/// The gradients as values of the program, by entry argument.
using GradientValues = llvm::MapVector<unsigned, ValueId>;

llvm::SmallVector<SymmetryKinetics, 0> analyzeKinetics(const UpdateGraph &graph,
                                                       llvm::ArrayRef<Symmetry> symmetries);

/// Pushes the solved fields through the backward graph. A gradient whose log-scale is not minus its
/// parameter's is not the gradient of this loss.
llvm::SmallVector<KineticBreak, 0> checkGradientDegrees(const Program &program,
                                                        const StepRoles &roles,
                                                        SystemMapping &mapping,
                                                        const Solution &solution,
                                                        const GradientValues &gradients);

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_KINETICS_KINETICANALYSIS_H
