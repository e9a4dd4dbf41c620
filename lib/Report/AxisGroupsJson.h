// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Axis groups and permutations in the report.

#ifndef NOETHER_LIB_REPORT_AXISGROUPSJSON_H
#define NOETHER_LIB_REPORT_AXISGROUPSJSON_H

#include "noether/Analysis/StepAnalysis.h"

#include "llvm/Support/JSON.h"

namespace noether {

/// One entry of `symmetries` for each group.
void printAxisGroups(llvm::json::OStream &json, const StepAnalysis &analysis);

/// The value of `permutations`: sizes by name, and the name on each axis of each parameter, as
/// git-rebasin and its kin take them.
void printPermutationSpec(llvm::json::OStream &json, const StepAnalysis &analysis);

} // namespace noether

#endif // NOETHER_LIB_REPORT_AXISGROUPSJSON_H
