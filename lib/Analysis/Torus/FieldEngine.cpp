// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Torus/FieldEngine.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

#include <map>

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

/// Values with more components get unknowns only for those that vary along few axes: fewer unknowns
/// only lose symmetries.
static constexpr uint64_t kMaxUnknownsPerValue = 4096;
static constexpr unsigned kMaxOrder = 2;
/// Forms longer than this are given a name.
static constexpr size_t kLongForm = 24;

FieldEngine::FieldEngine(const Program &program, const Structure &structure, FormPool &forms,
                         EquationSink &sink)
    : program(program), structure(structure), forms(forms), sink(&sink),
      fields(program.getValues().size(), FieldPool::zero) {
  for (auto [id, value] : llvm::enumerate(program.getValues()))
    if (value.isAnyScale)
      fields[id] = FieldPool::any;
}

void FieldEngine::makeUnknown(ValueId value, llvm::function_ref<bool(uint64_t)> isUsed) {
  const ResolvedSpace &space = structure.resolve(structure.spaceOf(value));
  if (space.isOpaque) {
    fields[value] = FieldPool::zero;
    return;
  }
  // All components, or those of low order where there are too many, axis by axis.
  struct Partial {
    uint64_t key = 0;
    unsigned order = 0;
    int64_t dimension = 1;
  };
  bool limited = space.size > kMaxUnknownsPerValue;
  SmallVector<Partial> partials = {{}};
  for (auto [a, axis] : llvm::enumerate(space.axes)) {
    SmallVector<Partial> next;
    for (const Partial &partial : partials)
      for (uint64_t digit = 0; digit < axis->radix; ++digit) {
        Partial extended = {partial.key + space.strides[a] * digit,
                            partial.order + axis->order(digit),
                            partial.dimension * axis->dimension(digit)};
        if (extended.dimension > 0 && (!limited || extended.order <= kMaxOrder))
          next.push_back(extended);
      }
    partials = std::move(next);
  }
  Field field;
  for (const Partial &partial : partials)
    if (!isUsed || isUsed(space.cellOf(partial.key)))
      field.push_back({partial.key, sink->addUnknown(value, partial.key, partial.dimension)});
  fields[value] = pool.intern(std::move(field));
}

FieldId FieldEngine::operandField(ValueId value) const {
  return program.getValues()[value].isFloat ? fields[value] : FieldPool::zero;
}

//===----------------------------------------------------------------------===//
// Fields of one space
//===----------------------------------------------------------------------===//

/// The constant components where a field says "any".
static llvm::SmallDenseSet<uint64_t, 4> anyCells(ArrayRef<Component> field) {
  llvm::SmallDenseSet<uint64_t, 4> cells;
  for (const Component &component : field)
    if (component.form == kAnyForm)
      cells.insert(component.key);
  return cells;
}

/// a + factor * b, both in order of their keys. Pieces where `b` is of any scale go to `any`.
Field FieldEngine::addScaled(ArrayRef<Component> a, const Fraction &factor, ArrayRef<Component> b,
                             llvm::SmallDenseSet<uint64_t, 4> &any) {
  Field result;
  result.reserve(a.size() + b.size());
  const Component *x = a.begin();
  for (const Component &component : b) {
    if (component.form == kAnyForm) {
      any.insert(component.key);
      continue;
    }
    while (x != a.end() && x->key < component.key)
      result.push_back(*x++);
    FormId before = x != a.end() && x->key == component.key ? (x++)->form : FormPool::zero;
    result.push_back({component.key, forms.add(before, forms.scale(factor, component.form))});
  }
  result.append(x, a.end());
  return result;
}

