// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TranslationEngine.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

/// Values with more terms are not followed.
static constexpr size_t kMaxTerms = 256;
/// Values with more terms have them bundled, if that many run along the same axes.
static constexpr size_t kMaxLoose = 24, kMinBundle = 8;
/// Terms that are followed in all, for each step and at least: the work is linear in the program.
static constexpr uint64_t kTermsPerStep = 8, kMinTerms = 1 << 20;
/// Constants below this in a choice or a maximum hide an entry, whatever is added to the others.
static constexpr double kMask = -1e9;

TranslationEngine::TranslationEngine(const Program &program, const Structure &structure, FormPool &forms,
                                     ShiftSink &sink, const llvm::BitVector &steps,
                                     ArrayRef<ValueId> moved)
    : program(program), structure(structure), forms(forms), sink(sink), steps(steps),
      moved(llvm::from_range, moved), roots(program),
      rigid(program, roots, laws, steps, moved), shifts(program.getValues().size(), 0),
      factors(program.getValues().size(), 0), pool(1),
      budget(kMinTerms + kTermsPerStep * program.getSteps().size()) {}

bool TranslationEngine::addUnknown(ValueId value, uint64_t key, FormId form) {
  for (const Term &term : forms[form]) {
    firstBundle = std::max(firstBundle, term.unknown + 1);
    owners.resize(firstBundle);
    owners[term.unknown] = value;
  }
  if (std::optional<size_t> obstacle = rigid.forbiddenBy(value)) {
    pinForm(form, *obstacle);
    return true;
  }
  const ResolvedSpace &space = structure.resolve(structure.spaceOf(value));
  if (space.isOpaque)
    return false;
  unsigned order = 0;
  for (unsigned axis = 0; axis < space.axes.size(); ++axis)
    order += space.axes[axis]->order(space.digit(key, axis));
  if (order > ShiftMaps::kMaxLegs)
    return false;
  ShiftTerm term = {maps.identity(order), key, {}, form};
  for (unsigned leg = 0; leg < order; ++leg)
    term.legs.push_back(leg);
  if (!shifts[value]) {
    shifts[value] = pool.size();
    pool.emplace_back();
  }
  pool[shifts[value]].push_back(std::move(term));
  return true;
}

//===----------------------------------------------------------------------===//
// Forms and shifts
//===----------------------------------------------------------------------===//

FormId TranslationEngine::live(FormId form) {
  ArrayRef<Term> terms = forms[form];
  auto isVanished = [&](const Term &term) {
    return term.unknown < vanished.size() && vanished.test(term.unknown);
  };
  if (llvm::none_of(terms, isVanished))
    return form;
  Form rest;
  for (const Term &term : terms)
    if (!isVanished(term))
      rest.push_back(term);
  return forms.intern(std::move(rest));
}

void TranslationEngine::pinForm(FormId form, size_t step) {
  form = live(form);
  if (form == FormPool::zero)
    return;
  UnknownId unknown = forms[form].front().unknown;
  bool isSingle = forms[form].size() == 1;
  // The map of a bundle is its own: no form has others besides.
  if (ArrayRef<FormId> bundle = bundleOf(form); !bundle.empty()) {
    for (FormId inner : bundle)
      pinForm(inner, step);
  } else {
    sink.vanish(form, step);
  }
  if (!isSingle)
    return;
  if (unknown >= vanished.size())
    vanished.resize(unknown + 1);
  vanished.set(unknown);
}

void TranslationEngine::vanishUnlessMoves(double constant, FormId form, size_t step) {
  form = live(form);
  if (form == FormPool::zero)
    return;
  ArrayRef<FormId> bundle = bundleOf(form);
  if (bundle.empty())
    return sink.vanishUnlessMoves(constant, form, step);
  for (FormId inner : bundle)
    vanishUnlessMoves(constant, inner, step);
}

void TranslationEngine::pin(ValueId value, size_t step) {
  for (const ShiftTerm &term : shiftOf(value))
    pinForm(term.form, step);
  pinFactors(value, step);
}

void TranslationEngine::pinOperand(size_t index, unsigned operand) {
  for (const ShiftTerm &term : shiftOf(program.operands(program.getSteps()[index])[operand]))
    pinForm(term.form, index);
}

void TranslationEngine::add(Shift &shift, ShiftTerm term) {
  term.form = live(term.form);
  if (term.form == FormPool::zero)
    return;
  shift.push_back(std::move(term));
}

