// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes down the proofs of symmetries from the fields of all values and the solution.

#ifndef NOETHER_LIB_ANALYSIS_PROOF_DERIVATIONBUILDER_H
#define NOETHER_LIB_ANALYSIS_PROOF_DERIVATIONBUILDER_H

#include "DerivationSteps.h"

#include "noether/Analysis/Solver/Solver.h"
#include "noether/Analysis/Torus/SystemMapping.h"

#include <map>

namespace noether {

/// A scale or rescale symmetry as the solver knows it.
struct TorusDirection {
  Symmetry *symmetry;
  /// What `symmetry`'s exponents were multiplied by.
  Fraction factor;
  /// The axes of the block.
  llvm::SmallVector<AtomId> blockAtoms;
  /// For each set of block axes (a bit mask) along which the function may vary alone: the direction over
  /// the free unknowns.
  llvm::SmallVector<std::pair<unsigned, std::map<UnknownId, Fraction>>, 2> components;
  /// False if the symmetry is no function on its axes.
  bool isExact = true;
};

class DerivationBuilder {
public:
  DerivationBuilder(const Program &program, SystemMapping &mapping, const Solution &solution,
                    llvm::ArrayRef<TorusDirection> directions);

  /// Adds to each symmetry the operations of the loss that its scale reaches: their equations, taken
  /// together, say that it comes out as 0 at the loss.
  void run();

private:
  /// How much a form moves with a direction: the direction, the set of block axes, the coefficient.
  struct Motion {
    unsigned direction, axes;
    Fraction coefficient;
  };
  llvm::ArrayRef<Motion> motionsOf(FormId form);
  /// The directions that move some of the values.
  llvm::SmallVector<unsigned> movers(llvm::ArrayRef<ValueId> values);
  Degree degreeOf(ValueId value, unsigned direction);
  DerivationValue describe(ValueId value, unsigned direction);
  void addRuleStep(size_t step, unsigned direction);
  void addLoopSteps(size_t step);

  const Program &program;
  SystemMapping &mapping;
  const Solution &solution;
  llvm::ArrayRef<TorusDirection> directions;
  /// By free unknown.
  llvm::DenseMap<UnknownId, llvm::SmallVector<Motion, 1>> byFree;
  llvm::DenseMap<FormId, llvm::SmallVector<Motion, 1>> byForm;
  RuleTexts rules;
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_PROOF_DERIVATIONBUILDER_H
