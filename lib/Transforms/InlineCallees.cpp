// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "InlineCallees.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

/// Puts a copy of the callee's body in the place of a call. Host operations are known by name only
/// and bodies have one block: nothing else is to be done.
static void inlineCall(func::CallOp call, func::FuncOp callee) {
  Block &body = callee.getBody().front();
  IRMapping mapping;
  mapping.map(body.getArguments(), call.getOperands());
  OpBuilder builder(call);
  for (Operation &op : body.without_terminator()) {
    Operation *copy = builder.clone(op, mapping);
    copy->setLoc(CallSiteLoc::get(op.getLoc(), call.getLoc()));
  }
  for (auto [result, returned] :
       llvm::zip_equal(call.getResults(), body.getTerminator()->getOperands()))
    result.replaceAllUsesWith(mapping.lookup(returned));
  call.erase();
}

/// Private functions that are not used from any other symbol, or only from such functions.
static void eraseUnused(ModuleOp module) {
  SymbolTable symbols(module);
  SmallVector<Operation *> worklist;
  llvm::DenseSet<Operation *> used;
  auto use = [&](Operation *op) {
    if (op && used.insert(op).second)
      worklist.push_back(op);
  };
  for (Operation &op : module.getOps()) {
    auto function = dyn_cast<func::FuncOp>(op);
    if (!function || !function.isPrivate())
      use(&op);
  }
  while (!worklist.empty()) {
    auto uses = SymbolTable::getSymbolUses(worklist.pop_back_val());
    if (!uses)
      return; // something whose uses are not known
    for (const SymbolTable::SymbolUse &symbol : *uses)
      use(symbols.lookup(symbol.getSymbolRef().getRootReference()));
  }
  for (func::FuncOp function : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
    if (!used.contains(function))
      function.erase();
}

void noether::inlineCallees(func::FuncOp function, function_ref<bool(func::CallOp)> filter) {
  auto module = function->getParentOfType<ModuleOp>();
  SymbolTable symbols(module);
  SmallVector<func::CallOp> calls;
  for (auto call : function.getBody().front().getOps<func::CallOp>())
    if (!filter || filter(call))
      calls.push_back(call);
  // The last first, so that inner calls are handled right after the call that brought them.
  std::reverse(calls.begin(), calls.end());
  bool changed = false;
  while (!calls.empty()) {
    func::CallOp call = calls.pop_back_val();
    auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
    if (!callee || callee.isExternal() || !callee.getBody().hasOneBlock())
      continue;
    Operation *before = call->getPrevNode();
    Operation *after = call->getNextNode();
    inlineCall(call, callee);
    changed = true;
    SmallVector<func::CallOp> inner;
    Operation *op = before ? before->getNextNode() : &function.getBody().front().front();
    for (; op != after; op = op->getNextNode())
      if (auto nested = dyn_cast<func::CallOp>(op))
        inner.push_back(nested);
    llvm::append_range(calls, llvm::reverse(inner));
  }
  if (changed)
    eraseUnused(module);
}
