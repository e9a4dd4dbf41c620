// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parameters that the loss does not depend on leave the step, and the states that serve them alone.

#include "OperationFacts.h"
#include "StepConversions.h"
#include "StepRewrite.h"

#include "noether/Dialect/Host/StablehloBuilder.h"
#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Transforms/Passes.h"

#include "llvm/ADT/STLExtras.h"

namespace noether {
#define GEN_PASS_DEF_ELIMINATEDEADPARAMETERS
#include "noether/Transforms/Passes.h.inc"
} // namespace noether

using namespace mlir;
using namespace noether;

namespace {
struct EliminateDeadParameters
    : noether::impl::EliminateDeadParametersBase<EliminateDeadParameters> {
  using EliminateDeadParametersBase::EliminateDeadParametersBase;

  void runOnOperation() override;

private:
  void findIgnored(const StepAnalysis &analysis);
  llvm::BitVector findDropped(const StepRoles &roles);
  LogicalResult drop(const StepRoles &roles, const llvm::BitVector &dropped);

  /// Parameters that the loss reads, and that may be anything.
  llvm::BitVector ignored;
  /// The loss and the gradients, which do not depend on these.
  llvm::DenseSet<Value> ends;
};
} // namespace

static constexpr llvm::StringLiteral kCategory = "noether-dead-parameters";

/// Values that are zero whatever the arguments are (which are finite): the gradients of what the loss
/// does not read, and what optimizers make of them.
static llvm::DenseSet<Value> findZeros(Block &body) {
  OperationFacts facts(body.getParentOp()->getContext(), 0);
  llvm::DenseSet<Value> zeros;
  for (Operation &op : body.without_terminator()) {
    facts.visit(op);
    if (op.getNumResults() != 1 || op.getNumRegions() != 0)
      continue;
    auto isZero = [&](unsigned operand) { return zeros.contains(op.getOperand(operand)); };
    unsigned count = op.getNumOperands();
    StringRef name = op.getName().stripDialect();
    bool all = count > 0 && llvm::all_of(llvm::seq(0u, count), isZero);
    bool result = facts.splatOf(op.getResult(0)) == 0.0;
    if (name == "multiply")
      result |= count == 2 && (isZero(0) || isZero(1));
    else if (name == "divide")
      result |= count == 2 && isZero(0);
    else if (name == "select")
      result |= count == 3 && isZero(1) && isZero(2);
    else if (llvm::is_contained({"add", "subtract", "negate", "convert", "reshape", "transpose",
                                 "broadcast_in_dim"},
                                name))
      result |= all;
    if (result)
      zeros.insert(op.getResult(0));
  }
  return zeros;
}

/// Arguments whose next values no training has a part in: no batch, no random number and no parameter
/// that the loss depends on reaches them, in this step or in steps before.
static llvm::BitVector findUntouched(const StepRoles &roles) {
  func::FuncOp entry = roles.entry;
  Block &body = entry.getBody().front();
  llvm::DenseSet<Value> zeros = findZeros(body);
  SmallVector<SmallVector<unsigned, 1>> carriedFrom(body.back().getNumOperands());
  llvm::BitVector untouched(roles.arguments.size());
  SmallVector<Value> pending;
  llvm::DenseSet<Value> seen;
  auto touch = [&](Value value) {
    if (!zeros.contains(value) && seen.insert(value).second)
      pending.push_back(value);
  };
  for (auto [argument, info] : llvm::enumerate(roles.arguments)) {
    if (info.carriedTo)
      carriedFrom[*info.carriedTo].push_back(argument);
    bool isTouched = info.role == ArgumentRole::Batch || info.role == ArgumentRole::Rng ||
                     (info.role == ArgumentRole::Param && !info.dead);
    if (isTouched)
      touch(entry.getArgument(argument));
    else if (info.carriedTo)
      untouched.set(argument);
  }
  while (!pending.empty()) {
    Value value = pending.pop_back_val();
    for (OpOperand &use : value.getUses()) {
      Operation *op = body.findAncestorOpInBlock(*use.getOwner());
      if (op == &body.back()) {
        for (unsigned argument : carriedFrom[use.getOperandNumber()]) {
          untouched.reset(argument);
          touch(entry.getArgument(argument));
        }
        continue;
      }
      llvm::for_each(op->getResults(), touch);
    }
  }
  return untouched;
}

