// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shifts that come with shifts of other parameters, which depend on the parameters between them: a
// value bias by t, and the output bias by minus what the output matrix makes of t.

#ifndef NOETHER_LIB_ANALYSIS_TRANSLATION_AFFINESHIFTS_H
#define NOETHER_LIB_ANALYSIS_TRANSLATION_AFFINESHIFTS_H

#include "TranslationEngine.h"

#include "../Proof/DerivationBuilder.h"
#include "noether/Analysis/Solver/Solver.h"
#include "noether/Analysis/Torus/SystemMapping.h"

namespace noether {

/// Says which parameters take up the shifts of the members of a direction.
class AffineShifts {
public:
  AffineShifts(const Program &program, SystemMapping &mapping, const TranslationEngine &engine,
               const FormPool &forms, const Solution &solution, UnknownId firstAbsorption);

  /// Adds the direction's absorbers to its symmetry. A symmetry that they cannot be told of in these
  /// words becomes `undescribed`.
  void addAbsorbers(const TorusDirection &direction) const;

private:
  /// What one of the functions on a set of block axes does to the absorbers.
  std::optional<llvm::SmallVector<Absorber, 0>>
  absorbersOf(const TorusDirection &direction, unsigned axes,
              const std::map<UnknownId, Fraction> &coordinates) const;
  std::optional<Absorber> describe(const Absorption &absorption, const TorusDirection &direction,
                                   llvm::ArrayRef<int64_t> indices) const;
  /// For each leg of the function that a form stands for the block axis it is; nothing if the direction
  /// does not say.
  std::optional<llvm::SmallVector<int64_t, 4>>
  indicesOf(FormId form, const TorusDirection &direction, unsigned axes,
            const std::map<UnknownId, Fraction> &coordinates) const;
  /// The value of an unknown in a direction.
  Fraction valueOf(UnknownId unknown, const std::map<UnknownId, Fraction> &coordinates) const;

  const Program &program;
  SystemMapping &mapping;
  const TranslationEngine &engine;
  const FormPool &forms;
  const Solution &solution;
  /// The unknowns of the system that absorptions are come after those of parameters.
  UnknownId firstAbsorption;
  llvm::DenseMap<ValueId, unsigned> argumentOf;
  /// By free unknown: the absorptions that move with it.
  llvm::DenseMap<UnknownId, llvm::SmallVector<unsigned, 2>> movedBy;
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_TRANSLATION_AFFINESHIFTS_H
