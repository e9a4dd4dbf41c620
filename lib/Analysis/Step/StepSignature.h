// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the text of a training step says about its arguments and results, and which result is the
// next value of which argument.

#ifndef NOETHER_LIB_ANALYSIS_STEP_STEPSIGNATURE_H
#define NOETHER_LIB_ANALYSIS_STEP_STEPSIGNATURE_H

#include "PytreePath.h"

#include "noether/Analysis/Step/Roles.h"
#include "noether/Analysis/Step/Slice.h"

namespace noether {

/// The signature of an entry function as it stands, before anything is inferred.
struct StepSignature {
  struct Argument {
    llvm::StringRef name; // empty: none; the context owns it
    PytreePath path;
    std::optional<ArgumentRole> role; // given by the caller
    llvm::StringRef roleDecidedBy;    // as an earlier run recorded it
    std::optional<unsigned> carriedTo;
    /// Its buffer may be reused for a result.
    bool isDonated = false;
  };
  struct Result {
    llvm::StringRef name;
    PytreePath path;
    std::optional<ResultRole> role;
  };

  mlir::func::FuncOp entry;
  mlir::Operation *terminator;
  llvm::SmallVector<Argument> arguments;
  llvm::SmallVector<Result> results;
  bool hasDonations = false;

  mlir::func::FuncOp getEntry() const { return entry; }
  mlir::Value getValue(unsigned result) const { return terminator->getOperand(result); }

  /// Reads attributes and names. Emits a diagnostic and fails on attributes that contradict the
  /// signature. `entry` must have one block with a terminator.
  static mlir::FailureOr<StepSignature> get(mlir::func::FuncOp entry);
};

/// Which result carries which argument's next value.
class CarriedValues {
public:
  CarriedValues(const StepSignature &signature, const Dependence &dependence);

  /// Pairs by what the caller says and by names. Equal names are told apart by data flow, then by
  /// their order.
  void pairByName();
  /// Pairs what has no telling name: an argument of which a result of its type is an update; then a
  /// type that occurs once on each side. `lossSlice` is all the loss depends on: a value that the loss
  /// is computed from is no update. Nothing is guessed where two could be meant.
  void pairByDataFlow(unsigned loss, const llvm::DenseSet<mlir::Value> &lossSlice);

  std::optional<unsigned> getResult(unsigned argument) const { return resultOf[argument]; }
  std::optional<unsigned> getArgument(unsigned result) const { return argumentOf[result]; }
  /// What settled the pair: "caller", "name", "data flow" or "attribute".
  llvm::StringRef getDecidedBy(unsigned argument) const { return decidedBy[argument]; }
  /// How far `argument` is from `result` through values of its type; none if it is not near. What is
  /// subtracted is farther: nothing is its own next value's negative part.
  std::optional<unsigned> getDistance(unsigned argument, unsigned result);

private:
  struct Candidate {
    int64_t cost;
    unsigned argument, result;
  };
  void pair(unsigned argument, unsigned result, llvm::StringRef why);
  /// Pairs each argument with one result, so that the total cost is low.
  void assign(llvm::SmallVectorImpl<Candidate> &candidates, llvm::StringRef why);
  bool mayBeCarried(unsigned argument) const;
  bool mayCarry(unsigned result) const;
  bool isComputedFromOthersToo(unsigned argument, unsigned result) const;

  const StepSignature &signature;
  const Dependence &dependence;
  llvm::SmallVector<std::optional<unsigned>> resultOf, argumentOf;
  llvm::SmallVector<llvm::StringRef> decidedBy;
  llvm::SmallVector<std::optional<llvm::SmallDenseMap<unsigned, unsigned, 4>>> distances;
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_STEP_STEPSIGNATURE_H
