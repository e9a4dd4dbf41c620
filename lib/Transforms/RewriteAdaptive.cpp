// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gauge fixing: parameters that may be scaled without changing the loss become a direction and a
// radius, and every value of the step moves to the gauge where it is computed from directions
// alone.

#include "AdaptiveBlocks.h"
#include "AdaptiveRadii.h"
#include "AdaptiveSignature.h"
#include "EntryResults.h"
#include "GaugeFixing.h"
#include "RmspropForm.h"
#include "StateGauges.h"
#include "StepRewrite.h"

#include "noether/Dialect/Host/StablehloBuilder.h"
#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Transforms/Passes.h"

#include "mlir/IR/Remarks.h"

namespace noether {
#define GEN_PASS_DEF_REWRITEADAPTIVE
#include "noether/Transforms/Passes.h.inc"
} // namespace noether

using namespace mlir;
using namespace noether;

namespace {

struct RewriteAdaptive : noether::impl::RewriteAdaptiveBase<RewriteAdaptive> {
  using RewriteAdaptiveBase::RewriteAdaptiveBase;

  void runOnOperation() override;

private:
  LogicalResult checkOptions();
  LogicalResult rewrite(const StepAnalysis &analysis, ArrayRef<AdaptiveBlock> blocks,
                        ArrayRef<RmspropNumbers> rmsprop);
};

} // namespace

LogicalResult RewriteAdaptive::checkOptions() {
  if (form != "exact" && form != "rmsprop")
    return getOperation().emitError("option 'form' of noether-rewrite-adaptive is '")
           << form << "': it can be 'exact' or 'rmsprop'";
  if (gradients != "coherent" && gradients != "noise")
    return getOperation().emitError("option 'gradients' of noether-rewrite-adaptive is '")
           << gradients << "': it can be 'coherent' or 'noise'";
  if (eps != "exact" && eps != "keep")
    return getOperation().emitError("option 'eps' of noether-rewrite-adaptive is '")
           << eps << "': it can be 'exact' or 'keep'";
  return success();
}

/// Puts the rewritten step's results in the place of the old ones: directions, states in the gauges
/// of the new radii, and everything else in its own gauge; then the radii.
static LogicalResult finishResults(const StepAnalysis &analysis, ArrayRef<AdaptiveBlock> blocks,
                                   ArrayRef<RmspropNumbers> rmsprop, const ArgumentGauges &gauges,
                                   GaugeFixing &fixing, ArrayRef<Value> radii,
                                   ArrayRef<Value> joined) {
  const StepRoles &roles = analysis.roles;
  func::FuncOp entry = roles.entry;
  Operation &terminator = entry.getBody().front().back();
  Location loc = terminator.getLoc();
  SmallVector<Gauge> wanted(terminator.getNumOperands());
  for (const auto &[argument, gauge] : gauges)
    wanted[*roles.arguments[argument].carriedTo] = gauge;
  for (auto [operand, gauge] : llvm::zip(terminator.getOpOperands(), wanted))
    operand.set(fixing.bring(operand.get(), gauge, terminator));
  for (auto [number, numbers] : llvm::enumerate(rmsprop)) {
    const AdaptiveBlock &block = blocks[number];
    SmallVector<Value> directions, gradients;
    for (const AdaptiveBlock::Member &member : block.members) {
      directions.push_back(entry.getArgument(member.argument));
      Gauge gauge = Gauge() - gauges.lookup(member.argument);
      gradients.push_back(
          fixing.bring(analysis.gradients.lookup(member.argument), gauge, terminator));
    }
    OpBuilder at(&terminator);
    auto next = createRmspropUpdate(at, loc, block, numbers, joined[number], directions, gradients);
    for (auto [member, value] : llvm::zip_equal(block.members, next))
      terminator.setOperand(member.result, value);
  }

  // Now all next values are in the gauge of the old radii; the new ones are `growth` times as
  // large. Directions are divided by the very number that multiplies the radii. Products with its
  // inverse would drift: the inverse of a number just below one rounds up more often than down.
  // (Dividing the radii by the inverse does not help: compilers turn that into a product again.)
  OpBuilder builder(&terminator);
  StablehloBuilder b(builder, loc);
  SmallVector<Value> growth;
  SmallVector<std::string> names;
  SmallVector<EntryResult> results;
  for (const AdaptiveBlock &block : blocks)
    for (const AdaptiveBlock::Part &part : block.parts)
      names.push_back("radius." + part.symmetry);
  for (const AdaptiveBlock &block : blocks) {
    SmallVector<Value> next;
    for (const AdaptiveBlock::Member &member : block.members)
      next.push_back(terminator.getOperand(member.result));
    growth.push_back(createNorm(builder, loc, block, next));
    for (Value factor : splitRadii(builder, loc, block, growth.back())) {
      size_t part = results.size();
      results.push_back(
          {b.binary("stablehlo.multiply", radii[part], factor), "state", names[part]});
    }
  }
  BlockPowers powers(growth, &terminator);
  for (auto [operand, gauge] : llvm::zip(terminator.getOpOperands(), wanted))
    if (!gauge.isTrivial())
      operand.set(powers.multiply(builder, loc, operand.get(), Gauge() - gauge,
                                  /*divides=*/true));
  return appendResults(entry, results);
}

