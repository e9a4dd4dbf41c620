// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The search for gradients; see Gradient.cpp.

#ifndef NOETHER_LIB_ANALYSIS_STEP_GRADIENTFINDER_H
#define NOETHER_LIB_ANALYSIS_STEP_GRADIENTFINDER_H

#include "../Program/OpKind.h"

#include "ScalarDegrees.h"

#include "noether/Analysis/Step/Gradient.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/SetVector.h"

#include <array>
#include <memory>
#include <numeric>

namespace noether {

/// What a value of the entry's body depends on.
struct ValueSources {
  enum : uint8_t {
    // By way of tensors alone.
    Data = 1,
    OptimizerState = 2,
    Parameter = 4,
    ByTensors = Data | OptimizerState | Parameter,
    // By any way.
    AnyData = 8,
    AnyOptimizerState = 16,
    AnyParameter = 32,
    /// A parameter moved by something the batch has a say in: what follows is no longer the
    /// gradient
    /// of this loss at these parameters (a second forward pass at another point).
    MovedParameter = 64,
  };
  uint8_t bits = 0;
  /// Place of the defining operation in the entry's body; 0 for arguments.
  uint32_t order = 0;
  /// The scalar arguments, by their numbers modulo 64.
  uint64_t scalars = 0;

  bool has(uint8_t mask) const { return bits & mask; }
  /// Adds what a value that depends on `from` has from it.
  void merge(const ValueSources &from, bool byTensor) {
    bits |= byTensor ? from.bits : from.bits & ~ByTensors;
    scalars |= from.scalars;
  }
};

/// The uses of a parameter, or the terms they become, counted by kind.
struct GradientTerms {
  unsigned counts[unsigned(OpKind::Other) + 1] = {};
  unsigned &operator[](OpKind kind) { return counts[unsigned(kind)]; }
  unsigned total() const { return std::accumulate(std::begin(counts), std::end(counts), 0u); }
};

enum class GradientVerdict {
  No,
  Yes,
  /// It may be part of the gradient or of the optimizer.
  Unclear,
};

/// The operation under which a step is sharded by hand.
inline constexpr llvm::StringLiteral kManualComputation = "sdy.manual_computation";

/// The operand that a layout operation's result is, moved.
unsigned getForwardedOperand(mlir::OpResult result);

class GradientFinder {
public:
  GradientFinder(const StepRoles &roles, const StepFlow &flow);

  mlir::Value find(unsigned parameter);

private:
  /// A product of a value with something that is the same everywhere.
  struct Scaled {
    mlir::Value value;
    mlir::Value factor;
  };

  void computeSources();
  void computeSources(mlir::Operation *op, uint32_t order);
  bool movesParameter(mlir::Operation *op);
  void findLossTerms();

  ValueSources get(mlir::Value value) const { return sources.lookup(value); }
  bool isData(mlir::Value value) const {
    return get(value).has(scalarParameter ? ValueSources::AnyData : ValueSources::Data);
  }
  bool isOptimizerState(mlir::Value value) const {
    return get(value).has(scalarParameter ? ValueSources::AnyOptimizerState
                                          : ValueSources::OptimizerState);
  }
  bool isInEntry(mlir::Value value) const { return value.getParentBlock() == entryBlock; }
  const Dependence &getFlow() const { return scalarParameter ? throughAll : throughTensors; }

  /// The kind of an operation; a broadcast or sum over dimensions of size 1 is layout.
  OpKind kindOf(mlir::Operation *op);
  bool isUniform(mlir::Value value);
  std::optional<Scaled> asScaled(mlir::Value value);
  bool isAddedToUpdate(mlir::Value value);
  std::optional<bool> hasDegreesOfLoss(mlir::Value value, uint64_t scalars);

  const void *getIdentity(mlir::Value value);
  void collectUses(unsigned parameter);
  bool isForwardedUse(mlir::Value value);
  bool isDerivative(mlir::Value value);
  bool isHeavy(mlir::Operation *op);
  bool hasOwnFactor(mlir::Operation *product);
  bool takeUse(GradientTerms &left, mlir::Value term);
  GradientVerdict matches(mlir::Value candidate);
  std::optional<unsigned> getLossFactor(mlir::Operation *product);

  llvm::SmallVector<mlir::Value> getSinks(unsigned parameter);
  mlir::Value sweep(llvm::ArrayRef<mlir::Value> sinks, llvm::SmallSetVector<mlir::Value, 4> *states,
                    llvm::function_ref<std::optional<mlir::Value>(mlir::Value)> judge);

  const StepRoles &roles;
  const CallGraph &calls;
  Dependence throughAll, throughTensors;
  mlir::Block *entryBlock;
  OpKinds kinds;
  llvm::DenseMap<mlir::Value, ValueSources> sources;
  const llvm::DenseSet<mlir::Value> &lossSlice;
  /// Parameters on which a term of the loss depends that no data enters.
  llvm::BitVector regularized;
  /// The constants the loss is multiplied by at its end (and their inverses).
  llvm::SmallVector<double> lossFactors;
  llvm::DenseMap<mlir::Operation *, bool> heavyFunctions;
  /// By the bit of ValueSources::scalars.
  std::array<llvm::SmallVector<mlir::BlockArgument, 1>, 64> scalarArguments;
  /// Made where the scale of a loss has to be told from a learning rate.
  llvm::DenseMap<mlir::Value, std::unique_ptr<ScalarDegrees>> scalarDegrees;

  // Of the parameter at hand.
  unsigned current = 0;
  mlir::Type type;
  /// It is one number.
  bool scalarParameter = false;
  GradientTerms uses;
  /// What is the parameter up to additions and layout: their cotangents are its own.
  llvm::DenseSet<mlir::Value> aliases;
  /// Results of uses that are known by name only, and so may be needed by their transposes.
  llvm::DenseSet<mlir::Value> residuals;
  /// The other factors of products the parameter takes part in.
  llvm::DenseSet<const void *> factors;
  /// The other operands of its contractions, which their transposes have too.
  llvm::DenseSet<const void *> contractedWith;
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_STEP_GRADIENTFINDER_H
