// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "EntryResults.h"
#include "InlineStep.h"

#include "noether/Analysis/Step/Gradient.h"
#include "noether/Transforms/Passes.h"

namespace noether {
#define GEN_PASS_DEF_RETURNGRADIENTS
#include "noether/Transforms/Passes.h.inc"
} // namespace noether

using namespace mlir;
using namespace noether;

namespace {
struct ReturnGradients : noether::impl::ReturnGradientsBase<ReturnGradients> {
  void runOnOperation() override {
    if (failed(inlineStep(getOperation())))
      return signalPassFailure();
    StepFlow flow;
    FailureOr<StepRoles> roles = inferRoles(getOperation(), &flow);
    if (failed(roles))
      return signalPassFailure();
    llvm::MapVector<unsigned, Value> gradients = findGradients(*roles, flow);
    annotateRoles(*roles);

    SmallVector<std::string, 0> names; // of all, before results refer to them
    for (const auto &[argument, gradient] : gradients)
      names.push_back("gradient[" + std::to_string(argument) + "]");
    SmallVector<EntryResult> results;
    for (auto [gradient, name] : llvm::zip(gradients, names))
      results.push_back({gradient.second, stringifyRole(ResultRole::Metric), name});
    if (failed(appendResults(roles->entry, results)))
      signalPassFailure();
  }
};
} // namespace
