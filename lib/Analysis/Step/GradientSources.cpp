// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the values of a step depend on, and what its loss is a sum of.

#include "GradientFinder.h"

#include "noether/Rules/ConstantFold.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

//===----------------------------------------------------------------------===//
// What values depend on
//===----------------------------------------------------------------------===//

void GradientFinder::computeSources() {
  bool hasBatch = llvm::any_of(roles.arguments, [](const StepRoles::Argument &argument) {
    return argument.role == ArgumentRole::Batch || argument.role == ArgumentRole::Rng;
  });
  for (BlockArgument argument : entryBlock->getArguments()) {
    ValueSources &own = sources[argument];
    bool isScalar = isScalarLike(argument);
    switch (roles.arguments[argument.getArgNumber()].role) {
    case ArgumentRole::Batch:
    case ArgumentRole::Rng:
      own.bits = ValueSources::Data | ValueSources::AnyData;
      break;
    case ArgumentRole::State:
      // States the loss needs belong to the model, and so to the backward pass.
      if (!lossSlice.contains(argument))
        own.bits = ValueSources::OptimizerState | ValueSources::AnyOptimizerState;
      break;
    case ArgumentRole::Param:
      own.bits = ValueSources::Parameter | ValueSources::AnyParameter;
      break;
    case ArgumentRole::Hyper:
      break;
    }
    if (isScalar) {
      unsigned bit = argument.getArgNumber() % scalarArguments.size();
      own.scalars = uint64_t(1) << bit;
      scalarArguments[bit].push_back(argument);
    }
  }
  sources.reserve(calls.getNumOperations());
  for (auto [index, op] : llvm::enumerate(*entryBlock)) {
    computeSources(&op, index + 1);
    if (movesParameter(&op))
      sources[op.getResult(0)].bits |= ValueSources::MovedParameter;
    // Data that is written into the step.
    if (!hasBatch && op.getNumOperands() == 0 && op.getNumResults() == 1 &&
        !isScalarLike(op.getResult(0)) && !traceSplat(op.getResult(0)))
      sources[op.getResult(0)].bits |= ValueSources::Data | ValueSources::AnyData;
  }
}

void GradientFinder::computeSources(Operation *op, uint32_t order) {
  auto merge = [&](ValueSources &into, Value from) {
    auto it = sources.find(from);
    if (it != sources.end())
      into.merge(it->second, !isScalarLike(from));
  };
  if (op->getNumRegions() == 0 && !isa<func::CallOp>(op)) {
    ValueSources all;
    all.order = order;
    for (Value operand : op->getOperands())
      merge(all, operand);
    if (all.bits || all.scalars)
      for (Value result : op->getResults())
        sources[result] = all;
    return;
  }
  // Each result on its own. Scalars inside of the operation are left aside like those outside.
  for (OpResult result : op->getResults()) {
    ValueSources own, byTensors;
    own.order = order;
    throughAll.forEachOutside(result, [&](Value from) { merge(own, from); });
    throughTensors.forEachOutside(result, [&](Value from) { merge(byTensors, from); });
    own.bits = (own.bits & ~ValueSources::ByTensors) | (byTensors.bits & ValueSources::ByTensors);
    if (own.bits || own.scalars)
      sources[result] = own;
  }
}

/// Whether an operation outside of the loss adds something that depends on data to a bare
/// parameter.
bool GradientFinder::movesParameter(Operation *op) {
  OpKind kind = kindOf(op);
  if ((kind != OpKind::Add && kind != OpKind::Subtract) || op->getNumOperands() != 2 ||
      op->getNumResults() != 1 || lossSlice.contains(op->getResult(0)))
    return false;
  for (unsigned i : {0, 1}) {
    Value value = op->getOperand(i);
    while (Operation *layout = value.getDefiningOp()) {
      if (kindOf(layout) != OpKind::Layout || layout->getNumOperands() != 1)
        break;
      value = layout->getOperand(0);
    }
    auto argument = dyn_cast<BlockArgument>(value);
    if (argument && argument.getOwner() == entryBlock &&
        roles.arguments[argument.getArgNumber()].role == ArgumentRole::Param &&
        get(op->getOperand(1 - i)).has(ValueSources::AnyData))
      return true;
  }
  return false;
}