void TranslationEngine::joinEqualTerms(Shift &shift) {
  auto placeOf = [](const ShiftTerm &term) { return std::tie(term.map, term.key, term.legs); };
  llvm::sort(shift, [&](const ShiftTerm &a, const ShiftTerm &b) {
    return std::make_pair(placeOf(a), a.form) < std::make_pair(placeOf(b), b.form);
  });
  size_t kept = 0;
  for (size_t i = 0; i < shift.size();) {
    ShiftTerm joined = shift[i];
    size_t next = i + 1;
    for (; next < shift.size() && placeOf(shift[next]) == placeOf(joined); ++next)
      joined.form = forms.add(joined.form, shift[next].form);
    i = next;
    if (joined.form != FormPool::zero)
      shift[kept++] = std::move(joined);
  }
  shift.truncate(kept);
}

void TranslationEngine::bundleTerms(Shift &shift) {
  // By component, and by which indices have zero mean.
  auto kindOf = [&](const ShiftTerm &term) {
    uint64_t zeroMean = 0;
    for (auto [position, leg] : llvm::enumerate(term.legs))
      zeroMean |= uint64_t(maps.hasZeroMean(term.map, leg)) << position;
    return std::make_pair(term.key, zeroMean);
  };
  llvm::MapVector<std::pair<uint64_t, uint64_t>, SmallVector<const ShiftTerm *, 0>> groups;
  for (const ShiftTerm &term : shift)
    groups[kindOf(term)].push_back(&term);
  Shift bundled;
  for (auto &[kind, group] : groups) {
    if (group.size() < kMinBundle) {
      for (const ShiftTerm *term : group)
        bundled.push_back(*term);
      continue;
    }
    SmallVector<uint64_t> description;
    for (const ShiftTerm *term : group) {
      description.append({term->map, term->form});
      description.append(term->legs.begin(), term->legs.end());
    }
    unsigned numLegs = group.front()->legs.size();
    ShiftTerm one = {maps.bundle(description, numLegs, kind.second), kind.first, {}, FormPool::zero};
    for (unsigned leg = 0; leg < numLegs; ++leg)
      one.legs.push_back(leg);
    auto [it, isNew] = bundleForms.try_emplace(one.map, FormPool::zero);
    if (isNew) {
      it->second = forms.unknown(firstBundle + bundles.size());
      SmallVector<FormId, 0> &terms = bundles.emplace_back();
      for (const ShiftTerm *term : group)
        terms.push_back(term->form);
    }
    one.form = it->second;
    bundled.push_back(std::move(one));
  }
  shift = std::move(bundled);
}

uint32_t TranslationEngine::store(Shift terms, std::optional<size_t> obstacle, size_t step) {
  joinEqualTerms(terms);
  if (terms.size() > kMaxLoose)
    bundleTerms(terms);
  bool isNotFollowed = obstacle || terms.size() > kMaxTerms || terms.size() > budget;
  budget -= std::min<uint64_t>(budget, terms.size());
  if (isNotFollowed) {
    for (const ShiftTerm &term : terms)
      pinForm(term.form, obstacle.value_or(step));
    terms.clear();
  }
  if (terms.empty())
    return 0;
  pool.push_back(std::move(terms));
  return pool.size() - 1;
}

void TranslationEngine::setShift(ValueId value, Shift shift, size_t step) {
  shifts[value] = store(std::move(shift), rigid.forbiddenBy(value), step);
}

