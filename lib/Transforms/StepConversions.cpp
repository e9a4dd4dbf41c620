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

/// The arguments of a function, or its results.
ArgumentList ArgumentList::of(func::FuncOp function, bool results) {
  ArgumentList list;
  ArrayRef<Type> types = results ? function.getResultTypes() : function.getArgumentTypes();
  for (auto [number, type] : llvm::enumerate(types)) {
    DictionaryAttr attributes =
        results ? function.getResultAttrDict(number) : function.getArgAttrDict(number);
    list.types.push_back(type);
    list.attributes.push_back(attributes ? attributes
                                         : DictionaryAttr::get(function.getContext()));
    auto name = list.attributes.back().getAs<StringAttr>(NoetherDialect::kNameAttrName);
    list.locations.push_back(name ? Location(NameLoc::get(name)) : function.getLoc());
  }
  return list;
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

static constexpr llvm::StringLiteral kAdapt = "noether_adapt", kRestore = "noether_restore";

/// The conversion of an earlier rewrite; null if there is none that ends where the next one starts.
static func::FuncOp findEarlier(func::FuncOp entry, StringRef name, const ArgumentList &plain,
                                bool results) {
  auto function =
      dyn_cast_or_null<func::FuncOp>(SymbolTable::lookupSymbolIn(entry->getParentOp(), name));
  if (!function || function.isExternal() || function.isPrivate() || function == entry)
    return nullptr;
  ArrayRef<Type> types = results ? function.getResultTypes() : function.getArgumentTypes();
  return types.take_front(plain.size()) == plain.getTypes() ? function : nullptr;
}

LogicalResult noether::createConversions(func::FuncOp entry, const ArgumentList &plain,
                                         const ArgumentList &rewritten, ConversionBody adapt,
                                         ConversionBody restore) {
  func::FuncOp oldAdapt = findEarlier(entry, kAdapt, plain, /*results=*/true);
  func::FuncOp oldRestore = findEarlier(entry, kRestore, plain, /*results=*/false);
  if (!oldAdapt || !oldRestore)
    return success(succeeded(createFunction(entry, kAdapt, plain, rewritten, adapt)) &&
                   succeeded(createFunction(entry, kRestore, rewritten, plain, restore)));

  // Their bodies become those of functions of other names, which the new ones call. What the earlier
  // rewrite took out of the step stays at the end.
  ArgumentList first = ArgumentList::of(oldAdapt, /*results=*/false), last = rewritten;
  ArgumentList middle = ArgumentList::of(oldAdapt, /*results=*/true);
  for (unsigned i = plain.size(); i < middle.size(); ++i)
    last.append(middle, i);
  SymbolTable symbols(entry->getParentOp());
  for (func::FuncOp function : {oldAdapt, oldRestore}) {
    SymbolTable::setSymbolVisibility(function, SymbolTable::Visibility::Private);
    std::string name = (function.getSymName() + "_before").str();
    while (symbols.lookup(name))
      name += "_before";
    if (failed(symbols.rename(function, name)))
      return function.emitOpError("cannot be renamed");
  }
  Location loc = entry.getLoc();
  auto adaptAll = [&](OpBuilder &builder, ValueRange arguments) {
    auto call = func::CallOp::create(builder, loc, oldAdapt, arguments);
    SmallVector<Value> results = adapt(builder, call.getResults().take_front(plain.size()));
    llvm::append_range(results, call.getResults().drop_front(plain.size()));
    return results;
  };
  auto restoreAll = [&](OpBuilder &builder, ValueRange arguments) {
    SmallVector<Value> values = restore(builder, arguments.take_front(rewritten.size()));
    llvm::append_range(values, arguments.drop_front(rewritten.size()));
    auto call = func::CallOp::create(builder, loc, oldRestore, values);
    return SmallVector<Value>(call.getResults());
  };
  return success(succeeded(createFunction(entry, kAdapt, first, last, adaptAll)) &&
                 succeeded(createFunction(entry, kRestore, last, first, restoreAll)));
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
