// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "StateGauges.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

namespace {

/// A gauge that may contain multiples of those of states.
struct OpenGauge {
  Gauge known;
  SmallVector<std::pair<unsigned, Fraction>, 1> states;

  void add(const OpenGauge &other, const Fraction &factor);
};

class Finder {
public:
  Finder(const StepRoles &roles, const llvm::MapVector<unsigned, Gauge> &parameters,
         OperationFacts &facts);

  llvm::MapVector<unsigned, Gauge> run();

private:
  using Sum = SmallVector<std::pair<unsigned, Fraction>, 2>;

  void visit(Operation &op);
  void visitOpen(Operation &op, const CompiledRule &rule);
  /// What the sums of one tensor have in common; binds the states that this decides.
  OpenGauge unify(Operation &op, ArrayRef<Sum> sums);
  OpenGauge gaugeOf(Value value) const;
  bool isOpen(Value value) const { return open.contains(value) && !gaugeOf(value).states.empty(); }
  OpenGauge evaluate(Operation &op, const Sum &sum) const;
  /// Whether a sum of a group says nothing of a scale: numbers next to tensors, and zeros.
  bool decidesNothing(Operation &op, const Sum &sum) const;

  func::FuncOp entry;
  OperationFacts &facts;
  llvm::DenseMap<Value, Gauge> gauges; // but the trivial ones
  llvm::DenseMap<Value, OpenGauge> open;
  /// Values whose gauge depends on states in a way that is not followed, or that are zero.
  llvm::DenseSet<Value> vague;
  llvm::MapVector<unsigned, Gauge> bound;
};

} // namespace

void OpenGauge::add(const OpenGauge &other, const Fraction &factor) {
  known.add(other.known, factor);
  for (const auto &[state, coefficient] : other.states) {
    auto it = llvm::find_if(states, [&, s = state](const auto &own) { return own.first == s; });
    if (it == states.end()) {
      states.push_back({state, factor * coefficient});
      continue;
    }
    it->second = it->second + factor * coefficient;
    if (it->second == Fraction(0))
      states.erase(it);
  }
}

Finder::Finder(const StepRoles &roles, const llvm::MapVector<unsigned, Gauge> &parameters,
               OperationFacts &facts)
    : entry(roles.entry), facts(facts) {
  for (const auto &[argument, gauge] : parameters)
    gauges[entry.getArgument(argument)] = gauge;
  for (auto [number, argument] : llvm::enumerate(roles.arguments)) {
    BlockArgument value = entry.getArgument(number);
    if (argument.role == ArgumentRole::State && argument.carriedTo &&
        isa<FloatType>(getElementTypeOrSelf(value.getType())))
      open[value].states.push_back({static_cast<unsigned>(number), Fraction(1)});
  }
}

OpenGauge Finder::gaugeOf(Value value) const {
  OpenGauge result;
  if (auto it = gauges.find(value); it != gauges.end())
    result.known = it->second;
  auto it = open.find(value);
  if (it == open.end())
    return result;
  result.known.add(it->second.known);
  for (const auto &[state, coefficient] : it->second.states) {
    if (auto known = bound.find(state); known != bound.end())
      result.known.add(known->second, coefficient);
    else
      result.states.push_back({state, coefficient});
  }
  return result;
}

OpenGauge Finder::evaluate(Operation &op, const Sum &sum) const {
  OpenGauge value;
  for (const auto &[operand, coefficient] : sum)
    value.add(gaugeOf(op.getOperand(operand)), coefficient);
  return value;
}

bool Finder::decidesNothing(Operation &op, const Sum &sum) const {
  bool onlyNumbers = true;
  for (const auto &[operand, coefficient] : sum) {
    Value value = op.getOperand(operand);
    if (vague.contains(value))
      return true;
    GaugeOperand description = facts.describe(op.getOpOperand(operand));
    if (description.hasEveryGauge)
      return true;
    onlyNumbers &= facts.splatOf(value).has_value() ||
                   (facts.scalarOf(value) && gaugeOf(value).known.isTrivial());
  }
  return onlyNumbers && !sum.empty();
}