/// Shifts of such a parameter in any direction leave the loss as it is: it is a function of the others,
/// and so are its gradients.
static bool isFreeToMove(const Symmetry &symmetry, func::FuncOp entry) {
  if (symmetry.family != Family::Translation || symmetry.members.size() != 1 ||
      !symmetry.isExact() || symmetry.traceless || symmetry.undescribed ||
      !symmetry.members.front().isWholeParameter())
    return false;
  auto type = dyn_cast<RankedTensorType>(
      entry.getArgument(symmetry.members.front().argument).getType());
  return type && type.hasStaticShape() && isa<FloatType>(type.getElementType()) &&
         symmetry.dimension == type.getNumElements();
}

void EliminateDeadParameters::findIgnored(const StepAnalysis &analysis) {
  const StepRoles &roles = analysis.roles;
  func::FuncOp entry = roles.entry;
  ignored.clear();
  ignored.resize(roles.arguments.size());
  ends.clear();
  if (!shifts)
    return;
  for (auto [argument, info] : llvm::enumerate(roles.arguments)) {
    if (info.role != ArgumentRole::Param || info.dead)
      continue;
    Value gradient = analysis.gradients.lookup(argument);
    // Without all of them, what else depends on the parameter is not known.
    if (!gradient)
      return ends.clear();
    ends.insert(gradient);
  }
  ends.insert(entry.getBody().front().back().getOperand(roles.loss));
  for (const Symmetry &symmetry : analysis.translations)
    if (isFreeToMove(symmetry, entry) &&
        roles.arguments[symmetry.members.front().argument].carriedTo)
      ignored.set(symmetry.members.front().argument);
}

/// Dead parameters and what their updates carry along, less all that something else reads.
llvm::BitVector EliminateDeadParameters::findDropped(const StepRoles &roles) {
  func::FuncOp entry = roles.entry;
  Block &body = entry.getBody().front();
  Operation &terminator = body.back();
  size_t numArguments = roles.arguments.size();
  auto nextOf = [&](unsigned argument) {
    return terminator.getOperand(*roles.arguments[argument].carriedTo);
  };
  auto isState = [&](unsigned argument) {
    const StepRoles::Argument &info = roles.arguments[argument];
    return info.role == ArgumentRole::State && info.carriedTo;
  };

  llvm::BitVector candidates(numArguments);
  SmallVector<unsigned> pending;
  OperationSlice own(body);
  // What the data flow took for a state, since the loss does not depend on it.
  llvm::BitVector untouched = findUntouched(roles);
  auto isDead = [&](unsigned argument) {
    const StepRoles::Argument &info = roles.arguments[argument];
    auto type = dyn_cast<RankedTensorType>(entry.getArgument(argument).getType());
    return (info.role == ArgumentRole::Param && info.dead) || ignored.test(argument) ||
           (untouched.test(argument) && type && type.getRank() > 0 &&
            isa<FloatType>(type.getElementType()));
  };
  for (auto [argument, info] : llvm::enumerate(roles.arguments))
    if (isDead(argument) && info.carriedTo) {
      candidates.set(argument);
      own.add(nextOf(argument), &ends);
      pending.push_back(argument);
    }
  while (!pending.empty()) {
    pending.pop_back();
    for (unsigned argument = 0; argument < numArguments; ++argument)
      if (isState(argument) && own.contains(argument) && !candidates.test(argument)) {
        candidates.set(argument);
        own.add(nextOf(argument), &ends);
        pending.push_back(argument);
      }
  }

  // Of an ignored parameter, what is behind the loss and the gradients does not count.
  OperationSlice others(body), beside(body);
  auto need = [&](Value value) {
    others.add(value);
    beside.add(value, &ends);
  };
  llvm::BitVector isDroppedResult(terminator.getNumOperands());
  for (unsigned argument : candidates.set_bits())
    isDroppedResult.set(*roles.arguments[argument].carriedTo);
  for (auto [number, value] : llvm::enumerate(terminator.getOperands()))
    if (!isDroppedResult.test(number))
      need(value);
  for (Operation &op : body.without_terminator())
    if (mayHaveEffects(op)) {
      for (Value operand : op.getOperands())
        need(operand);
      llvm::for_each(op.getResults(), need);
    }
  for (bool changed = true; changed;) {
    changed = false;
    for (unsigned argument : candidates.set_bits())
      if ((ignored.test(argument) ? beside : others).contains(argument)) {
        candidates.reset(argument);
        need(nextOf(argument));
        changed = true;
      }
  }

  auto options = [&](StringRef name) {
    return remark::RemarkOpts::name(name).category(kCategory).function(entry.getName());
  };
  for (auto [argument, info] : llvm::enumerate(roles.arguments)) {
    Location location = entry.getArgument(argument).getLoc();
    if (candidates.test(argument))
      remark::passed(location, options("Eliminated"))
          << remark::metric("role", stringifyRole(info.role))
          << remark::metric("name", info.name);
    else if (isDead(argument)) {
      Operation *user = (ignored.test(argument) ? beside : others).findUser(argument);
      std::string reason = user               ? describe(user) + " needs it for another result"
                           : !info.carriedTo ? "it has no next value"
                                              : "it is returned as another result";
      remark::missed(location, options("NotEliminated"))
          << remark::metric("name", info.name) << remark::reason("{0}", reason);
    }
  }
  return candidates;
}

