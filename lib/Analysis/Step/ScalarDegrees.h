// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Of which degree the values of a step are in one of its scalar arguments: x of degree d becomes c^d x
// where the argument s becomes c s, whatever the other arguments are.

#ifndef NOETHER_LIB_ANALYSIS_STEP_SCALARDEGREES_H
#define NOETHER_LIB_ANALYSIS_STEP_SCALARDEGREES_H

#include "noether/Analysis/Solver/Form.h"
#include "noether/Analysis/Step/Slice.h"

#include "llvm/ADT/DenseMap.h"

#include <optional>

namespace noether {

class ScalarDegrees {
public:
  /// Walks the body of the entry function once. `dependence` is that of all values.
  ScalarDegrees(mlir::BlockArgument argument, const Dependence &dependence);

  /// Nothing if the value has no degree, or none that the rules can tell.
  std::optional<Fraction> degreeOf(mlir::Value value) const;

private:
  /// No degree: a value that is not in the map does not depend on the argument.
  using Degree = std::optional<Fraction>;

  void visit(mlir::Operation *op, const Dependence &dependence, class RuleTable &rules);
  bool depends(mlir::Value value) const { return degrees.contains(value); }

  llvm::DenseMap<mlir::Value, Degree> degrees;
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_STEP_SCALARDEGREES_H
