// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ScalarDegrees.h"

#include "noether/Analysis/Program/CompiledRule.h"
#include "noether/Rules/ConstantFold.h"
#include "noether/Rules/RuleTable.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

ScalarDegrees::ScalarDegrees(BlockArgument argument, const Dependence &dependence) {
  degrees[argument] = Fraction(1);
  RuleTable rules(argument.getContext());
  for (Operation &op : argument.getOwner()->without_terminator())
    visit(&op, dependence, rules);
}

std::optional<Fraction> ScalarDegrees::degreeOf(Value value) const {
  auto it = degrees.find(value);
  return it == degrees.end() ? Fraction(0) : it->second;
}

/// Whether a value is zero (or infinite) everywhere, which is of every degree.
static bool hasEveryDegree(Value value) {
  std::optional<double> constant = traceSplat(value);
  return constant && (*constant == 0 || !std::isfinite(*constant));
}

void ScalarDegrees::visit(Operation *op, const Dependence &dependence, RuleTable &rules) {
  bool isConcerned = false;
  for (OpResult result : op->getResults())
    dependence.forEachOutside(result, [&](Value from) { isConcerned |= depends(from); });
  if (!isConcerned)
    return;
  for (OpResult result : op->getResults())
    degrees[result] = std::nullopt;
  RuleOutcome outcome = rules.find(op);
  if (outcome.kind != RuleOutcome::Kind::Rule)
    return;

  CompiledRule rule = CompiledRule::get(outcome.rule);
  // What an equation says of its left side; nothing where a term has every degree.
  struct Said {
    bool isKnown = false, isFree = false;
    Fraction degree = Fraction(0);
  };
  SmallVector<std::optional<Fraction>, 4> own(rule.tensors.size());
  auto read = [&](const CompiledRule::Equation &equation) {
    Said said{true};
    for (auto &[tensor, coefficient] : equation.terms) {
      std::optional<Fraction> term = own[tensor];
      if (!rule.isResult(tensor)) {
        said.isFree |= hasEveryDegree(op->getOperand(tensor));
        term = degreeOf(op->getOperand(tensor));
      }
      if (!term)
        return Said();
      said.degree += coefficient * *term;
    }
    return said;
  };
  for (const CompiledRule::Equation &equation : rule.equations) {
    Said said = read(equation);
    if (!said.isKnown)
      return;
    if (said.isFree)
      continue;
    std::optional<Fraction> &left = own[equation.lhs];
    if (!rule.isResult(equation.lhs)) {
      if (hasEveryDegree(op->getOperand(equation.lhs)))
        continue;
      left = degreeOf(op->getOperand(equation.lhs));
      if (!left)
        return;
    }
    if (left && *left != said.degree)
      return;
    left = said.degree;
  }
  for (OpResult result : op->getResults())
    degrees[result] = own[rule.numOperands + result.getResultNumber()];
}
