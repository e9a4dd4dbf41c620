// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Symmetries that act on whole axes: groups of matrices and permutations, each acting on an index of
// every parameter that has it.

#ifndef NOETHER_ANALYSIS_AXISGROUP_AXISGROUPS_H
#define NOETHER_ANALYSIS_AXISGROUP_AXISGROUPS_H

#include "noether/Analysis/AxisGroup/AxisPlace.h"
#include "noether/Analysis/Proof/Derivation.h"
#include "noether/Analysis/Step/Roles.h"

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

/// An axis of a parameter that the matrix acts on.
struct AxisMember : AxisPlace {
  /// Entry argument number of the parameter.
  unsigned argument = 0;
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
  /// The operations that the action passes through, in order, where derivations are asked for.
  llvm::SmallVector<DerivationStep, 0> derivation;

  int64_t numBlocks() const;
  /// "128!", "(4!)^12".
  std::string order() const;
};

/// The axis groups of the loss, then its permutations. Parameters that nothing is known of are in
/// none.
llvm::SmallVector<AxisGroup, 0> inferAxisGroups(const Program &program, const StepRoles &roles,
                                                SystemMapping &mapping, bool derivations = false);

} // namespace noether

#endif // NOETHER_ANALYSIS_AXISGROUP_AXISGROUPS_H
