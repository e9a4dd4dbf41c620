// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Symmetries that act on whole axes: groups of matrices and permutations, each acting on an index of
// every parameter that has it.

#ifndef NOETHER_ANALYSIS_AXISGROUPS_H
#define NOETHER_ANALYSIS_AXISGROUPS_H

#include "noether/Analysis/Roles.h"

#include "llvm/ADT/SmallVector.h"

#include <string>

namespace noether {

class Program;
class SystemMapping;

enum class AxisFamily {
  GeneralLinear, // all invertible matrices (or those that fix a vector, see below)
  Orthogonal,
  ComplexLinear, // [[a, -b], [b, a]] on an axis of two halves
  Permutation,
};
llvm::StringRef stringifyAxisFamily(AxisFamily family);

/// An axis of a parameter, or of a part of it, that the matrix M acts on.
struct AxisMember {
  /// Entry argument number of the parameter.
  unsigned argument;
  /// Acted on by the inverse transpose of M.
  bool inverse = false;
  /// The shape the axes refer to: the parameter's, or the shape after splitting axes row-major.
  llvm::SmallVector<int64_t, 4> view;
  int64_t axis = 0;
  /// Axes of the view along which the matrix varies, in the order shared by all members.
  llvm::SmallVector<int64_t, 2> blockAxes;
  /// The part of the view that moves.
  llvm::SmallVector<int64_t, 4> offsets, sizes;
};

struct AxisGroup {
  std::string id; // "G1", "P1", ...
  AxisFamily family;
  llvm::SmallVector<AxisMember, 0> members;
  /// M is a size x size matrix, one for each block.
  int64_t size = 0;
  llvm::SmallVector<int64_t, 2> blockShape;
  /// M 1 = 1; 1^T M = 1^T.
  bool fixesConstant = false, fixesSum = false;
  /// Of the group, all blocks together; 0 for permutations.
  int64_t dimension = 0;
  /// How much of it are scale and rescale symmetries, which are listed as such.
  int64_t dimensionInTorus = 0;

  int64_t numBlocks() const;
  /// "128!", "(4!)^12".
  std::string order() const;
};

/// The axis groups of the loss, then its permutations. Parameters that nothing is known of are in
/// none.
llvm::SmallVector<AxisGroup, 0> inferAxisGroups(const Program &program, const StepRoles &roles,
                                                SystemMapping &mapping);

} // namespace noether

#endif // NOETHER_ANALYSIS_AXISGROUPS_H