void TranslationEngine::setFactors(ValueId value, Shift terms, size_t step) {
  factors[value] = store(std::move(terms), std::nullopt, step);
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

bool TranslationEngine::takesAnyShift(ValueId value) const {
  const std::optional<double> &constant = program.getValues()[value].constant;
  return constant && std::isinf(*constant);
}

bool TranslationEngine::isLargeMask(ValueId value) const {
  const std::optional<double> &constant = program.getValues()[value].constant;
  return constant && *constant <= kMask;
}

void TranslationEngine::run(size_t index) {
  const Program::Step &step = program.getSteps()[index];
  ArrayRef<ValueId> operands = program.operands(step);
  // Nothing moves: most of what depends on the data only.
  if (llvm::none_of(operands, [&](ValueId operand) { return isMoved(operand); }))
    return;
  if (step.kind == Program::StepKind::LoopTie)
    return runLoopTie(index);
  if (step.kind == Program::StepKind::Rule && (isTestOfFiniteness(step.op) || runPowerLaw(index)))
    return;
  if (llvm::any_of(operands, [&](ValueId operand) { return factors[operand] != 0; })) {
    runFactors(index);
    if (llvm::all_of(operands, [&](ValueId operand) { return shifts[operand] == 0; }))
      return;
  }
  if (step.kind == Program::StepKind::Carry) {
    shifts[program.results(step)[0]] = shifts[operands[0]];
    return;
  }
  const Structure::Binding *binding = structure.bindingOf(index);
  if (!step.rule->isBarrier && binding && step.rule->isSegmented)
    return runSegmented(index, *binding);
  Joint joint;
  if (step.rule->isBarrier || !openJoint(index, joint)) {
    for (unsigned operand = 0; operand < operands.size(); ++operand)
      pinOperand(index, operand);
    return;
  }
  runRule(joint);
}

void TranslationEngine::runLoopTie(size_t index) {
  const Program::Step &step = program.getSteps()[index];
  ArrayRef<ValueId> operands = program.operands(step);
  for (ValueId operand : operands)
    pinFactors(operand, index);
  for (unsigned i = 0; i < step.numTied; ++i) {
    ValueId carried = operands[i], yielded = operands[i + step.numTied];
    const ResolvedSpace &a = structure.resolve(structure.spaceOf(carried));
    const ResolvedSpace &b = structure.resolve(structure.spaceOf(yielded));
    bool fits = !a.isOpaque && !b.isOpaque && a.axes.size() == b.axes.size() &&
                llvm::all_of(llvm::zip(a.axes, b.axes), [](auto axes) {
                  return std::get<0>(axes)->hasSameStructure(*std::get<1>(axes));
                });
    if (!fits) {
      pin(carried, index);
      pin(yielded, index);
      continue;
    }
    Shift difference(shiftOf(carried));
    for (ShiftTerm term : shiftOf(yielded)) {
      term.form = forms.scale(Fraction(-1), term.form);
      add(difference, std::move(term));
    }
    joinEqualTerms(difference);
    for (const ShiftTerm &term : difference)
      pinForm(term.form, index);
  }
  // The condition.
  for (unsigned operand = 2 * step.numTied; operand < operands.size(); ++operand)
    pinOperand(index, operand);
}

void TranslationEngine::runRule(const Joint &joint) {
  const CompiledRule &rule = *joint.rule;
  size_t index = joint.index;
  auto isFloat = [&](ValueId value) { return program.getValues()[value].isFloat; };
  auto isMoved = [&](unsigned operand) { return shifts[joint.operands[operand]] != 0; };

  // A choice that is known to be made.
  OpKind kind = roots.getKinds().get(joint.step->op);
  std::optional<unsigned> chosen;
  if (kind == OpKind::Select && isAssumedTrue(program, roots, joint.operands[0]))
    chosen = 1;

  // The product of the operand with itself.
  bool isSquare = joint.isPointwise && noether::isSquare(*joint.step);

  SmallVector<unsigned, 4> ordered;
  bool comparesMoved = false;
  for (unsigned operand = 0; operand < rule.numOperands; ++operand) {
    OperandUse use = rule.use(operand);
    if (use == OperandUse::Ordered) {
      ordered.push_back(operand);
      comparesMoved |= isMoved(operand);
    }
    if (use == OperandUse::Opaque && !isSquare)
      pinOperand(index, operand);
  }
  // What each device puts in its place of the whole is a map of its own.
  bool isAcrossDevices =
      joint.step->op->getName().getStringRef() == "sdy.manual_computation";
  LocalShift orderedShift;
  if (comparesMoved)
    orderedShift = common(joint, ordered);

  for (auto [r, result] : llvm::enumerate(joint.results)) {
    if (!isFloat(result))
      continue;
    Shift shift;
    SmallVector<unsigned, 4> choices;
    bool isOrdered = false, choosesMoved = false;
    for (unsigned operand = 0; operand < rule.numOperands; ++operand) {
      if (!isTied(rule, operand, r))
        continue;
      OperandUse use = rule.use(operand);
      if (use == OperandUse::Choice && (!chosen || *chosen == operand)) {
        choices.push_back(operand);
        choosesMoved |= isMoved(operand);
      }
      isOrdered |= use == OperandUse::Ordered;
      if (!isMoved(operand))
        continue;
      if (use == OperandUse::Plus || use == OperandUse::Minus) {
        llvm::BitVector outside = summedOutside(joint, operand);
        for (LocalTerm &term : embed(joint, operand, shiftOf(joint.operands[operand]))) {
          if (!addOnce(joint, outside, term))
            continue;
          if (use == OperandUse::Minus)
            term.form = forms.scale(Fraction(-1), term.form);
          if (term.isLost || (isAcrossDevices && !maps.isIdentity(term.map)))
            mapUnknown(joint, operand, r, term, shift);
          else if (llvm::BitVector axes = joint.summed; sumOver(joint, axes.reset(outside), term))
            finish(joint, r, term, shift);
        }
        continue;
      }
      if (use != OperandUse::Factor && !isSquare)
        continue;
      // Which other operand it is multiplied with, if that is all that happens.
      std::optional<unsigned> partner;
      int power = 1;
      if (isSquare) {
        partner = operand;
      } else if (kind == OpKind::Divide && operand == 0) {
        partner = 1;
        power = -1;
      } else if ((kind == OpKind::Multiply || kind == OpKind::Contraction) && operand < 2 &&
                 rule.frozen.none() && rule.use(1 - operand) == OperandUse::Factor) {
        // (The window of a convolution is not summed whole at a padded edge.)
        partner = 1 - operand;
      }
      for (LocalTerm &term : embed(joint, operand, shiftOf(joint.operands[operand]))) {
        if (isSquare)
          term.form = forms.scale(Fraction(2), term.form);
        std::optional<bool> remains;
        if (partner && !term.isLost) {
          LocalTerm product = term;
          remains = multiply(joint, *partner, power, product);
          if (remains && *remains)
            finish(joint, r, product, shift);
        }
        if (!remains)
          mapUnknown(joint, operand, r, term, shift);
      }
    }
    if (kind == OpKind::Add || kind == OpKind::Subtract)
      absorb(joint, shift);
    if (isOrdered)
      for (const LocalTerm &term : orderedShift)
        finish(joint, r, term, shift);
    if (choosesMoved)
      for (const LocalTerm &term : common(joint, choices))
        finish(joint, r, term, shift);
    setShift(result, std::move(shift), index);
  }

  // What no float result takes on must vanish, but for comparisons, which take no notice.
  for (unsigned operand = 0; operand < rule.numOperands; ++operand) {
    OperandUse use = rule.use(operand);
    if (use == OperandUse::Opaque || use == OperandUse::Ordered || !isMoved(operand) ||
        (chosen && use == OperandUse::Choice))
      continue;
    bool isTaken = false;
    for (unsigned r = 0; r < joint.results.size(); ++r)
      isTaken |= isFloat(joint.results[r]) && isTied(rule, operand, r);
    if (!isTaken)
      pinOperand(index, operand);
  }
}

TranslationEngine::LocalShift TranslationEngine::alikeAlongSums(const Joint &joint,
                                                                LocalShift terms) {
  size_t numCells = 1;
  for (unsigned axis : joint.summed.set_bits())
    numCells *= joint.space->axes[axis]->constants.size();
  // One index of what is summed over stands for all: by what a term is elsewhere, one for each choice
  // of pieces.
  LocalShift result;
  SmallVector<size_t, 2> counts;
  for (LocalTerm &term : terms) {
    bool varies = term.isLost;
    for (unsigned axis : joint.summed.set_bits()) {
      varies |= !term.parts[axis].legs.empty();
      term.parts[axis] = Part();
    }
    if (varies) {
      pinForm(term.form, joint.index);
      continue;
    }
    auto it = llvm::find_if(result, [&](LocalTerm &other) { return term.hasSamePlace(other); });
    if (it == result.end()) {
      result.push_back(std::move(term));
      counts.push_back(1);
      continue;
    }
    pinForm(forms.subtract(term.form, it->form), joint.index);
    ++counts[it - result.begin()];
  }
  size_t kept = 0;
  for (size_t i = 0; i < result.size(); ++i) {
    if (counts[i] == numCells)
      result[kept++] = std::move(result[i]);
    else
      pinForm(result[i].form, joint.index);
  }
  result.truncate(kept);
  return result;
}

TranslationEngine::LocalShift TranslationEngine::common(const Joint &joint,
                                                        ArrayRef<unsigned> operands,
                                                        bool ofFactors) {
  std::optional<LocalShift> known;
  SmallVector<double, 1> masks;
  for (unsigned operand : operands) {
    ValueId value = joint.operands[operand];
    if (ofFactors ? program.getValues()[value].constant == 0.0 : takesAnyShift(value))
      continue;
    if (!ofFactors && isLargeMask(value)) {
      masks.push_back(*program.getValues()[value].constant);
      continue;
    }
    LocalShift own =
        alikeAlongSums(joint, embed(joint, operand, ofFactors ? factorsOf(value) : shiftOf(value)));
    if (!known) {
      known = std::move(own);
      continue;
    }
    LocalShift both;
    for (LocalTerm &term : *known) {
      auto it = llvm::find_if(own, [&](LocalTerm &other) { return term.hasSamePlace(other); });
      if (it == own.end()) {
        pinForm(term.form, joint.index);
        continue;
      }
      pinForm(forms.subtract(term.form, it->form), joint.index);
      it->isLost = true; // Seen.
      both.push_back(std::move(term));
    }
    for (const LocalTerm &term : own)
      if (!term.isLost)
        pinForm(term.form, joint.index);
    known = std::move(both);
  }
  LocalShift result = known ? std::move(*known) : LocalShift();
  for (double mask : masks)
    for (LocalTerm &term : result)
      vanishUnlessMoves(mask, term.form, joint.index);
  return result;
}
