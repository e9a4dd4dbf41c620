// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The adaptive form in the terms of RMSProp: the radius is the root of a moving average of the squares
// of gradients, and momentum and decay are gone from the update of the direction.
//
// Tanaka and Kunin 2021, equations (2) and (3): where the inertia of the radius is neglected,
//   (r^4)' = -4 rate r^4 + 2 growth |g|^2    per step,
// with `rate` by which the norm decays and `growth` what gradients add to r^2 |g|^2 / r^2, and the
// direction moves by `displacement` g / r^2. All gradients are those at the direction.

#ifndef NOETHER_LIB_TRANSFORMS_RMSPROPFORM_H
#define NOETHER_LIB_TRANSFORMS_RMSPROPFORM_H

#include "AdaptiveBlocks.h"

#include "mlir/IR/Builders.h"

namespace noether {

struct RmspropNumbers {
  double rate, growth, displacement;
};

/// How the gradients of different steps add up: in one direction, or as noise.
enum class RmspropGradients { Coherent, Noise };

/// The numbers of each block's update; blocks that have none are removed, with a remark that says
/// why.
llvm::SmallVector<RmspropNumbers> findRmspropNumbers(const StepAnalysis &analysis,
                                                     RmspropGradients gradients,
                                                     llvm::SmallVectorImpl<AdaptiveBlock> &blocks);

/// The next values of a block's members over its old radii, from the members' directions and
/// gradients at them.
llvm::SmallVector<mlir::Value> createRmspropUpdate(mlir::OpBuilder &builder, mlir::Location loc,
                                                   const AdaptiveBlock &block,
                                                   const RmspropNumbers &numbers,
                                                   mlir::Value radii, mlir::ValueRange directions,
                                                   mlir::ValueRange gradients);

} // namespace noether

#endif // NOETHER_LIB_TRANSFORMS_RMSPROPFORM_H
