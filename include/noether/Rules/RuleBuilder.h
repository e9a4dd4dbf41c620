// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A fluent builder of rules.
//
//   RuleBuilder rule(context, /*numOperands=*/2, /*numResults=*/1);
//   int64_t i = rule.factor(), j = rule.factor(), k = rule.factor();
//   rule.operand(0, {i, k}).operand(1, {k, j}).result(0, {i, j}).sum(k);
//   rule.equate(result(0), operand(0) + operand(1));
//   RuleAttr attr = rule.build();
//
// What an equation says: choose a value for every factor, and in every dimension made of segments
// one segment. Where all tensors of the equation have an entry with this index (their segments hold
// the chosen factors), the log-scales of these entries satisfy the equation. So a factor that
// occurs on one side only makes that side constant along it, and an equation with a tensor whose
// dimension is only one segment of another's holds on that segment alone.
//
// What a rule owes to zeros: a tensor that is zero everywhere has any scale. The analysis skips the
// equations it occurs in, and gives any scale to a result all of whose equations it skipped. So a
// rule must say of a result all it can without each operand: a scatter into zeros has the updates'
// scale, and needs `r0 = o2` beside `r0 = o0`; `o2 = o0` would not do.

#ifndef NOETHER_RULES_RULEBUILDER_H
#define NOETHER_RULES_RULEBUILDER_H

#include "noether/Dialect/Noether/IR/Noether.h"

#include "llvm/ADT/SmallVector.h"

#include <initializer_list>

namespace noether {

/// The factors of one dimension: none (size one), one, a row-major product, or segments of these.
class Dim {
public:
  Dim() : segments(1) {}
  Dim(int64_t factor) : segments(1, Segment{factor}) {}

  static Dim product(llvm::ArrayRef<int64_t> factors);
  /// The dimensions one after the other (each a factor or a product). One is itself.
  static Dim concatenation(llvm::ArrayRef<Dim> pieces);

  DimMapAttr getAttr(mlir::MLIRContext *context) const;

private:
  using Segment = llvm::SmallVector<int64_t, 1>;
  llvm::SmallVector<Segment, 1> segments;
};

using Dims = llvm::SmallVector<Dim, 4>;

/// A rational coefficient in lowest terms.
struct Coefficient {
  int64_t numerator = 1;
  int64_t denominator = 1;
};

/// A linear combination of the log-scales of tensors.
class LogScale {
public:
  struct Term {
    bool isResult;
    unsigned index;
    Coefficient coefficient;
  };

  LogScale() = default; // zero
  LogScale(bool isResult, unsigned index) : terms({Term{isResult, index, {}}}) {}

  llvm::ArrayRef<Term> getTerms() const { return terms; }

  friend LogScale operator+(LogScale lhs, const LogScale &rhs);
  friend LogScale operator-(LogScale lhs, const LogScale &rhs);
  friend LogScale operator*(Coefficient coefficient, LogScale scale);

private:
  llvm::SmallVector<Term, 2> terms;
};

/// The log-scale of an operand or a result, for equations.
inline LogScale operand(unsigned index) { return LogScale(/*isResult=*/false, index); }
inline LogScale result(unsigned index) { return LogScale(/*isResult=*/true, index); }

class RuleBuilder {
public:
  RuleBuilder(mlir::MLIRContext *context, unsigned numOperands, unsigned numResults);

  /// A new factor. The size matters inside products and segments only.
  int64_t factor(int64_t size = 0);
  /// One new factor for each of `rank` dimensions.
  Dims factors(unsigned rank);

  RuleBuilder &operand(unsigned index, llvm::ArrayRef<Dim> dims);
  RuleBuilder &result(unsigned index, llvm::ArrayRef<Dim> dims);
  RuleBuilder &sum(int64_t factor);
  RuleBuilder &frozen(int64_t factor);
  /// How an operand enters the results that an equation ties it to.
  RuleBuilder &use(unsigned index, OperandUse use);
  /// `lhs` is one tensor with coefficient 1.
  RuleBuilder &equate(const LogScale &lhs, const LogScale &rhs);
  /// The log-scale of one tensor is 0.
  RuleBuilder &vanish(const LogScale &lhs) { return equate(lhs, LogScale()); }

  RuleAttr build() const;

private:
  int64_t numberOf(const LogScale::Term &term) const;

  mlir::MLIRContext *context;
  unsigned numOperands;
  llvm::SmallVector<Dims, 4> tensors;
  llvm::SmallVector<int64_t, 8> sizes, sumFactors, frozenFactors;
  llvm::SmallVector<EquationAttr, 2> equations;
  llvm::SmallVector<OperandUse, 3> uses;
};

} // namespace noether

#endif // NOETHER_RULES_RULEBUILDER_H
