// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an operation is to a loop over the elements of its tensors.

#ifndef NOETHER_LIB_TRANSFORMS_OUTLINE_UPDATEOPERATION_H
#define NOETHER_LIB_TRANSFORMS_OUTLINE_UPDATEOPERATION_H

#include "mlir/IR/Operation.h"

namespace noether {

enum class UpdateOperation {
  /// One number in every element, known or not: made anew wherever it is used.
  Uniform,
  /// Element i of the result from elements i of the operands, in row-major order.
  Pointwise,
  /// The same with one operand of lower rank: it is spread along the axes it lacks.
  Spread,
  /// Sums (or products, or extremes) along axes.
  Reduction,
  /// On single numbers only.
  Scalar,
  /// Everything else.
  Other
};

/// What an operation is by itself; a pointwise operation on uniform values only is said to be
/// pointwise.
UpdateOperation classifyForUpdate(mlir::Operation &op);

/// The number of elements of a ranked tensor of static shape; nothing for other values.
std::optional<int64_t> countElements(mlir::Value value);

/// Whether a value is known to be one number, or a tensor of one element.
bool isSingleNumber(mlir::Value value);

} // namespace noether

#endif // NOETHER_LIB_TRANSFORMS_OUTLINE_UPDATEOPERATION_H
