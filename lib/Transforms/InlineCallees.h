// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef NOETHER_LIB_TRANSFORMS_INLINECALLEES_H
#define NOETHER_LIB_TRANSFORMS_INLINECALLEES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace noether {

/// Inlines the calls in the body of a function, all or those that `filter` wants, and those in what was
/// inlined; calls within nested regions stay. Removes private functions that nobody calls any more.
/// Calls must not be recursive.
void inlineCallees(mlir::func::FuncOp function,
                   llvm::function_ref<bool(mlir::func::CallOp)> filter = nullptr);

} // namespace noether

#endif // NOETHER_LIB_TRANSFORMS_INLINECALLEES_H
