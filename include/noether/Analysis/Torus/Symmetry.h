// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The symmetries of a training step's loss: what the analysis claims.

#ifndef NOETHER_ANALYSIS_TORUS_SYMMETRY_H
#define NOETHER_ANALYSIS_TORUS_SYMMETRY_H

#include "noether/Analysis/Proof/Derivation.h"

#include "mlir/IR/Location.h"

#include <string>

namespace noether {

enum class Family { Scale, Rescale, Translation, Affine };
llvm::StringRef stringifyFamily(Family family);

/// How one parameter moves under a symmetry: w -> exp(exponent * s) w, or w + exponent * s for a
/// translation, where s is a scalar (no axes) or a function of the index along `axes`.
struct SymmetryMember {
  /// Entry argument number of the parameter.
  unsigned argument;
  Fraction exponent;
  /// The shape `axes` and `offsets`/`sizes` refer to: the parameter's own, or the shape after splitting
  /// axes row-major ([h*d] seen as [h, d]).
  llvm::SmallVector<int64_t, 4> view;
  /// Axes of `view` along which the scale varies, in the order shared by all members.
  llvm::SmallVector<int64_t, 2> axes;
  /// The part of the view that moves: offset and size per view axis (all of it: 0 and the size).
  llvm::SmallVector<int64_t, 4> offsets, sizes;

  bool isWholeParameter() const {
    return llvm::all_of(offsets, [](int64_t o) { return o == 0; }) && sizes == view;
  }
};

/// A parameter seen as an array with one name for each of its axes: equal numbers are one index.
struct IndexedPart {
  unsigned argument;
  /// As those of SymmetryMember.
  llvm::SmallVector<int64_t, 4> view, offsets, sizes;
  /// By axis of the view; kNone for one along which nothing depends. The axes of the block come first:
  /// number k is the k-th of them.
  llvm::SmallVector<int64_t, 4> indices;
  static constexpr int64_t kNone = -1;
};

/// A parameter that takes up what others are shifted by, once it has been multiplied by parameters:
/// b -> b + exponent * number * (t times `factors`, summed over the indices that b does not have).
struct Absorber : IndexedPart {
  Fraction exponent;
  double number = 1;
  llvm::SmallVector<IndexedPart, 1> factors;
};

/// A constant that breaks a symmetry explicitly: the symmetry is restored if the constant scales
/// with `degree`.
struct BrokenBy {
  double constant;
  Fraction degree;
  mlir::Operation *op;
  /// The step of the program that states it.
  size_t step;
};

struct Symmetry {
  std::string id; // "S1", ...
  Family family;
  llvm::SmallVector<SymmetryMember, 0> members;
  /// Sizes of the block index (one entry per member axis): the shape of the charge; empty for a
  /// scalar block.
  llvm::SmallVector<int64_t, 2> blockShape;
  /// Number of independent one-parameter symmetries.
  int64_t dimension = 0;
  /// Only functions with zero mean along every block axis are symmetries.
  bool traceless = false;
  /// The scale varies over the members in a way that no axes tell: the dimension and the members are
  /// known, and no one element is given.
  bool undescribed = false;
  /// Of an affine symmetry: the parameters that take up the shift of the members.
  llvm::SmallVector<Absorber, 0> absorbers;
  llvm::SmallVector<BrokenBy> brokenBy; // empty: exact
  bool isExact() const { return brokenBy.empty(); }
  /// The operations that the transformation passes through, in order, where derivations are asked for.
  llvm::SmallVector<DerivationStep, 0> derivation;
};

} // namespace noether

#endif // NOETHER_ANALYSIS_TORUS_SYMMETRY_H
