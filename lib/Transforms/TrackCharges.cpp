// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "EntryResults.h"
#include "InlineCallees.h"
#include "InlineStep.h"
#include "PredictionInputs.h"

#include "noether/Analysis/Step/Gradient.h"
#include "noether/Analysis/StepAnalysis.h"
#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Transforms/Passes.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"

namespace noether {
#define GEN_PASS_DEF_TRACKCHARGES
#include "noether/Transforms/Passes.h.inc"
} // namespace noether

using namespace mlir;
using namespace noether;

static MemberAttr getMember(MLIRContext *context, const SymmetryMember &member) {
  // Exponents are small by construction: they come from powers in the step.
  return MemberAttr::get(context, int64_t(member.exponent.num), int64_t(member.exponent.den),
                         member.view, member.axes, member.offsets, member.sizes);
}

/// Whether every member's block is that of the symmetry: else it is true, but not told as a
/// function on axes.
static bool hasCommonBlock(const Symmetry &symmetry) {
  return !symmetry.undescribed && llvm::all_of(symmetry.members, [&](const SymmetryMember &member) {
    return member.axes.size() == symmetry.blockShape.size() &&
           llvm::all_of(llvm::zip(member.axes, symmetry.blockShape), [&](auto pair) {
             return member.sizes[std::get<0>(pair)] == std::get<1>(pair);
           });
  });
}

/// The widest of the members' types, and at least f32.
static FloatType getSumType(MLIRContext *context, ValueRange weights) {
  FloatType widest = Float32Type::get(context);
  for (Value weight : weights) {
    auto type = dyn_cast<FloatType>(getElementTypeOrSelf(weight));
    if (type && type.getWidth() > widest.getWidth())
      widest = type;
  }
  return widest;
}

namespace {
struct TrackCharges : noether::impl::TrackChargesBase<TrackCharges> {
  using TrackChargesBase::TrackChargesBase;

  void runOnOperation() override {
    if (failed(inlineStep(getOperation())))
      return signalPassFailure();
    AnalysisOptions options;
    options.spurionThreshold = spurionThreshold;
    options.motions = options.motionValues = predict;
    FailureOr<StepAnalysis> analysis = analyzeStep(getOperation(), options);
    if (failed(analysis))
      return signalPassFailure();
    // The numbers of the update are to be the entry's own values. (What has been analysed can be expanded.)
    if (func::FuncOp entry = analysis->roles.entry;
        predict && !entry.getBody().front().getOps<func::CallOp>().empty()) {
      inlineCallees(entry);
      if (failed(analysis = analyzeStep(getOperation(), options)))
        return signalPassFailure();
    }
    const llvm::MapVector<unsigned, Value> &gradients = analysis->gradients;
    annotateRoles(analysis->roles);

    SmallVector<std::string, 0> names;
    SmallVector<Value> values;
    for (const Symmetry &symmetry : analysis->symmetries) {
      if (!hasCommonBlock(symmetry)) {
        remark::missed(analysis->roles.entry.getLoc(),
                       remark::RemarkOpts::name("ChargeNotTracked").category("noether-charges"))
            << remark::metric("symmetry", symmetry.id)
            << remark::reason("the members have no block axes in common");
        continue;
      }
      ChargeOp op = insertCharge(symmetry, analysis->roles, gradients);
      auto add = [&](Value value, const char *what) {
        if (!value)
          return;
        names.push_back(symmetry.id + what);
        values.push_back(value);
      };
      add(op.getCharge(), ".charge");
      add(op.getIdentity(), ".identity");
      add(op.getGradientNorm(), ".gradient_norm");
      add(op.getNextCharge(), ".next_charge");
    }
    if (predict)
      addPredictions(*analysis, names, values);
    SmallVector<EntryResult> results;
    for (auto [value, name] : llvm::zip(values, names))
      results.push_back({value, stringifyRole(ResultRole::Charge), name});
    if (failed(appendResults(analysis->roles.entry, results)))
      signalPassFailure();
  }

