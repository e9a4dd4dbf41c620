// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "KineticSystem.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <map>

using namespace mlir;
using namespace noether;

static constexpr uint32_t kNoStep = ~0u;
/// Most hyperparameters and constants promoted at once when the law is not unique.
static constexpr unsigned kMaxPromotions = 4;
/// More candidates than this are not searched: the law is then the solver's.
static constexpr size_t kMaxCandidates = 14;

//===----------------------------------------------------------------------===//
// UpdateGraph
//===----------------------------------------------------------------------===//

UpdateGraph::UpdateGraph(const Program &program, const StepRoles &roles,
                         const llvm::MapVector<unsigned, ValueId> &gradients)
    : program(program), roles(roles), gradients(gradients),
      definedBy(program.getValues().size(), kNoStep),
      owner(program.getValues().size(), kShared) {
  for (auto [argument, info] : llvm::enumerate(roles.arguments)) {
    ValueId value = program.getArguments()[argument];
    argumentOf[value] = argument;
    if (info.role == ArgumentRole::Param)
      owner[value] = argument;
    else if (info.role == ArgumentRole::Batch || info.role == ArgumentRole::Rng)
      owner[value] = kSeveral;
  }
  llvm::DenseMap<ValueId, unsigned> gradientOf;
  for (auto &[argument, value] : gradients)
    gradientOf[value] = argument;

  isUniform.resize(program.getValues().size());
  auto hasOneElement = [&](ValueId id) {
    return llvm::all_of(program.getValues()[id].shape(), [](int64_t size) { return size == 1; });
  };
  for (auto [id, value] : llvm::enumerate(program.getValues()))
    if (value.constant || hasOneElement(id))
      isUniform.set(id);

  for (auto [index, step] : llvm::enumerate(program.getSteps())) {
    // A number that several parameters share (a global norm) does not make an update theirs: it enters
    // as a number, and is reported.
    uint32_t common = kShared, numbers = kShared;
    bool uniform = true;
    for (ValueId operand : program.operands(step)) {
      uniform &= isUniform.test(operand);
      uint32_t &target = isUniform.test(operand) ? numbers : common;
      uint32_t other = owner[operand];
      if (other == kShared || other == target)
        continue;
      target = target == kShared ? other : kSeveral;
    }
    if (common == kShared)
      common = numbers;
    for (ValueId result : program.results(step)) {
      definedBy[result] = index;
      if (uniform && step.kind == Program::StepKind::Rule)
        isUniform.set(result);
      auto it = gradientOf.find(result);
      owner[result] = it == gradientOf.end() ? common : it->second;
    }
  }
}

Operation *UpdateGraph::findCoupling(ValueId value) const {
  Operation *op = nullptr;
  while (definedBy[value] != kNoStep) {
    const Program::Step &step = program.getSteps()[definedBy[value]];
    op = step.op;
    std::optional<ValueId> only;
    for (ValueId operand : program.operands(step)) {
      if (owner[operand] != kSeveral)
        continue;
      if (only && *only != operand)
        return op;
      only = operand;
    }
    if (!only)
      return op;
    value = *only;
  }
  return op;
}

//===----------------------------------------------------------------------===//
// The slice
//===----------------------------------------------------------------------===//

