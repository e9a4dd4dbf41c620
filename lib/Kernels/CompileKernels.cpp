// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "UpdateCall.h"

#include "noether/Kernels/CodeGeneration.h"
#include "noether/Kernels/ObjectCache.h"
#include "noether/Kernels/Passes.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/SymbolTable.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Base64.h"
#include "llvm/Support/SHA256.h"

namespace noether {
#define GEN_PASS_DEF_COMPILEKERNELS
#include "noether/Kernels/Passes.h.inc"
} // namespace noether

using namespace mlir;
using namespace noether;

namespace {
struct CompileKernels : noether::impl::CompileKernelsBase<CompileKernels> {
  using CompileKernelsBase::CompileKernelsBase;

  void runOnOperation() override;

private:
  FailureOr<std::string> compile(ModuleOp kernels);
};
} // namespace

FailureOr<std::string> CompileKernels::compile(ModuleOp kernels) {
  llvm::Expected<KernelTarget> target = KernelTarget::getHost();
  if (!target)
    return kernels.emitError("no code can be made for this machine: ")
           << llvm::toString(target.takeError());
  std::string key = target->getName() + "\n";
  llvm::raw_string_ostream stream(key);
  kernels->print(stream, OpPrintingFlags().printGenericOpForm().useLocalScope());

  ObjectCache objects(cache == "default" ? ObjectCache::getDefaultDirectory()
                                         : (cache == "none" ? std::string() : cache.getValue()));
  std::optional<std::string> found = objects.find(key);
  auto report = [&](StringRef name) {
    remark::analysis(getOperation().getLoc(),
                     remark::RemarkOpts::name(name).category("noether-kernels"))
        << remark::metric("kernels", llvm::range_size(kernels.getOps<LLVM::LLVMFuncOp>()));
  };
  if (found) {
    report("KernelsFound");
    return *found;
  }
  report("KernelsCompiled");
  llvm::Expected<std::string> object = target->compile(kernels);
  if (!object)
    return kernels.emitError(llvm::toString(object.takeError()));
  objects.store(key, *object); // where that is possible
  return *object;
}

void CompileKernels::runOnOperation() {
  ModuleOp module = getOperation();
  auto kernels = SymbolTable::lookupSymbolIn(module, kKernelModuleName);
  if (!kernels)
    return markAllAnalysesPreserved();
  if (!isa<ModuleOp>(kernels)) {
    kernels->emitError("is named like the module of kernels");
    return signalPassFailure();
  }
  Builder builder(&getContext());
  int64_t count = llvm::range_size(cast<ModuleOp>(kernels).getOps<LLVM::LLVMFuncOp>());
  FailureOr<std::string> object = compile(cast<ModuleOp>(kernels));
  if (failed(object))
    return signalPassFailure();
  llvm::SHA256 hasher;
  hasher.update(*object);
  auto key = builder.getStringAttr(llvm::toHex(hasher.final(), /*LowerCase=*/true));
  auto code = builder.getStringAttr(llvm::encodeBase64(*object));
  module.walk([&](Operation *op) {
    if (!isUpdateCall(op))
      return;
    configureUpdateCall(op, "kernels", builder.getI64IntegerAttr(count));
    configureUpdateCall(op, "key", key);
    configureUpdateCall(op, "object", code);
  });
  kernels->erase();
}
