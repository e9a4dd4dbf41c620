// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "UpdateForm.h"

#include "noether/Analysis/Solver/Form.h"
#include "noether/Rules/ConstantFold.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <cmath>

using namespace mlir;
using namespace noether;

static constexpr uint32_t kNoStep = ~0u;
/// Updates of more operations are not followed.
static constexpr size_t kMaxSteps = 4096;
/// Sums of more terms are not followed.
static constexpr size_t kMaxTerms = 8;
/// How far an exponent is traced back to what is carried.
static constexpr unsigned kMaxDepth = 32;

//===----------------------------------------------------------------------===//
// Forms
//===----------------------------------------------------------------------===//

UpdateNumber UpdateForm::operator[](AtomId atom) const {
  for (auto &[other, number] : terms)
    if (other == atom)
      return number;
  return {};
}

bool UpdateForm::add(const UpdateNumber &number, const UpdateForm &other) {
  for (auto &[atom, coefficient] : other.terms) {
    std::optional<UpdateNumber> scaled = coefficient.times(number);
    if (!scaled)
      return false;
    auto *it = llvm::find_if(terms, [&](auto &term) { return term.first == atom; });
    if (it == terms.end()) {
      if (!scaled->isZero())
        terms.push_back({atom, *scaled});
      continue;
    }
    it->second = it->second + *scaled;
    if (it->second.isZero())
      terms.erase(it);
  }
  return terms.size() <= kMaxTerms;
}

Arithmetic UpdateForms::arithmeticOf(Operation *op) {
  auto [dialect, name] = op->getName().getStringRef().split('.');
  if (dialect == "stablehlo" || dialect == "mhlo" || dialect == "chlo" || dialect == "sdy")
    return llvm::StringSwitch<Arithmetic>(name)
        .Cases({"convert", "copy", "optimization_barrier", "reduce_precision",
                "sharding_constraint"},
               Arithmetic::Same)
        .Cases({"broadcast_in_dim", "broadcast", "reshape"}, Arithmetic::Broadcast)
        .Case("add", Arithmetic::Add)
        .Case("subtract", Arithmetic::Subtract)
        .Case("negate", Arithmetic::Negate)
        .Case("multiply", Arithmetic::Multiply)
        .Case("divide", Arithmetic::Divide)
        .Case("sqrt", Arithmetic::Sqrt)
        .Case("rsqrt", Arithmetic::Rsqrt)
        .Case("square", Arithmetic::Square)
        .Case("power", Arithmetic::Power)
        .Case("sign", Arithmetic::Sign)
        .Case("select", Arithmetic::Select)
        .Cases({"compare", "maximum", "minimum", "abs", "exponential", "log", "and", "or", "not",
                "is_finite", "floor", "cosine", "sine"},
               Arithmetic::Pointwise)
        .Default(Arithmetic::Other);
  if (dialect == "arith" || dialect == "math" || dialect == "tensor")
    return llvm::StringSwitch<Arithmetic>(name)
        .Cases({"extf", "truncf", "sitofp", "uitofp"}, Arithmetic::Same)
        .Case("splat", Arithmetic::Broadcast)
        .Case("addf", Arithmetic::Add)
        .Case("subf", Arithmetic::Subtract)
        .Case("negf", Arithmetic::Negate)
        .Case("mulf", Arithmetic::Multiply)
        .Case("divf", Arithmetic::Divide)
        .Case("sqrt", Arithmetic::Sqrt)
        .Case("rsqrt", Arithmetic::Rsqrt)
        .Case("powf", Arithmetic::Power)
        .Case("select", Arithmetic::Select)
        .Cases({"cmpf", "maximumf", "minimumf", "maxnumf", "minnumf", "absf", "exp", "log"},
               Arithmetic::Pointwise)
        .Default(Arithmetic::Other);
  return Arithmetic::Other;
}

//===----------------------------------------------------------------------===//
// The steps
//===----------------------------------------------------------------------===//

static bool hasOneElement(const Program::Value &value) {
  return llvm::all_of(value.shape(), [](int64_t size) { return size == 1; });
}

UpdateForms::UpdateForms(const UpdateGraph &graph, unsigned parameter, const GivenNumbers &given)
    : graph(graph), program(graph.program), parameter(parameter), given(given),
      nextProduct(graph.program.getValues().size()) {
  if (auto it = graph.gradients.find(parameter); it != graph.gradients.end())
    gradient = it->second;
  if (!graph.roles.arguments[parameter].carriedTo)
    return;
  isOneElement = hasOneElement(program.getValues()[parameterAtom()]);
  SmallVector<size_t> steps;
  collectSteps(steps);
  if (steps.size() > kMaxSteps)
    return;
  addArguments();
  for (size_t step : steps)
    addStep(step);
  valid = true;
}