OpenGauge Finder::unify(Operation &op, ArrayRef<Sum> sums) {
  std::optional<OpenGauge> decided, undecided;
  for (const Sum &sum : sums) {
    if (decidesNothing(op, sum))
      continue;
    OpenGauge value = evaluate(op, sum);
    std::optional<OpenGauge> &slot = value.states.empty() ? decided : undecided;
    if (!slot)
      slot = value;
  }
  if (!decided)
    return undecided ? *undecided : evaluate(op, sums.front());
  for (const Sum &sum : sums) {
    OpenGauge value = evaluate(op, sum);
    if (decidesNothing(op, sum) || value.states.size() != 1)
      continue;
    auto [state, coefficient] = value.states.front();
    Gauge gauge;
    gauge.add(decided->known - value.known, Fraction(1) / coefficient);
    bound[state] = gauge;
  }
  return *decided;
}

/// The tensors have one shape: a state's slots are where those of its partners are.
void Finder::visitOpen(Operation &op, const CompiledRule &rule) {
  llvm::MapVector<unsigned, SmallVector<Sum, 2>> groups;
  for (const CompiledRule::Equation &equation : rule.equations) {
    auto &sums = groups[equation.lhs];
    if (sums.empty() && !rule.isResult(equation.lhs))
      sums.push_back({{equation.lhs, Fraction(1)}});
    if (llvm::any_of(equation.terms, [&](const auto &t) { return rule.isResult(t.first); }))
      return;
    sums.push_back(equation.terms);
  }
  for (const auto &[lhs, sums] : groups) {
    OpenGauge value = unify(op, sums);
    if (!rule.isResult(lhs))
      continue;
    Value result = op.getResult(lhs - rule.numOperands);
    if (!value.states.empty())
      open[result] = value;
    else if (!value.known.isTrivial())
      gauges[result] = value.known;
  }
}

void Finder::visit(Operation &op) {
  facts.visit(op);
  bool isTrivial = llvm::all_of(op.getOperands(), [&](Value operand) {
    return !gauges.contains(operand) && !open.contains(operand) && !vague.contains(operand);
  });
  if (isTrivial)
    return;
  const CompiledRule *rule = facts.ruleOf(op);
  if (!rule)
    return;
  if (llvm::any_of(op.getOperands(), [&](Value operand) { return isOpen(operand); })) {
    if (rule->isPointwise)
      return visitOpen(op, *rule);
    for (Value result : op.getResults())
      if (isa<FloatType>(getElementTypeOrSelf(result.getType())))
        vague.insert(result);
    return;
  }
  SmallVector<GaugeOperand, 4> operands;
  for (OpOperand &operand : op.getOpOperands()) {
    GaugeOperand description = facts.describe(operand);
    description.gauge = gaugeOf(operand.get()).known;
    description.hasEveryGauge |= vague.contains(operand.get());
    operands.push_back(std::move(description));
  }
  GaugePlan plan = planGauges(*rule, shapesOf(op), operands);
  for (auto [number, result] : llvm::enumerate(op.getResults())) {
    if (plan.isAny.test(number))
      vague.insert(result);
    else if (!plan.results[number].isTrivial())
      gauges[result] = plan.results[number];
  }
}

llvm::MapVector<unsigned, Gauge> Finder::run() {
  for (Operation &op : entry.getBody().front().without_terminator())
    visit(op);
  bound.remove_if([](const auto &entry) { return entry.second.isTrivial(); });
  return std::move(bound);
}

llvm::MapVector<unsigned, Gauge>
noether::findStateGauges(const StepRoles &roles, const llvm::MapVector<unsigned, Gauge> &parameters,
                         OperationFacts &facts) {
  return Finder(roles, parameters, facts).run();
}
