// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Our dialects and passes for any tool that loads MLIR plugins.

#include "noether/Dialect/Host/HostDialects.h"
#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Transforms/Passes.h"
#include "noether/Version.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

#include "llvm/Support/Compiler.h"

extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT mlir::DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Noether", noether::getVersion(),
          [](mlir::DialectRegistry *registry) {
            registry->insert<noether::NoetherDialect>();
            noether::registerHostDialects(*registry);
          }};
}

extern "C" LLVM_ATTRIBUTE_VISIBILITY_DEFAULT mlir::PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "Noether", noether::getVersion(),
          [] { noether::registerNoetherPasses(); }};
}
