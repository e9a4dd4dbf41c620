// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The dialect, and the checks on its discardable attributes.

#include "noether/Dialect/Noether/IR/Noether.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace noether;

#include "noether/Dialect/Noether/IR/NoetherDialect.cpp.inc"

void NoetherDialect::initialize() {
  registerAttributes();
  registerOperations();
}

LogicalResult NoetherDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  if (attribute.getName() == kRuleAttrName && !isa<RuleAttr>(attribute.getValue()))
    return op->emitOpError() << "has a '" << kRuleAttrName << "' that is not a rule: "
                             << attribute.getValue();
  return success();
}

/// Checks what the attributes of arguments and results have in common. `isRole` tells the roles of
/// the one from those of the other.
static LogicalResult verifyRoleAttribute(Operation *op, NamedAttribute attribute,
                                         const Twine &where,
                                         llvm::function_ref<bool(StringRef)> isRole) {
  StringRef name = attribute.getName().getValue();
  bool isString = name == NoetherDialect::kRoleAttrName || name == NoetherDialect::kNameAttrName ||
                  name == NoetherDialect::kRoleDecidedByAttrName;
  auto string = dyn_cast<StringAttr>(attribute.getValue());
  if (isString && !string)
    return op->emitOpError() << "has a '" << name << "' on " << where
                             << " that is not a string: " << attribute.getValue();
  if (name == NoetherDialect::kRoleAttrName && !isRole(string.getValue()))
    return op->emitOpError() << "has an unknown role '" << string.getValue() << "' on " << where;
  if (name == NoetherDialect::kCarriedToAttrName && !isa<IntegerAttr>(attribute.getValue()))
    return op->emitOpError() << "has a '" << name << "' on " << where
                             << " that is not an integer: " << attribute.getValue();
  return success();
}

LogicalResult NoetherDialect::verifyRegionArgAttribute(Operation *op, unsigned, unsigned argument,
                                                       NamedAttribute attribute) {
  return verifyRoleAttribute(op, attribute, "argument " + Twine(argument), [](StringRef role) {
    return llvm::StringSwitch<bool>(role)
        .Cases({"param", "state", "batch", "hyper", "rng"}, true)
        .Default(false);
  });
}

LogicalResult NoetherDialect::verifyRegionResultAttribute(Operation *op, unsigned, unsigned result,
                                                          NamedAttribute attribute) {
  return verifyRoleAttribute(op, attribute, "result " + Twine(result), [](StringRef role) {
    return llvm::StringSwitch<bool>(role)
        .Cases({"loss", "param", "state", "metric", "charge"}, true)
        .Default(false);
  });
}
