// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef NOETHER_LIB_TRANSFORMS_BLOCKSUMS_H
#define NOETHER_LIB_TRANSFORMS_BLOCKSUMS_H

#include "mlir/IR/Builders.h"

namespace noether {

/// For each index of a block, the sum of the products of what two tensors hold there, in an element
/// type. `axes` are the block's, in the tensors seen in the shape `view`.
mlir::Value createBlockSum(mlir::OpBuilder &builder, mlir::Location loc,
                           llvm::ArrayRef<int64_t> view, llvm::ArrayRef<int64_t> axes,
                           mlir::Type elementType, mlir::Value lhs, mlir::Value rhs);

} // namespace noether

#endif // NOETHER_LIB_TRANSFORMS_BLOCKSUMS_H
