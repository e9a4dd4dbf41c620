// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The numbers of an update: polynomials (with negative powers) in what the step computes as one number
// for a whole tensor, such as a learning rate from a schedule.

#ifndef NOETHER_LIB_ANALYSIS_MOTION_UPDATENUMBER_H
#define NOETHER_LIB_ANALYSIS_MOTION_UPDATENUMBER_H

#include "noether/Analysis/Program/Program.h"

namespace noether {

using SymbolId = uint32_t;

/// A sum of products of symbols.
class UpdateNumber {
public:
  struct Term {
    double factor;
    /// Symbols, in order, with their powers.
    llvm::SmallVector<std::pair<SymbolId, int>, 2> powers;
  };

  UpdateNumber() = default; // zero
  UpdateNumber(double value) {
    if (value != 0)
      terms.push_back({value, {}});
  }
  explicit UpdateNumber(const Term &term) { terms.push_back(term); }
  static UpdateNumber symbol(SymbolId id) {
    UpdateNumber result;
    result.terms.push_back({1.0, {{id, 1}}});
    return result;
  }

  llvm::ArrayRef<Term> getTerms() const { return terms; }
  bool isZero() const { return terms.empty(); }
  /// The number, if there are no symbols.
  std::optional<double> getConstant() const;
  bool operator==(const UpdateNumber &other) const;

  UpdateNumber operator+(const UpdateNumber &other) const;
  UpdateNumber operator-() const;
  /// Nothing if the result is too long to go on with.
  std::optional<UpdateNumber> times(const UpdateNumber &other) const;
  /// Nothing if this is zero or a sum.
  std::optional<UpdateNumber> inverse() const;

private:
  void add(const Term &term);
  llvm::SmallVector<Term, 2> terms;
};

/// What the symbols stand for.
class SymbolTable {
public:
  struct Symbol {
    ValueId value;
    /// 0: the value itself. 1: one over it. Others: one of the two numbers in `choice`, by a predicate that is
    /// `chosenBy`.
    unsigned part;
    /// What it tends to in a long run, where the program says so (a power of a number less than one, whose
    /// exponent is carried from step to step).
    std::optional<double> limit;
    ValueId chosenBy = 0;
    std::vector<UpdateNumber> choice;
  };

  /// The symbol for `value`, or for part `part` of what defines it.
  SymbolId get(ValueId value, unsigned part = 0);
  void setLimit(SymbolId id, double limit) { symbols[id].limit = limit; }
  void setChoice(SymbolId id, ValueId predicate, const UpdateNumber &a, const UpdateNumber &b) {
    symbols[id].chosenBy = predicate;
    symbols[id].choice = {a, b};
  }
  const Symbol &operator[](SymbolId id) const { return symbols[id]; }
  /// The number in a long run, if it tends to one.
  std::optional<double> evaluate(const UpdateNumber &number) const;

private:
  std::vector<Symbol> symbols;
  llvm::DenseMap<std::pair<ValueId, unsigned>, SymbolId> ids;
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_MOTION_UPDATENUMBER_H
