// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AdaptiveSignature.h"

#include "AdaptiveRadii.h"
#include "BlockPowers.h"
#include "StepConversions.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

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

static std::string radiusName(const AdaptiveBlock::Part &part) { return "radius." + part.symmetry; }

static SmallVector<AdaptiveBlock::Part> partsOf(ArrayRef<AdaptiveBlock> blocks) {
  SmallVector<AdaptiveBlock::Part> parts;
  for (const AdaptiveBlock &block : blocks)
    llvm::append_range(parts, block.parts);
  return parts;
}

LogicalResult noether::createConversions(const StepRoles &roles, ArrayRef<AdaptiveBlock> blocks,
                                         const ArgumentGauges &gauges) {
  func::FuncOp entry = roles.entry;
  Location loc = entry.getLoc();
  ArgumentList plain(entry), adapted = plain;
  for (const AdaptiveBlock::Part &part : partsOf(blocks))
    adapted.append(part.type, radiusName(part));

  // The step's arguments times their gauges' powers of the radii.
  auto multiply = [&](OpBuilder &builder, ValueRange arguments, ArrayRef<Value> radii,
                      const Fraction &exponent) {
    SmallVector<Value> results(arguments.take_front(plain.size()));
    BlockPowers powers(radii, &*builder.getInsertionPoint());
    for (const auto &[argument, gauge] : gauges) {
      Gauge factor;
      factor.add(gauge, exponent);
      results[argument] = powers.multiply(builder, loc, results[argument], factor);
    }
    return results;
  };
  auto adapt = [&](OpBuilder &builder, ValueRange arguments) {
    SmallVector<Value> radii, parts;
    for (const AdaptiveBlock &block : blocks) {
      SmallVector<Value> members;
      for (const AdaptiveBlock::Member &member : block.members)
        members.push_back(arguments[member.argument]);
      radii.push_back(createNorm(builder, loc, block, members));
      llvm::append_range(parts, splitRadii(builder, loc, block, radii.back()));
    }
    SmallVector<Value> results = multiply(builder, arguments, radii, Fraction(-1));
    llvm::append_range(results, parts);
    return results;
  };
  auto restore = [&](OpBuilder &builder, ValueRange arguments) {
    SmallVector<Value> radii =
        joinAllRadii(builder, loc, blocks, arguments.drop_front(plain.size()));
    return multiply(builder, arguments, radii, Fraction(1));
  };
  return createConversions(entry, plain, adapted, adapt, restore);
}

//===----------------------------------------------------------------------===//
// The entry
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<Value>> noether::appendRadiusArguments(func::FuncOp entry,
                                                             ArrayRef<AdaptiveBlock> blocks) {
  SmallVector<Value> radii;
  unsigned numResults = entry.getNumResults();
  for (auto [number, part] : llvm::enumerate(partsOf(blocks))) {
    FailureOr<Value> argument =
        appendState(entry, part.type, radiusName(part), numResults + number);
    if (failed(argument))
      return failure();
    radii.push_back(*argument);
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
