// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef NOETHER_LIB_RULES_DATAMOVEMENT_H
#define NOETHER_LIB_RULES_DATAMOVEMENT_H

#include "Registry.h"

namespace noether::rules {

/// The dimensions before and after a row-major reshape between two static shapes.
std::pair<Dims, Dims> reshapeDims(RuleBuilder &rule, llvm::ArrayRef<int64_t> input,
                                  llvm::ArrayRef<int64_t> output);

/// The reshape of operand 0 into the result's shape.
Answer reshape(const Context &context);

/// The broadcast of operand 0 whose dimension i becomes dimension `dimensions[i]` of the result.
Answer broadcastAlong(const Context &context, llvm::ArrayRef<int64_t> dimensions);

/// The dimensions before and after a contiguous cut: `low`, `size` and `high` elements make up the
/// larger side. Each may be 0.
struct CutDims {
  Dim whole, piece;
};
CutDims cutDim(RuleBuilder &rule, int64_t low, int64_t size, int64_t high);

/// Two frozen factors.
CutDims frozenDims(RuleBuilder &rule);

/// A slice: along each dimension `sizes` elements from `offsets` on, `strides` apart.
Answer sliceOf(const Context &context, llvm::ArrayRef<int64_t> offsets,
               llvm::ArrayRef<int64_t> sizes, llvm::ArrayRef<int64_t> strides);

/// A slice whose place is not known. What keeps its size is whole: places are clamped, or must fit.
Answer sliceSomewhere(const Context &context);

/// Operand 0 inside copies of operand `value`: `low` and `high` elements of padding, negative ones
/// cut off, `interior` elements between each two.
Answer padOf(const Context &context, unsigned value, llvm::ArrayRef<int64_t> low,
             llvm::ArrayRef<int64_t> high, llvm::ArrayRef<int64_t> interior);

/// All operands side by side along a dimension.
Answer concatenateAlong(const Context &context, int64_t dimension);

} // namespace noether::rules

#endif // NOETHER_LIB_RULES_DATAMOVEMENT_H
