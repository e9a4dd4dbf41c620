// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A small fixed bias under the parameters: where the decay pulls is no longer where the symmetries of
// the loss meet.

#include "StepRewrite.h"

#include "noether/Dialect/Host/StablehloBuilder.h"
#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Transforms/Passes.h"

#include "mlir/Analysis/TopologicalSortUtils.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

#include <cmath>

namespace noether {
#define GEN_PASS_DEF_BREAKSYMMETRY
#include "noether/Transforms/Passes.h.inc"
} // namespace noether

using namespace mlir;
using namespace noether;

namespace {

struct BreakSymmetry : noether::impl::BreakSymmetryBase<BreakSymmetry> {
  using BreakSymmetryBase::BreakSymmetryBase;

  void runOnOperation() override;

private:
  /// What the loss and the gradients are made of, and these values themselves.
  struct Function {
    explicit Function(Block &body) : slice(body) {}
    OperationSlice slice;
    llvm::DenseSet<Value> ends;
  };
  std::string findObstacle(const StepAnalysis &analysis, const Function &function,
                           unsigned argument);
  OperationSlice sliceOfUpdate(const StepAnalysis &analysis, const Function &function,
                               unsigned argument);
  void shift(const StepAnalysis &analysis, const Function &function, unsigned argument);
};

} // namespace

static constexpr llvm::StringLiteral kCategory = "noether-break-symmetry";

/// Uniform numbers of mean 0 and the given standard deviation, from the index alone.
static Value createNoise(OpBuilder &builder, Location loc, RankedTensorType type, uint32_t seed,
                         double deviation) {
  StablehloBuilder b(builder, loc);
  MLIRContext *context = builder.getContext();
  auto integers = RankedTensorType::get(type.getNumElements(),
                                        IntegerType::get(context, 32, IntegerType::Unsigned));
  auto constant = [&](uint32_t value) {
    return b.create("stablehlo.constant", integers, {},
                    builder.getNamedAttr("value", DenseElementsAttr::get(integers, value)));
  };
  auto mixWithShift = [&](Value x, uint32_t bits) {
    return b.binary("stablehlo.xor", x,
                    b.binary("stablehlo.shift_right_logical", x, constant(bits)));
  };
  // The last steps of MurmurHash3.
  Value x = b.create("stablehlo.iota", integers, {},
                     builder.getNamedAttr("iota_dimension", builder.getI64IntegerAttr(0)));
  x = b.binary("stablehlo.multiply", x, constant(0x9e3779b1));
  x = b.binary("stablehlo.add", x, constant(seed));
  x = b.binary("stablehlo.multiply", mixWithShift(x, 16), constant(0x85ebca6b));
  x = b.binary("stablehlo.multiply", mixWithShift(x, 13), constant(0xc2b2ae35));
  x = b.binary("stablehlo.shift_right_logical", mixWithShift(x, 16), constant(8));
  Type element = type.getElementType();
  if (element.getIntOrFloatBitWidth() < 32)
    element = builder.getF32Type();
  auto wide = integers.clone(element);
  Value number = b.create("stablehlo.convert", wide, x);
  double range = deviation * std::sqrt(3.0), step = std::ldexp(1.0, -23);
  number = b.binary("stablehlo.subtract", b.scale(number, range * step),
                    b.splat(wide, range * (1 - step / 2)));
  return b.reshape(b.convert(number, type.getElementType()), type.getShape());
}

/// Everything from the gradients to the next values of a parameter and of its states.
OperationSlice BreakSymmetry::sliceOfUpdate(const StepAnalysis &analysis, const Function &function,
                                            unsigned argument) {
  func::FuncOp entry = analysis.roles.entry;
  Operation &terminator = entry.getBody().front().back();
  OperationSlice update(entry.getBody().front());
  auto add = [&](unsigned carried) {
    update.add(terminator.getOperand(*analysis.roles.arguments[carried].carriedTo), &function.ends);
  };
  add(argument);
  llvm::for_each(analysis.motions.find(argument)->second.carriedStates, add);
  return update;
}

std::string BreakSymmetry::findObstacle(const StepAnalysis &analysis, const Function &function,
                                        unsigned argument) {
  func::FuncOp entry = analysis.roles.entry;
  BlockArgument value = entry.getArgument(argument);
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !isa<FloatType>(type.getElementType()) ||
      type.getNumElements() > std::numeric_limits<int32_t>::max())
    return "it is not a tensor of real numbers, or is too large";
  auto it = analysis.motions.find(argument);
  if (it == analysis.motions.end() || it->second.drive == ParameterMotion::Drive::Unknown)
    return "its update is not known";
  const ParameterMotion &motion = it->second;
  if (!motion.isDecayed() || !motion.decayIsCertain)
    return "it does not decay: a bias would only move the start";
  OperationSlice update = sliceOfUpdate(analysis, function, argument);
  for (Operation *user : value.getUsers()) {
    Operation *op = entry.getBody().front().findAncestorOpInBlock(*user);
    if (update.contains(op) && function.slice.contains(op))
      return describe(op) + " serves the loss and the update";
  }
  return "";
}

