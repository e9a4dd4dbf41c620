// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Payload.h"
#include "noether/Rules/ConstantFold.h"

#include "llvm/ADT/DenseMap.h"

#include <cmath>

using namespace mlir;
using namespace noether;
using namespace noether::rules;

using Number = Form::Number;

//===-- Form --------------------------------------------------------------------------------===//

Form Form::unknown(unsigned index) {
  Form form;
  form.terms.emplace(index, Number(1));
  return form;
}

Form Form::any() {
  Form form;
  form.free = true;
  return form;
}

Form &Form::add(const Form &other, const Number &coefficient) {
  // A copy: `other` may be this form.
  std::map<unsigned, Number> others = other.terms;
  for (const auto &[index, number] : others) {
    auto [it, isNew] = terms.try_emplace(index, Number(0));
    it->second = it->second + coefficient * number;
    if (it->second == Number(0))
      terms.erase(it);
  }
  return *this;
}

//===-- Payload -----------------------------------------------------------------------------===//

void Payload::require(const Form &lhs, const Form &rhs) {
  if (lhs.isAny() || rhs.isAny())
    return;
  Form difference = lhs;
  difference.add(rhs, Number(-1));
  if (!difference.isZero())
    constraints.push_back(difference);
}

SmallVector<std::pair<unsigned, Form>> Payload::solved() const {
  SmallVector<std::pair<unsigned, Form>> rows; // unknown = form
  auto substitute = [](Form &form, unsigned unknown, const Form &value) {
    auto it = form.getTerms().find(unknown);
    if (it == form.getTerms().end())
      return;
    Number coefficient = it->second;
    form.add(Form::unknown(unknown), Number(0) - coefficient).add(value, coefficient);
  };
  for (Form form : constraints) {
    for (auto &[unknown, value] : rows)
      substitute(form, unknown, value);
    if (form.isZero())
      continue;
    auto [pivot, coefficient] = *form.getTerms().rbegin();
    Form value;
    value.add(form, Number(-1) / coefficient).add(Form::unknown(pivot), Number(1));
    for (auto &row : rows)
      substitute(row.second, pivot, value);
    rows.emplace_back(pivot, value);
  }
  return rows;
}

//===-- Composition -------------------------------------------------------------------------===//

namespace {

class Composer {
public:
  Composer(RuleTable &table, Payload &payload) : table(table), payload(payload) {}

  bool run(Block &block, ArrayRef<Form> arguments);

private:
  /// The form of an operand, if it is known.
  std::optional<Form> formOf(Value value);
  bool map(Operation &op);
  bool apply(Operation &op, RuleAttr rule, ArrayRef<Form> operands);
  void pin(Operation &op, ArrayRef<Form> operands);

  RuleTable &table;
  Payload &payload;
  llvm::DenseMap<Value, Form> forms;
};

/// A splat that is zero or not finite has any scale; other constants have log-scale 0.
Form formOfConstant(double number) {
  return number == 0 || !std::isfinite(number) ? Form::any() : Form();
}

} // namespace

std::optional<Form> Composer::formOf(Value value) {
  if (auto it = forms.find(value); it != forms.end())
    return it->second;
  // A value from outside the body: constants only.
  if (std::optional<double> number = traceSplat(value))
    return formOfConstant(*number);
  return std::nullopt;
}

bool Composer::run(Block &block, ArrayRef<Form> arguments) {
  for (auto [argument, form] : llvm::zip_equal(block.getArguments(), arguments))
    forms[argument] = form;
  // The terminator may be known by name only, so that it does not count as one.
  for (Operation &op : llvm::make_range(block.begin(), std::prev(block.end())))
    if (!map(op))
      return false;
  Operation &terminator = block.back();
  if (terminator.getNumResults() != 0 || terminator.getNumRegions() != 0)
    return false;
  for (Value operand : terminator.getOperands()) {
    std::optional<Form> form = formOf(operand);
    if (!form)
      return false;
    payload.yields.push_back(*form);
  }
  return true;
}

