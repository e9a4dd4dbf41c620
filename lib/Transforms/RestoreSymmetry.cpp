// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Updates of scale-invariant parameters lose their radial part: the optimizer no longer breaks the
// symmetry of the loss.

#include "AdaptiveBlocks.h"
#include "AdaptiveRadii.h"
#include "BlockPowers.h"
#include "StepRewrite.h"

#include "noether/Dialect/Host/StablehloBuilder.h"
#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Transforms/Passes.h"

#include "mlir/Analysis/TopologicalSortUtils.h"

#include "llvm/ADT/STLExtras.h"

namespace noether {
#define GEN_PASS_DEF_RESTORESYMMETRY
#include "noether/Transforms/Passes.h.inc"
} // namespace noether

using namespace mlir;
using namespace noether;

namespace {
struct RestoreSymmetry : noether::impl::RestoreSymmetryBase<RestoreSymmetry> {
  using RestoreSymmetryBase::RestoreSymmetryBase;

  void runOnOperation() override;

private:
  void project(func::FuncOp entry, const AdaptiveBlock &block);
};
} // namespace

static constexpr llvm::StringLiteral kCategory = "noether-restore-symmetry";

/// Replaces the next values of a block by ones that differ from the old ones by a step along the
/// sphere. In all their uses: averages are taken of what the parameters become.
void RestoreSymmetry::project(func::FuncOp entry, const AdaptiveBlock &block) {
  Operation &terminator = entry.getBody().front().back();
  OpBuilder builder(&terminator);
  Location loc = terminator.getLoc();
  StablehloBuilder b(builder, loc);
  SmallVector<Value> olds, nexts, steps;
  OperationSlice updates(*terminator.getBlock());
  for (const AdaptiveBlock::Member &member : block.members)
    updates.add(terminator.getOperand(member.result));
  SmallVector<SmallVector<OpOperand *>> uses;
  for (const AdaptiveBlock::Member &member : block.members) {
    olds.push_back(entry.getArgument(member.argument));
    nexts.push_back(terminator.getOperand(member.result));
    // An update that reads another's result keeps to it.
    auto &readers = uses.emplace_back();
    if (isa<BlockArgument>(nexts.back()))
      continue;
    for (OpOperand &use : nexts.back().getUses())
      if (!updates.contains(terminator.getBlock()->findAncestorOpInBlock(*use.getOwner())))
        readers.push_back(&use);
  }
  for (auto [old, next] : llvm::zip_equal(olds, nexts))
    steps.push_back(b.binary("stablehlo.subtract", next, old));
  auto gaugeOf = [](const AdaptiveBlock::Member &member) {
    return Gauge(GaugeTerm{0, member.slots, Fraction(1)});
  };

  // <w, w' - w> / |w|^2, and 0 where there is no direction.
  Value radius = createNorm(builder, loc, block, olds);
  Value radial = createProduct(builder, loc, block, olds, steps);
  radial = b.binary("stablehlo.divide", radial, b.binary("stablehlo.multiply", radius, radius));
  if (static_cast<int64_t>(block.parts.size()) < block.numPositions)
    radial = b.select(createIsInPart(builder, loc, block), radial, b.splat(block.type, 0));
  BlockPowers radialPart(radial, &terminator);
  SmallVector<Value> results;
  for (auto [member, old, next] : llvm::zip_equal(block.members, olds, nexts))
    results.push_back(b.binary("stablehlo.subtract", next,
                               radialPart.multiply(builder, loc, old, gaugeOf(member))));
  if (form == "sphere") {
    Value growth = createNorm(builder, loc, block, results);
    Value square = createProduct(builder, loc, block, olds, olds);
    Value ratio = b.select(b.compare("NE", square, b.splat(block.type, 0)),
                           b.binary("stablehlo.divide", radius, growth), b.splat(block.type, 1));
    BlockPowers back(ratio, &terminator);
    for (auto [member, result] : llvm::zip_equal(block.members, results))
      result = back.multiply(builder, loc, result, gaugeOf(member));
  }
  for (auto [readers, result] : llvm::zip_equal(uses, results))
    for (OpOperand *use : readers)
      use->set(result);
  for (auto [member, result] : llvm::zip_equal(block.members, results))
    terminator.setOperand(member.result, result);
}

void RestoreSymmetry::runOnOperation() {
  if (form != "sphere" && form != "projected") {
    getOperation().emitError("option 'form' of noether-restore-symmetry is '")
        << form << "': it can be 'sphere' or 'projected'";
    return signalPassFailure();
  }
  AnalysisOptions options;
  options.spurionThreshold = spurionThreshold;
  FailureOr<StepAnalysis> analysis = analyzeInlined(getOperation(), options);
  if (failed(analysis))
    return signalPassFailure();
  SmallVector<std::string> names(symmetries.begin(), symmetries.end());
  auto blocks = chooseAdaptiveBlocks(*analysis, names, kCategory);
  if (failed(blocks))
    return signalPassFailure();
  if (blocks->empty())
    return;
  func::FuncOp entry = analysis->roles.entry;
  if (failed(checkStablehlo(entry)))
    return signalPassFailure();
  annotateRoles(analysis->roles);
  for (const AdaptiveBlock &block : *blocks)
    project(entry, block);
  // What reads the next values comes after them.
  Block &body = entry.getBody().front();
  if (!sortTopologically(&body)) {
    entry.emitOpError("internal error: an update reads what it makes");
    return signalPassFailure();
  }
}
