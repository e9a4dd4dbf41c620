// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef NOETHER_TRANSFORMS_PASSES_TD
#define NOETHER_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

// No pass here declares statistics: their layout depends on NDEBUG, so that a pass built one way
// would not fit a libMLIR built the other. Passes count with remarks.

#endif // NOETHER_TRANSFORMS_PASSES_TD
