// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "GaugeFixing.h"

#include "noether/Dialect/Host/StablehloBuilder.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

static bool canHaveGauge(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && isa<FloatType, ComplexType>(type.getElementType());
}

void GaugeFixing::setGauge(Value value, const Gauge &gauge) {
  if (!gauge.isTrivial())
    gauges[value] = gauge;
}

const Gauge &GaugeFixing::gaugeOf(Value value) const {
  static const Gauge trivial;
  auto it = gauges.find(value);
  return it == gauges.end() ? trivial : it->second;
}

Value GaugeFixing::bring(Value value, const Gauge &gauge, Operation &op) {
  // A copy: the table may grow.
  Gauge missing = gaugeOf(value) - gauge;
  if (missing.isTrivial())
    return value;
  auto &made = brought[value];
  for (const auto &[known, result] : made)
    if (known == gauge)
      return result;

  OpBuilder builder(&op);
  Value scalar;
  if (missing.getTerms().size() == 1) {
    scalar = facts.scalarOf(value);
    auto type = cast<RankedTensorType>(value.getType());
    if (std::optional<double> number = facts.splatOf(value);
        number && isa<FloatType>(type.getElementType()))
      scalar =
          StablehloBuilder(builder, op.getLoc()).splat(type.clone(ArrayRef<int64_t>()), *number);
    // The scalar itself must be in the same gauge as the tensor.
    else if (scalar && gaugeOf(scalar) != gaugeOf(value))
      scalar = nullptr;
  }
  Value result = scalar ? radii.multiplyScalar(builder, op.getLoc(), scalar,
                                               cast<RankedTensorType>(value.getType()),
                                               missing.getTerms().front())
                        : radii.multiply(builder, op.getLoc(), value, missing);
  ++numCorrections;
  made.push_back({gauge, result});
  return result;
}

bool GaugeFixing::usesOtherGauges(Operation &op) const {
  bool uses =
      llvm::any_of(op.getOperands(), [&](Value operand) { return gauges.contains(operand); });
  if (!uses && op.getNumRegions() != 0)
    forEachCapture(op, [&](OpOperand &operand) { uses |= gauges.contains(operand.get()); });
  return uses;
}

void GaugeFixing::visitBarrier(Operation &op) {
  auto restore = [&](OpOperand &operand) { operand.set(bring(operand.get(), Gauge(), op)); };
  for (OpOperand &operand : op.getOpOperands())
    restore(operand);
  forEachCapture(op, restore);
}

void GaugeFixing::visit(Operation &op) {
  if (!usesOtherGauges(op))
    return;
  bool captures = false;
  forEachCapture(op, [&](OpOperand &operand) { captures |= gauges.contains(operand.get()); });
  const CompiledRule *rule = captures ? nullptr : facts.ruleOf(op);
  if (!rule)
    return visitBarrier(op);

  SmallVector<GaugeOperand, 4> operands;
  for (OpOperand &operand : op.getOpOperands()) {
    GaugeOperand description = facts.describe(operand);
    description.gauge = gaugeOf(operand.get());
    description.hasEveryGauge |= anyGauge.contains(operand.get());
    operands.push_back(std::move(description));
  }
  GaugePlan plan = planGauges(*rule, shapesOf(op), operands);
  // A rule on the operation itself may say anything.
  for (auto [result, gauge] : llvm::zip(op.getResults(), plan.results))
    if (!gauge.isTrivial() && !canHaveGauge(result))
      return visitBarrier(op);
  for (auto [number, operand] : llvm::enumerate(op.getOpOperands()))
    if (!operands[number].hasEveryGauge)
      operand.set(bring(operand.get(), plan.operands[number], op));
  for (auto [number, result] : llvm::enumerate(op.getResults())) {
    setGauge(result, plan.results[number]);
    if (plan.isAny.test(number))
      anyGauge.insert(result);
  }
}
