// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parameters that take up what others are shifted by: (x + b) W + c does not notice a shift of b by t
// that comes with one of c by -t W.

#include "ParameterView.h"
#include "TranslationEngine.h"

#include "llvm/ADT/STLExtras.h"

using namespace noether;
using llvm::ArrayRef;

/// Operations that may lie between a parameter and the sum.
static constexpr unsigned kMaxDepth = 8;
/// Parameters that a shift may be multiplied with before it is taken up.
static constexpr unsigned kMaxFactors = 8;

bool TranslationEngine::isOfParameters(ShiftMapId map) {
  auto [known, isNew] = ofParameters.try_emplace(map, false);
  if (!isNew)
    return known->second;
  ShiftMapId inner = map;
  for (unsigned depth = 0; depth < kMaxFactors; ++depth) {
    if (maps.isIdentity(inner))
      return ofParameters[map] = true;
    if (const ShiftMaps::Product *product = maps.getProduct(inner)) {
      if (product->power != 1 || !viewOfParameter(program, roots, moved, product->value))
        return false;
      inner = product->inner;
    } else if (std::optional<ShiftMaps::Unary> unary = maps.getUnary(inner)) {
      inner = unary->inner;
    } else {
      return false;
    }
  }
  return false;
}

TranslationEngine::Readers TranslationEngine::readersOf(ValueId value) {
  if (readers.empty()) {
    readers.resize(program.getValues().size());
    constexpr uint16_t kMany = ~uint16_t(0);
    for (unsigned index : steps.set_bits()) {
      const Program::Step &step = program.getSteps()[index];
      bool isPiece = step.kind == Program::StepKind::Rule && step.rule->isSegmented;
      for (ValueId operand : program.operands(step)) {
        auto &[all, pieces] = readers[operand];
        all += all != kMany;
        pieces += isPiece && pieces != kMany;
      }
    }
  }
  auto [all, pieces] = readers[value];
  return all == 1 ? Readers::One : all == pieces ? Readers::Pieces : Readers::Several;
}

void TranslationEngine::noteTaken(const ShiftTerm &term) {
  if (!maps.isIdentity(term.map))
    return;
  for (const Term &own : forms[term.form]) {
    if (own.unknown >= owners.size())
      continue;
    if (taken.size() <= own.unknown) {
      taken.resize(owners.size());
      takenTwice.resize(owners.size());
    }
    (taken.test(own.unknown) ? takenTwice : taken).set(own.unknown);
  }
}

std::optional<TranslationEngine::Source> TranslationEngine::soleSourceOf(ValueId value) {
  Source source;
  for (unsigned depth = 0; depth < kMaxDepth; ++depth) {
    const Program::Step *step = moved.contains(value) ? nullptr : roots.definitionOf(value);
    if (!step && !moved.contains(value))
      return std::nullopt;
    if (step) {
      // Copies of the one operand that moves, index by index, or multiples of it.
      if (step->rule->isBarrier || step->numResults != 1 || step->rule->sum.any() ||
          step->rule->frozen.any())
        return std::nullopt;
      ArrayRef<ValueId> operands = program.operands(*step);
      std::optional<unsigned> mover;
      for (auto [o, operand] : llvm::enumerate(operands)) {
        if (!isMoved(operand))
          continue;
        if (mover)
          return std::nullopt;
        mover = o;
      }
      if (!mover)
        return std::nullopt;
      OperandUse use = step->rule->use(*mover);
      bool isMultiple = operands.size() == 2 && use == OperandUse::Factor &&
                        program.getValues()[operands[1 - *mover]].constant;
      bool isCopy = operands.size() == 1 && (use == OperandUse::Plus || use == OperandUse::Minus);
      bool isPiece = *mover == 0 && step->rule->isSegmented && use == OperandUse::Plus;
      if (!isMultiple && !isCopy && !isPiece)
        return std::nullopt;
    }
    switch (readersOf(value)) {
    case Readers::One:
      break;
    case Readers::Pieces:
      source.readers = Readers::Pieces;
      break;
    case Readers::Several:
      return std::nullopt;
    }
    source.chain.push_back(value);
    source.parameter = value;
    if (!step)
      return source;
    for (ValueId operand : program.operands(*step))
      if (isMoved(operand))
        value = operand;
  }
  return std::nullopt;
}

void TranslationEngine::absorb(const Joint &joint, Shift &shift) {
  if (joint.operands.size() != 2 || shift.size() < 2)
    return;
  for (ValueId operand : joint.operands) {
    if (!shifts[operand])
      continue;
    std::optional<Source> source = soleSourceOf(operand);
    if (!source)
      continue;
    // What the parameter is shifted by itself.
    Shift own;
    for (const ShiftTerm &term : shift)
      if (ArrayRef<Term> form = forms[term.form];
          maps.isIdentity(term.map) && form.size() == 1 && form[0].unknown < owners.size() &&
          owners[form[0].unknown] == source->parameter)
        own.push_back(term);
    if (own.empty())
      continue;
    for (const ShiftTerm &term : Shift(shift)) {
      // What has been taken up already is gone.
      bool isTakenUp = llvm::any_of(forms[term.form], [&](const Term &one) {
        return one.unknown >= owners.size();
      });
      if (isTakenUp || maps.isIdentity(term.map) || !isOfParameters(term.map))
        continue;
      for (const ShiftTerm &target : own)
        if (target.key == term.key && target.legs.size() == term.legs.size()) {
          absorbInto(*source, own, term, target, shift);
          break;
        }
    }
  }
}

void TranslationEngine::absorbInto(const Source &source, const Shift &own, const ShiftTerm &term,
                                   const ShiftTerm &target, Shift &shift) {
  UnknownId component = forms[target.form][0].unknown;
  Legs legs(target.legs.size());
  for (auto [leg, of] : llvm::zip_equal(target.legs, term.legs)) {
    if (leg >= legs.size())
      return;
    legs[leg] = of;
  }
  // The same has been taken up in another piece of the sum.
  for (const Absorption &other : llvm::reverse(absorptions)) {
    if (other.target != component)
      break;
    if (other.map == term.map && other.legs == legs)
      return;
  }
  UnknownId unknown = firstBundle + bundles.size();
  bundles.emplace_back();
  FormId form = forms.unknown(unknown);
  absorptions.push_back(
      {unknown, component, term.map, legs, term.form, source.readers == Readers::Pieces});
  // Wherever the component is found: in the sum, and on the way to it.
  ShiftMapId map = term.map;
  auto addTaken = [&](const Shift &from, Shift &to) {
    for (const ShiftTerm &place : from) {
      ArrayRef<Term> moved = forms[place.form];
      if (!maps.isIdentity(place.map) || moved.size() != 1 || moved[0].unknown != component)
        continue;
      ShiftTerm taken = {map, place.key, {}, forms.scale(moved[0].coefficient, form)};
      for (uint8_t leg : place.legs)
        taken.legs.push_back(legs[leg]);
      add(to, std::move(taken));
    }
  };
  addTaken(own, shift);
  for (ValueId value : source.chain)
    addTaken(Shift(shiftOf(value)), pool[shifts[value]]);
}

void TranslationEngine::finishAbsorptions() {
  for (const Absorption &absorption : absorptions)
    if (absorption.isCut && absorption.target < takenTwice.size() &&
        takenTwice.test(absorption.target))
      pinForm(forms.unknown(absorption.unknown), program.getSteps().size());
}