/// The steps from the parameter, its gradient, states and numbers to the next values. What several
/// parameters have a say in is not looked into.
void UpdateForms::collectSteps(SmallVectorImpl<size_t> &steps) {
  const StepRoles &roles = graph.roles;
  SmallVector<ValueId> pending;
  llvm::DenseSet<ValueId> seen;
  llvm::DenseSet<size_t> seenSteps;
  auto visit = [&](ValueId value) {
    if (seen.insert(value).second)
      pending.push_back(value);
  };
  visit(program.getResults()[*roles.arguments[parameter].carriedTo]);
  while (!pending.empty() && steps.size() <= kMaxSteps) {
    ValueId value = pending.pop_back_val();
    if (gradient && value == *gradient)
      continue;
    if (auto it = graph.argumentOf.find(value); it != graph.argumentOf.end()) {
      const StepRoles::Argument &argument = roles.arguments[it->second];
      if (argument.role != ArgumentRole::State || !argument.carriedTo ||
          program.getResults()[*argument.carriedTo] == value)
        continue;
      carriedStates.push_back(it->second);
      visit(program.getResults()[*argument.carriedTo]);
      continue;
    }
    uint32_t index = graph.definedBy[value];
    if (index == kNoStep)
      continue;
    // A number is looked at no further, but it is spread to tensors.
    if (graph.owner[value] == UpdateGraph::kSeveral &&
        (!graph.isUniform.test(value) || hasOneElement(program.getValues()[value])))
      continue;
    if (seenSteps.insert(index).second)
      steps.push_back(index);
    for (ValueId operand : program.operands(program.getSteps()[index]))
      visit(operand);
  }
  llvm::sort(steps);
  llvm::sort(carriedStates);
}

