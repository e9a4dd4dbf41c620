// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The optimizer driver: mlir-opt with the noether dialect, the host dialects and our passes.

#include "noether/Dialect/Host/HostDialects.h"
#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Transforms/Passes.h"
#include "noether/Version.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<noether::NoetherDialect>();
  noether::registerHostDialects(registry);

  mlir::registerTransformsPasses();
  noether::registerNoetherPasses();
  noether::registerTestPasses();

  llvm::cl::AddExtraVersionPrinter(
      [](llvm::raw_ostream &os) { os << "Noether " << noether::getVersion() << "\n"; });
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Noether optimizer driver\n", registry));
}
