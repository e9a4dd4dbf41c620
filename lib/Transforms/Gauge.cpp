// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Transforms/Gauge.h"

#include "noether/Analysis/Solver/Form.h"

#include "llvm/ADT/STLExtras.h"

#include <tuple>

using namespace noether;
using llvm::ArrayRef;

void noether::appendSlot(Slots &slots, Slot slot) {
  if (slot.size == 1)
    return;
  if (!slots.empty() && slots.back().position == slot.position &&
      slots.back().inner == slot.inner * slot.size) {
    slots.back().inner = slot.inner;
    slots.back().size *= slot.size;
    return;
  }
  slots.push_back(slot);
}

static bool isBefore(const GaugeTerm &a, const GaugeTerm &b) {
  if (a.block != b.block)
    return a.block < b.block;
  return std::lexicographical_compare(a.slots.begin(), a.slots.end(), b.slots.begin(),
                                      b.slots.end(), [](const Slot &x, const Slot &y) {
                                        return std::tie(x.position, x.inner, x.size) <
                                               std::tie(y.position, y.inner, y.size);
                                      });
}

void Gauge::add(const GaugeTerm &term, const Fraction &factor) {
  auto it = llvm::lower_bound(terms, term, isBefore);
  if (it == terms.end() || !it->isAtSamePlace(term)) {
    it = terms.insert(it, term);
    it->exponent = Fraction(0);
  }
  it->exponent = it->exponent + factor * term.exponent;
  if (it->exponent == Fraction(0))
    terms.erase(it);
}

void Gauge::add(const Gauge &other, const Fraction &factor) {
  if (terms.empty() && factor == Fraction(1)) {
    terms = other.terms;
    return;
  }
  for (const GaugeTerm &term : other.terms)
    add(term, factor);
}

bool Gauge::operator==(const Gauge &other) const {
  return llvm::equal(terms, other.terms, [](const GaugeTerm &a, const GaugeTerm &b) {
    return a.isAtSamePlace(b) && a.exponent == b.exponent;
  });
}

void Gauge::print(llvm::raw_ostream &os) const {
  llvm::interleave(
      terms, os,
      [&](const GaugeTerm &term) {
        os << "r" << term.block;
        for (const Slot &slot : term.slots)
          os << "[" << slot.position << ":" << slot.inner << "x" << slot.size << "]";
        os << "^" << toString(term.exponent);
      },
      " ");
}

Gauge noether::operator-(Gauge lhs, const Gauge &rhs) {
  lhs.add(rhs, Fraction(-1));
  return lhs;
}

std::optional<Slots> noether::slotsOfAxes(ArrayRef<int64_t> view, ArrayRef<int64_t> axes,
                                          ArrayRef<int64_t> shape) {
  // An axis covers the strides [inner, inner * size) of the row-major order, and so does a
  // dimension.
  auto strideAfter = [](ArrayRef<int64_t> sizes, size_t axis) {
    int64_t stride = 1;
    for (int64_t size : sizes.drop_front(axis + 1))
      stride *= size;
    return stride;
  };
  Slots slots;
  for (int64_t axis : axes) {
    if (view[axis] == 1)
      continue;
    int64_t low = strideAfter(view, axis), high = low * view[axis];
    bool found = false;
    for (size_t dim = 0; dim < shape.size() && !found; ++dim) {
      int64_t stride = strideAfter(shape, dim);
      // Nothing is anywhere in a tensor without elements.
      if (stride == 0 || high == 0 || low % stride != 0 || (stride * shape[dim]) % high != 0)
        continue;
      appendSlot(slots, {static_cast<int64_t>(dim), low / stride, view[axis]});
      found = true;
    }
    if (!found)
      return std::nullopt;
  }
  return slots;
}
