// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What stands between hostile input and a crash or an unhelpful message.

#ifndef NOETHER_TOOLS_NOETHER_OPT_INPUTCHECKS_H
#define NOETHER_TOOLS_NOETHER_OPT_INPUTCHECKS_H

#include "mlir/IR/DialectRegistry.h"

#include "llvm/Support/LogicalResult.h"
#include "llvm/Support/MemoryBuffer.h"

namespace noether {

/// MLIR's parser is recursive: text whose brackets nest deeper than its stack allows is refused with
/// a diagnostic on standard error.
llvm::LogicalResult checkNesting(const llvm::MemoryBuffer &input);

/// Diagnostics at an unknown location are reported at the start of `fileName`, so that a reader knows
/// at least which input is meant. (Front ends print many operations without a location.)
void locateDiagnosticsIn(llvm::StringRef fileName, mlir::DialectRegistry &registry);

} // namespace noether

#endif // NOETHER_TOOLS_NOETHER_OPT_INPUTCHECKS_H
