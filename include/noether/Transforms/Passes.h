// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The passes, their options and their registration (registerNoetherPasses).

#ifndef NOETHER_TRANSFORMS_PASSES_H
#define NOETHER_TRANSFORMS_PASSES_H

#include "noether/Dialect/Noether/IR/Noether.h"

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassRegistry.h"

#include <memory>

namespace noether {

#define GEN_PASS_DECL
#include "noether/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "noether/Transforms/Passes.h.inc"

/// Passes that show the results of analyses to tests.
void registerTestPasses();

} // namespace noether

#endif // NOETHER_TRANSFORMS_PASSES_H
