// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The backward pass and the optimizer are one graph, and no mark divides them. The gradient of a
// parameter is found from both sides.
//
// From the optimizer's side: all that the batch contributes to the parameter's next value (and to
// the next values of its optimizer states) passes through the gradient. Scalars are left aside, as
// a global norm depends on everything. So the gradient is among the *cuts*: the values that lie on
// every path from the batch to those results. There are few: the scaled, clipped and decayed
// gradients above it, and whatever the backward pass itself funnels through one value below it.
//
// From the loss' side: reverse-mode differentiation turns each use of the parameter into one term
// of the gradient, by a rule that depends on the operation (a contraction gives a contraction, a
// broadcast a sum, ...), and adds the terms. The topmost cut that is a sum of such terms, one for
// each use, is the gradient: learning rates, clipping and the optimizer's arithmetic are not of
// that form, and a gradient that was stopped on one of several ways misses a term. A weight decay
// that is added to the gradient would look like a term, had the loss a part that depends on
// parameters alone; so it belongs to the gradient exactly if the loss has such a part.
//
// What neither side settles stays unknown.

#include "GradientFinder.h"

#include "noether/Rules/ConstantFold.h"

#include "llvm/ADT/STLExtras.h"

#include <queue>
#include <tuple>

using namespace mlir;
using namespace noether;

unsigned noether::getForwardedOperand(OpResult result) {
  Operation *op = result.getOwner();
  return op->getNumOperands() == op->getNumResults() ? result.getResultNumber() : 0;
}

static bool isTensor(Value value) { return !isScalarLike(value); }

GradientFinder::GradientFinder(const StepRoles &roles, const StepFlow &flow)
    : roles(roles), calls(flow.calls), throughAll(flow.calls), throughTensors(flow.calls, isTensor),
      entryBlock(&func::FuncOp(roles.entry).getBody().front()), lossSlice(flow.lossSlice),
      regularized(roles.arguments.size()) {
  computeSources();
  findLossTerms();
}

//===----------------------------------------------------------------------===//
// Cuts
//===----------------------------------------------------------------------===//

/// Goes back from `sinks` and calls `judge` on every cut, the nearest first, until it returns a
/// value (null: nothing will be found). Collects the states that are met where `states` is given.
Value GradientFinder::sweep(ArrayRef<Value> sinks, llvm::SmallSetVector<Value, 4> *states,
                            function_ref<std::optional<Value>(Value)> judge) {
  constexpr size_t kMaxVisits = 1 << 13; // an optimizer is a short expression
  // By the place of the operation, then of the result.
  struct Place {
    uint32_t order, result;
    Value value;
    bool operator<(const Place &other) const {
      return std::tie(order, result) < std::tie(other.order, other.result);
    }
  };
  std::priority_queue<Place> open;
  DenseSet<Value> seen;
  SmallVector<Value> side; // values without data: walked only to find states
  auto add = [&](Value value) {
    if (!seen.insert(value).second)
      return;
    if (isData(value) && value.getDefiningOp())
      open.push({get(value).order, cast<OpResult>(value).getResultNumber(), value});
    else
      side.push_back(value);
  };
  for (Value sink : sinks)
    add(sink);
  while (!open.empty() && seen.size() < kMaxVisits) {
    Value value = open.top().value;
    open.pop();
    // (A state may keep the gradient itself.)
    if (open.empty() && value.getType() == type && value != sinks.front() &&
        !isOptimizerState(value) && !get(value).has(ValueSources::MovedParameter))
      if (std::optional<Value> verdict = judge(value))
        return *verdict;
    auto visit = [&](Value from) {
      if (scalarParameter || isTensor(from))
        add(from);
    };
    Operation *op = value.getDefiningOp();
    if (op->getNumRegions() == 0 && !isa<func::CallOp>(op))
      llvm::for_each(op->getOperands(), visit);
    else
      getFlow().forEachOutside(cast<OpResult>(value), visit);
    while (states && !side.empty() && seen.size() < kMaxVisits) {
      Value other = side.pop_back_val();
      if (auto result = dyn_cast<OpResult>(other)) {
        getFlow().forEachOutside(result, visit);
      } else {
        unsigned number = cast<BlockArgument>(other).getArgNumber();
        if (roles.arguments[number].role == ArgumentRole::State && other.getType() == type)
          states->insert(other);
      }
    }
  }
  return nullptr;
}

