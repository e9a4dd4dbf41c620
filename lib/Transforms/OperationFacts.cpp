// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "OperationFacts.h"

#include "noether/Rules/ConstantFold.h"

#include "mlir/IR/BuiltinTypes.h"

#include <cmath>

using namespace mlir;
using namespace noether;

static int64_t numElements(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() ? type.getNumElements() : 1;
}

static bool isSelect(Operation &op) {
  return op.getNumOperands() == 3 && op.getName().stripDialect() == "select";
}

void OperationFacts::visit(Operation &op) {
  if (op.getNumResults() != 1 || op.getNumRegions() != 0)
    return;
  Value result = op.getResult(0);
  if (op.getNumOperands() == 0) {
    if (std::optional<double> number = splatConstant(&op))
      splats[result] = *number;
    else if (auto elements = op.getAttrOfType<ElementsAttr>("value");
             elements && isAllZeroOrNonFinite(elements))
      scaleless.insert(result);
    return;
  }
  SmallVector<double, 3> numbers;
  for (Value operand : op.getOperands()) {
    auto it = splats.find(operand);
    if (it == splats.end())
      return;
    numbers.push_back(it->second);
  }
  if (std::optional<double> folded = foldSplat(&op, numbers))
    splats[result] = *folded;
}

const CompiledRule *OperationFacts::ruleOf(Operation &op) {
  RuleOutcome outcome = table.find(&op);
  if (outcome.kind != RuleOutcome::Kind::Rule)
    return nullptr;
  std::unique_ptr<CompiledRule> &rule = compiled[outcome.rule];
  if (!rule)
    rule = std::make_unique<CompiledRule>(CompiledRule::get(outcome.rule));
  return rule.get();
}

std::optional<double> OperationFacts::splatOf(Value value) const {
  auto it = splats.find(value);
  if (it == splats.end())
    return std::nullopt;
  return it->second;
}

Value OperationFacts::scalarOf(Value value) const {
  Operation *op = value.getDefiningOp();
  if (op && op->getNumOperands() == 1 && op->getName().stripDialect() == "broadcast_in_dim" &&
      numElements(op->getOperand(0)) == 1)
    return op->getOperand(0);
  return nullptr;
}

bool OperationFacts::hasEveryGauge(OpOperand &operand) const {
  if (scaleless.contains(operand.get()))
    return true;
  if (std::optional<double> number = splatOf(operand.get()))
    return *number == 0 || !std::isfinite(*number);
  // What a constant predicate does not choose.
  Operation &op = *operand.getOwner();
  if (!isSelect(op) || operand.getOperandNumber() == 0)
    return false;
  std::optional<double> predicate = splatOf(op.getOperand(0));
  return predicate && operand.getOperandNumber() != (*predicate != 0 ? 1 : 2);
}

GaugeOperand OperationFacts::describe(OpOperand &operand) const {
  GaugeOperand description;
  description.hasEveryGauge = hasEveryGauge(operand);
  if (std::optional<double> number = splatOf(operand.get())) {
    description.isKept = std::fabs(*number) <= keepUpTo;
  } else {
    bool isScalar = numElements(operand.get()) == 1 || scalarOf(operand.get());
    description.cost = isScalar ? 1 : 1 + numElements(operand.get());
  }
  return description;
}

void noether::forEachCapture(Operation &op, function_ref<void(OpOperand &)> visit) {
  for (Region &region : op.getRegions())
    region.walk([&](Operation *inner) {
      for (OpOperand &operand : inner->getOpOperands())
        if (!region.isAncestor(operand.get().getParentRegion()))
          visit(operand);
    });
}

SmallVector<ArrayRef<int64_t>, 4> noether::shapesOf(Operation &op) {
  SmallVector<ArrayRef<int64_t>, 4> shapes;
  auto add = [&](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    shapes.push_back(tensor ? tensor.getShape() : ArrayRef<int64_t>());
  };
  llvm::for_each(op.getOperandTypes(), add);
  llvm::for_each(op.getResultTypes(), add);
  return shapes;
}