  /// What predictions need of the step, for symmetries that have one: charges, then translations, whose
  /// charges are sums.
  void addPredictions(const StepAnalysis &analysis, SmallVectorImpl<std::string> &names,
                      SmallVectorImpl<Value> &values) {
    func::FuncOp entry = analysis.roles.entry;
    Block &body = entry.getBody().front();
    if (llvm::none_of(body, [](Operation &op) {
          return op.getName().getDialectNamespace() == "stablehlo";
        })) {
      remark::missed(entry.getLoc(),
                     remark::RemarkOpts::name("ChargeNotPredicted").category("noether-charges"))
          << remark::reason("only steps in StableHLO have predictions");
      return;
    }
    SmallVector<NamedAttribute> labels;
    PredictionInputs inputs(analysis);
    for (const Symmetry &symmetry :
         llvm::concat<const Symmetry>(analysis.symmetries, analysis.translations)) {
      if (!hasCommonBlock(symmetry))
        continue;
      SmallVector<MemberAttr> members;
      SmallVector<Value> weights;
      for (const SymmetryMember &member : symmetry.members) {
        members.push_back(getMember(&getContext(), member));
        weights.push_back(entry.getArgument(member.argument));
      }
      SmallVector<PredictionInputs::Output> outputs;
      auto type = RankedTensorType::get(symmetry.blockShape, getSumType(&getContext(), weights));
      std::optional<PredictionLabel> label = inputs.add(symmetry, members, type, outputs);
      if (!label)
        continue;
      labels.emplace_back(StringAttr::get(&getContext(), symmetry.id),
                          StringAttr::get(&getContext(), stringifyLabel(*label)));
      for (PredictionInputs::Output &output : outputs) {
        names.push_back(symmetry.id + "." + output.name);
        values.push_back(output.value);
      }
    }
    entry->setDiscardableAttr("noether.predictions", DictionaryAttr::get(&getContext(), labels));
  }

  ChargeOp insertCharge(const Symmetry &symmetry, const StepRoles &roles,
                        const llvm::MapVector<unsigned, Value> &gradients) {
    func::FuncOp entry = roles.entry;
    Operation *terminator = &entry.getBody().front().back();
    SmallVector<MemberAttr> members;
    SmallVector<Value> weights, memberGradients, nextWeights;
    for (const SymmetryMember &member : symmetry.members) {
      members.push_back(getMember(&getContext(), member));
      weights.push_back(entry.getArgument(member.argument));
      auto gradient = gradients.find(member.argument);
      if (gradient != gradients.end())
        memberGradients.push_back(gradient->second);
      else
        remark::missed(entry.getLoc(), remark::RemarkOpts::name("GradientNotFound")
                                           .category("noether-charges")
                                           .function(entry.getName()))
            << remark::metric("parameter", roles.arguments[member.argument].name)
            << remark::metric("symmetry", symmetry.id);
      if (std::optional<unsigned> next = roles.arguments[member.argument].carriedTo)
        nextWeights.push_back(terminator->getOperand(*next));
    }
    // A part of the sum is of no use.
    for (SmallVector<Value> *part : {&memberGradients, &nextWeights})
      if (part->size() != members.size())
        part->clear();

    OpBuilder builder(terminator);
    auto type = RankedTensorType::get(symmetry.blockShape, getSumType(&getContext(), weights));
    auto op = ChargeOp::create(builder, terminator->getLoc(), type, symmetry.id, members, weights,
                               memberGradients, nextWeights, symmetry.traceless);
    remark::passed(entry.getLoc(), remark::RemarkOpts::name("ChargeTracked")
                                       .category("noether-charges")
                                       .function(entry.getName()))
        << remark::metric("symmetry", symmetry.id)
        << remark::metric("family", stringifyFamily(symmetry.family))
        << remark::metric("dimension", symmetry.dimension);
    return op;
  }
};
} // namespace
