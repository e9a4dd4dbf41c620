// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the scalar body of a reduction, a scatter, a sort or a linalg operation does to log-scales: the
// rules of its operations are composed. The arguments' log-scales are linear forms over unknowns; the
// body adds constraints (forms that are zero) and gives each yielded value a form.

#ifndef NOETHER_LIB_RULES_PAYLOAD_H
#define NOETHER_LIB_RULES_PAYLOAD_H

#include "Registry.h"

#include "mlir/Analysis/Presburger/Fraction.h"

#include "llvm/ADT/MapVector.h"

#include <map>

namespace noether::rules {

/// A linear form over unknowns, or that of a value with any scale (zero, an infinity).
class Form {
public:
  using Number = mlir::presburger::Fraction;

  Form() = default; // log-scale 0
  static Form unknown(unsigned index);
  static Form any();

  bool isAny() const { return free; }
  bool isZero() const { return !free && terms.empty(); }
  const std::map<unsigned, Number> &getTerms() const { return terms; }

  /// this += coefficient * other. Neither may have any scale.
  Form &add(const Form &other, const Number &coefficient);

private:
  std::map<unsigned, Number> terms;
  bool free = false;
};

struct Payload {
  llvm::SmallVector<Form, 4> constraints;
  llvm::SmallVector<Form, 4> yields;

  /// Requires the two forms to be equal.
  void require(const Form &lhs, const Form &rhs);
  /// The constraints in echelon form: each is solved for its largest unknown, which occurs in no other.
  llvm::SmallVector<std::pair<unsigned, Form>> solved() const;
};

/// Composes the rules of a region with one block, whose arguments have these forms. Nothing if the body
/// is not made of scalar operations with rules.
std::optional<Payload> composePayload(RuleTable &table, mlir::Region &region,
                                      llvm::ArrayRef<Form> arguments);

/// Adds the payload's constraints to a rule; `unknowns` says which tensor each unknown is the log-scale
/// of. False if a coefficient is too large.
bool addConstraints(RuleBuilder &rule, const Payload &payload,
                    llvm::ArrayRef<LogScale> unknowns);

/// The form as a combination of tensors. Nothing if a coefficient is too large.
std::optional<LogScale> toLogScale(const Form &form, llvm::ArrayRef<LogScale> unknowns);

} // namespace noether::rules

#endif // NOETHER_LIB_RULES_PAYLOAD_H
