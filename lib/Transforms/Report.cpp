// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "InlineStep.h"

#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Report/Json.h"
#include "noether/Transforms/Passes.h"

#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
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

  /// The file that `numbers` names.
  LogicalResult readNumbers(AnalysisOptions &options) {
    auto fail = [&](const Twine &why) {
      return getOperation().emitError("cannot read '") << numbers << "': " << why;
    };
    auto buffer = llvm::MemoryBuffer::getFile(numbers);
    if (!buffer)
      return fail(buffer.getError().message());
    llvm::Expected<llvm::json::Value> value = llvm::json::parse((*buffer)->getBuffer());
    if (!value)
      return fail(llvm::toString(value.takeError()));
    llvm::json::Object *object = value->getAsObject();
    if (!object)
      return fail("it is not an object");
    options.gradientNorm = object->getNumber("gradient_norm");
    if (const llvm::json::Object *arguments = object->getObject("arguments"))
      for (const auto &[name, number] : *arguments)
        if (std::optional<double> given = number.getAsNumber())
          options.numbers[StringRef(name)] = *given;
    return success();
  }

  void runOnOperation() override {
    if (failed(inlineStep(getOperation())))
      return signalPassFailure();
    AnalysisOptions options;
    options.spurionThreshold = spurionThreshold;
    options.derivations = derivations;
    options.motions = true;
    if (!numbers.empty() && failed(readNumbers(options)))
      return signalPassFailure();
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
