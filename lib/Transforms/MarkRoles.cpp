// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Step/Roles.h"
#include "noether/Transforms/Passes.h"

#include "mlir/IR/Remarks.h"

#include "llvm/ADT/STLExtras.h"

namespace noether {
#define GEN_PASS_DEF_MARKROLES
#include "noether/Transforms/Passes.h.inc"
} // namespace noether

using namespace mlir;
using namespace noether;

static void emitRemarks(const StepRoles &roles) {
  func::FuncOp entry = roles.entry;
  for (auto [i, argument] : llvm::enumerate(roles.arguments)) {
    auto remark = remark::analysis(
        entry.getLoc(),
        remark::RemarkOpts::name("RoleDecided").category("noether-roles").function(entry.getName()));
    if (!remark)
      return; // nobody listens
    remark << remark::metric("argument", i) << remark::metric("name", argument.name)
           << remark::metric("role", stringifyRole(argument.role))
           << remark::metric("decided_by", argument.decidedBy);
    if (argument.carriedTo)
      remark << remark::metric("carried_to", *argument.carriedTo);
  }
}

namespace {
struct MarkRoles : noether::impl::MarkRolesBase<MarkRoles> {
  void runOnOperation() override {
    FailureOr<StepRoles> roles = inferRoles(getOperation());
    if (failed(roles))
      return signalPassFailure();
    annotateRoles(*roles);
    emitRemarks(*roles);
  }
};
} // namespace
