// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the knobs of an update are called, and their laws in words.

#include "KineticSystem.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <functional>

using namespace mlir;
using namespace noether;

static constexpr uint32_t kNoStep = ~0u;
/// Of the expressions that are looked at.
static constexpr unsigned kMaxDepth = 8;

/// What a knob does: follow its products to the sum they enter.
KineticSystem::KnobUse KineticSystem::useOf(const Knob &knob) const {
  ValueId self = program.getArguments()[parameter];
  // The parameter itself, products of it with numbers, and sums of those: what decay leaves of it.
  std::function<bool(ValueId, unsigned)> isTerm = [&](ValueId value, unsigned depth) {
    if (value == self)
      return true;
    uint32_t definition = graph.definedBy[value];
    if (value == gradient || definition == kNoStep || depth == kMaxDepth)
      return false;
    const Program::Step &step = program.getSteps()[definition];
    if (step.kind != Program::StepKind::Rule)
      return false;
    unsigned factors = 0, terms = 0;
    for (auto [number, operand] : llvm::enumerate(program.operands(step))) {
      if (graph.owner[operand] != parameter)
        continue;
      OperandUse use = step.rule->use(number);
      bool isSummed = use == OperandUse::Plus || use == OperandUse::Minus;
      ++terms;
      factors += !isSummed;
      if ((!isSummed && use != OperandUse::Factor) || factors > 1 || !isTerm(operand, depth + 1))
        return false;
    }
    return terms > 0;
  };
  auto isParameterTerm = [&](ValueId value) { return isTerm(value, 0); };
  // What it multiplies on the way.
  enum class Times { Numbers, Parameter, Own };
  llvm::DenseMap<ValueId, Times> carriers;
  if (!knob.constant)
    carriers[knob.value] = Times::Numbers;
  auto isOwn = [&](ValueId value) { return graph.owner[value] == parameter; };
  std::optional<KnobUse> first;
  for (size_t index : slice) {
    const Program::Step &step = program.getSteps()[index];
    ArrayRef<ValueId> operands = program.operands(step);
    if (knob.constant) {
      carriers.erase(knob.value);
      if (index == knob.step)
        carriers[knob.value] = Times::Numbers;
    }
    std::optional<Times> carried;
    for (ValueId operand : operands)
      if (auto it = carriers.find(operand); it != carriers.end())
        carried = std::max(carried.value_or(Times::Numbers), it->second);
    if (!carried || step.kind != Program::StepKind::Rule)
      continue;
    bool isSum = llvm::count_if(step.rule->equations,
                                [](auto &equation) { return equation.isEquality(); }) > 1;
    if (!isSum || (*carried == Times::Numbers && llvm::none_of(operands, isOwn))) {
      // (Also a sum of numbers, such as a schedule.)
      Times times = *carried;
      for (ValueId operand : operands)
        if (!carriers.contains(operand) && isOwn(operand))
          times = std::max(times, isParameterTerm(operand) ? Times::Parameter : Times::Own);
      for (ValueId result : program.results(step))
        carriers[result] = times;
      continue;
    }
    KnobUse use = *carried == Times::Numbers     ? KnobUse::Epsilon
                  : *carried == Times::Parameter ? KnobUse::WeightDecay
                  : llvm::any_of(operands, isParameterTerm) ? KnobUse::LearningRate
                                                            : KnobUse::Other;
    // What multiplies the step as well as the decay is a rate.
    if (first == KnobUse::WeightDecay && use == KnobUse::LearningRate)
      return use;
    if (!first)
      first = use;
    if (first != KnobUse::WeightDecay)
      return *first;
  }
  return first.value_or(KnobUse::Other);
}

Law KineticSystem::lawOf(const Knob &knob, const Fraction &degree) const {
  Law law;
  law.parameter = parameter;
  law.degree = degree;
  law.value = knob.constant;
  law.op = knob.argument ? nullptr : program.getSteps()[knob.step].op;
  StringRef symbol;
  KnobUse use = useOf(knob);
  // A one that had to be promoted is no rate.
  if (knob.kind() == Knob::One && use != KnobUse::Epsilon)
    use = KnobUse::Other;
  switch (use) {
  case KnobUse::LearningRate:
    law.hyperparameter = "learning_rate";
    symbol = "eta";
    break;
  case KnobUse::WeightDecay:
    law.hyperparameter = "weight_decay";
    symbol = "lambda";
    break;
  case KnobUse::Epsilon:
    law.hyperparameter = "epsilon";
    law.isKinetic = false;
    symbol = "epsilon";
    break;
  case KnobUse::Other:
    law.hyperparameter = "constant";
    symbol = "c";
    break;
  }
  // An argument has a name of its own; what it does is in the text.
  std::string name = symbol.str();
  if (knob.argument)
    law.hyperparameter = graph.roles.arguments[*knob.argument].name;
  if (law.value && (symbol == "eta" || symbol == "lambda"))
    law.value = std::abs(*law.value); // the sign is the update's direction
  std::string power = toString(abs(degree));
  law.text = name + "_eff = " + name + (degree > Fraction(0) ? " / r" : " * r") +
             (power == "1" ? "" : "^" + power);
  return law;
}
