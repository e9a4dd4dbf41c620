// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "DerivationBuilder.h"

#include "../Structure/ResolvedPlace.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

#include <bit>

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

/// The equations of a rule with degrees in the place of tensors.
static std::string instantiate(const CompiledRule &rule, const DerivationStep &step,
                               llvm::function_ref<std::optional<double>(unsigned)> constantOf) {
  if (rule.isBarrier)
    return "0 = 0";
  auto degree = [&](unsigned tensor) -> const Degree & {
    return rule.isResult(tensor) ? step.results[tensor - rule.numOperands].degree
                                 : step.operands[tensor].degree;
  };
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(rule.equations, os, [&](const CompiledRule::Equation &equation) {
    os << degree(equation.lhs).toString() << " = ";
    if (equation.terms.empty())
      os << "0";
    // A constant that scales along stands for itself.
    if (std::optional<double> constant =
            equation.isEquality() && !step.spurions.empty() && !degree(equation.lhs).isZero()
                ? constantOf(equation.terms[0].first)
                : std::nullopt) {
      os << "[" << printDecimal(*constant) << "]";
      return;
    }
    for (auto [index, term] : llvm::enumerate(equation.terms)) {
      auto &[tensor, coefficient] = term;
      bool negative = coefficient < Fraction(0);
      if (index || negative)
        os << (index ? (negative ? " - " : " + ") : "-");
      if (abs(coefficient) != Fraction(1))
        os << toString(abs(coefficient)) << "*";
      size_t numTerms = degree(tensor).terms.size();
      bool bare = numTerms <= (negative ? 0 : 1) || equation.isEquality();
      os << (bare ? "" : "(") << degree(tensor).toString() << (bare ? "" : ")");
    }
  });
  return text;
}

//===----------------------------------------------------------------------===//
// Degrees
//===----------------------------------------------------------------------===//

DerivationBuilder::DerivationBuilder(const Program &program, SystemMapping &mapping,
                                     const Solution &solution,
                                     ArrayRef<TorusDirection> directions)
    : program(program), mapping(mapping), solution(solution), directions(directions),
      rules(program) {
  for (auto [number, direction] : llvm::enumerate(directions))
    for (auto &[axes, coordinates] : direction.components)
      for (auto &[free, coordinate] : coordinates)
        byFree[free].push_back(
            {static_cast<unsigned>(number), axes, coordinate * direction.factor});
}

ArrayRef<DerivationBuilder::Motion> DerivationBuilder::motionsOf(FormId form) {
  auto [it, inserted] = byForm.try_emplace(form);
  if (!inserted)
    return it->second;
  std::map<std::pair<unsigned, unsigned>, Fraction> sum;
  for (const Term &term : solution.evaluate(mapping.getForms()[form]))
    if (auto moved = byFree.find(term.unknown); moved != byFree.end())
      for (const Motion &motion : moved->second)
        sum[{motion.direction, motion.axes}] += term.coefficient * motion.coefficient;
  for (auto &[key, coefficient] : sum)
    if (coefficient != Fraction(0))
      it->second.push_back({key.first, key.second, coefficient});
  return it->second;
}

SmallVector<unsigned> DerivationBuilder::movers(ArrayRef<ValueId> values) {
  llvm::SetVector<unsigned> result;
  for (ValueId value : values) {
    if (mapping.getEngine().isAnyScale(value) || !program.getValues()[value].isFloat)
      continue;
    for (const Component &component : mapping.getEngine().componentsOf(value))
      if (component.form != kAnyForm)
        for (const Motion &motion : motionsOf(component.form))
          result.insert(motion.direction);
  }
  SmallVector<unsigned> sorted(result.begin(), result.end());
  llvm::sort(sorted);
  return sorted;
}

/// The view axes of the block axes in `axes`, by the atoms that vary; nothing if they do not fit.
static std::optional<SmallVector<int64_t, 2>> matchAxes(ArrayRef<AtomId> blockAtoms, unsigned axes,
                                                        const ResolvedAxis::Place &place) {
  SmallVector<int64_t, 2> result(blockAtoms.size(), DegreeTerm::kMean);
  SmallVector<bool> taken(place.view.size());
  for (unsigned k = 0; k < blockAtoms.size(); ++k) {
    if (!(axes >> k & 1))
      continue;
    size_t axis = 0;
    while (axis < place.view.size() &&
           (taken[axis] || !place.varies[axis] || place.atoms[axis] != blockAtoms[k]))
      ++axis;
    if (axis == place.view.size())
      return std::nullopt;
    taken[axis] = true;
    result[k] = axis;
  }
  return result;
}

