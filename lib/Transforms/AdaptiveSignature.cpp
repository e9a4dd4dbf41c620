// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AdaptiveSignature.h"

#include "AdaptiveRadii.h"
#include "BlockPowers.h"

#include "noether/Dialect/Noether/IR/Noether.h"

#include "mlir/IR/SymbolTable.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

static constexpr llvm::StringLiteral kAdapt = "noether_adapt", kRestore = "noether_restore";

ArgumentGauges noether::gaugesOfParameters(ArrayRef<AdaptiveBlock> blocks) {
  ArgumentGauges gauges;
  for (auto [number, block] : llvm::enumerate(blocks))
    for (const AdaptiveBlock::Member &member : block.members)
      gauges[member.argument] =
          Gauge(GaugeTerm{static_cast<unsigned>(number), member.slots, Fraction(1)});
  return gauges;
}

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

/// How host compilers place arguments, and names. Conversions are no steps: roles stay behind.
static DictionaryAttr keptAttributes(func::FuncOp entry, unsigned argument) {
  static constexpr llvm::StringLiteral names[] = {NoetherDialect::kNameAttrName, "mhlo.sharding",
                                                  "sdy.sharding", "mhlo.memory_kind"};
  SmallVector<NamedAttribute> kept;
  for (StringRef name : names)
    if (Attribute value = entry.getArgAttr(argument, name))
      kept.emplace_back(name, value);
  return DictionaryAttr::get(entry.getContext(), kept);
}

static std::string radiusName(const AdaptiveBlock::Part &part) { return "radius." + part.symmetry; }

static SmallVector<AdaptiveBlock::Part> partsOf(ArrayRef<AdaptiveBlock> blocks) {
  SmallVector<AdaptiveBlock::Part> parts;
  for (const AdaptiveBlock &block : blocks)
    llvm::append_range(parts, block.parts);
  return parts;
}

namespace {

class Conversions {
public:
  Conversions(const StepRoles &roles, ArrayRef<AdaptiveBlock> blocks, const ArgumentGauges &gauges)
      : entry(roles.entry), blocks(blocks), gauges(gauges) {
    for (unsigned i = 0; i < entry.getNumArguments(); ++i) {
      plainTypes.push_back(entry.getArgument(i).getType());
      plainAttributes.push_back(keptAttributes(entry, i));
    }
    Builder b(entry.getContext());
    adaptedTypes = plainTypes;
    adaptedAttributes = plainAttributes;
    for (const AdaptiveBlock::Part &part : partsOf(blocks)) {
      adaptedTypes.push_back(part.type);
      adaptedAttributes.push_back(b.getDictionaryAttr(
          b.getNamedAttr(NoetherDialect::kNameAttrName, b.getStringAttr(radiusName(part)))));
    }
  }

  void createAdapt() {
    auto [function, builder] =
        create(kAdapt, plainTypes, plainAttributes, adaptedTypes, adaptedAttributes);
    Location loc = function.getLoc();
    SmallVector<Value> radii, parts;
    for (const AdaptiveBlock &block : blocks) {
      SmallVector<Value> members;
      for (const AdaptiveBlock::Member &member : block.members)
        members.push_back(function.getArgument(member.argument));
      radii.push_back(createNorm(builder, loc, block, members));
      llvm::append_range(parts, splitRadii(builder, loc, block, radii.back()));
    }
    finish(function, builder, radii, Fraction(-1), parts);
  }

  void createRestore() {
    auto [function, builder] =
        create(kRestore, adaptedTypes, adaptedAttributes, plainTypes, plainAttributes);
    ValueRange parts = function.getArguments().drop_front(plainTypes.size());
    SmallVector<Value> radii = joinAllRadii(builder, function.getLoc(), blocks, parts);
    finish(function, builder, radii, Fraction(1), {});
  }

private:
  std::pair<func::FuncOp, OpBuilder> create(StringRef name, ArrayRef<Type> arguments,
                                            ArrayRef<DictionaryAttr> argumentAttributes,
                                            ArrayRef<Type> results,
                                            ArrayRef<DictionaryAttr> resultAttributes) {
    OpBuilder builder(entry.getContext());
    builder.setInsertionPointToEnd(entry->getBlock());
    auto type = builder.getFunctionType(arguments, results);
    auto function = func::FuncOp::create(builder, entry.getLoc(), name, type);
    SymbolTable::setSymbolVisibility(function, SymbolTable::Visibility::Public);
    function.setAllArgAttrs(argumentAttributes);
    function.setAllResultAttrs(resultAttributes);
    Block *block = function.addEntryBlock();
    for (auto [i, argument] : llvm::enumerate(entry.getArguments()))
      block->getArgument(i).setLoc(argument.getLoc());
    builder.setInsertionPointToEnd(block);
    return {function, builder};
  }

