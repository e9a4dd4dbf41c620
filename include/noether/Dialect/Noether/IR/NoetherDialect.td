// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef NOETHER_DIALECT_NOETHER_IR_NOETHERDIALECT_TD
#define NOETHER_DIALECT_NOETHER_IR_NOETHERDIALECT_TD

include "mlir/IR/DialectBase.td"

def Noether_Dialect : Dialect {
  let name = "noether";
  let cppNamespace = "::noether";
  let summary = "Symmetries of training steps and their charges.";
  let description = [{
    The dialect has three parts:

    * the *rule* attribute, which says how one operation relates the log-scales of its operands and
      results, and may be set on any operation as `noether.rule`;
    * the discardable attributes by which a training step says what its arguments and results are
      (`noether.role`, `noether.name` and others); they are builtin attributes, so that they survive
      every host compiler;
    * the operation `noether.charge`, which computes the Noether charge of a symmetry beside the
      update of its parameters.
  }];

  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;

  let extraClassDeclaration = [{
    /// The names of the discardable attributes.
    static constexpr ::llvm::StringLiteral kRuleAttrName = "noether.rule";
    static constexpr ::llvm::StringLiteral kRoleAttrName = "noether.role";
    static constexpr ::llvm::StringLiteral kNameAttrName = "noether.name";
    static constexpr ::llvm::StringLiteral kCarriedToAttrName = "noether.carried_to";
    static constexpr ::llvm::StringLiteral kRoleDecidedByAttrName = "noether.role_decided_by";

  private:
    void registerAttributes();
    void registerOperations();

  public:
  }];
}

#endif // NOETHER_DIALECT_NOETHER_IR_NOETHERDIALECT_TD