KineticSystem::KineticSystem(const UpdateGraph &graph, unsigned parameter)
    : graph(graph), program(graph.program), parameter(parameter),
      gradient(graph.gradients.lookup(parameter)) {
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
    if (value == gradient)
      continue;
    if (auto it = graph.argumentOf.find(value); it != graph.argumentOf.end()) {
      const StepRoles::Argument &argument = roles.arguments[it->second];
      // A state that is handed on unchanged is a hyperparameter.
      bool isConstantState = argument.role == ArgumentRole::State && argument.carriedTo &&
                             program.getResults()[*argument.carriedTo] == value;
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
  if (auto known = unknownOf.find(value); known != unknownOf.end())
    return remember(Form{{known->second, Fraction(1)}});
  if (graph.owner[value] == UpdateGraph::kSeveral) {
    Operation *op = graph.findCoupling(value);
    if (llvm::none_of(breaks, [&](const KineticBreak &other) { return other.op == op; }))
      breaks.push_back(
          {op, "couples several parameters; the laws hold while it is constant"});
    return remember(Form());
  }
  // A one is nobody's to rescale; any other number may be a hyperparameter.
  if (info.constant && std::abs(*info.constant) != 1) {
    UnknownId unknown = system.addUnknown("constant" + llvm::Twine(value));
    unknownOf[value] = unknown;
    knobs.push_back({unknown, Knob{value, std::nullopt, *info.constant, step}});
    return remember(Form{{unknown, Fraction(1)}});
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
    SmallVector<ValueId, 2> constants;
    uint32_t definition = graph.definedBy[value];
    if (definition == kNoStep || !slice.contains(definition))
      return constants;
    for (ValueId operand : program.operands(program.getSteps()[definition]))
      if (program.getValues()[operand].constant && !program.getValues()[operand].isAnyScale)
        constants.push_back(operand);
    return constants;
  };
  for (ValueId a : factorsOf(operands[0]))
    for (ValueId b : factorsOf(operands[1])) {
      double sum = *program.getValues()[a].constant + *program.getValues()[b].constant;
      if (std::abs(sum - 1) > 1e-6)
        continue;
      for (ValueId weight : {a, b})
        if (std::optional<Form> form = degreeOf(weight, index))
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

//===----------------------------------------------------------------------===//
// Solution
//===----------------------------------------------------------------------===//

/// A solution with the parameter's degree 1 that promotes as few knobs as can be; among equals, one
/// that promotes arguments before constants and late constants before early ones.
std::optional<KineticSystem::Degrees> KineticSystem::sparsestSolution() {
  auto solveWith = [&](ArrayRef<UnknownId> promoted)
      -> std::optional<Degrees> {
    System restricted = system;
    for (auto &[unknown, knob] : knobs)
      if (!llvm::is_contained(promoted, unknown))
        restricted.addEquation({Form{{unknown, Fraction(1)}}, 0, std::nullopt});
    Solution solution = Solver(restricted, SpurionMode::Promoted).solve();
    if (solution[scale].empty())
      return std::nullopt;
    // The parameter is the first unknown, so it is free; whatever else is free is left at 0.
    Degrees values;
    for (UnknownId unknown = 0; unknown < system.getUnknowns().size(); ++unknown)
      for (const Term &term : solution[unknown])
        if (term.unknown == scale)
          values[unknown] = term.coefficient;
    return values;
  };

  SmallVector<UnknownId> candidates;
  Solution full = Solver(system, SpurionMode::Promoted).solve();
  if (full[scale].empty())
    return std::nullopt;
  for (auto &[unknown, knob] : knobs)
    if (!full[unknown].empty())
      candidates.push_back(unknown);
  auto isArgument = [&](UnknownId unknown) {
    return llvm::any_of(knobs, [&](auto &k) { return k.first == unknown && k.second.argument; });
  };
  llvm::sort(candidates, [&](UnknownId a, UnknownId b) {
    return std::make_pair(!isArgument(a), ~a) < std::make_pair(!isArgument(b), ~b);
  });
  if (candidates.size() > kMaxCandidates)
    return solveWith(candidates);

  for (unsigned count = 0; count <= std::min<size_t>(kMaxPromotions, candidates.size()); ++count) {
    // Subsets of this size, the preferred candidates first.
    SmallVector<unsigned> chosen;
    for (unsigned i = 0; i < count; ++i)
      chosen.push_back(i);
    while (true) {
      SmallVector<UnknownId> promoted;
      for (unsigned i : chosen)
        promoted.push_back(candidates[i]);
      if (auto values = solveWith(promoted))
        return values;
      int position = static_cast<int>(count) - 1;
      while (position >= 0 && chosen[position] == candidates.size() - count + position)
        --position;
      if (position < 0)
        break;
      ++chosen[position];
      for (unsigned i = position + 1; i < count; ++i)
        chosen[i] = chosen[i - 1] + 1;
    }
  }
  return solveWith(candidates);
}

/// What a knob does: follow its products to the sum they enter.
KineticSystem::KnobUse KineticSystem::useOf(const Knob &knob) const {
  ValueId self = program.getArguments()[parameter];
  auto isParameterTerm = [&](ValueId value) {
    // The parameter itself, or a product of it with numbers.
    for (unsigned depth = 0; depth < 8; ++depth) {
      if (value == self)
        return true;
      uint32_t definition = graph.definedBy[value];
      if (definition == kNoStep)
        return false;
      ValueId factor = ~0u;
      for (ValueId operand : program.operands(program.getSteps()[definition]))
        if (graph.owner[operand] == parameter) {
          if (factor != ~0u)
            return false;
          factor = operand;
        }
      if (factor == ~0u)
        return false;
      value = factor;
    }
    return false;
  };
  llvm::DenseSet<ValueId> carries = {knob.value};
  bool multipliesParameter = false, multipliesOwn = false;
  for (size_t index : slice) {
    const Program::Step &step = program.getSteps()[index];
    ArrayRef<ValueId> operands = program.operands(step);
    if (llvm::none_of(operands, [&](ValueId v) { return carries.contains(v); }) ||
        step.kind != Program::StepKind::Rule)
      continue;
    bool isSum = llvm::count_if(step.rule->equations, [](auto &equation) {
                   return equation.isEquality();
                 }) > 1;
    if (!isSum) {
      for (ValueId operand : operands) {
        multipliesParameter |= !carries.contains(operand) && isParameterTerm(operand);
        multipliesOwn |= !carries.contains(operand) && graph.owner[operand] == parameter;
      }
      for (ValueId result : program.results(step))
        carries.insert(result);
      continue;
    }
    if (multipliesParameter)
      return KnobUse::WeightDecay;
    if (!multipliesOwn) {
      if (llvm::any_of(operands, [&](ValueId v) { return graph.owner[v] == parameter; }))
        return KnobUse::Epsilon;
      // A sum of numbers, such as a schedule: go on with it.
      for (ValueId result : program.results(step))
        carries.insert(result);
      continue;
    }
    return llvm::any_of(operands, isParameterTerm) ? KnobUse::LearningRate : KnobUse::Other;
  }
  return KnobUse::Other;
}

Law KineticSystem::lawOf(const Knob &knob, const Fraction &degree) const {
  Law law;
  law.parameter = parameter;
  law.degree = degree;
  law.value = knob.constant;
  law.op = knob.argument ? nullptr : program.getSteps()[knob.step].op;
  StringRef symbol;
  switch (useOf(knob)) {
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

/// The system and its knobs as text: updates of one shape have one.
std::string KineticSystem::signature() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (auto &[unknown, knob] : knobs)
    os << unknown << (knob.argument ? "a " : "c ");
  for (const Equation &equation : system.getEquations()) {
    printForm(os, equation.form, [](llvm::raw_ostream &os, UnknownId u) { os << u; });
    os << "\n";
  }
  return text;
}

KineticSystem::Result KineticSystem::solve(SolutionCache &cache) {
  Result result;
  for (size_t index : slice) {
    const Program::Step &step = program.getSteps()[index];
    if (step.kind != Program::StepKind::Rule || step.rule->isBarrier || step.rule->sum.any() ||
        step.rule->frozen.any())
      result.mixing.push_back(index);
  }
  auto [cached, inserted] = cache.try_emplace(signature());
  if (inserted)
    cached->second = sparsestSolution();
  const std::optional<Degrees> &values = cached->second;
  if (!values) {
    result.isTrivial = true;
    Solution full = Solver(system, SpurionMode::Promoted).solve();
    std::optional<uint32_t> equation = full.getPinnedBy(scale);
    Operation *op = nullptr;
    if (equation) {
      uint32_t step = system.getEquations()[*equation].provenance;
      op = step < program.getSteps().size() ? program.getSteps()[step].op : nullptr;
    }
    breaks.push_back({op, "no scaling of the hyperparameters makes the update keep the symmetry"});
    result.breaks = std::move(breaks);
    return result;
  }
  auto degreeOfUnknown = [&](UnknownId unknown) {
    auto it = values->find(unknown);
    return it == values->end() ? Fraction(0) : it->second;
  };
  for (auto &[unknown, knob] : knobs)
    if (Fraction degree = degreeOfUnknown(unknown); degree != Fraction(0))
      result.laws.push_back(lawOf(knob, degree));
  for (unsigned argument : states)
    if (auto it = stateUnknown.find(argument); it != stateUnknown.end())
      result.states.push_back({argument, degreeOfUnknown(it->second)});
  result.breaks = std::move(breaks);
  return result;
}
