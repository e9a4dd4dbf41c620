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
static constexpr llvm::StringLiteral kSweep = "noether_balance_sweep", kBalance = "noether_balance";

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
  auto oneSweep = [&](OpBuilder &builder, ValueRange from) {
    SmallVector<Value> values(from);
    sweep(builder, loc, *moves, values);
    return values;
  };
  auto allSweeps = [&](OpBuilder &builder, ValueRange from) {
    SmallVector<Value> values(from);
    for (unsigned i = 0; i < sweeps; ++i) {
      auto call = func::CallOp::create(builder, loc, kSweep, arguments.getTypes(), values);
      values.assign(call.result_begin(), call.result_end());
    }
    return values;
  };
  if (failed(createFunction(entry, kSweep, arguments, arguments, oneSweep)) ||
      failed(createFunction(entry, kBalance, arguments, arguments, allSweeps)))
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
