// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Predictions and lints as JSON.

#ifndef NOETHER_LIB_REPORT_LINTSJSON_H
#define NOETHER_LIB_REPORT_LINTSJSON_H

#include "noether/Analysis/Motion/Prediction.h"
#include "noether/Lint/Lint.h"

#include "llvm/Support/JSON.h"

namespace noether {

/// The value of `prediction`.
void printPrediction(llvm::json::OStream &json, const StepAnalysis &analysis,
                     const Prediction &prediction);
/// The elements of `lints`.
void printLints(llvm::json::OStream &json, const StepAnalysis &analysis,
                llvm::ArrayRef<Lint> lints);

} // namespace noether

#endif // NOETHER_LIB_REPORT_LINTSJSON_H
