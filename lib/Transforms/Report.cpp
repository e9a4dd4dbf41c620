// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "InlineStep.h"

#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Report/Json.h"
#include "noether/Transforms/Passes.h"

#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Path.h"

namespace noether {
#define GEN_PASS_DEF_REPORT
#include "noether/Transforms/Passes.h.inc"
} // namespace noether

using namespace mlir;
using namespace noether;

/// The file a module was read from.
static std::string sourceOf(ModuleOp module) {
  std::string source;
  module->walk([&](Operation *op) {
    if (auto location = op->getLoc()->findInstanceOf<FileLineColLoc>())
      source = location.getFilename().str();
    return WalkResult::interrupt();
  });
  return source;
}

namespace {
struct Report : noether::impl::ReportBase<Report> {
  using ReportBase::ReportBase;

  void runOnOperation() override {
    if (failed(inlineStep(getOperation())))
      return signalPassFailure();
    AnalysisOptions options;
    options.spurionThreshold = spurionThreshold;
    options.derivations = derivations;
    FailureOr<StepAnalysis> analysis = analyzeStep(getOperation(), options);
    if (failed(analysis))
      return signalPassFailure();
    markAllAnalysesPreserved();
    std::string name = source.empty() ? sourceOf(getOperation()) : source.getValue();
    if (json.empty() || json == "-")
      return printJson(*analysis, name, llvm::outs());

    // To a temporary name first: whoever reads the file finds all of it or nothing.
    llvm::Error error = llvm::writeToOutput(json, [&](llvm::raw_ostream &os) {
      printJson(*analysis, name, os);
      return llvm::Error::success();
    });
    if (error) {
      getOperation().emitError("cannot write the report: ")
          << llvm::toString(std::move(error));
      signalPassFailure();
    }
  }
};
} // namespace
