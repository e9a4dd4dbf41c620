// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the step computes the gradient of each parameter.

#ifndef NOETHER_ANALYSIS_STEP_GRADIENT_H
#define NOETHER_ANALYSIS_STEP_GRADIENT_H

#include "noether/Analysis/Step/Roles.h"

#include "llvm/ADT/MapVector.h"

namespace noether {

/// The gradient of each parameter (keyed by entry argument number), as a value of the entry's body
/// with the parameter's type. A parameter whose gradient cannot be told from the update is absent:
/// claims that need it are then not made.
/// `flow` is what the roles were settled by.
llvm::MapVector<unsigned, mlir::Value> findGradients(const StepRoles &roles, const StepFlow &flow);

} // namespace noether

#endif // NOETHER_ANALYSIS_STEP_GRADIENT_H