Degree DerivationBuilder::degreeOf(ValueId value, unsigned number) {
  const TorusDirection &direction = directions[number];
  Degree degree;
  FieldEngine &engine = mapping.getEngine();
  if (!program.getValues()[value].isFloat)
    return degree;
  if (engine.isAnyScale(value)) {
    degree.isAny = true;
    return degree;
  }
  // Constants of pointwise operations have no index space of their own.
  if (engine.componentsOf(value).empty())
    return degree;
  const ResolvedSpace &space =
      mapping.getStructure().resolve(mapping.getStructure().spaceOf(value));

  // Components by the part of the value they live on, the widest first: c * s stands for itself and
  // for all its means.
  struct Entry {
    unsigned axes;
    SmallVector<int64_t, 2> along;
    Fraction coefficient;
  };
  struct Part {
    ResolvedAxis::Place place;
    SmallVector<Entry> entries;
  };
  std::map<uint64_t, Part> parts;
  for (const Component &component : engine.componentsOf(value)) {
    if (component.form == kAnyForm)
      continue;
    for (const Motion &motion : motionsOf(component.form)) {
      if (motion.direction != number)
        continue;
      // What varies along rows that data picked is no function of the value's own index.
      if (component.key >= space.size) {
        degree.isExact = false;
        return degree;
      }
      ResolvedAxis::Place place = placeOf(space, component.key);
      auto along = matchAxes(direction.blockAtoms, motion.axes, place);
      if (!place.isExact || !along || !direction.isExact ||
          llvm::count(place.varies, true) != std::popcount(motion.axes)) {
        degree.isExact = false;
        return degree;
      }
      Part &part = parts[space.cellOf(component.key)];
      part.entries.push_back({motion.axes, std::move(*along), motion.coefficient});
      part.place = std::move(place);
    }
  }
  unsigned maxOrder = direction.blockAtoms.size();
  for (auto &[cell, part] : parts)
    for (int order = maxOrder; order >= 0; --order)
      // By index: means that are missing are added at the end.
      for (size_t e = 0; e < part.entries.size(); ++e) {
        Entry entry = part.entries[e];
        if (std::popcount(entry.axes) != order || entry.coefficient == Fraction(0))
          continue;
        DegreeTerm term;
        term.coefficient = entry.coefficient;
        term.view.assign(part.place.view.begin(), part.place.view.end());
        term.offsets.assign(part.place.offsets.begin(), part.place.offsets.end());
        term.sizes.assign(part.place.sizes.begin(), part.place.sizes.end());
        term.axes = entry.along;
        degree.terms.push_back(std::move(term));
        for (auto &[axes, coordinates] : direction.components) {
          if ((axes & entry.axes) != axes || axes == entry.axes)
            continue;
          SmallVector<int64_t, 2> along = entry.along;
          for (unsigned k = 0; k < along.size(); ++k)
            if (!(axes >> k & 1))
              along[k] = DegreeTerm::kMean;
          auto same = llvm::find_if(part.entries, [&](const Entry &other) {
            return other.axes == axes && other.along == along;
          });
          if (same == part.entries.end())
            part.entries.push_back({axes, along, -entry.coefficient});
          else
            same->coefficient = same->coefficient - entry.coefficient;
        }
      }
  return degree;
}

DerivationValue DerivationBuilder::describe(ValueId value, unsigned direction) {
  return {value, degreeOf(value, direction)};
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

void DerivationBuilder::addRuleStep(size_t index, unsigned direction) {
  const Program::Step &step = program.getSteps()[index];
  DerivationStep result = describeStep(program, rules, index);
  for (ValueId operand : program.operands(step))
    result.operands.push_back(describe(operand, direction));
  for (ValueId value : program.results(step))
    result.results.push_back(describe(value, direction));
  Symmetry &symmetry = *directions[direction].symmetry;
  for (const BrokenBy &broken : symmetry.brokenBy)
    if (broken.step == index)
      result.spurions.push_back({broken.constant, broken.degree});
  result.holds = instantiate(*step.rule, result, [&](unsigned tensor) -> std::optional<double> {
    if (step.rule->isResult(tensor))
      return std::nullopt;
    const Program::Value &value = program.getValues()[program.operands(step)[tensor]];
    return value.isAnyScale ? std::nullopt : value.constant;
  });
  symmetry.derivation.push_back(std::move(result));
}

/// Each carried value that moves, with what the body yields for it.
void DerivationBuilder::addLoopSteps(size_t index) {
  const Program::Step &step = program.getSteps()[index];
  ArrayRef<ValueId> operands = program.operands(step);
  for (unsigned i = 0; i < step.numTied; ++i) {
    ValueId carried = operands[i], yielded = operands[i + step.numTied];
    for (unsigned direction : movers({carried, yielded})) {
      DerivationStep result = describeStep(program, rules, index);
      result.part = i;
      result.operands = {describe(carried, direction), describe(yielded, direction)};
      result.holds = result.operands[0].degree.toString() + " = " +
                     result.operands[1].degree.toString();
      directions[direction].symmetry->derivation.push_back(std::move(result));
    }
  }
}

void DerivationBuilder::run() {
  for (unsigned index : mapping.getLossSlice().set_bits()) {
    const Program::Step &step = program.getSteps()[index];
    if (step.kind == Program::StepKind::LoopTie) {
      addLoopSteps(index);
      continue;
    }
    SmallVector<ValueId> touched(program.operands(step));
    touched.append(program.results(step).begin(), program.results(step).end());
    for (unsigned direction : movers(touched))
      addRuleStep(index, direction);
  }
}
