// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rules of elementwise operations, shared by all dialects. Operands are as large as the result,
// or scalars that every element uses.

#ifndef NOETHER_LIB_RULES_ELEMENTWISE_H
#define NOETHER_LIB_RULES_ELEMENTWISE_H

#include "Registry.h"

namespace noether::rules {

/// A builder with one factor per dimension, shared by all tensors that have the rank of the (first)
/// result or, without results, of the first operand; tensors of rank 0 have no dimensions. Nothing
/// if other ranks occur.
std::optional<RuleBuilder> elementwiseBuilder(const Context &context);

/// Sums, maxima, branches: every scaled operand has the scale of the result.
Answer equal(const Context &context);
/// r0 = o0; the other operands are not constrained.
Answer pass(const Context &context);
/// rN = oN for each of several operands.
Answer passEach(const Context &context);

/// Elementwise functions whose operands' uses are known.
inline constexpr RuleFunction copied = allUsed<pass, OperandUse::Plus>,
                              copiedEach = allUsed<passEach, OperandUse::Plus>,
                              added = used<equal, OperandUse::Plus, OperandUse::Plus>,
                              subtracted = used<equal, OperandUse::Plus, OperandUse::Minus>,
                              negated = used<pass, OperandUse::Minus>,
                              transformed = used<pass, OperandUse::Factor>,
                              ordered = allUsed<equal, OperandUse::Ordered>;

/// Transcendental functions: operands and results have log-scale 0.
Answer dimensionless(const Context &context);
/// Results have log-scale 0, operands are not constrained: signs, tests that ignore scale.
Answer scaleFree(const Context &context);
/// The same for tensors of any shapes: properties of shapes, random bits.
Answer independent(const Context &context);
/// The operands have one scale, the result has none: angles.
Answer ofRatio(const Context &context);
/// Comparisons.
Answer compared(const Context &context);
Answer product(const Context &context);
Answer quotient(const Context &context);
/// o0 * o1 + o2.
Answer fusedMultiplyAdd(const Context &context);
/// A branch each from operand 1 and 2; operand 0 decides.
Answer select(const Context &context);
/// A conversion between element types.
Answer convert(const Context &context);
/// Operand 0 to the power of a constant operand 1.
Answer power(const Context &context);

Answer powerOf(const Context &context, Coefficient exponent);

/// A fixed power of the operand.
template <int64_t numerator, int64_t denominator = 1>
Answer fixedPower(const Context &context) {
  return powerOf(context, Coefficient{numerator, denominator});
}

/// The rational with a small denominator that is this number in its type.
std::optional<Coefficient> smallRational(double value, mlir::Type elementType);

} // namespace noether::rules

#endif // NOETHER_LIB_RULES_ELEMENTWISE_H