/// Takes the loss apart into its terms, as far as it is linear in them.
void GradientFinder::findLossTerms() {
  constexpr size_t kMaxTerms = 256;
  SmallVector<Value> worklist{entryBlock->back().getOperand(roles.loss)};
  DenseSet<Value> seen(worklist.begin(), worklist.end());
  bool isOnlyTerm = true; // until the first sum: a factor here scales all of the loss
  while (!worklist.empty() && seen.size() < kMaxTerms) {
    Value value = worklist.pop_back_val();
    bool dependsOnData;
    if (isInEntry(value)) {
      dependsOnData = get(value).has(ValueSources::AnyData);
    } else {
      llvm::BitVector arguments = throughAll.argumentsOf(value);
      dependsOnData = llvm::any_of(arguments.set_bits(), [&](unsigned number) {
        return get(entryBlock->getArgument(number)).has(ValueSources::AnyData);
      });
    }
    if (!dependsOnData) {
      llvm::BitVector arguments = throughAll.argumentsOf(value);
      arguments.resize(regularized.size());
      regularized |= arguments;
      continue;
    }
    auto result = dyn_cast<OpResult>(value);
    if (!result)
      continue;
    Operation *op = result.getOwner();
    auto push = [&](Value from) {
      if (seen.insert(from).second)
        worklist.push_back(from);
    };
    auto pushScaled = [&](Value from, Value factor) {
      std::optional<double> constant = traceSplat(factor);
      if (isOnlyTerm && constant && *constant != 0) {
        lossFactors.push_back(*constant);
        lossFactors.push_back(1 / *constant);
      }
      push(from);
    };
    switch (kindOf(op)) {
    case OpKind::Layout:
    case OpKind::Sum:
    case OpKind::Broadcast:
      push(op->getOperand(getForwardedOperand(result)));
      break;
    case OpKind::Add:
    case OpKind::Subtract:
      isOnlyTerm = false;
      for (Value operand : op->getOperands())
        push(operand);
      break;
    case OpKind::Multiply:
      for (unsigned i : {0, 1})
        if (isUniform(op->getOperand(i)) && !isUniform(op->getOperand(1 - i)))
          pushScaled(op->getOperand(1 - i), op->getOperand(i));
      break;
    case OpKind::Divide:
      if (isUniform(op->getOperand(1)))
        pushScaled(op->getOperand(0), op->getOperand(1));
      break;
    case OpKind::Other:
      if (op->getName().getStringRef() == kManualComputation)
        throughAll.forEachDirect(value, push);
      break;
    default:
      break;
    }
  }
}

//===----------------------------------------------------------------------===//
// Shapes of expressions
//===----------------------------------------------------------------------===//

/// Whether a value is one number in every element.
bool GradientFinder::isUniform(Value value) {
  while (true) {
    if (isScalarLike(value) || traceSplat(value))
      return true;
    auto result = dyn_cast<OpResult>(value);
    if (!result)
      return false;
    OpKind kind = kindOf(result.getOwner());
    if ((kind != OpKind::Layout && kind != OpKind::Broadcast) ||
        result.getOwner()->getNumOperands() == 0)
      return false;
    value = result.getOwner()->getOperand(0);
  }
}

/// A value times, or over, a number on which neither data nor parameters have any bearing.
std::optional<GradientFinder::Scaled> GradientFinder::asScaled(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumOperands() != 2)
    return std::nullopt;
  OpKind kind = kindOf(op);
  for (unsigned i : {0, 1}) {
    if (kind != OpKind::Multiply && (kind != OpKind::Divide || i == 0))
      continue;
    Value factor = op->getOperand(i);
    if (isUniform(factor) && !get(factor).has(ValueSources::AnyData | ValueSources::AnyParameter) &&
        op->getOperand(1 - i).getType() == type)
      return Scaled{op->getOperand(1 - i), factor};
  }
  return std::nullopt;
}

/// Whether a value that may be the gradient but for a number has the loss's degree in the scalar arguments of
/// `scalars`, as the gradient of the loss has (loss scaling multiplies by a number that is taken out again).
/// Nothing where degrees do not say.
std::optional<bool> GradientFinder::hasDegreesOfLoss(Value value, uint64_t scalars) {
  constexpr size_t kMaxScalars = 4; // each is a walk over the step
  SmallVector<BlockArgument, kMaxScalars> arguments;
  for (; scalars; scalars &= scalars - 1)
    for (BlockArgument argument : scalarArguments[llvm::countr_zero(scalars)])
      // The parameter's own takes a degree away.
      if (argument.getArgNumber() != current) {
        if (arguments.size() == kMaxScalars)
          return std::nullopt;
        arguments.push_back(argument);
      }
  bool isKnown = true;
  for (BlockArgument argument : arguments) {
    std::unique_ptr<ScalarDegrees> &degrees = scalarDegrees[argument];
    if (!degrees)
      degrees = std::make_unique<ScalarDegrees>(argument, throughAll);
    std::optional<Fraction> own = degrees->degreeOf(value),
                            loss = degrees->degreeOf(entryBlock->back().getOperand(roles.loss));
    if (own && loss && *own != *loss)
      return false;
    isKnown &= own && loss;
  }
  return isKnown ? std::optional(true) : std::nullopt;
}

/// Whether a value is added to the parameter, or to an optimizer state, perhaps scaled further: its
/// factor can then be a learning rate, or the weight of an average.
bool GradientFinder::isAddedToUpdate(Value value) {
  constexpr size_t kMaxValues = 16;
  SmallVector<Value> worklist{value};
  for (size_t next = 0; next < worklist.size() && next < kMaxValues; ++next)
    for (OpOperand &use : worklist[next].getUses()) {
      Operation *op = use.getOwner();
      OpKind kind = kindOf(op);
      if (op->getNumOperands() != 2)
        continue;
      Value other = op->getOperand(1 - use.getOperandNumber());
      if (kind == OpKind::Add || kind == OpKind::Subtract) {
        bool isParameter =
            get(other).has(scalarParameter ? ValueSources::AnyParameter : ValueSources::Parameter);
        if ((isParameter || isOptimizerState(other)) && !isData(other))
          return true;
      } else if ((kind == OpKind::Multiply ||
                  (kind == OpKind::Divide && use.getOperandNumber() == 0)) &&
                 isUniform(other)) {
        worklist.push_back(op->getResult(0));
      }
    }
  return false;
}
