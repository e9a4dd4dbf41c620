// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The radii of a block: how they are computed, taken apart and put together.

#ifndef NOETHER_LIB_TRANSFORMS_ADAPTIVERADII_H
#define NOETHER_LIB_TRANSFORMS_ADAPTIVERADII_H

#include "AdaptiveBlocks.h"

#include "mlir/IR/Builders.h"

namespace noether {

/// For each index of the block, the sum of the products of what two sets of tensors, like the
/// members, hold there.
mlir::Value createProduct(mlir::OpBuilder &builder, mlir::Location loc, const AdaptiveBlock &block,
                          mlir::ValueRange lhs, mlir::ValueRange rhs);

/// Whether some symmetry is at each index of the block.
mlir::Value createIsInPart(mlir::OpBuilder &builder, mlir::Location loc,
                           const AdaptiveBlock &block);

/// For each index of the block, the norm of all that the members hold there; 1 where it is 0 or
/// where no symmetry is.
mlir::Value createNorm(mlir::OpBuilder &builder, mlir::Location loc, const AdaptiveBlock &block,
                       mlir::ValueRange members);

/// The radii of a block's parts from those of the block.
llvm::SmallVector<mlir::Value> splitRadii(mlir::OpBuilder &builder, mlir::Location loc,
                                          const AdaptiveBlock &block, mlir::Value radii);

/// The radii of a block from those of its parts.
mlir::Value joinRadii(mlir::OpBuilder &builder, mlir::Location loc, const AdaptiveBlock &block,
                      mlir::ValueRange parts);

/// The same for many blocks, whose parts are in one list.
llvm::SmallVector<mlir::Value> joinAllRadii(mlir::OpBuilder &builder, mlir::Location loc,
                                            llvm::ArrayRef<AdaptiveBlock> blocks,
                                            mlir::ValueRange parts);

} // namespace noether

#endif // NOETHER_LIB_TRANSFORMS_ADAPTIVERADII_H
