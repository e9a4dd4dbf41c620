// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the updates of all parameters of a program have in common: which values belong to which
// parameter's.

#ifndef NOETHER_LIB_ANALYSIS_KINETICS_UPDATEGRAPH_H
#define NOETHER_LIB_ANALYSIS_KINETICS_UPDATEGRAPH_H

#include "noether/Analysis/Program/Program.h"
#include "noether/Analysis/Step/Roles.h"

namespace noether {

/// Facts about a program that the updates of all its parameters share.
struct UpdateGraph {
  UpdateGraph(const Program &program, const StepRoles &roles,
              const llvm::MapVector<unsigned, ValueId> &gradients);

  /// Which parameters' update a value belongs to.
  static constexpr uint32_t kShared = ~0u;      // none's: hyperparameters, constants, counters
  static constexpr uint32_t kSeveral = ~0u - 1; // several parameters', or the data's

  /// The operand that a choice is for all parameters but those at which some number is 0 or not finite: where a
  /// norm is tested against 0, or numbers for being finite. Nothing for other steps.
  std::optional<unsigned> genericChoice(const Program::Step &step) const;

  /// What a predicate is if no number that is tested against 0 is 0, and all are finite; nothing for others.
  std::optional<double> genericValue(ValueId predicate) const;

  /// The operation that brings several parameters together in a value.
  mlir::Operation *findCoupling(ValueId value) const;

  /// Of an update whose gradient is not known: the operation that joins several tensors into one on its way to the
  /// parameter, if there is one.
  mlir::Operation *findJoin(unsigned parameter) const;

  const Program &program;
  const StepRoles &roles;
  const llvm::MapVector<unsigned, ValueId> &gradients;
  llvm::DenseMap<ValueId, unsigned> argumentOf;
  std::vector<uint32_t> definedBy; // step, by value; ~0u for arguments and constants
  std::vector<uint32_t> owner;     // by value: entry argument of the parameter
  /// The loss, which no symmetry moves; nothing if it is no value of the program's.
  ValueId loss;
  /// Values that are one number: scalars, and what they are broadcast to.
  llvm::BitVector isUniform;

  /// A parameter that another's update reads: what moves the one moves the other's update.
  enum class Read { Value, Gradient };
  /// For each parameter that others' updates read by themselves (that is, not by way of the loss),
  /// one of these.
  llvm::DenseMap<unsigned, unsigned> findReaders(Read what) const;

private:
  bool isNonNegative(ValueId value, unsigned depth) const;
  std::optional<double> findGenericValue(const Program::Step &step) const;

  /// What predicates are for all parameters but those at which some number is 0, or not finite.
  llvm::DenseMap<ValueId, double> predicates;
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_KINETICS_UPDATEGRAPH_H