LogicalResult RewriteAdaptive::rewrite(const StepAnalysis &analysis,
                                       ArrayRef<AdaptiveBlock> blocks,
                                       ArrayRef<RmspropNumbers> rmsprop) {
  const StepRoles &roles = analysis.roles;
  func::FuncOp entry = roles.entry;
  annotateRoles(roles);
  entry->setDiscardableAttr("noether.entry", UnitAttr::get(&getContext()));

  OperationFacts facts(&getContext(), eps == "keep" ? double(spurionThreshold) : 0);
  ArgumentGauges gauges = gaugesOfParameters(blocks);
  for (const auto &[argument, gauge] : findStateGauges(roles, gauges, facts))
    gauges[argument] = gauge;
  if (failed(createConversions(roles, blocks, gauges)))
    return failure();

  SmallVector<Operation *> operations;
  for (Operation &op : entry.getBody().front())
    operations.push_back(&op);
  FailureOr<SmallVector<Value>> radii = appendRadiusArguments(entry, blocks);
  if (failed(radii))
    return failure();
  OpBuilder builder(operations.front());
  SmallVector<Value> joined = joinAllRadii(builder, entry.getLoc(), blocks, *radii);
  BlockPowers powers(joined, operations.front());
  GaugeFixing fixing(facts, powers);
  for (const auto &[argument, gauge] : gauges)
    fixing.setGauge(entry.getArgument(argument), gauge);
  for (Operation *op : ArrayRef(operations).drop_back())
    fixing.visit(*op);
  if (failed(finishResults(analysis, blocks, rmsprop, gauges, fixing, *radii, joined)))
    return failure();
  describeBlocks(entry, blocks, gauges);

  remark::analysis(entry.getLoc(), remark::RemarkOpts::name("Corrections")
                                       .category("noether-adaptive")
                                       .function(entry.getName()))
      << remark::metric("count", fixing.getNumCorrections())
      << remark::metric("operations", operations.size());
  return success();
}

void RewriteAdaptive::runOnOperation() {
  if (failed(checkOptions()))
    return signalPassFailure();
  AnalysisOptions options;
  options.spurionThreshold = spurionThreshold;
  options.motions = form == "rmsprop";
  FailureOr<StepAnalysis> analysis = analyzeInlined(getOperation(), options);
  if (failed(analysis))
    return signalPassFailure();
  func::FuncOp entry = analysis->roles.entry;
  if (entry->hasAttr("noether.adaptive")) {
    entry.emitOpError("is in adaptive form already");
    return signalPassFailure();
  }
  SmallVector<std::string> names(symmetries.begin(), symmetries.end());
  auto blocks = chooseAdaptiveBlocks(*analysis, names);
  if (failed(blocks))
    return signalPassFailure();
  SmallVector<RmspropNumbers> rmsprop;
  if (form == "rmsprop")
    rmsprop = findRmspropNumbers(*analysis,
                                 gradients == "noise" ? RmspropGradients::Noise
                                                      : RmspropGradients::Coherent,
                                 *blocks);
  if (blocks->empty()) {
    remark::missed(entry.getLoc(), remark::RemarkOpts::name("NotAdapted")
                                       .category("noether-adaptive")
                                       .function(entry.getName()))
        << remark::reason("no parameter is scale-invariant on its own");
    return;
  }
  if (failed(checkStablehlo(entry)) || failed(rewrite(*analysis, *blocks, rmsprop)))
    return signalPassFailure();
}
