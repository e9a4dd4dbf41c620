// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parts of a program that multiply the two halves of an axis, taken as real and imaginary parts, by a
// complex number: rotary embeddings, however they are written.
//
// (a, b) becomes (c a - s b, s a + c b) for values c and s that do not come from a and b. Such a map
// commutes with every matrix [[p, -q], [q, p]] that acts on the halves.

#ifndef NOETHER_LIB_ANALYSIS_AXISGROUP_ROTARYMAPS_H
#define NOETHER_LIB_ANALYSIS_AXISGROUP_ROTARYMAPS_H

#include "AxisSlots.h"
#include "../Translation/ValueRoots.h"

namespace noether {

class RotaryMaps {
public:
  RotaryMaps(const Program &program, const Structure &structure, const llvm::BitVector &slice,
             ValueId loss);

  /// The value whose halves, multiplied, a concatenation puts together along an axis.
  struct Map {
    ValueId source;
    unsigned axis;
  };
  std::optional<Map> find(size_t step) const;
  /// Whether a slice's result is read by such maps only.
  bool isPart(size_t step) const { return parts.contains(step); }

private:
  /// One summand: a half times a product of values, with a sign.
  struct Coefficient {
    /// Values by their roots: constants by their definition, others by number.
    std::vector<std::pair<uint64_t, std::vector<int>>> factors;
    Fraction number = Fraction(1);
  };
  struct Term {
    ValueId source;
    unsigned axis, half;
    Coefficient coefficient;
  };
  struct Candidate {
    size_t step;
    Map map;
    llvm::SmallVector<size_t, 8> parts;
    llvm::SmallVector<ValueId, 4> factors;
  };

  std::optional<Candidate> recognize(size_t step);
  /// `frame` counts the changes of shape on the way.
  bool expand(ValueId value, Coefficient coefficient, unsigned depth, unsigned frame,
              std::vector<Term> &terms, Candidate &candidate);
  bool multiply(Coefficient &coefficient, ValueId factor, unsigned frame);
  /// Whether two values are one, or the same change of shape of one.
  bool isSame(ValueId a, ValueId b) const;
  /// Whether a step only adds or drops dimensions of size one, or splits or joins others.
  bool isReshape(const Program::Step &step) const;
  /// The axis of a value that a slice halves, and which half it takes.
  std::optional<std::pair<unsigned, unsigned>> halfOf(const Program::Step &step);
  bool hasHalves(ValueId value, unsigned axis);

  const Program &program;
  const Structure &structure;
  std::optional<ValueRoots> roots;
  unsigned budget = 0;
  llvm::DenseMap<size_t, Map> maps;
  llvm::DenseSet<size_t> parts;
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_AXISGROUP_ROTARYMAPS_H