FieldId FieldEngine::combine(ArrayRef<std::pair<unsigned, Fraction>> terms,
                             ArrayRef<FieldId> operands, const ResolvedSpace &space, size_t step) {
  if (terms.size() == 1 && terms[0].second == Fraction(1))
    return operands[terms[0].first];
  bool allZero = true;
  for (auto &[tensor, coefficient] : terms) {
    if (operands[tensor] == FieldPool::any)
      return FieldPool::any;
    allZero &= operands[tensor] == FieldPool::zero;
  }
  if (allZero)
    return FieldPool::zero;

  // The same few combinations occur over and over.
  std::optional<std::pair<uint64_t, uint64_t>> key;
  if (!space.hasPieces && terms.size() <= 2) {
    auto pack = [&](const std::pair<unsigned, Fraction> &term) {
      return uint64_t(operands[term.first]) << 32 | forms.numberOf(term.second);
    };
    // (Not a key that DenseMap reserves: there are not that many coefficients.)
    key = {pack(terms.front()), terms.size() == 2 ? pack(terms.back()) : ~uint32_t(0)};
    if (auto it = combined.find(*key); it != combined.end())
      return it->second;
  }

  Field sum;
  llvm::SmallDenseSet<uint64_t, 4> any;
  for (auto &[tensor, coefficient] : terms)
    sum = addScaled(sum, coefficient, pool[operands[tensor]], any);
  Field result;
  for (uint64_t cell : any)
    result.push_back({cell, kAnyForm});
  for (auto [componentKey, form] : sum) {
    if (form == FormPool::zero || (!any.empty() && any.count(space.cellOf(componentKey))))
      continue;
    if (forms[form].size() > kLongForm)
      form = sink->abbreviate(form, step);
    result.push_back({componentKey, form});
  }
  FieldId id = pool.intern(std::move(result));
  if (key)
    combined[*key] = id;
  return id;
}

FieldId FieldEngine::equate(FieldId a, FieldId b, const ResolvedSpace &space, size_t step) {
  if (a == b || b == FieldPool::any)
    return a;
  if (a == FieldPool::any)
    return b;
  auto anyA = anyCells(pool[a]), anyB = anyCells(pool[b]);
  auto isAny = [&](const llvm::SmallDenseSet<uint64_t, 4> &cells, uint64_t key) {
    return !cells.empty() && cells.count(space.cellOf(key));
  };
  Field result;
  ArrayRef<Component> left = pool[a], right = pool[b];
  const Component *x = left.begin(), *y = right.begin();
  while (x != left.end() || y != right.end()) {
    uint64_t key =
        std::min(x == left.end() ? ~uint64_t(0) : x->key, y == right.end() ? ~uint64_t(0) : y->key);
    FormId formX = x != left.end() && x->key == key ? (x++)->form : FormPool::zero;
    FormId formY = y != right.end() && y->key == key ? (y++)->form : FormPool::zero;
    bool anyX = isAny(anyA, key), anyY = isAny(anyB, key);
    if (anyX || anyY) {
      FormId known = anyX && anyY ? kAnyForm : anyX ? formY : formX;
      // A component that is zero where the other says any: nothing to store.
      if (known != FormPool::zero && !(known == kAnyForm && !(anyX && anyY)))
        result.push_back({key, known});
      continue;
    }
    if (formX != formY)
      sink->equate(formX, formY, step);
    if (formX != FormPool::zero)
      result.push_back({key, formX});
  }
  return pool.intern(std::move(result));
}

void FieldEngine::pinToZero(FieldId field, size_t step) {
  if (field == FieldPool::any)
    return;
  for (const Component &component : pool[field])
    if (component.form != kAnyForm)
      sink->equate(component.form, FormPool::zero, step);
}

