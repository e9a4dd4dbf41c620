// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "UpdateCall.h"

#include "noether/Kernels/CodeGeneration.h"
#include "noether/Kernels/CpuKernel.h"
#include "noether/Kernels/Passes.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/SymbolTable.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace noether {
#define GEN_PASS_DEF_LOWERKERNELSTOCPU
#include "noether/Kernels/Passes.h.inc"
} // namespace noether

using namespace mlir;
using namespace noether;

/// Runs of one call at most: XLA takes time that grows with the square of the operands of one
/// operation.
static constexpr size_t kMaxRuns = 192;

namespace {

/// A function as a kernel on its index space.
struct LoweredKernel {
  KernelSpace space;
  int64_t number;
};

class KernelLowering {
public:
  KernelLowering(ModuleOp module, const CpuKernelOptions &options, bool aliases)
      : module(module), options(options), aliases(aliases) {}

  LogicalResult run();

private:
  /// Null if the function has what kernels cannot do.
  const LoweredKernel *lower(func::FuncOp function);
  void lowerPhase(ArrayRef<func::CallOp> calls);
  SmallVector<ResultAlias> findAliases(func::FuncOp entry, ArrayRef<Value> operands,
                                       ArrayRef<Value> results);
  SmallVector<Value> findReaders(ArrayRef<func::CallOp> calls, ArrayRef<Value> operands,
                                 ArrayRef<ResultAlias> aliases);

  ModuleOp module;
  const CpuKernelOptions &options;
  bool aliases;
  SymbolTableCollection symbols;
  ModuleOp kernels;
  SmallVector<LLVM::LLVMFuncOp> emitted;
  llvm::MapVector<Operation *, std::optional<LoweredKernel>> lowered;
};

struct LowerKernelsToCpu : noether::impl::LowerKernelsToCpuBase<LowerKernelsToCpu> {
  using LowerKernelsToCpuBase::LowerKernelsToCpuBase;

  void runOnOperation() override {
    FailureOr<CpuKernelOptions> options = getKernelOptions();
    if (failed(options) || failed(KernelLowering(getOperation(), *options, alias).run()))
      signalPassFailure();
  }

private:
  FailureOr<CpuKernelOptions> getKernelOptions();
};

} // namespace

FailureOr<CpuKernelOptions> LowerKernelsToCpu::getKernelOptions() {
  CpuKernelOptions result;
  if (lanes != 0) {
    if (lanes > 1024 || !llvm::isPowerOf2_32(lanes))
      return getOperation().emitError("option 'lanes' of noether-lower-kernels-to-cpu is ")
             << lanes.getValue() << ": it must be a power of two up to 1024";
    result.lanes = lanes;
  } else {
    llvm::Expected<KernelTarget> target = KernelTarget::getHost();
    if (!target)
      return getOperation().emitError("no code can be made for this machine: ")
             << llvm::toString(target.takeError());
    result = target->getOptions();
  }
  result.prefetchDistance = prefetch;
  return result;
}

const LoweredKernel *KernelLowering::lower(func::FuncOp function) {
  auto [it, isNew] = lowered.try_emplace(function, std::nullopt);
  if (!isNew)
    return it->second ? &*it->second : nullptr;
  if (!function->hasAttr("noether.kernel") || !function.getBody().hasOneBlock() ||
      !isCpuKernel(function))
    return nullptr;
  FailureOr<KernelSpace> space = getKernelSpace(function);
  if (failed(space))
    return nullptr;
  OpBuilder builder = OpBuilder::atBlockEnd(kernels.getBody());
  LLVM::LLVMFuncOp kernel =
      emitCpuKernel(function, *space, "kernel_" + std::to_string(emitted.size()), builder, options);
  auto equal = llvm::find_if(emitted, [&](LLVM::LLVMFuncOp other) {
    return OperationEquivalence::isRegionEquivalentTo(&other.getBody(), &kernel.getBody(),
                                                      OperationEquivalence::IgnoreLocations);
  });
  int64_t number = equal - emitted.begin();
  if (equal == emitted.end())
    emitted.push_back(kernel);
  else
    kernel.erase();
  it->second = LoweredKernel{std::move(*space), number};
  return &*it->second;
}

/// An argument and the result that carries its next value lie in one place, if both are here.
SmallVector<ResultAlias> KernelLowering::findAliases(func::FuncOp entry, ArrayRef<Value> operands,
                                                     ArrayRef<Value> results) {
  SmallVector<ResultAlias> found;
  if (!aliases)
    return found;
  Operation &end = entry.getBody().front().back();
  llvm::DenseMap<Value, unsigned> numbers; // of results that have no place yet
  for (auto [number, result] : llvm::enumerate(results))
    numbers[result] = number;
  for (auto [number, operand] : llvm::enumerate(operands)) {
    auto argument = dyn_cast<BlockArgument>(operand);
    if (!argument)
      continue;
    auto carried =
        entry.getArgAttrOfType<IntegerAttr>(argument.getArgNumber(), "noether.carried_to");
    if (!carried || carried.getInt() < 0 || carried.getInt() >= end.getNumOperands())
      continue;
    Value next = end.getOperand(carried.getInt());
    auto result = numbers.find(next);
    if (result == numbers.end() || next.getType() != operand.getType())
      continue;
    found.push_back({result->second, unsigned(number)});
    numbers.erase(result);
  }
  return found;
}

