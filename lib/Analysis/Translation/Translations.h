// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The directions in which parameters can be shifted without the loss taking notice.

#ifndef NOETHER_LIB_ANALYSIS_TRANSLATION_TRANSLATIONS_H
#define NOETHER_LIB_ANALYSIS_TRANSLATION_TRANSLATIONS_H

#include "noether/Analysis/Torus/Symmetry.h"
#include "noether/Analysis/Torus/SystemMapping.h"

namespace noether {

struct Translations {
  llvm::SmallVector<Symmetry, 0> symmetries;
  int64_t dimension = 0;
  /// Those that other parameters take up, by amounts that depend on parameters.
  llvm::SmallVector<Symmetry, 0> affine;
  int64_t affineDimension = 0;
};

/// Emits a diagnostic and fails if the solution contradicts an equation.
mlir::FailureOr<Translations> inferTranslations(const Program &program, const StepRoles &roles,
                                                SystemMapping &mapping, bool derivations = false);

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_TRANSLATION_TRANSLATIONS_H
