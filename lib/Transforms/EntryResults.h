// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef NOETHER_LIB_TRANSFORMS_ENTRYRESULTS_H
#define NOETHER_LIB_TRANSFORMS_ENTRYRESULTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace noether {

struct EntryResult {
  mlir::Value value;
  llvm::StringRef role, name;
};

/// Appends results to a function of one block; those it has keep their numbers. Fails with a
/// diagnostic if the function is called, as its calls would have to change.
mlir::LogicalResult appendResults(mlir::func::FuncOp function, llvm::ArrayRef<EntryResult> results);

} // namespace noether

#endif // NOETHER_LIB_TRANSFORMS_ENTRYRESULTS_H
