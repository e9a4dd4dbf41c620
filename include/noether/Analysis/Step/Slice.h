// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a value is computed from: data flow through operations, regions and calls.

#ifndef NOETHER_ANALYSIS_STEP_SLICE_H
#define NOETHER_ANALYSIS_STEP_SLICE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OperationSupport.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace noether {

/// The functions that can be reached from an entry function.
class CallGraph {
public:
  using Check = llvm::function_ref<llvm::LogicalResult(mlir::Operation *)>;

  /// Emits one diagnostic and fails on recursion, and on calls of functions that are not defined here
  /// or have other types. `check` sees every operation that is reached, the functions included: large
  /// modules are walked once.
  static mlir::FailureOr<CallGraph> get(mlir::func::FuncOp entry, Check check = nullptr);

  /// The function a call refers to; null for an operation that is not a checked call.
  mlir::func::FuncOp getCallee(mlir::Operation *call) const;
  /// Callees before their callers; the entry comes last.
  llvm::ArrayRef<mlir::func::FuncOp> getPostOrder() const { return postOrder; }
  /// Operations in all of these functions.
  size_t getNumOperations() const { return numOperations; }

private:
  llvm::DenseMap<mlir::Attribute, mlir::func::FuncOp> functions;
  llvm::SmallVector<mlir::func::FuncOp> postOrder;
  size_t numOperations = 0;
};

/// The data flow of a step, as far as its roles are settled by it.
struct StepFlow {
  CallGraph calls;
  /// Every value of the entry function, and of the regions in it, that the loss is computed from.
  llvm::DenseSet<mlir::Value> lossSlice;
};

/// Which values a value is computed from. Results of calls, branches, loops and manual computations
/// are told apart; every result of any other operation is taken to need all its operands and all
/// that its regions capture.
class Dependence {
public:
  /// Values that do not pass `carries` pass on nothing: nobody depends on them.
  using Filter = bool (*)(mlir::Value);

  explicit Dependence(const CallGraph &calls, Filter carries = nullptr);

  /// Calls `visit` on every value of the same function that `value` is directly computed from. These
  /// include block arguments and values of regions nested in the operation that defines `value`.
  void forEachDirect(mlir::Value value, llvm::function_ref<void(mlir::Value)> visit) const;

  /// Calls `visit` on every value outside of `result`'s defining operation that the operation's
  /// regions, or a call, compute `result` from.
  void forEachOutside(mlir::OpResult result, llvm::function_ref<void(mlir::Value)> visit) const;

  /// The entry arguments (all block arguments of the function that has the roots) that `roots` depend
  /// on. Every value that is needed on the way is added to `slice` where one is given.
  llvm::BitVector argumentsOf(llvm::ArrayRef<mlir::Value> roots,
                              llvm::DenseSet<mlir::Value> *slice = nullptr) const;

private:
  bool passes(mlir::Value value) const { return !carries || carries(value); }
  void summarize(mlir::func::FuncOp function);

  const CallGraph &calls;
  Filter carries;
  mlir::OperationName barrierName;
  /// Per callee and result: the arguments it depends on.
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<llvm::BitVector, 1>> summaries;
};

/// Whether a value is a tensor of rank zero or no tensor at all.
bool isScalarLike(mlir::Value value);

} // namespace noether

#endif // NOETHER_ANALYSIS_STEP_SLICE_H
