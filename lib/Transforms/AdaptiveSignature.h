// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a step in adaptive form takes and returns, and the functions that bring its arguments there
// and back.

#ifndef NOETHER_LIB_TRANSFORMS_ADAPTIVESIGNATURE_H
#define NOETHER_LIB_TRANSFORMS_ADAPTIVESIGNATURE_H

#include "AdaptiveBlocks.h"

#include "llvm/ADT/MapVector.h"

namespace noether {

/// The entry's arguments in a gauge of their own, by number.
using ArgumentGauges = llvm::MapVector<unsigned, Gauge>;

/// The gauges of the blocks' parameters: each holds its direction.
ArgumentGauges gaugesOfParameters(llvm::ArrayRef<AdaptiveBlock> blocks);

/// Adds public functions @noether_adapt, from the entry's arguments to those of the rewritten
/// entry, and
/// @noether_restore, its inverse. To be called before the entry changes. Fails with a diagnostic if
/// the names are taken.
mlir::LogicalResult createConversions(const StepRoles &roles, llvm::ArrayRef<AdaptiveBlock> blocks,
                                      const ArgumentGauges &gauges);

/// Appends one argument per part of a block for its radii. Returns the arguments.
mlir::FailureOr<llvm::SmallVector<mlir::Value>>
appendRadiusArguments(mlir::func::FuncOp entry, llvm::ArrayRef<AdaptiveBlock> blocks);

/// Describes the blocks in the attribute `noether.adaptive` of the entry, whose last arguments and
/// results are the radii.
void describeBlocks(mlir::func::FuncOp entry, llvm::ArrayRef<AdaptiveBlock> blocks,
                    const ArgumentGauges &gauges);

} // namespace noether

#endif // NOETHER_LIB_TRANSFORMS_ADAPTIVESIGNATURE_H
