// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef NOETHER_LIB_TRANSFORMS_INLINESTEP_H
#define NOETHER_LIB_TRANSFORMS_INLINESTEP_H

#include "mlir/IR/BuiltinOps.h"

namespace noether {

/// Inlines the calls whose results are the next values of parameters: where a front end wrapped the step
/// (a jitted function that is jitted again) or the optimizer, gradients and updates come to the entry's
/// own body. Fails with one diagnostic if the module is not a training step.
mlir::LogicalResult inlineStep(mlir::ModuleOp module);

} // namespace noether

#endif // NOETHER_LIB_TRANSFORMS_INLINESTEP_H
