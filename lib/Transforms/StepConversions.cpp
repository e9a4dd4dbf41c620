// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "StepConversions.h"

#include "noether/Dialect/Noether/IR/Noether.h"

#include "mlir/IR/SymbolTable.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

static DictionaryAttr keptAttributes(func::FuncOp entry, unsigned argument) {
  static constexpr llvm::StringLiteral names[] = {NoetherDialect::kNameAttrName, "mhlo.sharding",
                                                  "sdy.sharding", "mhlo.memory_kind"};
  SmallVector<NamedAttribute> kept;
  for (StringRef name : names)
    if (Attribute value = entry.getArgAttr(argument, name))
      kept.emplace_back(name, value);
  return DictionaryAttr::get(entry.getContext(), kept);
}

ArgumentList::ArgumentList(func::FuncOp entry) {
  for (BlockArgument argument : entry.getArguments()) {
    types.push_back(argument.getType());
    attributes.push_back(keptAttributes(entry, argument.getArgNumber()));
    locations.push_back(argument.getLoc());
  }
}

void ArgumentList::append(Type type, StringRef name) {
  Builder b(type.getContext());
  types.push_back(type);
  attributes.push_back(b.getDictionaryAttr(
      b.getNamedAttr(NoetherDialect::kNameAttrName, b.getStringAttr(name))));
  locations.push_back(NameLoc::get(b.getStringAttr(name)));
}

void ArgumentList::append(const ArgumentList &other, unsigned argument) {
  types.push_back(other.types[argument]);
  attributes.push_back(other.attributes[argument]);
  locations.push_back(other.locations[argument]);
}

ArgumentList ArgumentList::without(const llvm::BitVector &dropped) const {
  ArgumentList kept;
  for (unsigned argument = 0; argument < size(); ++argument)
    if (!dropped.test(argument))
      kept.append(*this, argument);
  return kept;
}

LogicalResult noether::createFunction(func::FuncOp entry, StringRef name,
                                      const ArgumentList &arguments, const ArgumentList &results,
                                      ConversionBody body) {
  if (Operation *other = SymbolTable::lookupSymbolIn(entry->getParentOp(), name))
    return other->emitOpError("has the name of a function that the rewrite makes");
  OpBuilder builder(entry.getContext());
  builder.setInsertionPointToEnd(entry->getBlock());
  auto type = builder.getFunctionType(arguments.getTypes(), results.getTypes());
  auto function = func::FuncOp::create(builder, entry.getLoc(), name, type);
  SymbolTable::setSymbolVisibility(function, SymbolTable::Visibility::Public);
  function.setAllArgAttrs(arguments.getAttributes());
  function.setAllResultAttrs(results.getAttributes());
  Block *block = function.addEntryBlock();
  for (auto [argument, location] : llvm::zip_equal(block->getArguments(), arguments.getLocations()))
    argument.setLoc(location);
  builder.setInsertionPointToEnd(block);
  auto terminator = func::ReturnOp::create(builder, entry.getLoc());
  builder.setInsertionPoint(terminator);
  terminator->setOperands(body(builder, block->getArguments()));
  return success();
}

LogicalResult noether::createConversions(func::FuncOp entry, const ArgumentList &plain,
                                         const ArgumentList &rewritten, ConversionBody adapt,
                                         ConversionBody restore) {
  return success(succeeded(createFunction(entry, "noether_adapt", plain, rewritten, adapt)) &&
                 succeeded(createFunction(entry, "noether_restore", rewritten, plain, restore)));
}

FailureOr<Value> noether::appendState(func::FuncOp entry, Type type, StringRef name,
                                      unsigned result) {
  Builder b(entry.getContext());
  unsigned argument = entry.getNumArguments();
  DictionaryAttr attributes = b.getDictionaryAttr(
      {b.getNamedAttr(NoetherDialect::kRoleAttrName, b.getStringAttr("state")),
       b.getNamedAttr(NoetherDialect::kNameAttrName, b.getStringAttr(name)),
       b.getNamedAttr(NoetherDialect::kCarriedToAttrName, b.getI64IntegerAttr(result))});
  if (failed(entry.insertArgument(argument, type, attributes, NameLoc::get(b.getStringAttr(name)))))
    return failure();
  return Value(entry.getArgument(argument));
}
