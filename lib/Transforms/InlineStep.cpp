// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "InlineStep.h"

#include "noether/Analysis/Roles.h"
#include "noether/Analysis/Slice.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

/// Puts a copy of the callee's body in the place of the call.
static void inlineCall(func::CallOp call, Block &body) {
  IRMapping mapping;
  mapping.map(body.getArguments(), call.getOperands());
  OpBuilder builder(call);
  for (Operation &op : body.without_terminator())
    builder.clone(op, mapping);
  for (auto [result, returned] : llvm::zip(call.getResults(), body.back().getOperands()))
    result.replaceAllUsesWith(mapping.lookupOrDefault(returned));
  call.erase();
}

LogicalResult noether::inlineStep(ModuleOp module) {
  FailureOr<func::FuncOp> entry = findEntry(module);
  if (failed(entry))
    return failure();
  FailureOr<CallGraph> calls = CallGraph::get(*entry);
  if (failed(calls))
    return failure();
  if (!entry->getBody().hasOneBlock() || entry->getBody().front().empty())
    return success();

  // There are never more of these calls than results, and callees do not recur.
  Block &block = entry->getBody().front();
  auto findCall = [&]() -> func::CallOp {
    for (Value value : block.back().getOperands())
      if (auto call = value.getDefiningOp<func::CallOp>())
        if (calls->getCallee(call).getBody().hasOneBlock())
          return call;
    return nullptr;
  };
  llvm::SetVector<Operation *> callees;
  while (func::CallOp call = findCall()) {
    func::FuncOp callee = calls->getCallee(call);
    callees.insert(callee);
    inlineCall(call, callee.getBody().front());
  }
  for (Operation *callee : callees)
    if (cast<func::FuncOp>(callee).isPrivate() && SymbolTable::symbolKnownUseEmpty(callee, module))
      callee->erase();
  return success();
}