FieldId FieldEngine::constantAlong(FieldId field, const ResolvedSpace &space,
                                   const llvm::BitVector &axes, size_t step) {
  if (field == FieldPool::zero || field == FieldPool::any || axes.none())
    return field;
  ArrayRef<Component> components = pool[field];
  auto any = anyCells(components);

  // Components by what is left of their key, with the digits along the axes.
  std::map<uint64_t, SmallVector<std::pair<uint64_t, FormId>, 2>> byRest;
  bool cut = false;
  for (const Component &component : components) {
    uint64_t along = 0;
    bool varies = false;
    for (unsigned axis : axes.set_bits()) {
      uint64_t digit = space.digit(component.key, axis);
      along += space.strides[axis] * digit;
      varies |= !space.axes[axis]->isConstant(digit);
    }
    if (varies) {
      sink->equate(component.form, FormPool::zero, step);
      continue;
    }
    byRest[component.key - along].push_back({along, component.form});
  }
  SmallVector<uint64_t> choices = {0};
  for (unsigned axis : axes.set_bits()) {
    cut |= space.axes[axis]->hasPieces;
    SmallVector<uint64_t> next;
    for (uint64_t choice : choices)
      for (uint64_t constant : space.axes[axis]->constants)
        next.push_back(choice + space.strides[axis] * constant);
    choices = std::move(next);
  }

  Field result;
  for (auto &[rest, along] : byRest) {
    if (!cut) {
      result.push_back({rest, along.front().second});
      continue;
    }
    // All choices of pieces along the axes must agree, but for those of any scale.
    std::optional<FormId> common;
    for (uint64_t choice : choices) {
      if (!any.empty() && any.count(space.cellOf(rest + choice)))
        continue;
      auto it = llvm::find_if(along, [&](auto &entry) { return entry.first == choice; });
      FormId form = it == along.end() ? FormPool::zero : it->second;
      if (!common)
        common = form;
      else if (*common != form)
        sink->equate(*common, form, step);
    }
    if (!common && space.cellOf(rest) == rest)
      result.push_back({rest, kAnyForm});
    else if (common && *common != FormPool::zero)
      result.push_back({rest, *common});
  }
  return pool.intern(std::move(result));
}

//===----------------------------------------------------------------------===//
// Equations
//===----------------------------------------------------------------------===//

/// A constant in one of several equalities of a result or in an equality of operands (a sum, a
/// maximum, a comparison) may be promoted.
bool FieldEngine::isSpurion(ValueId value, const CompiledRule &rule,
                            const Equation &equation) const {
  const std::optional<double> &constant = program.getValues()[value].constant;
  if (!constant || program.getValues()[value].isAnyScale || !program.getValues()[value].isFloat ||
      !sink->mayPromote(*constant))
    return false;
  if (!rule.isResult(equation.lhs))
    return true;
  return llvm::count_if(rule.equations,
                        [&](const Equation &other) { return other.lhs == equation.lhs; }) > 1;
}

void FieldEngine::relateSpurions(ArrayRef<double> constants, FieldId field, size_t step) {
  if (field == FieldPool::any)
    return;
  for (double constant : constants)
    for (const Component &component : pool[field])
      if (component.form != kAnyForm)
        sink->relateConstant(constant, component.form, step);
}

void FieldEngine::applyEquations(size_t index, ArrayRef<FieldId> embedded,
                                 const ResolvedSpace &space,
                                 llvm::function_ref<FieldId(unsigned, FieldId)> finish) {
  const Program::Step &step = program.getSteps()[index];
  const CompiledRule &rule = *step.rule;
  ArrayRef<ValueId> operands = program.operands(step), results = program.results(step);

  for (const Equation &equation : rule.equations) {
    if (rule.isResult(equation.lhs))
      continue;
    // Between operands: `o0 = o1`, `o0 = 0`.
    ValueId left = operands[equation.lhs];
    if (equation.isEquality() && !rule.isResult(equation.terms[0].first)) {
      ValueId right = operands[equation.terms[0].first];
      if (isSpurion(left, rule, equation)) {
        relateSpurions({*program.getValues()[left].constant}, embedded[equation.terms[0].first],
                       index);
        continue;
      }
      if (isSpurion(right, rule, equation)) {
        relateSpurions({*program.getValues()[right].constant}, embedded[equation.lhs], index);
        continue;
      }
    }
    if (equation.terms.empty()) {
      pinToZero(embedded[equation.lhs], index);
      continue;
    }
    equate(embedded[equation.lhs], combine(equation.terms, embedded, space, index), space, index);
  }

  for (auto [r, result] : llvm::enumerate(results)) {
    if (!program.getValues()[result].isFloat)
      continue;
    std::optional<FieldId> known;
    SmallVector<double, 1> promoted;
    for (const Equation &equation : rule.equations) {
      if (equation.lhs != rule.numOperands + r)
        continue;
      if (equation.isEquality()) {
        ValueId operand = operands[equation.terms[0].first];
        if (isSpurion(operand, rule, equation)) {
          promoted.push_back(*program.getValues()[operand].constant);
          continue;
        }
      }
      FieldId value = combine(equation.terms, embedded, space, index);
      known = known ? equate(*known, value, space, index) : value;
    }
    FieldId field = finish(r, known.value_or(FieldPool::zero));
    fields[result] = field;
    relateSpurions(promoted, field, index);
  }
}

