// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The proof of a symmetry: the operations that its transformation passes through, the degree of every
// value there, and the equations that hold for these degrees. Written so that it can be checked by a
// program that knows nothing of the solver (docs/proofs.md).

#ifndef NOETHER_ANALYSIS_PROOF_DERIVATION_H
#define NOETHER_ANALYSIS_PROOF_DERIVATION_H

#include "noether/Analysis/AxisGroup/AxisPlace.h"

#include "mlir/Analysis/Presburger/Fraction.h"
#include "mlir/IR/Operation.h"

#include "llvm/ADT/SmallVector.h"

#include <optional>
#include <string>

namespace noether {

using Fraction = mlir::presburger::Fraction;

/// A summand of a degree: coefficient * s(index along `axes`) on a part of the value, 0 elsewhere. s is
/// the symmetry's function on its block.
struct DegreeTerm {
  Fraction coefficient;
  /// The value seen row-major in the shape `view`; the part at `offsets` with `sizes`.
  llvm::SmallVector<int64_t, 4> view, offsets, sizes;
  /// One for each axis of the block: the view axis it runs along, or kMean where the mean of s over it
  /// is taken.
  llvm::SmallVector<int64_t, 2> axes;
  static constexpr int64_t kMean = -1;
};

/// How a value moves under a symmetry: v -> exp(degree) v.
struct Degree {
  llvm::SmallVector<DegreeTerm, 1> terms; // none: 0
  /// The value is consistent with every degree: zero, infinite or NaN.
  bool isAny = false;
  /// False if the degree is no sum of such terms.
  bool isExact = true;

  bool isZero() const { return terms.empty() && !isAny && isExact; }
  /// "0", "any", "2", "-1/2 s(1)", "s(0) + s(1)".
  std::string toString() const;
};

/// How a matrix M acts on a value along one of its axes.
struct AxisAction : AxisPlace {
  /// The entries are products x_i y_i, where M acts on x and its inverse transpose on y.
  bool isPaired = false;

  /// "M(1)", "M^-T(0)", "(M M^-T)(1)", with "on [0:4, 2:3]" for a part.
  std::string toString() const;
};

/// How a value moves under a group that acts on axes; no actions: not at all.
struct AxisMotion {
  llvm::SmallVector<AxisAction, 1> actions;
  /// False if no axes of the value tell it.
  bool isExact = true;

  std::string toString() const;
};

/// " on [0:4, 2:3]": the part of the view, if it is not all of it.
void printPart(llvm::raw_ostream &os, llvm::ArrayRef<int64_t> view, llvm::ArrayRef<int64_t> offsets,
               llvm::ArrayRef<int64_t> sizes);

struct DerivationValue {
  /// Equal numbers are one value.
  uint32_t value;
  /// In the family of scales.
  Degree degree;
  /// In groups of matrices and permutations.
  std::optional<AxisMotion> motion = std::nullopt;
  /// In translations: what is added to the value.
  std::optional<std::string> shift = std::nullopt;
};

/// A constant that must scale along for a step to hold.
struct DerivationSpurion {
  double constant;
  Fraction degree;
};

/// One step of a proof: what an operation states about the degrees of its operands and results.
struct DerivationStep {
  mlir::Operation *op;
  /// Where the operation stands in the expanded program (Program::pathOf), and which of its steps this
  /// is.
  std::string path;
  unsigned part = 0;
  /// "rule", "piece" (one of several that an operation is read as), "carry" (a loop's carried value and
  /// its initial one) or "loop" (a carried value and what the body yields for it).
  llvm::StringRef kind = "rule";
  std::string rule;     // "#noether.rule<...>"
  std::string equation; // "r0 = o0 + o1"
  std::string holds;    // "1 = 1 + 0"
  llvm::SmallVector<DerivationValue, 2> operands, results;
  llvm::SmallVector<DerivationSpurion, 1> spurions;
  /// In families whose elements are no scales: what the operation does with them.
  std::string note;
};

} // namespace noether

#endif // NOETHER_ANALYSIS_PROOF_DERIVATION_H