/// Adds to `reached` the operations of the block that come before or after those in it.
static void extend(llvm::SetVector<Operation *> &reached, Block &block, bool forward) {
  for (size_t i = 0; i < reached.size(); ++i) {
    Operation *op = reached[i];
    if (forward) {
      for (Operation *user : op->getUsers())
        if (Operation *outer = block.findAncestorOpInBlock(*user))
          reached.insert(outer);
      continue;
    }
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (Operation *def = operand.getDefiningOp(); def && block.findAncestorOpInBlock(*def))
          reached.insert(block.findAncestorOpInBlock(*def));
    });
  }
}

/// Results of the step that are computed from an operand that is overwritten and need not be there
/// before the calls. If nothing says that they are, the host compiler keeps a copy of the operand
/// for them.
SmallVector<Value> KernelLowering::findReaders(ArrayRef<func::CallOp> calls,
                                               ArrayRef<Value> operands,
                                               ArrayRef<ResultAlias> aliases) {
  func::CallOp first = calls.front();
  Block &block = *first->getBlock();
  llvm::SetVector<Operation *> before, after;
  for (func::CallOp call : calls) {
    before.insert(call);
    after.insert(call);
  }
  extend(before, block, /*forward=*/false);
  extend(after, block, /*forward=*/true);
  llvm::SetVector<Operation *> readers;
  for (ResultAlias alias : aliases)
    for (Operation *user : operands[alias.operand].getUsers()) {
      user = block.findAncestorOpInBlock(*user);
      if (user && !before.contains(user) && !after.contains(user) && user->getNumResults() > 0)
        readers.insert(user);
    }
  // The host compiler may read the operand again for every user of a reader: what is returned
  // counts.
  extend(readers, block, /*forward=*/true);
  SmallVector<Value> values;
  for (Value returned : block.back().getOperands())
    if (Operation *def = returned.getDefiningOp(); def && readers.contains(def) &&
                                                   !after.contains(def) &&
                                                   isa<RankedTensorType>(returned.getType()))
      values.push_back(returned);
  return values;
}

/// Calls of one phase, in one block.
void KernelLowering::lowerPhase(ArrayRef<func::CallOp> calls) {
  func::CallOp first = calls.front(), last = calls.back();
  llvm::SetVector<Value> operands;
  llvm::DenseMap<Value, int64_t> numbers; // of the operands
  SmallVector<Value> results;
  KernelTable table;
  for (func::CallOp call : calls) {
    auto function = symbols.lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
    const LoweredKernel &kernel = *lowered.find(function)->second;
    KernelRun run{kernel.number, {}, {}, {}};
    run.sizes.assign(kernel.space.sizes.begin(), kernel.space.sizes.end());
    for (Value operand : call.getOperands()) {
      operands.insert(operand);
      run.buffers.push_back(numbers.try_emplace(operand, numbers.size()).first->second);
    }
    Operation &end = function.getBody().front().back();
    for (auto [value, result] : llvm::zip_equal(end.getOperands(), call.getResults())) {
      int64_t number = results.size();
      results.push_back(result);
      auto kept = kernel.space.kept.find(value.getDefiningOp());
      if (kept != kernel.space.kept.end() && value.getDefiningOp()->getNumRegions() != 0)
        run.sums.push_back({number, kept->second, getElementTypeOrSelf(value.getType()).isF64()});
      else
        run.buffers.push_back(-1 - number);
    }
    table.runs.push_back(std::move(run));
  }
  SmallVector<ResultAlias> aliased =
      findAliases(first->getParentOfType<func::FuncOp>(), operands.getArrayRef(), results);
  operands.insert_range(findReaders(calls, operands.getArrayRef(), aliased));
  table.numOperands = operands.size();
  table.numResults = results.size();

  OpBuilder builder(last);
  Operation *update = createUpdateCall(builder, last.getLoc(), operands.getArrayRef(),
                                       ValueRange(results).getTypes(), aliased, table);
  for (auto [old, result] : llvm::zip_equal(results, update->getResults()))
    old.replaceAllUsesWith(result);
}

LogicalResult KernelLowering::run() {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  kernels = ModuleOp::create(builder, module.getLoc(), kKernelModuleName);
  // By block and phase.
  llvm::MapVector<std::pair<Block *, int64_t>, SmallVector<func::CallOp>> phases;
  module.walk([&](func::CallOp call) {
    auto phase = call->getAttrOfType<IntegerAttr>("noether.phase");
    auto function = symbols.lookupNearestSymbolFrom<func::FuncOp>(call, call.getCalleeAttr());
    // The step itself: loops and branches keep their calls.
    auto entry = dyn_cast<func::FuncOp>(call->getParentOp());
    if (phase && entry && entry.getBody().hasOneBlock() && function && !function.isExternal() &&
        lower(function))
      phases[{call->getBlock(), phase.getInt()}].push_back(call);
  });
  for (auto &[key, calls] : phases) {
    size_t numParts = llvm::divideCeil(calls.size(), kMaxRuns);
    size_t length = llvm::divideCeil(calls.size(), numParts);
    for (ArrayRef<func::CallOp> rest = calls; !rest.empty();) {
      ArrayRef<func::CallOp> part = rest.take_front(length);
      rest = rest.drop_front(part.size());
      lowerPhase(part);
    }
    for (func::CallOp call : calls)
      call.erase();
  }
  llvm::SetVector<Block *> blocks;
  for (auto &[key, calls] : phases)
    blocks.insert(key.first);
  for (Block *block : blocks)
    if (!sortTopologically(block))
      return block->getParentOp()->emitError("calls of one phase depend on each other");
  for (auto &[function, kernel] : lowered)
    if (kernel && SymbolTable::symbolKnownUseEmpty(function, module))
      function->erase();
  if (emitted.empty())
    kernels.erase();
  return success();
}
