// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the scalar body of a reduction, a scatter, a sort or a linalg operation does to log-scales:
// the rules of its operations are composed. The log-scales of the arguments are unknowns.
//
// A value may be zero, and then has any scale: the analysis skips every equation with such a value,
// and a result all of whose equations were skipped has any scale itself. So a value of the body has
// not one form but all the forms that its equations give it, which are equal: x * (y + z) is x + y
// and x + z. Where y is zero, the second is left.

#ifndef NOETHER_LIB_RULES_PAYLOAD_H
#define NOETHER_LIB_RULES_PAYLOAD_H

#include "Registry.h"

#include "mlir/Analysis/Presburger/Fraction.h"

#include "llvm/ADT/SmallBitVector.h"

#include <map>

namespace noether::rules {

/// A linear form over unknowns.
class Form {
public:
  using Number = mlir::presburger::Fraction;

  Form() = default; // log-scale 0
  static Form unknown(unsigned index);

  bool isZero() const { return terms.empty(); }
  const std::map<unsigned, Number> &getTerms() const { return terms; }
  /// Whether the form is one unknown with coefficient 1.
  bool isUnknown(unsigned index) const;
  bool operator==(const Form &other) const { return terms == other.terms; }

  /// this += coefficient * other.
  Form &add(const Form &other, const Number &coefficient);
  /// Divides by the coefficient of the largest unknown.
  void normalize();

private:
  std::map<unsigned, Number> terms;
};

/// The equal forms of one value; none for a value of any scale.
using Forms = llvm::SmallVector<Form, 2>;

struct Payload {
  /// Forms that are zero, normalized, each once.
  llvm::SmallVector<Form, 4> constraints;
  llvm::SmallVector<Forms, 4> yields;

  void require(const Form &lhs, const Form &rhs);
  void require(const Forms &lhs, const Form &rhs);
};

/// Composes the rules of a region with one block; the log-scale of argument n is unknown
/// `unknowns[n]`. Nothing if the body is not made of scalar operations with rules.
std::optional<Payload> composePayload(RuleTable &table, mlir::Region &region,
                                      llvm::ArrayRef<unsigned> unknowns);

/// How a value of a body depends on one of its arguments.
enum class Dependence : uint8_t {
  None,
  /// The argument is a summand.
  Plus,
  Minus,
  /// The value is linear in the argument while the others stay.
  Linear,
  Other,
};

/// For each value that the body yields its dependence on every argument. Nothing if the body is not
/// one small block.
std::optional<llvm::SmallVector<llvm::SmallVector<Dependence>>>
composeDependences(RuleTable &table, mlir::Region &region);

/// Whether the body only compares and chooses: where any increasing map of the arguments `moved`
/// maps what it yields alike or leaves it, the set of those it maps.
std::optional<llvm::SmallBitVector> composeOrder(RuleTable &table, mlir::Region &region,
                                                 const llvm::SmallBitVector &moved);

/// The use of an operand that stands for an argument.
OperandUse toUse(Dependence dependence);

/// How a reduction uses the first `numReduced` operands and their initial values: Plus, Ordered or
/// Opaque.
OperandUse reductionUse(const Context &context, mlir::Region &body, unsigned numReduced);

/// The tensors whose log-scale an unknown is: an operand, the result that is defined by it, or
/// both.
struct UnknownTensors {
  std::optional<LogScale> operand, result;
};

/// Adds the payload's constraints to a rule, in such a form that they survive operands of any
/// scale. False if a coefficient is too large, or if results could lose a constraint.
bool addConstraints(RuleBuilder &rule, const Payload &payload,
                    llvm::ArrayRef<UnknownTensors> tensors);

/// The form as a combination of tensors. Nothing if a coefficient is too large.
std::optional<LogScale> toLogScale(const Form &form, llvm::ArrayRef<LogScale> tensors);

} // namespace noether::rules

#endif // NOETHER_LIB_RULES_PAYLOAD_H
