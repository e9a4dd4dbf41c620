// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The update as loops over elements: which operations share a loop, and in which order loops run.

#ifndef NOETHER_LIB_TRANSFORMS_OUTLINE_UPDATEPHASES_H
#define NOETHER_LIB_TRANSFORMS_OUTLINE_UPDATEPHASES_H

#include "UpdateOperation.h"

#include "mlir/IR/Block.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/IntEqClasses.h"

namespace noether {

/// Operations of one block that belong to the update, in groups.
///
/// Operations that are connected element by element make a *group*: they can share one loop. Where
/// a number that the group sums (or anything computed by other means) is needed within the group
/// again, the loop has to end first: the group has several *phases*. An operation runs as late as
/// its users allow, so that an early phase computes no more than what the next ones wait for.
class UpdatePhases {
public:
  /// `isUpdate` says which operations of the block belong to the update; what they are computed
  /// from may be outside, what is computed from them is not needed by anything outside.
  UpdatePhases(mlir::Block &block, llvm::function_ref<bool(mlir::Operation &)> isUpdate);

  /// Operations that run in loops, in their order: all pointwise ones and reductions.
  llvm::ArrayRef<mlir::Operation *> getOperations() const { return operations; }

  unsigned getGroup(mlir::Operation *op) const { return groups.lookup(op); }
  unsigned getPhase(mlir::Operation *op) const { return phases.lookup(op); }
  /// Whether an operation runs in a loop.
  bool isInLoop(mlir::Operation *op) const { return groups.contains(op); }
  /// Whether a value is one number in every element, to be made anew where it is used.
  bool isUniform(mlir::Value value) const { return uniform.contains(value); }
  UpdateOperation getKind(mlir::Operation *op) const { return kinds.lookup(op); }

private:
  void classify(mlir::Block &block);
  void findGroups();
  void findEarliest(mlir::Block &block);
  void findLatest(mlir::Block &block);
  /// Whether the loop that runs `user` can read element i of `value` where it is computed.
  bool sharesLoop(mlir::Value value, mlir::Operation *user) const;

  llvm::SmallVector<mlir::Operation *> operations;
  llvm::DenseSet<mlir::Operation *> update;
  llvm::DenseMap<mlir::Operation *, UpdateOperation> kinds;
  llvm::DenseSet<mlir::Value> uniform;
  llvm::DenseMap<mlir::Operation *, unsigned> groups;
  llvm::DenseMap<mlir::Operation *, unsigned> phases;
};

} // namespace noether

#endif // NOETHER_LIB_TRANSFORMS_OUTLINE_UPDATEPHASES_H