void UpdateForms::addArguments() {
  ArrayRef<int64_t> shape = program.getValues()[parameterAtom()].shape();
  forms[parameterAtom()].terms.push_back({parameterAtom(), 1.0});
  if (gradient)
    forms[*gradient].terms.push_back({*gradient, 1.0});
  for (unsigned argument : carriedStates) {
    ValueId value = program.getArguments()[argument];
    const Program::Value &info = program.getValues()[value];
    if (!info.isFloat || info.shape() != shape)
      continue;
    states.push_back(argument);
    forms[value].terms.push_back({value, 1.0});
  }
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

/// The number that a value consists of, if it is one.
const UpdateNumber *UpdateForms::number(ValueId value) const {
  auto it = numbers.find(value);
  return it == numbers.end() ? nullptr : &it->second;
}

std::optional<UpdateNumber> UpdateForms::inverseOf(const UpdateNumber &number, ValueId value) {
  if (std::optional<UpdateNumber> inverse = number.inverse())
    return inverse;
  if (number.isZero())
    return std::nullopt;
  // One for all tensors that a number is spread to.
  while (graph.definedBy[value] != kNoStep) {
    const Program::Step &step = program.getSteps()[graph.definedBy[value]];
    if (step.kind != Program::StepKind::Rule || step.numOperands != 1 ||
        arithmeticOf(step.op) != Arithmetic::Broadcast || !this->number(program.operands(step)[0]))
      break;
    value = program.operands(step)[0];
  }
  SymbolId symbol = symbols.get(value, 1);
  if (std::optional<double> limit = symbols.evaluate(number); limit && *limit != 0)
    symbols.setLimit(symbol, 1 / *limit);
  return UpdateNumber::symbol(symbol);
}

/// The operand that a choice is in a long run, before a counter has counted as far as it goes.
std::optional<unsigned> UpdateForms::choiceOfCounts(const Program::Step &step) const {
  ArrayRef<ValueId> operands = program.operands(step);
  if (operands.size() != 3)
    return std::nullopt;
  if (std::optional<double> predicate = graph.genericValue(operands[0]))
    return *predicate != 0 ? 1 : 2;
  // (A counter that stops at the largest number of its type.)
  constexpr double kEndOfCounting = 1 << 24;
  for (auto [end, other] : {std::pair(1, 2), std::pair(2, 1)})
    if (program.getValues()[operands[end]].constant.value_or(0) >= kEndOfCounting)
      return other;
  return std::nullopt;
}

/// Whether `value` is `count` and something positive that is a constant.
bool UpdateForms::isRaised(ValueId value, ValueId count) const {
  bool isMore = false;
  for (unsigned depth = 0; depth < kMaxDepth; ++depth) {
    if (value == count)
      return isMore;
    if (graph.definedBy[value] == kNoStep)
      return false;
    const Program::Step &step = program.getSteps()[graph.definedBy[value]];
    ArrayRef<ValueId> operands = program.operands(step);
    if (step.kind != Program::StepKind::Rule)
      return false;
    switch (arithmeticOf(step.op)) {
    case Arithmetic::Same:
    case Arithmetic::Broadcast:
      value = operands[0];
      continue;
    case Arithmetic::Add: {
      auto *constant = llvm::find_if(operands, [&](ValueId each) {
        return program.getValues()[each].constant.value_or(0) > 0;
      });
      if (operands.size() != 2 || constant == operands.end())
        return false;
      isMore = true;
      value = operands[constant == operands.begin() ? 1 : 0];
      continue;
    }
    case Arithmetic::Select:
      if (std::optional<unsigned> choice = choiceOfCounts(step)) {
        value = operands[*choice];
        continue;
      }
      return false;
    default:
      return false;
    }
  }
  return false;
}

/// Whether an argument counts steps: it is carried, and more by a constant from step to step.
bool UpdateForms::isCounter(unsigned argument) const {
  if (!llvm::is_contained(carriedStates, argument))
    return false;
  ValueId count = program.getArguments()[argument];
  ValueId next = program.getResults()[*graph.roles.arguments[argument].carriedTo];
  return hasOneElement(program.getValues()[count]) && isRaised(next, count);
}

/// Whether a value has no bound as steps are counted up.
bool UpdateForms::growsWithSteps(ValueId value) const {
  for (unsigned depth = 0; depth < kMaxDepth; ++depth) {
    if (auto it = graph.argumentOf.find(value); it != graph.argumentOf.end())
      return isCounter(it->second);
    if (graph.definedBy[value] == kNoStep)
      return false;
    const Program::Step &step = program.getSteps()[graph.definedBy[value]];
    ArrayRef<ValueId> operands = program.operands(step);
    if (step.kind != Program::StepKind::Rule)
      return false;
    auto constant = [&](unsigned each) { return program.getValues()[operands[each]].constant; };
    Arithmetic kind = arithmeticOf(step.op);
    switch (kind) {
    case Arithmetic::Same:
    case Arithmetic::Broadcast:
      value = operands[0];
      continue;
    case Arithmetic::Add:
    case Arithmetic::Subtract:
    case Arithmetic::Multiply: {
      if (operands.size() != 2)
        return false;
      unsigned number = constant(1) || kind == Arithmetic::Subtract ? 1 : 0;
      if (!constant(number) || (kind == Arithmetic::Multiply && *constant(number) <= 0))
        return false;
      value = operands[1 - number];
      continue;
    }
    case Arithmetic::Select:
      if (std::optional<unsigned> choice = choiceOfCounts(step)) {
        value = operands[*choice];
        continue;
      }
      return false;
    default:
      return false;
    }
  }
  return false;
}

/// Whether `base ^ exponent` vanishes in a long run: the exponent is counted up from step to step.
bool UpdateForms::isTransient(ValueId base, ValueId exponent) const {
  const UpdateNumber *number = this->number(base);
  std::optional<double> value = number ? number->getConstant() : std::nullopt;
  return value && std::abs(*value) < 1 && growsWithSteps(exponent);
}

UpdateNumber UpdateForms::numberOf(const Program::Step &step, ValueId result) {
  ArrayRef<ValueId> operands = program.operands(step);
  Arithmetic kind =
      step.kind == Program::StepKind::Rule ? arithmeticOf(step.op) : Arithmetic::Other;
  SmallVector<const UpdateNumber *, 3> from;
  for (ValueId operand : operands)
    from.push_back(number(operand));
  bool known = !llvm::is_contained(from, nullptr);
  if (std::optional<unsigned> choice = graph.genericChoice(step))
    if (from[*choice])
      return *from[*choice];
  auto symbolWithLimit = [&](std::optional<double> limit) {
    SymbolId symbol = symbols.get(result);
    if (limit && std::isfinite(*limit))
      symbols.setLimit(symbol, *limit);
    return UpdateNumber::symbol(symbol);
  };
  auto orSymbol = [&](const std::optional<UpdateNumber> &number) {
    return number ? *number : symbolWithLimit(std::nullopt);
  };
  auto hasOperands = [&](size_t count) { return known && from.size() == count; };
  switch (kind) {
  case Arithmetic::Same:
  case Arithmetic::Broadcast:
    return hasOperands(1) ? *from[0] : symbolWithLimit(std::nullopt);
  case Arithmetic::Add:
    return hasOperands(2) ? *from[0] + *from[1] : symbolWithLimit(std::nullopt);
  case Arithmetic::Subtract:
    return hasOperands(2) ? *from[0] + -*from[1] : symbolWithLimit(std::nullopt);
  case Arithmetic::Negate:
    return hasOperands(1) ? -*from[0] : symbolWithLimit(std::nullopt);
  case Arithmetic::Multiply:
    return orSymbol(hasOperands(2) ? from[0]->times(*from[1]) : std::nullopt);
  case Arithmetic::Divide: {
    if (!hasOperands(2))
      break;
    std::optional<UpdateNumber> inverse = inverseOf(*from[1], operands[1]);
    return orSymbol(inverse ? from[0]->times(*inverse) : std::nullopt);
  }
  case Arithmetic::Sqrt:
  case Arithmetic::Rsqrt:
    if (hasOperands(1))
      if (std::optional<double> limit = symbols.evaluate(*from[0]); limit && *limit > 0) {
        double root =
            kind == Arithmetic::Sqrt ? std::sqrt(*limit) : 1 / std::sqrt(*limit);
        return from[0]->getConstant() ? UpdateNumber(root) : symbolWithLimit(root);
      }
    break;
  case Arithmetic::Square:
    return orSymbol(hasOperands(1) ? from[0]->times(*from[0]) : std::nullopt);
  case Arithmetic::Power: {
    if (operands.size() != 2)
      break;
    if (isTransient(operands[0], operands[1]))
      return symbolWithLimit(0.0);
    std::optional<double> base = from[0] ? from[0]->getConstant() : std::nullopt,
                          exponent = from[1] ? from[1]->getConstant() : std::nullopt;
    if (base && exponent && std::isfinite(std::pow(*base, *exponent)))
      return std::pow(*base, *exponent);
    if (std::optional<double> limit = from[0] ? symbols.evaluate(*from[0]) : std::nullopt;
        limit && *limit > 0 && exponent)
      return symbolWithLimit(std::pow(*limit, *exponent));
    break;
  }
  case Arithmetic::Select:
    if (from.size() == 3 && from[1] && from[2]) {
      if (*from[1] == *from[2])
        return *from[1];
      if (std::optional<double> predicate = from[0] ? from[0]->getConstant() : std::nullopt)
        return *predicate != 0 ? *from[1] : *from[2];
      std::optional<double> a = symbols.evaluate(*from[1]), b = symbols.evaluate(*from[2]);
      return symbolWithLimit(a && b && *a == *b ? a : std::nullopt);
    }
    break;
  default:
    break;
  }
  // Of numbers that are given, such as the count that a schedule starts from, others follow.
  SmallVector<double> constants;
  for (const UpdateNumber *number : from)
    if (std::optional<double> constant = number ? number->getConstant() : std::nullopt)
      constants.push_back(*constant);
  if (step.kind == Program::StepKind::Rule && !from.empty() && constants.size() == from.size())
    if (std::optional<double> folded = foldSplat(step.op, constants); folded && std::isfinite(*folded))
      return *folded;
  return symbolWithLimit(std::nullopt);
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

UpdateForm UpdateForms::asForm(ValueId value) const {
  if (auto it = forms.find(value); it != forms.end())
    return it->second;
  UpdateForm form;
  if (const UpdateNumber *constant = number(value))
    form.terms.push_back({kOne, *constant});
  else
    form.terms.push_back({value, 1.0});
  return form;
}

AtomId UpdateForms::product(AtomId a, AtomId b) {
  auto [it, isNew] = products.try_emplace({std::min(a, b), std::max(a, b)}, nextProduct);
  if (isNew) {
    factors[nextProduct] = it->first;
    ++nextProduct;
  }
  return it->second;
}

std::optional<UpdateForm> UpdateForms::productOf(ValueId a, ValueId b) {
  for (auto [x, y] : {std::pair(a, b), std::pair(b, a)})
    if (const UpdateNumber *factor = number(x)) {
      UpdateForm result;
      return result.add(*factor, asForm(y)) ? std::optional(result) : std::nullopt;
    }
  UpdateForm x = asForm(a), y = asForm(b);
  UpdateForm result;
  if (x.isSingle() && y.isSingle() && x.terms[0].first != kOne && y.terms[0].first != kOne) {
    AtomId atom = product(x.terms[0].first, y.terms[0].first);
    std::optional<UpdateNumber> factor = x.terms[0].second.times(y.terms[0].second);
    if (!factor)
      return std::nullopt;
    if (x.terms[0].first == y.terms[0].first && !squares.contains(atom)) {
      UpdateForm base;
      base.terms.push_back({x.terms[0].first, 1.0});
      squares[atom] = base;
    }
    result.terms.push_back({atom, *factor});
    return result;
  }
  // The square of a sum stays one.
  if (a == b) {
    AtomId atom = product(a, a);
    squares[atom] = x;
    result.terms.push_back({atom, 1.0});
    return result;
  }
  return std::nullopt;
}

/// The form of a step's result; nothing if it is not linear in anything that is known.
std::optional<UpdateForm> UpdateForms::computeForm(const Program::Step &step, ValueId result) {
  if (step.kind != Program::StepKind::Rule)
    return std::nullopt;
  if (std::optional<unsigned> choice = graph.genericChoice(step)) {
    ValueId chosen = program.operands(step)[*choice];
    bool isLike = program.getValues()[chosen].shape() == program.getValues()[result].shape();
    return isLike || number(chosen) ? std::optional(asForm(chosen)) : std::nullopt;
  }
  ArrayRef<ValueId> operands = program.operands(step);
  ArrayRef<int64_t> shape = program.getValues()[result].shape();
  auto hasShape = [&](ValueId value) {
    return number(value) || program.getValues()[value].shape() == shape;
  };
  if (!llvm::all_of(operands, hasShape))
    return std::nullopt;
  UpdateForm form;
  auto orNothing = [&](bool fits) { return fits ? std::optional(form) : std::nullopt; };
  Arithmetic kind = arithmeticOf(step.op);
  switch (kind) {
  case Arithmetic::Same:
    return operands.size() == 1 ? std::optional(asForm(operands[0])) : std::nullopt;
  case Arithmetic::Add:
  case Arithmetic::Subtract:
    return orNothing(operands.size() == 2 && form.add(1.0, asForm(operands[0])) &&
                     form.add(kind == Arithmetic::Add ? 1.0 : -1.0, asForm(operands[1])));
  case Arithmetic::Negate:
    return orNothing(operands.size() == 1 && form.add(-1.0, asForm(operands[0])));
  case Arithmetic::Multiply:
    return operands.size() == 2 ? productOf(operands[0], operands[1]) : std::nullopt;
  case Arithmetic::Square:
    return operands.size() == 1 ? productOf(operands[0], operands[0]) : std::nullopt;
  case Arithmetic::Power: {
    const UpdateNumber *exponent = operands.size() == 2 ? number(operands[1]) : nullptr;
    return exponent && *exponent == UpdateNumber(2.0) ? productOf(operands[0], operands[0])
                                                      : std::nullopt;
  }
  case Arithmetic::Divide: {
    const UpdateNumber *divisor = operands.size() == 2 ? number(operands[1]) : nullptr;
    std::optional<UpdateNumber> inverse =
        divisor ? inverseOf(*divisor, operands[1]) : std::nullopt;
    return orNothing(inverse && form.add(*inverse, asForm(operands[0])));
  }
  case Arithmetic::Select: {
    if (operands.size() != 3 || !number(operands[0]))
      return std::nullopt;
    UpdateForm a = asForm(operands[1]), b = asForm(operands[2]);
    // One of two numbers for each atom.
    auto choose = [&](AtomId atom) {
      SymbolId symbol = symbols.get(result, 2 + form.terms.size());
      symbols.setChoice(symbol, operands[0], a[atom], b[atom]);
      form.terms.push_back({atom, UpdateNumber::symbol(symbol)});
    };
    for (auto &[atom, coefficient] : a.terms) {
      if (coefficient == b[atom])
        form.terms.push_back({atom, coefficient});
      else
        choose(atom);
    }
    for (auto &[atom, coefficient] : b.terms)
      if (a[atom].isZero())
        choose(atom);
    return orNothing(form.terms.size() <= kMaxTerms);
  }
  default:
    return std::nullopt;
  }
}

void UpdateForms::noteDecay(const Program::Step &step, const UpdateForm &form) {
  if (!decay && form.isSingle() && form.terms[0].first == parameterAtom() &&
      !(form.terms[0].second == UpdateNumber(1.0)))
    decay = step.op;
}

void UpdateForms::addStep(size_t index) {
  const Program::Step &step = program.getSteps()[index];
  // Of a parameter of one element, what is made of it is no number of the update.
  bool isOwn = isOneElement && llvm::any_of(program.operands(step), [&](ValueId operand) {
    return forms.contains(operand) || own.contains(operand);
  });
  if (isOwn)
    own.insert_range(program.results(step));
  // Numbers that come in from outside of the slice.
  for (ValueId operand : program.operands(step)) {
    if (numbers.contains(operand) || forms.contains(operand) || own.contains(operand))
      continue;
    const Program::Value &info = program.getValues()[operand];
    if (info.constant && std::isfinite(*info.constant)) {
      numbers[operand] = shortestDecimal(*info.constant);
    } else if (hasOneElement(info)) {
      auto argument = graph.argumentOf.find(operand);
      auto it = argument == graph.argumentOf.end() ? given.end() : given.find(argument->second);
      numbers[operand] = it == given.end() ? UpdateNumber::symbol(symbols.get(operand))
                                           : UpdateNumber(it->second);
    }
  }
  bool areNumbers = program.operands(step).size() > 0 &&
                    llvm::all_of(program.operands(step), [&](ValueId v) { return number(v); });
  for (ValueId result : program.results(step)) {
    const Program::Value &info = program.getValues()[result];
    if (forms.contains(result))
      continue;
    if (info.constant && std::isfinite(*info.constant)) {
      numbers[result] = shortestDecimal(*info.constant);
      continue;
    }
    // Entry by entry, equal numbers make equal numbers.
    bool spreads = areNumbers && step.kind == Program::StepKind::Rule &&
                   arithmeticOf(step.op) != Arithmetic::Other;
    if ((hasOneElement(info) && !isOwn) || spreads) {
      numbers[result] = numberOf(step, result);
      continue;
    }
    if (std::optional<UpdateForm> form = computeForm(step, result)) {
      noteDecay(step, *form);
      forms[result] = std::move(*form);
    }
  }
}

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

std::optional<unsigned> UpdateForms::stateOf(AtomId atom) const {
  for (unsigned state : states)
    if (program.getArguments()[state] == atom)
      return state;
  return std::nullopt;
}

const UpdateForm *UpdateForms::formOf(ValueId value) const {
  auto it = forms.find(value);
  return it == forms.end() ? nullptr : &it->second;
}

const UpdateForm *UpdateForms::nextParameter() const {
  return formOf(program.getResults()[*graph.roles.arguments[parameter].carriedTo]);
}

const UpdateForm *UpdateForms::nextState(unsigned argument) const {
  return formOf(program.getResults()[*graph.roles.arguments[argument].carriedTo]);
}

const UpdateForm *UpdateForms::squareBase(AtomId atom) const {
  auto it = squares.find(atom);
  return it == squares.end() ? nullptr : &it->second;
}

std::optional<std::pair<AtomId, AtomId>> UpdateForms::factorsOf(AtomId atom) const {
  auto it = factors.find(atom);
  return it == factors.end() ? std::nullopt : std::optional(it->second);
}

const Program::Step *UpdateForms::stepOf(AtomId atom) const {
  if (atom >= program.getValues().size() || graph.definedBy[atom] == kNoStep)
    return nullptr;
  return &program.getSteps()[graph.definedBy[atom]];
}

std::optional<ValueId> UpdateForms::findShared(SymbolId symbol) const {
  ValueId value = symbols[symbol].value;
  if (graph.owner[value] == UpdateGraph::kSeveral)
    return value;
  // A choice between two numbers.
  if (graph.definedBy[value] != kNoStep)
    for (ValueId operand : program.operands(program.getSteps()[graph.definedBy[value]]))
      if (graph.owner[operand] == UpdateGraph::kSeveral && numbers.contains(operand))
        return operand;
  return std::nullopt;
}

std::optional<UpdateForms::SharedFactor>
UpdateForms::sharedFactor(const UpdateNumber &number) const {
  std::optional<SharedFactor> result;
  for (const UpdateNumber::Term &term : number.getTerms()) {
    SharedFactor shared;
    for (auto [symbol, power] : term.powers)
      if (findShared(symbol))
        shared.push_back({symbol, power});
    if (result && *result != shared)
      return std::nullopt;
    result = shared;
  }
  return result ? result : SharedFactor();
}
