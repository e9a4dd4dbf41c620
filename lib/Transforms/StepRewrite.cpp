// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "StepRewrite.h"

#include "InlineCallees.h"
#include "OperationFacts.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace noether;

/// Operations of a step in which every call has been inlined; no more than the limit and one.
static size_t countInlined(const CallGraph &calls, size_t limit) {
  llvm::DenseMap<Operation *, size_t> sizes;
  size_t size = 0;
  for (func::FuncOp function : calls.getPostOrder()) {
    size = 0;
    function.walk([&](Operation *op) {
      size += 1;
      if (func::FuncOp callee = calls.getCallee(op))
        size = std::min(size + sizes.lookup(callee), limit + 1);
    });
    sizes[function] = size;
  }
  return size;
}

FailureOr<StepAnalysis> noether::analyzeInlined(ModuleOp module, const AnalysisOptions &options) {
  FailureOr<CallGraph> calls = checkStep(module);
  if (failed(calls))
    return failure();
  func::FuncOp entry = calls->getPostOrder().back();
  constexpr size_t kMaxOperations = 1 << 22;
  if (countInlined(*calls, kMaxOperations) > kMaxOperations)
    return entry.emitOpError("calls so often that its callees cannot be inlined");
  inlineCallees(entry);
  return analyzeStep(module, options);
}

LogicalResult noether::checkStablehlo(func::FuncOp entry) {
  for (Operation &op : entry.getBody().front()) {
    StringRef dialect = op.getName().getDialectNamespace();
    if (!llvm::is_contained({"stablehlo", "chlo", "sdy", "mhlo", "func"}, dialect))
      return op.emitOpError("is not StableHLO: only steps in StableHLO can be rewritten");
  }
  return success();
}

static bool mayHaveEffectsItself(Operation &op) {
  auto [dialect, name] = op.getName().getStringRef().split('.');
  if (dialect == "stablehlo" || dialect == "mhlo") {
    if (name == "custom_call") {
      auto effect = op.getAttrOfType<BoolAttr>("has_side_effect");
      return !effect || effect.getValue();
    }
    return llvm::StringSwitch<bool>(name)
        .Cases({"infeed", "outfeed", "send", "recv", "rng", "partition_id", "create_token",
                "after_all"},
               true)
        .Default(false);
  }
  if (dialect == "chlo" || dialect == "sdy")
    return false;
  return !isMemoryEffectFree(&op);
}

bool noether::mayHaveEffects(Operation &op) {
  auto found = op.walk([](Operation *inner) {
    bool isReturn = inner->hasTrait<OpTrait::IsTerminator>() || inner->getNumResults() == 0;
    bool ends = inner->getBlock() && inner == &inner->getBlock()->back() && isReturn &&
                inner->getNumRegions() == 0;
    return !ends && mayHaveEffectsItself(*inner) ? WalkResult::interrupt() : WalkResult::advance();
  });
  return found.wasInterrupted();
}

void noether::eraseUnused(Block &block) {
  SmallVector<Operation *> operations;
  for (Operation &op : block.without_terminator())
    operations.push_back(&op);
  for (Operation *op : llvm::reverse(operations))
    if (op->use_empty() && !mayHaveEffects(*op))
      op->erase();
}

void OperationSlice::add(Value value, const llvm::DenseSet<Value> *stops) {
  SmallVector<Value> pending = {value};
  while (!pending.empty()) {
    Value next = pending.pop_back_val();
    if (stops && stops->contains(next))
      continue;
    if (auto argument = dyn_cast<BlockArgument>(next)) {
      if (argument.getOwner() == &block)
        arguments.set(argument.getArgNumber());
      continue;
    }
    Operation *op = next.getDefiningOp();
    if (op->getBlock() != &block || !operations.insert(op).second)
      continue;
    llvm::append_range(pending, op->getOperands());
    forEachCapture(*op, [&](OpOperand &operand) { pending.push_back(operand.get()); });
  }
}

Operation *OperationSlice::findUser(unsigned argument) const {
  for (Operation *user : block.getArgument(argument).getUsers())
    if (Operation *op = block.findAncestorOpInBlock(*user); op && contains(op))
      return op;
  return nullptr;
}

std::string noether::describe(Operation *op) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << op->getName().getStringRef();
  if (auto location = op->getLoc()->findInstanceOf<FileLineColLoc>())
    os << " at " << location.getFilename().getValue() << ":" << location.getLine();
  return text;
}
