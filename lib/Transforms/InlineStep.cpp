// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "InlineStep.h"

#include "noether/Analysis/Step/Roles.h"
#include "noether/Analysis/Step/Slice.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

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
  Block &block = entry->getBody().front();
  if (block.empty() || llvm::none_of(block.back().getOperands(), [](Value value) {
        return value.getDefiningOp<func::CallOp>();
      }))
    return success();
  FailureOr<StepRoles> roles = inferRoles(module);
  if (failed(roles))
    return failure();
  FailureOr<CallGraph> calls = CallGraph::get(*entry);
  if (failed(calls))
    return failure();

  // Only calls that update parameters: a loss that is a call, whose transpose is another, stays so.
  // Callees do not recur, but one that returns its argument uncovers the call before it, and so on
  // without end where calls fan out: what is beyond the limit stays a call, for the analysis to
  // refuse if it cannot be expanded.
  auto findCall = [&]() -> func::CallOp {
    for (const StepRoles::Argument &argument : roles->arguments) {
      if (argument.role != ArgumentRole::Param || !argument.carriedTo)
        continue;
      auto call = block.back().getOperand(*argument.carriedTo).getDefiningOp<func::CallOp>();
      if (call && calls->getCallee(call).getBody().hasOneBlock())
        return call;
    }
    return nullptr;
  };
  llvm::SetVector<Operation *> callees;
  constexpr size_t kMaxInlined = 10'000;
  size_t numInlined = 0;
  for (func::CallOp call = findCall(); call && numInlined < kMaxInlined;
       call = findCall(), ++numInlined) {
    func::FuncOp callee = calls->getCallee(call);
    callees.insert(callee);
    inlineCall(call, callee.getBody().front());
  }
  for (Operation *callee : callees)
    if (cast<func::FuncOp>(callee).isPrivate() && SymbolTable::symbolKnownUseEmpty(callee, module))
      callee->erase();
  return success();
}