void FieldEngine::run(size_t index) {
  const Program::Step &step = program.getSteps()[index];
  if (step.kind == Program::StepKind::LoopTie) {
    runLoopTie(index);
    return;
  }
  if (step.kind == Program::StepKind::Carry) {
    ValueId initial = program.operands(step)[0], carried = program.results(step)[0];
    if (fields[initial] == FieldPool::any && program.getValues()[carried].isFloat)
      makeUnknown(carried);
    else
      fields[carried] = dropPicked(initial, index);
    return;
  }
  if (step.rule->isBarrier) {
    runBarrier(index);
    return;
  }
  const Structure::Binding *binding = structure.bindingOf(index);
  if (!binding && !involvesPicked(index)) {
    runPointwise(index);
    return;
  }
  if (scalesNothing(step)) {
    for (ValueId result : program.results(step))
      fields[result] = FieldPool::zero;
    return;
  }
  if (involvesPicked(index))
    runPicked(index);
  else if (step.rule->isSegmented)
    runSegmented(makeApplication(index, *step.rule, binding));
  else
    runGeneral(makeApplication(index, *step.rule, binding));
}

/// Nothing scales: most of what depends on the data only.
bool FieldEngine::scalesNothing(const Program::Step &step) const {
  return llvm::all_of(program.operands(step),
                      [&](ValueId id) { return operandField(id) == FieldPool::zero; });
}

void FieldEngine::runBarrier(size_t index) {
  const Program::Step &step = program.getSteps()[index];
  for (ValueId operand : program.operands(step))
    pinToZero(operandField(operand), index);
  for (ValueId result : program.results(step)) {
    picked.erase(result);
    fields[result] = program.getValues()[result].isAnyScale ? FieldPool::any : FieldPool::zero;
  }
}

void FieldEngine::runPointwise(size_t index) {
  const Program::Step &step = program.getSteps()[index];
  SmallVector<FieldId, 4> operands;
  for (ValueId operand : program.operands(step))
    operands.push_back(operandField(operand));
  if (scalesNothing(step)) {
    for (ValueId result : program.results(step))
      fields[result] = FieldPool::zero;
    return;
  }
  SpaceId space = 0;
  for (ValueId id : llvm::concat<const ValueId>(program.results(step), program.operands(step)))
    if (program.getValues()[id].isFloat && !program.getValues()[id].constant)
      space = structure.spaceOf(id);
  applyEquations(index, operands, structure.resolve(space),
                 [](unsigned, FieldId field) { return field; });
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// What the body yields has the scale of what it was given.
void FieldEngine::runLoopTie(size_t index) {
  const Program::Step &step = program.getSteps()[index];
  ArrayRef<ValueId> operands = program.operands(step);
  for (unsigned i = 0; i < step.numTied; ++i) {
    ValueId carried = operands[i], yielded = operands[i + step.numTied];
    if (!program.getValues()[carried].isFloat)
      continue;
    const ResolvedSpace &a = structure.resolve(structure.spaceOf(carried));
    const ResolvedSpace &b = structure.resolve(structure.spaceOf(yielded));
    FieldId before = fields[carried], after = dropPicked(yielded, index);
    if (a.isOpaque || b.isOpaque) {
      pinToZero(before, index);
      pinToZero(after, index);
      continue;
    }
    // Axes that do not have one structure carry constants only.
    llvm::BitVector lost(a.axes.size());
    for (auto [d, axes] : llvm::enumerate(llvm::zip(a.axes, b.axes)))
      if (!std::get<0>(axes)->hasSameStructure(*std::get<1>(axes)))
        lost.set(d);
    if (lost.none()) {
      equate(before, after, a, index);
      continue;
    }
    lost.set();
    FieldId constantA = constantAlong(before, a, lost, index);
    FieldId constantB = constantAlong(after, b, lost, index);
    equate(constantA, constantB, ResolvedSpace(), index);
  }
}
