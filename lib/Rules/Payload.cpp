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

/// Bodies with more equal forms of a value, or more constraints, have no rule.
static constexpr size_t kMaxForms = 16, kMaxConstraints = 256;

//===-- Form --------------------------------------------------------------------------------===//

Form Form::unknown(unsigned index) {
  Form form;
  form.terms.emplace(index, Number(1));
  return form;
}

bool Form::isUnknown(unsigned index) const {
  return terms.size() == 1 && terms.begin()->first == index && terms.begin()->second == Number(1);
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

void Form::normalize() {
  if (terms.empty())
    return;
  Number pivot = terms.rbegin()->second;
  for (auto &[index, number] : terms)
    number = number / pivot;
}

//===-- Payload -----------------------------------------------------------------------------===//

void Payload::require(const Form &lhs, const Form &rhs) {
  Form difference = lhs;
  difference.add(rhs, Number(-1));
  difference.normalize();
  if (!difference.isZero() && !llvm::is_contained(constraints, difference))
    constraints.push_back(difference);
}

void Payload::require(const Forms &lhs, const Form &rhs) {
  for (const Form &form : lhs)
    require(form, rhs);
}

//===-- Composition -------------------------------------------------------------------------===//

namespace {

class Composer {
public:
  Composer(RuleTable &table, Payload &payload) : table(table), payload(payload) {}

  bool run(Block &block, ArrayRef<unsigned> unknowns);

private:
  /// The forms of an operand, if they are known.
  std::optional<Forms> formsOf(Value value);
  bool map(Operation &op);
  bool apply(Operation &op, RuleAttr rule, ArrayRef<Forms> operands);
  /// The forms of a combination of values with these forms: none if some value has any scale.
  std::optional<Forms> combine(EquationAttr equation, ArrayRef<Forms> tensors);

  RuleTable &table;
  Payload &payload;
  llvm::DenseMap<Value, Forms> forms;
};

/// A splat that is zero or not finite has any scale; other constants have log-scale 0.
Forms formsOfConstant(double number) {
  return number == 0 || !std::isfinite(number) ? Forms() : Forms{Form()};
}

} // namespace

std::optional<Forms> Composer::formsOf(Value value) {
  if (auto it = forms.find(value); it != forms.end())
    return it->second;
  // A value from outside the body: constants only.
  if (std::optional<double> number = traceSplat(value))
    return formsOfConstant(*number);
  return std::nullopt;
}

bool Composer::run(Block &block, ArrayRef<unsigned> unknowns) {
  for (auto [argument, unknown] : llvm::zip_equal(block.getArguments(), unknowns))
    forms[argument] = {Form::unknown(unknown)};
  // The terminator may be known by name only, so that it does not count as one.
  Operation &terminator = block.back();
  for (Operation &op : block)
    if (&op != &terminator && !map(op))
      return false;
  if (terminator.getNumResults() != 0 || terminator.getNumRegions() != 0)
    return false;
  for (Value operand : terminator.getOperands()) {
    std::optional<Forms> yielded = formsOf(operand);
    if (!yielded)
      return false;
    payload.yields.push_back(*yielded);
  }
  return payload.constraints.size() <= kMaxConstraints;
}

bool Composer::map(Operation &op) {
  if (op.getNumRegions() != 0)
    return false;
  if (op.getNumResults() == 1) {
    if (std::optional<double> number = traceSplat(op.getResult(0))) {
      forms[op.getResult(0)] = formsOfConstant(*number);
      return true;
    }
  }
  SmallVector<Forms, 4> operands;
  for (Value operand : op.getOperands()) {
    std::optional<Forms> known = formsOf(operand);
    if (!known)
      return false;
    operands.push_back(*known);
  }
  RuleOutcome outcome = table.find(&op);
  if (!outcome.rule)
    return false;
  if (!outcome.rule.isBarrier())
    return apply(op, outcome.rule, operands);
  for (const Forms &operand : operands)
    payload.require(operand, Form());
  for (Value result : op.getResults())
    forms[result] = {Form()};
  return true;
}

std::optional<Forms> Composer::combine(EquationAttr equation, ArrayRef<Forms> tensors) {
  Forms combinations = {Form()};
  for (auto [tensor, numerator, denominator] : llvm::zip_equal(
           equation.getTensors(), equation.getNumerators(), equation.getDenominators())) {
    Forms next;
    for (const Form &form : combinations)
      for (const Form &term : tensors[tensor])
        next.push_back(Form(form).add(term, Number(numerator, denominator)));
    if (next.size() > kMaxForms)
      return std::nullopt;
    combinations = std::move(next);
  }
  return combinations;
}

bool Composer::apply(Operation &op, RuleAttr rule, ArrayRef<Forms> operands) {
  // Scalars only: a rule with factors speaks of tensors.
  if (rule.getNumFactors() != 0)
    return false;
  unsigned numOperands = op.getNumOperands();
  SmallVector<Forms, 4> tensors(operands);
  tensors.resize(numOperands + op.getNumResults());
  for (EquationAttr equation : rule.getEquations()) {
    std::optional<Forms> values = combine(equation, tensors);
    if (!values)
      return false;
    Forms &lhs = tensors[equation.getLhs()];
    for (const Form &value : *values) {
      for (const Form &form : lhs)
        payload.require(form, value);
      if (equation.getLhs() >= numOperands && !llvm::is_contained(lhs, value))
        lhs.push_back(value);
    }
    if (lhs.size() > kMaxForms || payload.constraints.size() > kMaxConstraints)
      return false;
  }
  for (auto [index, result] : llvm::enumerate(op.getResults()))
    forms[result] = tensors[numOperands + index];
  return true;
}

std::optional<Payload> rules::composePayload(RuleTable &table, Region &region,
                                             ArrayRef<unsigned> unknowns) {
  if (!region.hasOneBlock() || region.front().empty() ||
      region.front().getNumArguments() != unknowns.size())
    return std::nullopt;
  Payload payload;
  if (!Composer(table, payload).run(region.front(), unknowns))
    return std::nullopt;
  return payload;
}

//===-- Equations ---------------------------------------------------------------------------===//

std::optional<LogScale> rules::toLogScale(const Form &form, ArrayRef<LogScale> tensors) {
  LogScale scale;
  constexpr int64_t limit = int64_t(1) << 30;
  for (const auto &[index, number] : form.getTerms()) {
    if (number.num > limit || number.num < -limit || number.den > limit)
      return std::nullopt;
    Coefficient coefficient{static_cast<int64_t>(number.num), static_cast<int64_t>(number.den)};
    scale = scale + coefficient * tensors[index];
  }
  return scale;
}

bool rules::addConstraints(RuleBuilder &rule, const Payload &payload,
                           ArrayRef<UnknownTensors> tensors) {
  SmallVector<LogScale> any;
  for (const UnknownTensors &unknown : tensors)
    any.push_back(unknown.operand ? *unknown.operand : *unknown.result);

  for (const Form &constraint : payload.constraints) {
    // Solved for the largest unknown.
    unsigned pivot = constraint.getTerms().rbegin()->first;
    Form value = Form::unknown(pivot);
    value.add(constraint, Number(-1));
    const UnknownTensors &lhs = tensors[pivot];

    if (value.isZero()) {
      // A result that others flow into is pinned also where its own operand is zero.
      for (const std::optional<LogScale> &tensor : {lhs.operand, lhs.result})
        if (tensor)
          rule.vanish(*tensor);
      continue;
    }
    auto [other, coefficient] = *value.getTerms().begin();
    if (value.isUnknown(other)) {
      // One flows into the result of the other.
      const UnknownTensors &rhs = tensors[other];
      if (lhs.result && rhs.operand)
        rule.equate(*lhs.result, *rhs.operand);
      if (rhs.result && lhs.operand)
        rule.equate(*rhs.result, *lhs.operand);
      if (!lhs.result && !rhs.result)
        rule.equate(*lhs.operand, *rhs.operand);
      continue;
    }
    // One result is solved for. Two would need an equation for every way to reach them.
    std::optional<unsigned> defined;
    for (const auto &[unknown, coefficient] : constraint.getTerms()) {
      if (tensors[unknown].result && defined)
        return false;
      if (tensors[unknown].result)
        defined = unknown;
    }
    if (defined) {
      value = Form::unknown(*defined);
      value.add(constraint, Number(-1) / constraint.getTerms().at(*defined));
    }
    std::optional<LogScale> scale = toLogScale(value, any);
    if (!scale)
      return false;
    rule.equate(defined ? *tensors[*defined].result : any[pivot], *scale);
  }
  return true;
}
