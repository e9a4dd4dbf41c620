// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The optimizer driver: mlir-opt with the noether dialect, the host dialects and our passes.

#include "InputChecks.h"

#include "noether/Dialect/Host/HostDialects.h"
#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Kernels/Passes.h"
#include "noether/Transforms/Passes.h"
#include "noether/Version.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/raw_ostream.h"

/// The operation a diagnostic is about may be the whole step: it is printed on request only.
static std::vector<char *> withoutOperationsInDiagnostics(int argc, char **argv) {
  static char option[] = "--mlir-print-op-on-diagnostic=0";
  std::vector<char *> arguments(argv, argv + argc);
  bool isGiven = llvm::any_of(arguments, [](const char *argument) {
    return llvm::StringRef(argument).contains("mlir-print-op-on-diagnostic");
  });
  if (!isGiven)
    arguments.push_back(option);
  return arguments;
}

static llvm::LogicalResult run(int argc, char **argv, mlir::DialectRegistry &registry) {
  auto [inputName, outputName] =
      mlir::registerAndParseCLIOptions(argc, argv, "Noether optimizer driver\n", registry);
  mlir::MlirOptMainConfig config = mlir::MlirOptMainConfig::createFromCLOptions();
  if (config.shouldShowDialects() || config.shouldListPasses())
    return mlir::MlirOptMain(argc, argv, inputName, outputName, registry);

  std::string error;
  std::unique_ptr<llvm::MemoryBuffer> input = mlir::openInputFile(inputName, &error);
  if (!input) {
    llvm::errs() << error << "\n";
    return llvm::failure();
  }
  if (failed(noether::checkNesting(*input)))
    return llvm::failure();
  if (!config.shouldVerifyDiagnostics())
    noether::locateDiagnosticsIn(input->getBufferIdentifier(), registry);

  std::unique_ptr<llvm::ToolOutputFile> output = mlir::openOutputFile(outputName, &error);
  if (!output) {
    llvm::errs() << error << "\n";
    return llvm::failure();
  }
  if (failed(mlir::MlirOptMain(output->os(), std::move(input), registry, config)))
    return llvm::failure();
  output->keep();
  return llvm::success();
}

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<noether::NoetherDialect>();
  noether::registerHostDialects(registry);

  mlir::registerTransformsPasses();
  noether::registerNoetherPasses();
  noether::registerNoetherKernelPasses();
  noether::registerTestPasses();

  llvm::cl::AddExtraVersionPrinter(
      [](llvm::raw_ostream &os) { os << "Noether " << noether::getVersion() << "\n"; });
  std::vector<char *> arguments = withoutOperationsInDiagnostics(argc, argv);
  llvm::InitLLVM init(argc, argv);
  return mlir::asMainReturnCode(run(arguments.size(), arguments.data(), registry));
}
