// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AdaptiveSignature.h"

#include "BlockPowers.h"

#include "noether/Dialect/Host/StablehloBuilder.h"
#include "noether/Dialect/Noether/IR/Noether.h"

#include "mlir/AsmParser/AsmParser.h"
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

static Value createSelectNonzero(StablehloBuilder &b, Value condition, Value ifNonzero) {
  auto type = cast<RankedTensorType>(ifNonzero.getType());
  MLIRContext *context = type.getContext();
  auto direction = parseAttribute("#stablehlo<comparison_direction NE>", context);
  auto kind = parseAttribute("#stablehlo<comparison_type FLOAT>", context);
  Value isNonzero = b.create("stablehlo.compare", type.clone(IntegerType::get(context, 1)),
                             {condition, b.splat(type, 0)},
                             {NamedAttribute("comparison_direction", direction),
                              NamedAttribute("compare_type", kind)});
  return b.create("stablehlo.select", type, {isNonzero, ifNonzero, b.splat(type, 1)});
}

Value noether::createNorm(OpBuilder &builder, Location loc, const AdaptiveBlock &block,
                          ValueRange members) {
  StablehloBuilder b(builder, loc);
  Value charge;
  for (auto [member, value] : llvm::zip_equal(block.members, members)) {
    Value view = b.convert(b.reshape(value, member.view), block.type.getElementType());
    SmallVector<int64_t> summed, kept(member.axes), permutation;
    for (int64_t axis = 0, rank = member.view.size(); axis < rank; ++axis)
      if (!llvm::is_contained(member.axes, axis))
        summed.push_back(axis);
    Value sum = b.reduceSum(b.binary("stablehlo.multiply", view, view), summed);
    llvm::sort(kept);
    for (int64_t axis : member.axes)
      permutation.push_back(llvm::find(kept, axis) - kept.begin());
    sum = b.transpose(sum, permutation);
    charge = charge ? b.binary("stablehlo.add", charge, sum) : sum;
  }
  return createSelectNonzero(b, charge, b.unary("stablehlo.sqrt", charge));
}

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

/// How host compilers place arguments, and names. Conversions are no steps: roles stay behind.
static DictionaryAttr keptAttributes(func::FuncOp entry, unsigned argument) {
  static constexpr llvm::StringLiteral names[] = {
      NoetherDialect::kNameAttrName, "mhlo.sharding", "sdy.sharding", "mhlo.memory_kind"};
  SmallVector<NamedAttribute> kept;
  for (StringRef name : names)
    if (Attribute value = entry.getArgAttr(argument, name))
      kept.emplace_back(name, value);
  return DictionaryAttr::get(entry.getContext(), kept);
}

static std::string radiusName(const AdaptiveBlock &block) { return "radius." + block.symmetry; }

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
    for (const AdaptiveBlock &block : blocks) {
      adaptedTypes.push_back(block.type);
      adaptedAttributes.push_back(b.getDictionaryAttr(
          b.getNamedAttr(NoetherDialect::kNameAttrName, b.getStringAttr(radiusName(block)))));
    }
  }

  void createAdapt() {
    auto [function, builder] = create(kAdapt, plainTypes, plainAttributes, adaptedTypes,
                                      adaptedAttributes);
    Location loc = function.getLoc();
    SmallVector<Value> radii;
    for (const AdaptiveBlock &block : blocks) {
      SmallVector<Value> members;
      for (const AdaptiveBlock::Member &member : block.members)
        members.push_back(function.getArgument(member.argument));
      radii.push_back(createNorm(builder, loc, block, members));
    }
    finish(function, builder, radii, Fraction(-1), radii);
  }

  void createRestore() {
    auto [function, builder] = create(kRestore, adaptedTypes, adaptedAttributes, plainTypes,
                                      plainAttributes);
    SmallVector<Value> radii(function.getArguments().take_back(blocks.size()));
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
  for (auto [number, block] : llvm::enumerate(blocks)) {
    unsigned argument = entry.getNumArguments();
    auto name = b.getStringAttr(radiusName(block));
    Location loc = NameLoc::get(name);
    DictionaryAttr attributes = b.getDictionaryAttr(
        {b.getNamedAttr(NoetherDialect::kRoleAttrName, b.getStringAttr("state")),
         b.getNamedAttr(NoetherDialect::kNameAttrName, name),
         b.getNamedAttr(NoetherDialect::kCarriedToAttrName,
                        b.getI64IntegerAttr(numResults + number))});
    if (failed(entry.insertArgument(argument, block.type, attributes, loc)))
      return failure();
    radii.push_back(entry.getArgument(argument));
  }
  return radii;
}

void noether::describeBlocks(func::FuncOp entry, ArrayRef<AdaptiveBlock> blocks,
                             const ArgumentGauges &gauges) {
  Builder b(entry.getContext());
  SmallVector<Attribute> descriptions;
  unsigned firstArgument = entry.getNumArguments() - blocks.size(),
           firstResult = entry.getNumResults() - blocks.size();
  for (auto [number, block] : llvm::enumerate(blocks)) {
    SmallVector<Attribute> parameters, states;
    for (const AdaptiveBlock::Member &member : block.members)
      parameters.push_back(b.getI64IntegerAttr(member.argument));
    for (const auto &[argument, gauge] : gauges) {
      auto isMember = [&, argument = argument](const AdaptiveBlock::Member &member) {
        return member.argument == argument;
      };
      auto isHere = [&, number = number](const GaugeTerm &term) { return term.block == number; };
      if (llvm::none_of(block.members, isMember) && llvm::any_of(gauge.getTerms(), isHere))
        states.push_back(b.getI64IntegerAttr(argument));
    }
    descriptions.push_back(b.getDictionaryAttr(
        {b.getNamedAttr("symmetry", b.getStringAttr(block.symmetry)),
         b.getNamedAttr("argument", b.getI64IntegerAttr(firstArgument + number)),
         b.getNamedAttr("result", b.getI64IntegerAttr(firstResult + number)),
         b.getNamedAttr("parameters", b.getArrayAttr(parameters)),
         b.getNamedAttr("states", b.getArrayAttr(states))}));
  }
  entry->setDiscardableAttr("noether.adaptive", b.getArrayAttr(descriptions));
}
