// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The gauge of a value: which powers of which radii it has been divided by.
//
// A rewritten step computes, in the place of a value v, another value v^ with
//   v = v^ * product over terms of radius[block]^exponent,
// where the radius of a block is one positive number for each index of the block. Where this index
// is in v is said by slots.

#ifndef NOETHER_TRANSFORMS_GAUGE_H
#define NOETHER_TRANSFORMS_GAUGE_H

#include "noether/Analysis/Torus/Symmetry.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

namespace noether {

/// A part of a dimension, or of another index: the index is `i / inner % size`.
struct Slot {
  int64_t position;
  int64_t inner;
  int64_t size;

  bool operator==(const Slot &other) const {
    return position == other.position && inner == other.inner && size == other.size;
  }
};

/// Where the index of a block is, row-major: the sizes multiply to the number of its indices. None
/// of them is 1; adjacent parts of one dimension are one slot.
using Slots = llvm::SmallVector<Slot, 2>;

/// Appends a slot, joined with the last one where they are adjacent.
void appendSlot(Slots &slots, Slot slot);

struct GaugeTerm {
  unsigned block;
  Slots slots;
  Fraction exponent;

  bool isAtSamePlace(const GaugeTerm &other) const {
    return block == other.block && slots == other.slots;
  }
};

class Gauge {
public:
  Gauge() = default; // the value itself
  explicit Gauge(GaugeTerm term) : terms({std::move(term)}) {}

  llvm::ArrayRef<GaugeTerm> getTerms() const { return terms; }
  bool isTrivial() const { return terms.empty(); }

  /// this += factor * term.
  void add(const GaugeTerm &term, const Fraction &factor = Fraction(1));
  void add(const Gauge &other, const Fraction &factor = Fraction(1));

  bool operator==(const Gauge &other) const;
  bool operator!=(const Gauge &other) const { return !(*this == other); }

  void print(llvm::raw_ostream &os) const;

private:
  /// Sorted by block and slots; no exponent is 0.
  llvm::SmallVector<GaugeTerm, 1> terms;
};

Gauge operator-(Gauge lhs, const Gauge &rhs);

/// Where the axes `axes` of a tensor of shape `view` are in a tensor of shape `shape`, whose
/// dimensions the view splits or joins. Nothing if some axis is not a part of one dimension.
std::optional<Slots> slotsOfAxes(llvm::ArrayRef<int64_t> view, llvm::ArrayRef<int64_t> axes,
                                 llvm::ArrayRef<int64_t> shape);

} // namespace noether

#endif // NOETHER_TRANSFORMS_GAUGE_H
