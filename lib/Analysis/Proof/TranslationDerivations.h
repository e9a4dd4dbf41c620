// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes down the proofs of translations: what becomes of the shift at every operation it reaches.

#ifndef NOETHER_LIB_ANALYSIS_PROOF_TRANSLATIONDERIVATIONS_H
#define NOETHER_LIB_ANALYSIS_PROOF_TRANSLATIONDERIVATIONS_H

#include "DerivationBuilder.h"
#include "../Translation/TranslationEngine.h"

namespace noether {

/// Adds to each symmetry the operations of the loss that read or make what it shifts. `evaluate` gives the
/// value of a form over the free unknowns.
void addTranslationDerivations(const Program &program, SystemMapping &mapping,
                               const TranslationEngine &engine,
                               llvm::function_ref<Form(FormId)> evaluate,
                               llvm::ArrayRef<TorusDirection> directions);

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_PROOF_TRANSLATIONDERIVATIONS_H
