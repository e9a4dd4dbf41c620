// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parameters around what is homogeneous are moved to where their norms balance: the loss stays, the
// sum of squares is the least of all that the rescalings reach.

#include "StepConversions.h"
#include "StepRewrite.h"
#include "SymmetryMoves.h"

#include "noether/Dialect/Host/StablehloBuilder.h"
#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Transforms/Passes.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

namespace noether {
#define GEN_PASS_DEF_BALANCE
#include "noether/Transforms/Passes.h.inc"
} // namespace noether

using namespace mlir;
using namespace noether;

namespace {
struct Balance : noether::impl::BalanceBase<Balance> {
  using BalanceBase::BalanceBase;

  void runOnOperation() override;
};
} // namespace

static constexpr llvm::StringLiteral kCategory = "noether-balance";

/// The factor of one move: with P and Q the squares of what grows and what shrinks, each times its
/// exponent, the sum of squares is stationary where P = Q. (Q / P)^(1 / (2 (p + q))), p and q the
/// largest exponents, goes there and not beyond. Where `overlap` moves share a parameter each goes
/// that part of its way: the sum of squares is convex in the logarithms of all factors.
static Value createFactor(OpBuilder &builder, Location loc, const SymmetryMoves &moves,
                          const SymmetryMove &move, function_ref<Value(unsigned)> values) {
  StablehloBuilder b(builder, loc);
  auto part = [&](double sign) {
    return moves.createSum(builder, loc, move, values, [&](const Fraction &exponent) {
      return std::max(0.0, sign * toDouble(exponent));
    });
  };
  double most = 0, least = 0;
  for (const SymmetryMove::Member &member : move.members) {
    most = std::max(most, toDouble(member.exponent));
    least = std::min(least, toDouble(member.exponent));
  }
  Value grows = part(1), shrinks = part(-1);
  Value zero = b.splat(move.type, 0), one = b.splat(move.type, 1);
  Value isLive = b.binary("stablehlo.and", b.compare("GT", grows, zero),
                          b.compare("GT", shrinks, zero));
  Value ratio = b.binary("stablehlo.divide", shrinks, b.select(isLive, grows, one));
  ratio = b.select(isLive, ratio, one);
  double exponent = 1 / (2 * moves.getOverlap() * (most - least));
  return b.binary("stablehlo.power", ratio, b.splat(move.type, exponent));
}

static void sweep(OpBuilder &builder, Location loc, const SymmetryMoves &moves,
                  MutableArrayRef<Value> values) {
  SmallVector<Value> factors;
  for (const SymmetryMove &move : moves.get())
    factors.push_back(
        createFactor(builder, loc, moves, move, [&](unsigned argument) { return values[argument]; }));
  moves.apply(builder, loc, factors, values);
}

/// Many sweeps over what is moved, as a loop.
static void repeat(OpBuilder &builder, Location loc, const SymmetryMoves &moves, unsigned sweeps,
                   MutableArrayRef<Value> values) {
  StablehloBuilder b(builder, loc);
  auto counter = RankedTensorType::get({}, builder.getI32Type());
  auto integer = [&](OpBuilder &at, int32_t value) {
    return StablehloBuilder(at, loc).create(
        "stablehlo.constant", counter, {},
        builder.getNamedAttr("value", DenseElementsAttr::get(counter, value)));
  };
  SmallVector<Value> carried = {integer(builder, 0)};
  for (const auto &[argument, gauge] : moves.getGauges())
    carried.push_back(values[argument]);
  SmallVector<Type> types(ValueRange(carried).getTypes());
  SmallVector<Location> locations(types.size(), loc);
  OperationState state(loc, "stablehlo.while", carried, types);
  state.addRegion();
  state.addRegion();
  Operation *loop = builder.create(state);
  auto createBlock = [&](unsigned region, function_ref<SmallVector<Value>(OpBuilder &, Block &)> fill) {
    OpBuilder at(builder.getContext());
    Block *block = at.createBlock(&loop->getRegion(region), {}, types, locations);
    Operation *terminator = at.create(OperationState(loc, "stablehlo.return"));
    at.setInsertionPoint(terminator);
    terminator->setOperands(fill(at, *block));
  };
  createBlock(0, [&](OpBuilder &at, Block &block) -> SmallVector<Value> {
    return {StablehloBuilder(at, loc).compare("LT", block.getArgument(0), integer(at, sweeps))};
  });
  createBlock(1, [&](OpBuilder &at, Block &block) {
    SmallVector<Value> inner(values), next;
    for (auto [number, entry] : llvm::enumerate(moves.getGauges()))
      inner[entry.first] = block.getArgument(number + 1);
    sweep(at, loc, moves, inner);
    next.push_back(StablehloBuilder(at, loc).binary("stablehlo.add", block.getArgument(0),
                                                    integer(at, 1)));
    for (const auto &[argument, gauge] : moves.getGauges())
      next.push_back(inner[argument]);
    return next;
  });
  for (auto [number, entry] : llvm::enumerate(moves.getGauges()))
    values[entry.first] = loop->getResult(number + 1);
}

void Balance::runOnOperation() {
  AnalysisOptions options;
  options.spurionThreshold = spurionThreshold;
  FailureOr<StepAnalysis> analysis = analyzeInlined(getOperation(), options);
  if (failed(analysis))
    return signalPassFailure();
  SmallVector<std::string> names(symmetries.begin(), symmetries.end());
  auto moves = SymmetryMoves::find(*analysis, names, kCategory);
  if (failed(moves))
    return signalPassFailure();
  if (moves->empty())
    return;
  const StepRoles &roles = analysis->roles;
  func::FuncOp entry = roles.entry;
  if (failed(checkStablehlo(entry)))
    return signalPassFailure();
  annotateRoles(roles);
  entry->setDiscardableAttr("noether.entry", UnitAttr::get(&getContext()));

  Location loc = entry.getLoc();
  ArgumentList arguments(entry);
  auto body = [&](OpBuilder &builder, ValueRange from) {
    SmallVector<Value> values(from);
    repeat(builder, loc, *moves, sweeps, values);
    return values;
  };
  if (failed(createFunction(entry, "noether_balance", arguments, arguments, body)))
    return signalPassFailure();
  if (!everyStep)
    return;

  // On the way out: what the step returns is moved, and its own results are not touched otherwise.
  Operation &terminator = entry.getBody().front().back();
  OpBuilder builder(&terminator);
  SmallVector<Value> values(entry.getArguments());
  for (const auto &[argument, gauge] : moves->getGauges())
    values[argument] = terminator.getOperand(*roles.arguments[argument].carriedTo);
  sweep(builder, terminator.getLoc(), *moves, values);
  for (const auto &[argument, gauge] : moves->getGauges())
    terminator.setOperand(*roles.arguments[argument].carriedTo, values[argument]);
}
