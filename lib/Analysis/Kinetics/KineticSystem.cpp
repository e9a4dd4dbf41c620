// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "KineticSystem.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <map>

using namespace mlir;
using namespace noether;

static constexpr uint32_t kNoStep = ~0u;
//===----------------------------------------------------------------------===//
// The slice
//===----------------------------------------------------------------------===//

KineticSystem::KineticSystem(const UpdateGraph &graph, unsigned parameter)
    : graph(graph), program(graph.program), parameter(parameter),
      gradient(kNoValue) {
  if (auto it = graph.gradients.find(parameter); it != graph.gradients.end())
    gradient = it->second;
  collectSlice();
  addSteps();
}

/// The steps from the parameter, its gradient, states and hyperparameters to the next values.
void KineticSystem::collectSlice() {
  const StepRoles &roles = graph.roles;
  SmallVector<ValueId> pending;
  llvm::DenseSet<ValueId> seen;
  std::vector<size_t> steps;
  llvm::DenseSet<size_t> seenSteps;
  auto visit = [&](ValueId value) {
    if (seen.insert(value).second)
      pending.push_back(value);
  };
  visit(program.getResults()[*roles.arguments[parameter].carriedTo]);
  while (!pending.empty()) {
    ValueId value = pending.pop_back_val();
    if (value == gradient || value == graph.loss)
      continue;
    if (auto it = graph.argumentOf.find(value); it != graph.argumentOf.end()) {
      const StepRoles::Argument &argument = roles.arguments[it->second];
      // A number that is handed on unchanged is a hyperparameter.
      bool isConstantState = argument.role == ArgumentRole::State && argument.carriedTo &&
                             program.getResults()[*argument.carriedTo] == value &&
                             graph.isUniform.test(value);
      if (argument.role == ArgumentRole::Hyper || isConstantState) {
        hyperparameters.insert(it->second);
        continue;
      }
      if (argument.role == ArgumentRole::State && argument.carriedTo &&
          states.insert(it->second))
        visit(program.getResults()[*argument.carriedTo]);
      continue;
    }
    uint32_t index = graph.definedBy[value];
    // What belongs to several parameters enters as a number of degree 0, and is reported.
    if (index == kNoStep || graph.owner[value] == UpdateGraph::kSeveral)
      continue;
    if (seenSteps.insert(index).second)
      steps.push_back(index);
    for (ValueId operand : program.operands(program.getSteps()[index]))
      visit(operand);
  }
  llvm::sort(steps);
  slice.insert(steps.begin(), steps.end());
}

//===----------------------------------------------------------------------===//
// Equations
//===----------------------------------------------------------------------===//

/// Whether a constant stands alone in a sum or a comparison rather than multiplying something.
bool KineticSystem::isLoneTerm(ValueId value, size_t step) const {
  const CompiledRule &rule = *program.getSteps()[step].rule;
  ArrayRef<ValueId> operands = program.operands(program.getSteps()[step]);
  return llvm::any_of(rule.equations, [&](const CompiledRule::Equation &equation) {
    return equation.isEquality() && equation.terms[0].first < operands.size() &&
           operands[equation.terms[0].first] == value;
  });
}

static double entriesOf(const Program::Value &value) {
  double entries = 1;
  for (int64_t size : value.shape())
    entries *= static_cast<double>(size);
  return entries;
}

/// Whether a constant that multiplies or divides is how many entries were added up in what it multiplies, or
/// the root of that: it makes a mean of a sum, and is as little a number to choose as the shape is.
bool KineticSystem::isCount(ValueId value, size_t index) const {
  constexpr unsigned kMaxDepth = 16;
  double constant = std::abs(*program.getValues()[value].constant);
  ArrayRef<ValueId> from = program.operands(program.getSteps()[index]);
  for (unsigned depth = 0; depth < kMaxDepth; ++depth) {
    auto isNumber = [&](ValueId each) {
      return program.getValues()[each].isFloat && !program.getValues()[each].constant;
    };
    const auto *operand = llvm::find_if(from, isNumber);
    if (operand == from.end() || !slice.contains(graph.definedBy[*operand]) || *operand == gradient ||
        llvm::any_of(from, [&](ValueId each) { return isNumber(each) && each != *operand; }))
      return false;
    const Program::Step &step = program.getSteps()[graph.definedBy[*operand]];
    from = program.operands(step);
    if (step.kind != Program::StepKind::Rule || from.empty())
      return false;
    if (!step.rule->sum.any())
      continue;
    double count = entriesOf(program.getValues()[from[0]]) / entriesOf(program.getValues()[*operand]);
    for (double each : {count, 1 / count, std::sqrt(count), 1 / std::sqrt(count)})
      if (std::abs(constant - each) <= 1e-6 * each)
        return true;
  }
  return false;
}