void BreakSymmetry::shift(const StepAnalysis &analysis, const Function &function,
                          unsigned argument) {
  func::FuncOp entry = analysis.roles.entry;
  Block &body = entry.getBody().front();
  BlockArgument value = entry.getArgument(argument);
  OperationSlice update = sliceOfUpdate(analysis, function, argument);
  auto usesOf = [&](Value of, bool inUpdate) {
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : of.getUses())
      if (update.contains(body.findAncestorOpInBlock(*use.getOwner())) == inUpdate)
        uses.push_back(&use);
    return uses;
  };
  unsigned result = *analysis.roles.arguments[argument].carriedTo;
  Value next = body.back().getOperand(result);
  SmallVector<OpOperand *> ownUses = usesOf(value, true), nextUses = usesOf(next, false);

  Location loc = value.getLoc();
  OpBuilder builder = OpBuilder::atBlockBegin(&body);
  StablehloBuilder b(builder, loc);
  uint32_t key = seed * 0x9e3779b1u + (argument + 1) * 0x85ebca6bu;
  Value bias =
      createNoise(builder, loc, cast<RankedTensorType>(value.getType()), key, deviation);
  Value own = b.binary("stablehlo.subtract", value, bias);
  for (OpOperand *use : ownUses)
    use->set(own);
  builder.setInsertionPoint(&body.back());
  Value shifted = b.binary("stablehlo.add", next, bias);
  for (OpOperand *use : nextUses)
    use->set(shifted);
}

void BreakSymmetry::runOnOperation() {
  if (!(deviation > 0) || !std::isfinite(double(deviation))) {
    getOperation().emitError("option 'deviation' of noether-break-symmetry must be positive");
    return signalPassFailure();
  }
  AnalysisOptions options;
  options.spurionThreshold = spurionThreshold;
  options.motions = true;
  FailureOr<StepAnalysis> analysis = analyzeInlined(getOperation(), options);
  if (failed(analysis))
    return signalPassFailure();
  const StepRoles &roles = analysis->roles;
  func::FuncOp entry = roles.entry;
  Block &body = entry.getBody().front();

  // What meets at a point under decay: everything but the scales of single blocks and translations.
  llvm::SmallSetVector<unsigned, 8> candidates;
  for (const Symmetry &symmetry : analysis->symmetries)
    if (symmetry.family == Family::Rescale)
      for (const SymmetryMember &member : symmetry.members)
        candidates.insert(member.argument);
  for (const AxisGroup &group : analysis->axisGroups)
    for (const AxisMember &member : group.members)
      candidates.insert(member.argument);

  Function function(body);
  function.ends.insert(body.back().getOperand(roles.loss));
  std::string unknown;
  for (auto [argument, info] : llvm::enumerate(roles.arguments)) {
    if (info.role != ArgumentRole::Param || info.dead)
      continue;
    if (Value gradient = analysis->gradients.lookup(argument))
      function.ends.insert(gradient);
    else
      unknown = "the gradient of " + info.name + " is not known";
  }
  for (Value end : function.ends)
    function.slice.add(end);
  SmallVector<unsigned> shifted;
  for (unsigned argument : candidates) {
    auto options = [&](StringRef name) {
      return remark::RemarkOpts::name(name).category(kCategory).function(entry.getName());
    };
    Location location = entry.getArgument(argument).getLoc();
    std::string obstacle =
        unknown.empty() ? findObstacle(*analysis, function, argument) : unknown;
    if (!obstacle.empty()) {
      remark::missed(location, options("NotShifted"))
          << remark::metric("parameter", roles.arguments[argument].name)
          << remark::reason("{0}", obstacle);
      continue;
    }
    remark::passed(location, options("Shifted"))
        << remark::metric("parameter", roles.arguments[argument].name);
    shifted.push_back(argument);
  }
  if (shifted.empty())
    return;
  if (failed(checkStablehlo(entry)))
    return signalPassFailure();
  annotateRoles(roles);
  for (unsigned argument : shifted)
    shift(*analysis, function, argument);
  if (!sortTopologically(&body)) {
    entry.emitOpError("internal error: an update reads what it makes");
    return signalPassFailure();
  }
}
