// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What each argument and result of a training step is.

#ifndef NOETHER_ANALYSIS_STEP_ROLES_H
#define NOETHER_ANALYSIS_STEP_ROLES_H

#include "noether/Analysis/Step/Slice.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include <optional>
#include <string>

namespace noether {

enum class ArgumentRole { Param, State, Batch, Hyper, Rng };
enum class ResultRole { Loss, Param, State, Metric, Charge };

llvm::StringRef stringifyRole(ArgumentRole role);
llvm::StringRef stringifyRole(ResultRole role);

/// The roles of the entry function's arguments and results.
struct StepRoles {
  struct Argument {
    ArgumentRole role;
    /// A pytree path such as `params['fc1']['kernel']`; `arg3` where the input has no names.
    std::string name;
    /// What settled the role: "data flow", "name", "attribute" or "caller".
    std::string decidedBy;
    /// The result that carries this argument's next value, for carried arguments.
    std::optional<unsigned> carriedTo;
    /// A parameter the loss does not depend on at all.
    bool dead = false;
  };
  struct Result {
    ResultRole role;
    std::string name;
  };

  mlir::func::FuncOp entry;
  llvm::SmallVector<Argument> arguments;
  llvm::SmallVector<Result> results;
  /// The result that is the loss.
  unsigned loss = 0;
};

/// The function marked `noether.entry`, else the public @main, else the only public function. Emits a
/// diagnostic and fails if there is none.
mlir::FailureOr<mlir::func::FuncOp> findEntry(mlir::ModuleOp module);

/// Finds the entry function and settles every role, from attributes, names and data flow
/// (design: a parameter is a carried float argument on which the loss depends). Emits one
/// diagnostic and fails if the module is not a training step: no entry, no loss, no parameters,
/// recursion among callees, dynamic shapes, elided constants. What was learnt of the data flow on the
/// way is put into `flow` where one is given.
mlir::FailureOr<StepRoles> inferRoles(mlir::ModuleOp module, StepFlow *flow = nullptr);

/// The first half of it: the functions of the step, the entry last, once all of their operations have
/// been found to be ones that can be read.
mlir::FailureOr<CallGraph> checkStep(mlir::ModuleOp module);
/// The second half: `flow` has the calls and gets the loss's slice.
mlir::FailureOr<StepRoles> inferRoles(StepFlow &flow);

/// Writes the roles to the entry's argument and result attributes (`noether.role`,
/// `noether.name`, `noether.role_decided_by`, `noether.carried_to`).
void annotateRoles(const StepRoles &roles);

} // namespace noether

#endif // NOETHER_ANALYSIS_STEP_ROLES_H
