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
#include "InlineCallees.h"
#include "InlineStep.h"
#include "StateGauges.h"

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
  LogicalResult rewrite(const StepRoles &roles, ArrayRef<AdaptiveBlock> blocks);
};

} // namespace

LogicalResult RewriteAdaptive::checkOptions() {
  if (form != "exact")
    return getOperation().emitError("option 'form' of noether-rewrite-adaptive is '")
           << form << "': it can be 'exact'";
  if (eps != "exact" && eps != "keep")
    return getOperation().emitError("option 'eps' of noether-rewrite-adaptive is '")
           << eps << "': it can be 'exact' or 'keep'";
  return success();
}

/// The rewrite makes StableHLO operations.
static LogicalResult checkDialects(func::FuncOp entry) {
  for (Operation &op : entry.getBody().front()) {
    StringRef dialect = op.getName().getDialectNamespace();
    if (!llvm::is_contained({"stablehlo", "chlo", "sdy", "mhlo", "func"}, dialect))
      return op.emitOpError("is not StableHLO: only steps in StableHLO can be rewritten");
  }
  return success();
}

/// Puts the rewritten step's results in the place of the old ones: directions, states in the gauges
/// of the new radii, and everything else in its own gauge; then the radii.
static LogicalResult finishResults(const StepRoles &roles, ArrayRef<AdaptiveBlock> blocks,
                                   const ArgumentGauges &gauges, GaugeFixing &fixing,
                                   ArrayRef<Value> radii) {
  func::FuncOp entry = roles.entry;
  Operation &terminator = entry.getBody().front().back();
  Location loc = terminator.getLoc();
  SmallVector<Gauge> wanted(terminator.getNumOperands());
  for (const auto &[argument, gauge] : gauges)
    wanted[*roles.arguments[argument].carriedTo] = gauge;
  for (auto [operand, gauge] : llvm::zip(terminator.getOpOperands(), wanted))
    operand.set(fixing.bring(operand.get(), gauge, terminator));

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

LogicalResult RewriteAdaptive::rewrite(const StepRoles &roles, ArrayRef<AdaptiveBlock> blocks) {
  func::FuncOp entry = roles.entry;
  annotateRoles(roles);
  entry->setDiscardableAttr("noether.entry", UnitAttr::get(&getContext()));
  inlineCallees(entry);

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
  BlockPowers powers(joinAllRadii(builder, entry.getLoc(), blocks, *radii), operations.front());
  GaugeFixing fixing(facts, powers);
  for (const auto &[argument, gauge] : gauges)
    fixing.setGauge(entry.getArgument(argument), gauge);
  for (Operation *op : ArrayRef(operations).drop_back())
    fixing.visit(*op);
  if (failed(finishResults(roles, blocks, gauges, fixing, *radii)))
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
  if (failed(checkOptions()) || failed(inlineStep(getOperation())))
    return signalPassFailure();
  AnalysisOptions options;
  options.spurionThreshold = spurionThreshold;
  FailureOr<StepAnalysis> analysis = analyzeStep(getOperation(), options);
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
  if (blocks->empty()) {
    remark::missed(entry.getLoc(), remark::RemarkOpts::name("NotAdapted")
                                       .category("noether-adaptive")
                                       .function(entry.getName()))
        << remark::reason("no parameter is scale-invariant on its own");
    return markAllAnalysesPreserved();
  }
  if (failed(checkDialects(entry)) || failed(rewrite(analysis->roles, *blocks)))
    return signalPassFailure();
}
