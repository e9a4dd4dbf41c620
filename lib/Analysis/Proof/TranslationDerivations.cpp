// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TranslationDerivations.h"

#include "../Structure/ResolvedPlace.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

namespace {
using EvaluateFn = llvm::function_ref<Form(FormId)>;

class Builder {
public:
  Builder(const Program &program, SystemMapping &mapping, const TranslationEngine &engine,
          EvaluateFn evaluate, ArrayRef<TorusDirection> directions);

  void run();

private:
  /// How much a form moves with a direction: the direction, and the coefficient of one of its parts.
  using Motions = SmallVector<std::pair<unsigned, Fraction>, 1>;
  const Motions &motionsOf(FormId form);
  SmallVector<unsigned> movers(ArrayRef<ValueId> values);
  std::string shiftOf(ValueId value, unsigned direction);
  void addStep(size_t step, unsigned direction, ArrayRef<ValueId> operands,
               ArrayRef<ValueId> results, std::optional<unsigned> part);

  const Program &program;
  SystemMapping &mapping;
  const TranslationEngine &engine;
  EvaluateFn evaluate;
  ArrayRef<TorusDirection> directions;
  RuleTexts rules;
  struct Coordinate {
    unsigned direction, axes;
    Fraction coefficient;
  };
  llvm::DenseMap<UnknownId, SmallVector<Coordinate, 1>> byFree;
  llvm::DenseMap<FormId, Motions> byForm;
};
} // namespace

Builder::Builder(const Program &program, SystemMapping &mapping, const TranslationEngine &engine,
                 EvaluateFn evaluate, ArrayRef<TorusDirection> directions)
    : program(program), mapping(mapping), engine(engine), evaluate(evaluate),
      directions(directions), rules(program) {
  for (auto [number, direction] : llvm::enumerate(directions))
    for (auto &[axes, coordinates] : direction.components)
      for (auto &[free, coordinate] : coordinates)
        byFree[free].push_back(
            {static_cast<unsigned>(number), axes, coordinate * direction.factor});
}

const Builder::Motions &Builder::motionsOf(FormId form) {
  auto [it, isNew] = byForm.try_emplace(form);
  if (!isNew)
    return it->second;
  if (ArrayRef<FormId> bundle = engine.bundleOf(form); !bundle.empty()) {
    // Whatever moves a term of it; the terms have maps of their own.
    Motions motions;
    for (FormId inner : bundle)
      for (const auto &motion : Motions(motionsOf(inner)))
        if (llvm::none_of(motions, [&](auto &other) { return other.first == motion.first; }))
          motions.push_back(motion);
    return byForm[form] = std::move(motions);
  }
  std::map<std::pair<unsigned, unsigned>, Fraction> sum;
  for (const Term &term : evaluate(form))
    if (auto moved = byFree.find(term.unknown); moved != byFree.end())
      for (const Coordinate &coordinate : moved->second)
        sum[{coordinate.direction, coordinate.axes}] += term.coefficient * coordinate.coefficient;
  for (auto &[key, coefficient] : sum)
    if (coefficient != Fraction(0))
      it->second.push_back({key.first, coefficient});
  return it->second;
}

SmallVector<unsigned> Builder::movers(ArrayRef<ValueId> values) {
  llvm::SetVector<unsigned> result;
  for (ValueId value : values)
    for (const ShiftTerm &term : engine.shiftOf(value))
      for (auto &[direction, coefficient] : motionsOf(term.form))
        result.insert(direction);
  SmallVector<unsigned> sorted(result.begin(), result.end());
  llvm::sort(sorted);
  return sorted;
}

/// "t(1)", "2 A3 t(0, 1) on [0:4, 2:3]", where A3 is a linear map that depends on the data; "0".
std::string Builder::shiftOf(ValueId value, unsigned number) {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (const ShiftTerm &term : engine.shiftOf(value))
    for (auto &[direction, coefficient] : motionsOf(term.form)) {
      if (direction != number)
        continue;
      Structure const &structure = mapping.getStructure();
      ResolvedAxis::Place place =
          noether::placeOf(structure.resolve(structure.spaceOf(value)), term.key);
      bool isNegative = coefficient < Fraction(0);
      os << (text.empty() ? (isNegative ? "-" : "") : (isNegative ? " - " : " + "));
      if (abs(coefficient) != Fraction(1))
        os << toString(abs(coefficient)) << " ";
      if (!engine.isIdentity(term.map))
        os << "A" << term.map << " ";
      SmallVector<size_t> axes;
      for (auto [axis, varies] : llvm::enumerate(place.varies))
        if (varies)
          axes.push_back(axis);
      os << "t";
      if (!axes.empty()) {
        os << "(";
        llvm::interleaveComma(axes, os);
        os << ")";
      }
      printPart(os, place.view, place.offsets, place.sizes);
    }
  return text.empty() ? "0" : text;
}

void Builder::addStep(size_t index, unsigned direction, ArrayRef<ValueId> operands,
                      ArrayRef<ValueId> results, std::optional<unsigned> part) {
  DerivationStep step = describeStep(program, rules, index);
  if (part)
    step.part = *part;
  llvm::raw_string_ostream os(step.note);
  auto describe = [&](ArrayRef<ValueId> values, llvm::SmallVectorImpl<DerivationValue> &into) {
    for (ValueId value : values) {
      into.push_back({value, Degree()});
      into.back().shift = shiftOf(value, direction);
    }
    llvm::interleaveComma(into, os, [&](const DerivationValue &value) { os << *value.shift; });
  };
  describe(operands, step.operands);
  os << (results.empty() ? "" : " -> ");
  describe(results, step.results);
  directions[direction].symmetry->derivation.push_back(std::move(step));
}

void Builder::run() {
  forEachProofStep(
      program, mapping.getLossSlice(), [&](ArrayRef<ValueId> values) { return movers(values); },
      [&](size_t step, unsigned direction, ArrayRef<ValueId> operands, ArrayRef<ValueId> results,
          std::optional<unsigned> part) { addStep(step, direction, operands, results, part); });
}

void noether::addTranslationDerivations(const Program &program, SystemMapping &mapping,
                                        const TranslationEngine &engine, EvaluateFn evaluate,
                                        ArrayRef<TorusDirection> directions) {
  Builder(program, mapping, engine, evaluate, directions).run();
}