bool Composer::map(Operation &op) {
  if (op.getNumRegions() != 0)
    return false;
  if (op.getNumResults() == 1) {
    if (std::optional<double> number = traceSplat(op.getResult(0))) {
      forms[op.getResult(0)] = formOfConstant(*number);
      return true;
    }
  }
  SmallVector<Form, 4> operands;
  for (Value operand : op.getOperands()) {
    std::optional<Form> form = formOf(operand);
    if (!form)
      return false;
    operands.push_back(*form);
  }
  RuleOutcome outcome = table.find(&op);
  if (outcome.kind != RuleOutcome::Kind::Rule && outcome.kind != RuleOutcome::Kind::Barrier)
    return false;
  if (outcome.kind == RuleOutcome::Kind::Barrier || outcome.rule.isBarrier()) {
    pin(op, operands);
    return true;
  }
  return apply(op, outcome.rule, operands);
}

void Composer::pin(Operation &op, ArrayRef<Form> operands) {
  for (const Form &operand : operands)
    payload.require(operand, Form());
  for (Value result : op.getResults())
    forms[result] = Form();
}

bool Composer::apply(Operation &op, RuleAttr rule, ArrayRef<Form> operands) {
  // Scalars only: a rule with factors speaks of tensors.
  if (rule.getNumFactors() != 0)
    return false;
  unsigned numOperands = op.getNumOperands();
  for (Value result : op.getResults())
    forms[result] = Form::any();
  SmallVector<bool, 2> isDefined(op.getNumResults(), false);
  auto formOfTensor = [&](int64_t tensor) {
    return tensor < numOperands ? operands[tensor] : forms[op.getResult(tensor - numOperands)];
  };
  for (EquationAttr equation : rule.getEquations()) {
    // An equation with a value of any scale holds for some scale of it.
    Form value;
    bool isFree = false;
    for (auto [tensor, numerator, denominator] : llvm::zip_equal(
             equation.getTensors(), equation.getNumerators(), equation.getDenominators())) {
      Form form = formOfTensor(tensor);
      isFree |= form.isAny();
      if (!form.isAny())
        value.add(form, Number(numerator, denominator));
    }
    if (isFree)
      continue;
    int64_t lhs = equation.getLhs();
    if (lhs >= numOperands && !isDefined[lhs - numOperands]) {
      isDefined[lhs - numOperands] = true;
      forms[op.getResult(lhs - numOperands)] = value;
    } else {
      payload.require(formOfTensor(lhs), value);
    }
  }
  return true;
}

std::optional<Payload> rules::composePayload(RuleTable &table, Region &region,
                                             ArrayRef<Form> arguments) {
  if (!region.hasOneBlock() || region.front().empty() ||
      region.front().getNumArguments() != arguments.size())
    return std::nullopt;
  Payload payload;
  if (!Composer(table, payload).run(region.front(), arguments))
    return std::nullopt;
  return payload;
}

std::optional<LogScale> rules::toLogScale(const Form &form, ArrayRef<LogScale> unknowns) {
  LogScale scale;
  constexpr int64_t limit = int64_t(1) << 30;
  for (const auto &[index, number] : form.getTerms()) {
    if (llvm::abs(number.num) > limit || number.den > limit)
      return std::nullopt;
    Coefficient coefficient{static_cast<int64_t>(number.num), static_cast<int64_t>(number.den)};
    scale = scale + coefficient * unknowns[index];
  }
  return scale;
}

bool rules::addConstraints(RuleBuilder &rule, const Payload &payload,
                           ArrayRef<LogScale> unknowns) {
  for (const auto &[unknown, value] : payload.solved()) {
    std::optional<LogScale> scale = toLogScale(value, unknowns);
    if (!scale)
      return false;
    rule.equate(unknowns[unknown], *scale);
  }
  return true;
}