std::optional<Form> KineticSystem::degreeOf(ValueId value, size_t step) {
  auto it = degrees.find(value);
  if (it != degrees.end())
    return it->second;
  const Program::Value &info = program.getValues()[value];
  auto remember = [&](std::optional<Form> form) { return degrees[value] = form; };
  if (info.isAnyScale)
    return remember(std::nullopt);
  if (!info.isFloat)
    return remember(Form());
  if (value == program.getArguments()[parameter])
    return remember(Form{{scale, Fraction(1)}});
  if (value == gradient)
    return remember(Form{{scale, Fraction(-1)}});
  if (value == graph.loss)
    return remember(Form());
  if (auto known = unknownOf.find(value); known != unknownOf.end())
    return remember(Form{{known->second, Fraction(1)}});
  if (graph.owner[value] == UpdateGraph::kSeveral) {
    Operation *op = graph.findCoupling(value);
    if (llvm::none_of(breaks, [&](const KineticBreak &other) { return other.op == op; }))
      breaks.push_back(
          {op, "couples several parameters; the laws hold while it is constant"});
    return remember(Form());
  }
  // Any number may be a hyperparameter, but a factor of one, or a count, is nobody's to rescale.
  if (info.constant) {
    bool isFactor = !isLoneTerm(value, step);
    if (isFactor && (std::abs(*info.constant) == 1 || isCount(value, step)))
      return Form();
    auto [use, inserted] = constantUses.try_emplace({value, step}, 0);
    if (inserted) {
      use->second = system.addUnknown("constant" + llvm::Twine(value) + "." + llvm::Twine(step));
      knobs.push_back(
          {use->second, Knob{value, std::nullopt, *info.constant, step, false, !isFactor}});
    }
    return Form{{use->second, Fraction(1)}};
  }
  return remember(Form());
}

void KineticSystem::equate(const Form &a, const Form &b, size_t step) {
  Equation equation;
  equation.form = addScaled(a, Fraction(-1), b);
  equation.provenance = step;
  if (!equation.form.empty())
    system.addEquation(std::move(equation));
}

/// `b x + (1 - b) y` is an average: its weights are numbers, not scales.
void KineticSystem::pinAveragingWeights(size_t index) {
  const Program::Step &step = program.getSteps()[index];
  ArrayRef<ValueId> operands = program.operands(step);
  const CompiledRule &rule = *step.rule;
  if (operands.size() != 2 || rule.equations.size() != 2 ||
      !llvm::all_of(rule.equations, [](auto &equation) { return equation.isEquality(); }))
    return;
  // The constant factors of a product, through any number of products.
  auto factorsOf = [&](ValueId value) {
    constexpr size_t kMaxFactors = 16;
    SmallVector<std::pair<ValueId, size_t>, 2> constants; // and where they stand
    SmallVector<ValueId> pending = {value};
    for (size_t next = 0; next < pending.size() && pending.size() < kMaxFactors; ++next) {
      uint32_t definition = graph.definedBy[pending[next]];
      if (definition == kNoStep || !slice.contains(definition))
        continue;
      const Program::Step &product = program.getSteps()[definition];
      ArrayRef<CompiledRule::Equation> equations = product.rule->equations;
      if (product.kind != Program::StepKind::Rule || equations.size() != 1)
        continue;
      for (auto &[tensor, coefficient] : equations.front().terms) {
        if (coefficient != Fraction(1) || tensor >= product.numOperands)
          continue;
        ValueId operand = program.operands(product)[tensor];
        if (program.getValues()[operand].constant && !program.getValues()[operand].isAnyScale)
          constants.push_back({operand, definition});
        else
          pending.push_back(operand);
      }
    }
    return constants;
  };
  for (auto a : factorsOf(operands[0]))
    for (auto b : factorsOf(operands[1])) {
      double sum = *program.getValues()[a.first].constant + *program.getValues()[b.first].constant;
      if (std::abs(sum - 1) > 1e-6)
        continue;
      for (auto [weight, step] : {a, b})
        if (std::optional<Form> form = degreeOf(weight, step))
          equate(*form, Form(), index);
    }
}