/// The parameter's next value, and those of the states of its type that it is computed from.
SmallVector<Value> GradientFinder::getSinks(unsigned parameter) {
  std::optional<unsigned> next = roles.arguments[parameter].carriedTo;
  if (!next)
    return {};
  SmallVector<Value> sinks{entryBlock->back().getOperand(*next)};
  if (!isInEntry(sinks.front()) || !sinks.front().getDefiningOp())
    return {};
  // The states are met before the gradient is: look as far as the first cut that needs none.
  llvm::SmallSetVector<Value, 4> states;
  sweep(sinks, &states, [](Value) { return Value(); });
  for (Value state : states)
    if (std::optional<unsigned> result =
            roles.arguments[cast<BlockArgument>(state).getArgNumber()].carriedTo)
      if (Value value = entryBlock->back().getOperand(*result); value.getDefiningOp())
        sinks.push_back(value);
  return sinks;
}

Value GradientFinder::find(unsigned parameter) {
  current = parameter;
  type = entryBlock->getArgument(parameter).getType();
  auto shaped = dyn_cast<ShapedType>(type);
  scalarParameter = !shaped || (shaped.hasStaticShape() && shaped.getNumElements() == 1);
  SmallVector<Value> sinks = getSinks(parameter);
  if (sinks.empty())
    return nullptr;
  collectUses(parameter);
  if (uses.total() == 0)
    return nullptr;

  // One constant factor is the learning rate (or a weight of an average). A second one may belong
  // to the loss: loss scaling, a mean over microbatches.
  unsigned constantFactors = 0;
  bool isScaleKnown = true;
  auto accept = [&](Value cut) -> Value {
    bool isItself = isScaleKnown && constantFactors <= 1 &&
                    hasDegreesOfLoss(cut, get(cut).scalars).value_or(true);
    return isItself ? cut : Value();
  };
  return sweep(sinks, nullptr, [&](Value cut) -> std::optional<Value> {
    GradientVerdict verdict = matches(cut);
    if (verdict == GradientVerdict::Unclear)
      return Value();
    std::optional<Scaled> scaled = asScaled(cut);
    bool isInnerToo = scaled && matches(scaled->value) == GradientVerdict::Yes;
    if (verdict == GradientVerdict::Yes && (!isInnerToo || getLossFactor(cut.getDefiningOp())))
      return accept(cut);
    if (scaled) {
      std::optional<double> constant = traceSplat(scaled->factor);
      if (constant) {
        constantFactors += std::abs(*constant) != 1;
      } else if (uint64_t shared = get(scaled->factor).scalars & get(scaled->value).scalars) {
        // One number scales both the gradient and the update of it: the degrees tell which is the loss's.
        if (isInnerToo && hasDegreesOfLoss(cut, shared) == true &&
            hasDegreesOfLoss(scaled->value, shared) == false)
          return accept(cut);
        isScaleKnown &= hasDegreesOfLoss(scaled->value, shared) == true;
      }
      // Both are of the right form, and nothing says that the factor is the optimizer's.
      if (verdict == GradientVerdict::Yes && !isAddedToUpdate(cut))
        return Value();
      isScaleKnown &= !constant || std::abs(*constant) == 1 || isAddedToUpdate(cut);
    }
    return std::nullopt;
  });
}

llvm::MapVector<unsigned, Value> noether::findGradients(const StepRoles &roles,
                                                        const StepFlow &flow) {
  llvm::MapVector<unsigned, Value> gradients;
  GradientFinder finder(roles, flow);
  for (auto [i, argument] : llvm::enumerate(roles.arguments))
    if (argument.role == ArgumentRole::Param)
      if (Value gradient = finder.find(i))
        gradients[i] = gradient;
  return gradients;
}
