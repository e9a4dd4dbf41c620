// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values as sums over dimensions of other values: a mean, a broadcast or a transpose of x is told by
// x. Two values with one such form are equal, however the step computes them.

#ifndef NOETHER_LIB_ANALYSIS_TRANSLATION_VALUEROOTS_H
#define NOETHER_LIB_ANALYSIS_TRANSLATION_VALUEROOTS_H

#include "../Program/OpKind.h"
#include "noether/Analysis/Program/Program.h"

namespace noether {

/// coefficient * (the sum of `value` over its dimensions `summed`).
struct ValueRoot {
  ValueId value;
  Fraction coefficient = Fraction(1);
  /// For each dimension the dimension of `value` that it is; -1 for one along which it is constant.
  llvm::SmallVector<int, 4> dimensions;
  /// Sorted.
  llvm::SmallVector<unsigned, 2> summed;
};

class ValueRoots {
public:
  explicit ValueRoots(const Program &program);

  ValueRoot get(ValueId value, unsigned depth = 0);
  /// What the entries of a value along a dimension add up to, whatever its other indices: 0 behind a
  /// subtracted mean, 1 behind a softmax. Nothing if that is not known.
  std::optional<Fraction> sumAlong(ValueId value, unsigned dimension, unsigned depth = 0);
  /// The number a value holds in all entries from `offset` on, `size` of them, along a dimension:
  /// those of padding, or of a constant that was joined to it.
  std::optional<double> constantOn(ValueId value, unsigned dimension, int64_t offset,
                                   int64_t size) const;
  /// The step that defines a value, if it is a rule application.
  const Program::Step *definitionOf(ValueId value) const;
  OpKinds &getKinds() { return kinds; }

  /// The number a constant stands for, where it is a whole number or one over one (up to rounding).
  static std::optional<Fraction> rationalOf(double constant);

private:
  /// Tells a value by an operand of its definition; false where it is not a sum over one.
  bool stepBack(ValueRoot &root);

  const Program &program;
  OpKinds kinds;
  std::vector<uint32_t> definitions; // by value
  llvm::DenseMap<ValueId, ValueRoot> roots;
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_TRANSLATION_VALUEROOTS_H
