// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Proof/Derivation.h"

#include "noether/Analysis/Solver/Form.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace noether;

void noether::printPart(llvm::raw_ostream &os, llvm::ArrayRef<int64_t> view,
                        llvm::ArrayRef<int64_t> offsets, llvm::ArrayRef<int64_t> sizes) {
  if (llvm::all_of(offsets, [](int64_t offset) { return offset == 0; }) && sizes == view)
    return;
  os << " on [";
  llvm::interleaveComma(llvm::zip(offsets, sizes), os, [&](auto pair) {
    os << std::get<0>(pair) << ":" << std::get<0>(pair) + std::get<1>(pair);
  });
  os << "]";
}

std::string Degree::toString() const {
  if (isAny)
    return "any";
  if (!isExact)
    return "?";
  if (terms.empty())
    return "0";
  std::string text;
  llvm::raw_string_ostream os(text);
  for (auto [index, term] : llvm::enumerate(terms)) {
    bool negative = term.coefficient < Fraction(0);
    if (index || negative)
      os << (index ? (negative ? " - " : " + ") : "-");
    Fraction size = abs(term.coefficient);
    if (term.axes.empty() || size != Fraction(1))
      os << noether::toString(size);
    if (!term.axes.empty()) {
      os << (size != Fraction(1) ? " s(" : "s(");
      llvm::interleaveComma(term.axes, os, [&](int64_t axis) {
        if (axis == DegreeTerm::kMean)
          os << "mean";
        else
          os << axis;
      });
      os << ")";
    }
    printPart(os, term.view, term.offsets, term.sizes);
  }
  return text;
}

std::string AxisAction::toString() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << (isPaired ? "(M M^-T)(" : inverse ? "M^-T(" : "M(") << axis << ")";
  printPart(os, view, offsets, sizes);
  return text;
}

std::string AxisMotion::toString() const {
  if (!isExact)
    return "?";
  if (actions.empty())
    return "1";
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleave(
      actions, os, [&](const AxisAction &action) { os << action.toString(); }, " ");
  return text;
}