  /// Returns the entry's arguments times their gauges' powers of the radii, and `more`.
  void finish(func::FuncOp function, OpBuilder &builder, ArrayRef<Value> radii,
              const Fraction &exponent, ArrayRef<Value> more) {
    SmallVector<Value> results(function.getArguments().take_front(plainTypes.size()));
    auto terminator = func::ReturnOp::create(builder, function.getLoc());
    BlockPowers powers(radii, terminator);
    builder.setInsertionPoint(terminator);
    for (const auto &[argument, gauge] : gauges) {
      Gauge factor;
      factor.add(gauge, exponent);
      results[argument] = powers.multiply(builder, function.getLoc(), results[argument], factor);
    }
    llvm::append_range(results, more);
    terminator->setOperands(results);
  }

  func::FuncOp entry;
  ArrayRef<AdaptiveBlock> blocks;
  const ArgumentGauges &gauges;
  SmallVector<Type> plainTypes, adaptedTypes;
  SmallVector<DictionaryAttr> plainAttributes, adaptedAttributes;
};

} // namespace

LogicalResult noether::createConversions(const StepRoles &roles, ArrayRef<AdaptiveBlock> blocks,
                                         const ArgumentGauges &gauges) {
  func::FuncOp entry = roles.entry;
  for (StringRef name : {kAdapt, kRestore})
    if (Operation *other = SymbolTable::lookupSymbolIn(entry->getParentOp(), name))
      return other->emitOpError("has the name of a function that the rewrite makes");
  Conversions conversions(roles, blocks, gauges);
  conversions.createAdapt();
  conversions.createRestore();
  return success();
}

//===----------------------------------------------------------------------===//
// The entry
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<Value>> noether::appendRadiusArguments(func::FuncOp entry,
                                                             ArrayRef<AdaptiveBlock> blocks) {
  Builder b(entry.getContext());
  SmallVector<Value> radii;
  unsigned numResults = entry.getNumResults();
  for (auto [number, part] : llvm::enumerate(partsOf(blocks))) {
    unsigned argument = entry.getNumArguments();
    auto name = b.getStringAttr(radiusName(part));
    Location loc = NameLoc::get(name);
    DictionaryAttr attributes = b.getDictionaryAttr(
        {b.getNamedAttr(NoetherDialect::kRoleAttrName, b.getStringAttr("state")),
         b.getNamedAttr(NoetherDialect::kNameAttrName, name),
         b.getNamedAttr(NoetherDialect::kCarriedToAttrName,
                        b.getI64IntegerAttr(numResults + number))});
    if (failed(entry.insertArgument(argument, part.type, attributes, loc)))
      return failure();
    radii.push_back(entry.getArgument(argument));
  }
  return radii;
}

void noether::describeBlocks(func::FuncOp entry, ArrayRef<AdaptiveBlock> blocks,
                             const ArgumentGauges &gauges) {
  Builder b(entry.getContext());
  SmallVector<Attribute> descriptions;
  size_t numParts = partsOf(blocks).size();
  int64_t argument = entry.getNumArguments() - numParts, result = entry.getNumResults() - numParts;
  for (auto [number, block] : llvm::enumerate(blocks)) {
    SmallVector<Attribute> parameters, states;
    for (const AdaptiveBlock::Member &member : block.members)
      parameters.push_back(b.getI64IntegerAttr(member.argument));
    for (const auto &[state, gauge] : gauges) {
      auto isMember = [&, state = state](const AdaptiveBlock::Member &member) {
        return member.argument == state;
      };
      auto isHere = [&, number = number](const GaugeTerm &term) { return term.block == number; };
      if (llvm::none_of(block.members, isMember) && llvm::any_of(gauge.getTerms(), isHere))
        states.push_back(b.getI64IntegerAttr(state));
    }
    for (const AdaptiveBlock::Part &part : block.parts)
      descriptions.push_back(
          b.getDictionaryAttr({b.getNamedAttr("symmetry", b.getStringAttr(part.symmetry)),
                               b.getNamedAttr("argument", b.getI64IntegerAttr(argument++)),
                               b.getNamedAttr("result", b.getI64IntegerAttr(result++)),
                               b.getNamedAttr("parameters", b.getArrayAttr(parameters)),
                               b.getNamedAttr("states", b.getArrayAttr(states))}));
  }
  entry->setDiscardableAttr("noether.adaptive", b.getArrayAttr(descriptions));
}
