// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The checks, one file for each subject.

#ifndef NOETHER_LIB_LINT_LINTER_H
#define NOETHER_LIB_LINT_LINTER_H

#include "noether/Lint/Lint.h"

#include "llvm/ADT/StringSet.h"

namespace noether {

class Linter {
public:
  explicit Linter(const StepAnalysis &analysis) : analysis(analysis) {}
  llvm::SmallVector<Lint, 0> run();

private:
  // Decay.cpp
  void checkScaleSymmetries();
  void checkInvariantDecay(const Symmetry &symmetry);
  void checkGainDecay();
  void checkRescaleDecay();
  // Dead.cpp
  void checkDeadParameters();
  void checkFrozenDirections();
  // Numbers.cpp
  void checkRounding();
  void checkMoments();
  void checkEpsilon(const Symmetry &symmetry);
  // Coupling.cpp
  void checkCoupling();
  void checkGradients();

  Lint &add(llvm::StringRef code, Severity severity, std::optional<unsigned> parameter,
            const llvm::Twine &message, const llvm::Twine &help, mlir::Operation *op = nullptr);
  llvm::StringRef nameOf(unsigned argument) const { return analysis.roles.arguments[argument].name; }
  /// "a", "a and b", "a, b and 3 more".
  std::string namesOf(llvm::ArrayRef<unsigned> arguments) const;
  /// Null where the update is not understood.
  const ParameterMotion *motionOf(unsigned argument) const;
  mlir::RankedTensorType typeOf(unsigned argument) const;
  double bytesOf(unsigned argument) const;
  /// The parameter with its states.
  double bytesWithStates(unsigned argument) const;

  const StepAnalysis &analysis;
  llvm::SmallVector<Lint, 0> lints;
};

/// The entry arguments of a symmetry's members, each once.
llvm::SmallVector<unsigned> membersOf(const Symmetry &symmetry);

} // namespace noether

#endif // NOETHER_LIB_LINT_LINTER_H
