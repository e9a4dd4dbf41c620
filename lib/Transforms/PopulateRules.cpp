// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes the rule of every operation, so that each can be seen and tested by itself.

#include "noether/Rules/RuleTable.h"
#include "noether/Transforms/Passes.h"

#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/DenseSet.h"

namespace noether {
#define GEN_PASS_DEF_POPULATERULES
#include "noether/Transforms/Passes.h.inc"
} // namespace noether

using namespace mlir;
using namespace noether;

namespace {

struct PopulateRules : noether::impl::PopulateRulesBase<PopulateRules> {
  using PopulateRulesBase::PopulateRulesBase;

  void runOnOperation() override;
};

} // namespace

void PopulateRules::runOnOperation() {
  RuleTable table(&getContext());
  auto name = StringAttr::get(&getContext(), NoetherDialect::kRuleAttrName);
  llvm::DenseSet<OperationName> warned;
  WalkResult result = getOperation()->walk<WalkOrder::PreOrder>([&](Operation *op) {
    RuleOutcome outcome = table.find(op);
    switch (outcome.kind) {
    case RuleOutcome::Kind::Structural:
      return WalkResult::advance();
    case RuleOutcome::Kind::Malformed:
      op->emitOpError(outcome.message);
      return WalkResult::interrupt();
    case RuleOutcome::Kind::Unknown:
      if (warned.insert(op->getName()).second)
        op->emitWarning("no rule is known for '") << op->getName() << "': it is taken as a barrier";
      return WalkResult::skip();
    case RuleOutcome::Kind::Barrier:
    case RuleOutcome::Kind::Rule:
      op->setDiscardableAttr(name, outcome.rule);
      // The regions of an operation with a rule are part of it.
      return WalkResult::skip();
    }
    llvm_unreachable("all kinds are covered");
  });
  if (result.wasInterrupted())
    return signalPassFailure();
  markAllAnalysesPreserved();
}
