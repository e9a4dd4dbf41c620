// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the analysis found, as JSON. The names are a contract: other tools read them.

#ifndef NOETHER_REPORT_JSON_H
#define NOETHER_REPORT_JSON_H

#include "noether/Analysis/StepAnalysis.h"

#include "llvm/Support/raw_ostream.h"

namespace noether {

/// "file.py:12" for the innermost source position of a location; empty if it has none.
std::string sourcePosition(mlir::Location location);

/// Prints the analysis as one JSON object, `source` being the name of what was analysed.
void printJson(const StepAnalysis &analysis, llvm::StringRef source, llvm::raw_ostream &os);

} // namespace noether

#endif // NOETHER_REPORT_JSON_H
