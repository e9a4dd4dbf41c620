// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The null space of a system, exactly. Nearly all equations have one or two terms: those go through
// a union-find whose links carry rational ratios. The rest is eliminated over the rationals.

#ifndef NOETHER_ANALYSIS_SOLVER_SOLVER_H
#define NOETHER_ANALYSIS_SOLVER_SOLVER_H

#include "noether/Analysis/Solver/System.h"

namespace noether {

/// Every unknown as a form over the free unknowns.
class Solution {
public:
  /// The value of `unknown` on the null space.
  llvm::ArrayRef<Term> operator[](UnknownId unknown) const { return values[unknown]; }
  Form evaluate(llvm::ArrayRef<Term> form) const;
  llvm::ArrayRef<UnknownId> getFree() const { return free; }
  /// Sum of the free unknowns' dimensions.
  int64_t getDimension() const { return dimension; }
  /// The equation that made an unknown 0; nothing if it is not 0.
  std::optional<uint32_t> getPinnedBy(UnknownId unknown) const;

private:
  friend class Solver;
  std::vector<Form> values;
  std::vector<UnknownId> free;
  std::vector<uint32_t> pinnedBy;
  int64_t dimension = 0;
};

enum class SpurionMode {
  Promoted, // a constant scales along: its equations say what its degree is
  Kept,     // constants stay as they are: the forms of their equations are 0
};

class Solver {
public:
  Solver(const System &system, SpurionMode mode) : system(system), mode(mode) {}
  Solution solve();

private:
  struct Link {
    UnknownId parent;
    Fraction ratio; // value = ratio * value of the parent
  };
  /// An unknown as a form over earlier ones.
  struct Row {
    Form form;
    uint32_t equation;
  };

  Term find(UnknownId unknown);
  Form reduce(llvm::ArrayRef<Term> form);
  void pin(UnknownId root, uint32_t equation);
  void state(const Form &reduced, uint32_t equation);

  const System &system;
  SpurionMode mode;
  std::vector<Link> links;
  std::vector<uint32_t> pinnedBy; // by root; kNotPinned otherwise
  llvm::DenseMap<UnknownId, Row> eliminated;
};

/// Substitutes the solution into every equation, term by term, without the solver's help. Returns
/// the number of the first equation that does not hold.
std::optional<uint32_t> findViolatedEquation(const System &system, const Solution &solution,
                                             SpurionMode mode);

} // namespace noether

#endif // NOETHER_ANALYSIS_SOLVER_SOLVER_H
