// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an update makes of a shift of its parameter that the gradient takes no notice of.

#ifndef NOETHER_LIB_ANALYSIS_KINETICS_TRANSLATIONKINETICS_H
#define NOETHER_LIB_ANALYSIS_KINETICS_TRANSLATIONKINETICS_H

#include "KineticAnalysis.h"

namespace noether {

/// A shift stays, if the next value is the parameter plus what does not depend on it, states
/// shifted along where they are copies or averages of it.
llvm::SmallVector<SymmetryKinetics, 0>
analyzeTranslationKinetics(const UpdateGraph &graph, llvm::ArrayRef<Symmetry> translations);

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_KINETICS_TRANSLATIONKINETICS_H
