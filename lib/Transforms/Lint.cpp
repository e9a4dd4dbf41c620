// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Lint/Lint.h"
#include "InlineStep.h"

#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Transforms/Passes.h"

#include "mlir/IR/Remarks.h"

namespace noether {
#define GEN_PASS_DEF_LINT
#include "noether/Transforms/Passes.h.inc"
} // namespace noether

using namespace mlir;
using namespace noether;

namespace {
struct LintPass : noether::impl::LintBase<LintPass> {
  using LintBase::LintBase;

  void runOnOperation() override {
    std::optional<FailCondition> condition = FailCondition::parse(failOn);
    if (!condition) {
      getOperation().emitError("fail-on is never, warning, error or the code of a lint, not '")
          << failOn << "'";
      return signalPassFailure();
    }
    if (failed(inlineStep(getOperation())))
      return signalPassFailure();
    AnalysisOptions options;
    options.spurionThreshold = spurionThreshold;
    options.motions = true;
    FailureOr<StepAnalysis> analysis = analyzeStep(getOperation(), options);
    if (failed(analysis))
      return signalPassFailure();
    markAllAnalysesPreserved();
    for (const noether::Lint &lint : lintStep(*analysis)) {
      bool fails = condition->matches(lint);
      emit(*analysis, lint, fails);
      if (fails)
        signalPassFailure();
    }
  }

  /// Facts are remarks; what is wrong is a diagnostic.
  void emit(const StepAnalysis &analysis, const noether::Lint &lint, bool fails) {
    Location location = lint.getLocation(analysis);
    if (fails || lint.severity != Severity::Note) {
      InFlightDiagnostic diagnostic =
          fails || lint.severity == Severity::Error ? emitError(location) : emitWarning(location);
      diagnostic << lint.message << " [" << lint.code << "]";
      diagnostic.attachNote() << lint.help;
      return;
    }
    func::FuncOp entry = analysis.roles.entry;
    auto remark = remark::analysis(
        location,
        remark::RemarkOpts::name(lint.code).category("noether-lint").function(entry.getName()));
    if (!remark)
      return; // nobody listens
    if (lint.parameter)
      remark << remark::metric("parameter", analysis.roles.arguments[*lint.parameter].name);
    remark << remark::reason("{0}", lint.message) << remark::suggest("{0}", lint.help);
  }
};
} // namespace
