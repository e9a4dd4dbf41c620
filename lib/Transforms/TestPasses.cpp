// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes that show the results of analyses to tests.

#include "EntryResults.h"
#include "InlineStep.h"

#include "noether/Analysis/Step/Gradient.h"
#include "noether/Analysis/Step/Roles.h"
#include "noether/Transforms/Passes.h"

using namespace mlir;
using namespace noether;

namespace {
/// Returns the gradients that are found, as results named after their parameters.
struct TestGradients : PassWrapper<TestGradients, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestGradients)

  StringRef getArgument() const override { return "noether-test-gradients"; }
  StringRef getDescription() const override {
    return "Return the gradients of the parameters as further results";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<NoetherDialect>();
  }
  void runOnOperation() override {
    if (failed(inlineStep(getOperation())))
      return signalPassFailure();
    StepFlow flow;
    FailureOr<StepRoles> roles = inferRoles(getOperation(), &flow);
    if (failed(roles))
      return signalPassFailure();
    SmallVector<EntryResult> results;
    for (auto [argument, gradient] : findGradients(*roles, flow))
      results.push_back({gradient, "metric", roles->arguments[argument].name});
    if (failed(appendResults(roles->entry, results)))
      signalPassFailure();
  }
};
} // namespace

void noether::registerTestPasses() { PassRegistration<TestGradients>(); }
