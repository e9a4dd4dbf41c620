// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Linear forms over unknowns, with rational coefficients, each stored once.

#ifndef NOETHER_ANALYSIS_SOLVER_FORM_H
#define NOETHER_ANALYSIS_SOLVER_FORM_H

#include "mlir/Analysis/Presburger/Fraction.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Allocator.h"
#include "llvm/Support/raw_ostream.h"

#include <vector>

namespace noether {

using Fraction = mlir::presburger::Fraction;
using UnknownId = uint32_t;

struct Term {
  UnknownId unknown;
  Fraction coefficient;
  bool operator==(const Term &other) const {
    return unknown == other.unknown && coefficient == other.coefficient;
  }
};

/// Terms sorted by unknown, no zero coefficients.
using Form = llvm::SmallVector<Term, 1>;

/// a + factor * b.
Form addScaled(llvm::ArrayRef<Term> a, const Fraction &factor, llvm::ArrayRef<Term> b);

/// "1" or "-1/2".
std::string toString(const Fraction &fraction);
/// The shortest decimal for what may be a float32 constant: 1e-05, not 9.99999974e-06.
double shortestDecimal(double value);
/// The same as text, with as few digits as tell it apart.
std::string printDecimal(double value);
void printForm(llvm::raw_ostream &os, llvm::ArrayRef<Term> form,
               llvm::function_ref<void(llvm::raw_ostream &, UnknownId)> printUnknown);

/// Number of an interned form: equal forms have equal numbers.
using FormId = uint32_t;

class FormPool {
public:
  FormPool();
  ~FormPool();
  FormPool(const FormPool &) = delete;
  FormPool &operator=(const FormPool &) = delete;
  static constexpr FormId zero = 0;

  FormId intern(llvm::ArrayRef<Term> form);
  FormId unknown(UnknownId unknown);
  llvm::ArrayRef<Term> operator[](FormId id) const { return forms[id]; }
  size_t size() const { return forms.size(); }

  FormId add(FormId a, FormId b);
  FormId subtract(FormId a, FormId b);
  FormId scale(const Fraction &factor, FormId a);
  /// A number for a coefficient: equal ones have equal numbers.
  uint32_t numberOf(const Fraction &coefficient);

private:
  FormId remember(FormId a, FormId b, const Fraction &factor);

  /// a + factor * b, by (a, b) and the number of the factor.
  llvm::DenseMap<std::pair<uint64_t, uint32_t>, FormId> sums;
  std::vector<Fraction> coefficients;
  llvm::BumpPtrAllocator storage;
  std::vector<llvm::ArrayRef<Term>> forms;
  /// The last form of each hash, and the one of the same hash before it, by form.
  llvm::DenseMap<uint64_t, FormId> lastOfHash;
  std::vector<FormId> previousOfHash;
  Form scratch;
};

} // namespace noether

#endif // NOETHER_ANALYSIS_SOLVER_FORM_H
