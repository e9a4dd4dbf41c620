// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "EntryResults.h"

#include "noether/Dialect/Noether/IR/Noether.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace noether;

LogicalResult noether::appendResults(func::FuncOp function, ArrayRef<EntryResult> results) {
  if (auto users = SymbolTable::getSymbolUses(function, function->getParentOp());
      users && !users->empty())
    return function.emitError("is called in this module: no results can be added to it");

  Builder builder(function.getContext());
  Operation *terminator = &function.getBody().front().back();
  SmallVector<Type> types(function.getResultTypes());
  SmallVector<Value> values(terminator->getOperands());
  SmallVector<DictionaryAttr> attributes;
  function.getAllResultAttrs(attributes);
  attributes.resize(types.size(), builder.getDictionaryAttr({}));
  for (const EntryResult &result : results) {
    types.push_back(result.value.getType());
    values.push_back(result.value);
    attributes.push_back(builder.getDictionaryAttr(
        {builder.getNamedAttr(NoetherDialect::kRoleAttrName, builder.getStringAttr(result.role)),
         builder.getNamedAttr(NoetherDialect::kNameAttrName, builder.getStringAttr(result.name))}));
  }
  terminator->setOperands(values);
  function.setFunctionType(builder.getFunctionType(function.getArgumentTypes(), types));
  function.setAllResultAttrs(attributes);
  return success();
}