void KineticSystem::addStep(size_t index) {
  const Program::Step &step = program.getSteps()[index];
  ArrayRef<ValueId> operands = program.operands(step), results = program.results(step);
  const CompiledRule &rule = *step.rule;
  if (step.kind != Program::StepKind::Rule || rule.isBarrier) {
    for (ValueId operand : operands)
      if (std::optional<Form> form = degreeOf(operand, index))
        equate(*form, Form(), index);
    for (ValueId result : results)
      if (result != gradient)
        degrees[result] = Form();
    return;
  }
  if (std::optional<unsigned> choice = graph.genericChoice(step)) {
    degrees[results[0]] = degreeOf(operands[*choice], index);
    return;
  }
  auto degreeOfTensor = [&](unsigned tensor) {
    return degreeOf(rule.isResult(tensor) ? results[tensor - rule.numOperands] : operands[tensor],
                    index);
  };
  for (const CompiledRule::Equation &equation : rule.equations) {
    Form right;
    bool anyScale = false;
    for (auto &[tensor, coefficient] : equation.terms) {
      std::optional<Form> form = degreeOfTensor(tensor);
      anyScale |= !form;
      if (form)
        right = addScaled(right, coefficient, *form);
    }
    if (!rule.isResult(equation.lhs)) {
      if (std::optional<Form> left = degreeOfTensor(equation.lhs); left && !anyScale)
        equate(*left, right, index);
      continue;
    }
    ValueId result = results[equation.lhs - rule.numOperands];
    auto it = degrees.find(result);
    if (it == degrees.end() || !it->second) {
      degrees[result] = anyScale ? std::nullopt : std::optional<Form>(right);
      continue;
    }
    if (!anyScale)
      equate(*it->second, right, index);
  }
  pinAveragingWeights(index);
}

void KineticSystem::addSteps() {
  const StepRoles &roles = graph.roles;
  scale = system.addUnknown("scale");
  for (unsigned argument : hyperparameters) {
    ValueId value = program.getArguments()[argument];
    if (!program.getValues()[value].isFloat)
      continue;
    UnknownId unknown = system.addUnknown("hyper" + llvm::Twine(argument));
    unknownOf[value] = unknown;
    knobs.push_back({unknown, Knob{value, argument, std::nullopt, 0}});
  }
  // Later unknowns are eliminated first: states follow from the hyperparameters.
  for (unsigned argument : states) {
    ValueId value = program.getArguments()[argument];
    if (!program.getValues()[value].isFloat || unknownOf.count(value))
      continue;
    stateUnknown[argument] = unknownOf[value] =
        system.addUnknown("state" + llvm::Twine(argument));
    // Numbers are no bearers of a scale where a hyperparameter may do.
    if (graph.isUniform.test(value))
      knobs.push_back({unknownOf[value], Knob{value, argument, std::nullopt, 0, true}});
  }
  for (size_t step : slice)
    addStep(step);
  auto equateWithNext = [&](unsigned argument) {
    ValueId now = program.getArguments()[argument];
    ValueId next = program.getResults()[*roles.arguments[argument].carriedTo];
    std::optional<Form> before = degreeOf(now, 0), after = degreeOf(next, 0);
    if (before && after)
      equate(*before, *after,
             graph.definedBy[next] == kNoStep ? program.getSteps().size() : graph.definedBy[next]);
  };
  equateWithNext(parameter);
  for (unsigned argument : states)
    if (stateUnknown.count(argument))
      equateWithNext(argument);
}
