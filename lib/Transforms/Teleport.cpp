// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One move along the rescale symmetries to where the gradient is larger and the loss the same.

#include "StepConversions.h"
#include "StepRewrite.h"
#include "SymmetryMoves.h"

#include "noether/Dialect/Host/StablehloBuilder.h"
#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Transforms/Passes.h"

#include "mlir/IR/IRMapping.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

namespace noether {
#define GEN_PASS_DEF_TELEPORT
#include "noether/Transforms/Passes.h.inc"
} // namespace noether

using namespace mlir;
using namespace noether;

namespace {
struct Teleport : noether::impl::TeleportBase<Teleport> {
  using TeleportBase::TeleportBase;

  void runOnOperation() override;
};
} // namespace

static constexpr llvm::StringLiteral kCategory = "noether-teleport";

/// The factor e^s of one move. The gradient of a member with exponent e becomes e^(-e s) times what it
/// was: the square of all gradients is convex in s, with slope -2 sum e |g|^2 at 0. The step against
/// it, of at most `distance`, therefore raises the square, by twice the step times the slope or more;
/// and so do all moves together.
static Value createFactor(OpBuilder &builder, Location loc, const SymmetryMoves &moves,
                          const SymmetryMove &move, double distance,
                          function_ref<Value(unsigned)> gradients) {
  StablehloBuilder b(builder, loc);
  Value slope = moves.createSum(builder, loc, move, gradients, toDouble);
  Value size = moves.createSum(builder, loc, move, gradients,
                               [](const Fraction &e) { return std::abs(toDouble(e)); });
  Value isLive = b.compare("GT", size, b.splat(move.type, 0));
  Value share = b.binary("stablehlo.divide", slope, b.select(isLive, size, b.splat(move.type, 1)));
  return b.unary("stablehlo.exponential", b.scale(share, -distance));
}

void Teleport::runOnOperation() {
  if (!(distance > 0) || !(distance <= 10)) {
    getOperation().emitError("option 'distance' of noether-teleport must be between 0 and 10");
    return signalPassFailure();
  }
  AnalysisOptions options;
  options.spurionThreshold = spurionThreshold;
  FailureOr<StepAnalysis> analysis = analyzeInlined(getOperation(), options);
  if (failed(analysis))
    return signalPassFailure();
  SmallVector<std::string> names(symmetries.begin(), symmetries.end());
  auto moves = SymmetryMoves::find(*analysis, names, kCategory);
  if (failed(moves))
    return signalPassFailure();
  const StepRoles &roles = analysis->roles;
  func::FuncOp entry = roles.entry;
  for (const SymmetryMove &move : moves->get())
    for (const SymmetryMove::Member &member : move.members)
      if (!analysis->gradients.contains(member.argument)) {
        remark::missed(entry.getArgument(member.argument).getLoc(),
                       remark::RemarkOpts::name("NotMoved")
                           .category(kCategory)
                           .function(entry.getName()))
            << remark::reason("{0}", "the gradient of " + roles.arguments[member.argument].name +
                                         " is not known");
        return;
      }
  if (moves->empty())
    return;
  if (failed(checkStablehlo(entry)))
    return signalPassFailure();
  annotateRoles(roles);
  entry->setDiscardableAttr("noether.entry", UnitAttr::get(&getContext()));

  Location loc = entry.getLoc();
  Block &body = entry.getBody().front();
  ArgumentList arguments(entry);
  auto teleport = [&](OpBuilder &builder, ValueRange from) {
    IRMapping mapping;
    mapping.map(body.getArguments(), from);
    for (Operation &op : body.without_terminator())
      builder.clone(op, mapping);
    SmallVector<Value> factors, values(from);
    for (const SymmetryMove &move : moves->get())
      factors.push_back(createFactor(builder, loc, *moves, move, distance, [&](unsigned argument) {
        return mapping.lookup(analysis->gradients.lookup(argument));
      }));
    moves->apply(builder, loc, factors, values);
    return values;
  };
  if (failed(createFunction(entry, "noether_teleport", arguments, arguments, teleport)))
    return signalPassFailure();
  auto function = entry->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>("noether_teleport");
  eraseUnused(function.getBody().front());
}
