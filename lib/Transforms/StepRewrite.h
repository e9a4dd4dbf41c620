// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What rewrites of a step have in common: how it is made ready, and what is left over afterwards.

#ifndef NOETHER_LIB_TRANSFORMS_STEPREWRITE_H
#define NOETHER_LIB_TRANSFORMS_STEPREWRITE_H

#include "noether/Analysis/StepAnalysis.h"

#include "mlir/IR/Remarks.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/DenseSet.h"

namespace noether {

/// Inlines all calls in the entry's body and analyses the step. Emits diagnostics and fails as
/// analyzeStep does.
mlir::FailureOr<StepAnalysis> analyzeInlined(mlir::ModuleOp module, const AnalysisOptions &options);

/// Fails with a diagnostic if the entry has operations that are not StableHLO: rewrites make such.
mlir::LogicalResult checkStablehlo(mlir::func::FuncOp entry);

/// Whether an operation may do more than compute its results.
bool mayHaveEffects(mlir::Operation &op);

/// Erases the operations of a block whose results nothing needs.
void eraseUnused(mlir::Block &block);

/// The operations of a block that some values are computed by: all operands of each, and what its
/// regions use.
class OperationSlice {
public:
  explicit OperationSlice(mlir::Block &block) : block(block), arguments(block.getNumArguments()) {}

  /// Values in `stops` are not looked behind.
  void add(mlir::Value value, const llvm::DenseSet<mlir::Value> *stops = nullptr);

  bool contains(mlir::Operation *op) const { return operations.contains(op); }
  bool contains(unsigned argument) const { return arguments.test(argument); }
  /// An operation of the slice that uses an argument; null if there is none.
  mlir::Operation *findUser(unsigned argument) const;

private:
  mlir::Block &block;
  llvm::DenseSet<mlir::Operation *> operations;
  llvm::BitVector arguments;
};

/// "stablehlo.multiply at step.py:12".
std::string describe(mlir::Operation *op);

} // namespace noether

#endif // NOETHER_LIB_TRANSFORMS_STEPREWRITE_H