/// Result numbers in the attributes of arguments, after some results are gone.
static void renumberResults(func::FuncOp entry, const llvm::BitVector &dropped) {
  for (StringRef name : {StringRef(NoetherDialect::kCarriedToAttrName),
                         StringRef("tf.aliasing_output")})
    for (unsigned argument = 0; argument < entry.getNumArguments(); ++argument)
      if (auto number = entry.getArgAttrOfType<IntegerAttr>(argument, name)) {
        int64_t result = number.getInt(), before = 0;
        for (unsigned other : dropped.set_bits())
          before += other < result;
        entry.setArgAttr(argument, name, IntegerAttr::get(number.getType(), result - before));
      }
}

LogicalResult EliminateDeadParameters::drop(const StepRoles &roles,
                                            const llvm::BitVector &dropped) {
  func::FuncOp entry = roles.entry;
  Block &body = entry.getBody().front();
  Operation &terminator = body.back();
  ArgumentList plain(entry), rewritten = plain.without(dropped);
  for (unsigned argument : dropped.set_bits())
    rewritten.append(plain, argument);
  size_t numKept = plain.size() - dropped.count();
  auto adapt = [&](OpBuilder &, ValueRange arguments) {
    SmallVector<Value> results, last;
    for (auto [argument, value] : llvm::enumerate(arguments))
      (dropped.test(argument) ? last : results).push_back(value);
    llvm::append_range(results, last);
    return results;
  };
  auto restore = [&](OpBuilder &, ValueRange arguments) {
    SmallVector<Value> results;
    size_t kept = 0, last = numKept;
    for (size_t argument = 0; argument < plain.size(); ++argument)
      results.push_back(arguments[dropped.test(argument) ? last++ : kept++]);
    return results;
  };
  if (failed(createConversions(entry, plain, rewritten, adapt, restore)))
    return failure();

  llvm::BitVector results(terminator.getNumOperands());
  for (unsigned argument : dropped.set_bits())
    results.set(*roles.arguments[argument].carriedTo);
  SmallVector<Value> kept;
  for (auto [number, value] : llvm::enumerate(terminator.getOperands()))
    if (!results.test(number))
      kept.push_back(value);
  terminator.setOperands(kept);
  eraseUnused(body);
  for (unsigned argument : dropped.set_bits()) {
    BlockArgument value = entry.getArgument(argument);
    if (value.use_empty() || !ignored.test(argument))
      continue;
    OpBuilder builder = OpBuilder::atBlockBegin(&body);
    StablehloBuilder b(builder, value.getLoc());
    value.replaceAllUsesWith(b.splat(cast<RankedTensorType>(value.getType()), 0));
  }
  renumberResults(entry, results);
  if (failed(entry.eraseResults(results)) || failed(entry.eraseArguments(dropped)))
    return entry.emitOpError("internal error: its arguments cannot be erased");

  Builder b(entry.getContext());
  auto numbers = [&](const llvm::BitVector &bits) {
    return b.getDenseI64ArrayAttr(SmallVector<int64_t>(bits.set_bits_begin(), bits.set_bits_end()));
  };
  entry->setDiscardableAttr(
      "noether.dropped",
      b.getDictionaryAttr({b.getNamedAttr("arguments", numbers(dropped)),
                           b.getNamedAttr("results", numbers(results))}));
  return success();
}

void EliminateDeadParameters::runOnOperation() {
  FailureOr<StepAnalysis> analysis = analyzeInlined(getOperation(), {});
  if (failed(analysis))
    return signalPassFailure();
  const StepRoles &roles = analysis->roles;
  func::FuncOp entry = roles.entry;
  if (entry->hasAttr("noether.dropped")) {
    entry.emitOpError("has had its dead parameters taken out already");
    return signalPassFailure();
  }
  if (shifts && failed(checkStablehlo(entry)))
    return signalPassFailure();
  findIgnored(*analysis);
  llvm::BitVector dropped = findDropped(roles);
  if (dropped.none())
    return;
  annotateRoles(roles);
  entry->setDiscardableAttr("noether.entry", UnitAttr::get(&getContext()));
  if (failed(drop(roles, dropped)))
    signalPassFailure();
}
