// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes that make machine code (registerNoetherKernelPasses).

#ifndef NOETHER_KERNELS_PASSES_H
#define NOETHER_KERNELS_PASSES_H

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassRegistry.h"

#include <memory>

namespace noether {

/// The module of kernels within a step's, and the function that calls run.
inline constexpr llvm::StringLiteral kKernelModuleName = "noether_kernels";
inline constexpr llvm::StringLiteral kUpdateTarget = "noether_update";

#define GEN_PASS_DECL
#include "noether/Kernels/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "noether/Kernels/Passes.h.inc"

} // namespace noether

#endif // NOETHER_KERNELS_PASSES_H
