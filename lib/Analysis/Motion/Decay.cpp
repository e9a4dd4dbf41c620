// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decay: how a parameter enters its own update, and whether that is a pull towards 0.

#include "MotionBuilder.h"

using namespace mlir;
using namespace noether;

/// Whether one number is another times positive ones, whatever positive numbers the symbols are.
bool MotionBuilder::isPositiveMultiple(const UpdateNumber &number, const UpdateNumber &of) const {
  std::optional<double> value = forms.evaluate(number), base = forms.evaluate(of);
  if (value && base)
    return *value * *base > 0;
  if (number.isZero() || of.isZero())
    return false;
  auto arePositive = [](const UpdateNumber &ratio) {
    return llvm::all_of(ratio.getTerms(),
                        [](const UpdateNumber::Term &term) { return term.factor > 0; });
  };
  if (std::optional<UpdateNumber> inverse = of.inverse()) {
    std::optional<UpdateNumber> ratio = number.times(*inverse);
    return ratio && arePositive(*ratio);
  }
  // A sum times one product of symbols: some term is it times the first one.
  std::optional<UpdateNumber> first = UpdateNumber(of.getTerms().front()).inverse();
  return llvm::any_of(number.getTerms(), [&](const UpdateNumber::Term &term) {
    std::optional<UpdateNumber> ratio = UpdateNumber(term).times(*first),
                                whole = ratio ? of.times(*ratio) : std::nullopt;
    return whole && *whole == number && arePositive(*ratio);
  });
}

/// Whether the states of an update are made of gradients, and of the parameter as a decay is added
/// to these. Others are copies of the parameter (slow weights, weights it is interpolated with):
/// the share of it that they replace looks like a decay, but pulls towards them. A copy takes more
/// of the parameter than a gradient with a decay has, or adds up what the parameter moves by.
bool MotionBuilder::areStatesOfGradients() const {
  std::optional<AtomId> gradient = forms.gradientAtom();
  std::optional<std::pair<UpdateNumber, UpdateNumber>>
      common; // what is taken of the parameter, of the gradient
  return llvm::all_of(llvm::concat<const unsigned>(outer, inner), [&](unsigned state) {
    const UpdateForm *form = forms.nextState(state);
    if (!form)
      return false;
    UpdateNumber taken = (*form)[self], drive = gradient ? (*form)[*gradient] : UpdateNumber();
    std::optional<double> kept = entry(*form, graph.program.getArguments()[state]);
    if (kept && std::abs(*kept) >= 1 && !drive.isZero())
      return false;
    if (taken.isZero())
      return true;
    if (!isPositiveMultiple(taken, drive))
      return false;
    if (!common) {
      common.emplace(taken, drive);
      return true;
    }
    // The same decay everywhere.
    std::optional<UpdateNumber> left = taken.times(common->second),
                                right = common->first.times(drive);
    return left && right && *left == *right;
  });
}

/// Whether a decay is there in every step that moves the parameter: all that could make it 0
/// multiplies the gradient as well.
bool MotionBuilder::isCertain(const UpdateNumber &decay) const {
  if (std::optional<double> value = forms.evaluate(decay))
    return *value != 0;
  if (decay.getTerms().size() != 1)
    return false;
  llvm::SmallDenseSet<SymbolId> driving;
  SmallVector<const UpdateForm *> updates = {next};
  for (unsigned state : motion.buffers)
    updates.push_back(forms.nextState(state));
  auto addDriving = [&](const UpdateNumber &number) {
    for (const UpdateNumber::Term &term : number.getTerms())
      for (auto [symbol, power] : term.powers)
        driving.insert(symbol);
  };
  addDriving(directionScale);
  for (const UpdateForm *update : updates)
    if (update)
      for (auto &[atom, number] : update->terms)
        if (atom == forms.gradientAtom() || (direction && atom == *direction))
          addDriving(number);
  return llvm::all_of(decay.getTerms().front().powers,
                      [&](auto &power) { return driving.contains(power.first); });
}

void MotionBuilder::findDecay() {
  if (!areStatesOfGradients()) {
    // The closed forms take states to be orthogonal to the parameter, as gradients are.
    motion.linear.reset();
    motion.linearIsExact = false;
    return;
  }
  UpdateNumber factor = (*next)[self];
  UpdateNumber own = factor + UpdateNumber(-1.0);
  motion.keeps = forms.evaluate(factor);
  // It must be w less something: a parameter that is made anew each step has no decay to speak of.
  bool isKept = motion.keeps ? *motion.keeps > 0.5 && *motion.keeps <= 1
                             : llvm::any_of(factor.getTerms(), [](const UpdateNumber::Term &term) {
                                 return term.powers.empty() && term.factor == 1;
                               });
  if (!isKept)
    return;
  if (!own.isZero()) {
    motion.decay = ParameterMotion::Decay::Decoupled;
    motion.decayIsCertain = isCertain(own);
  }
  auto note = [&](const UpdateForm *form, ParameterMotion::Decay kind) {
    if (!form || (*form)[self].isZero())
      return;
    motion.decay = kind;
    motion.decayIsCertain |= isCertain((*form)[self]);
  };
  for (unsigned state : outer)
    note(forms.nextState(state), ParameterMotion::Decay::Coupled);
  if (direction) {
    if (auto quotient = asQuotient(*direction))
      note(&quotient->numerator, ParameterMotion::Decay::Normalized);
    for (unsigned state : inner)
      note(forms.nextState(state), ParameterMotion::Decay::Normalized);
  }
  // What nothing is known of may hold a decay as well.
  if (motion.decay == ParameterMotion::Decay::Unknown &&
      motion.drive != ParameterMotion::Drive::Unknown)
    motion.decay = ParameterMotion::Decay::None;
  if (motion.isDecayed())
    motion.decayOp = forms.getDecayOperation();
}
