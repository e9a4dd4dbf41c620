// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef NOETHER_DIALECT_NOETHER_IR_NOETHERINTERFACES_TD
#define NOETHER_DIALECT_NOETHER_IR_NOETHERINTERFACES_TD

include "mlir/IR/OpBase.td"

def Noether_RuleOpInterface : OpInterface<"NoetherRuleOpInterface"> {
  let cppNamespace = "::noether";
  let description = [{
    An operation that knows its own rule. Compilers with operations of their own attach it as an
    external model; it is asked before the table of rules by operation name.
  }];
  let methods = [
    InterfaceMethod<[{
      The rule of this operation, or null if it has none in its present form (it is then a barrier).
    }], "::noether::RuleAttr", "getNoetherRule">
  ];
}

#endif // NOETHER_DIALECT_NOETHER_IR_NOETHERINTERFACES_TD
