// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The solution of an update's system that promotes as little as can be.

#include "KineticSystem.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace noether;

/// Most hyperparameters and constants of a kind promoted at once when the law is not unique.
static constexpr unsigned kMaxPromotions = 4;
/// More candidates than this are not searched.
static constexpr size_t kMaxCandidates = 14;

/// Calls `visit` on the subsets of `size` of the first `count` numbers, in lexicographic order,
/// until it returns true.
static bool anySubset(unsigned count, unsigned size,
                      llvm::function_ref<bool(ArrayRef<unsigned>)> visit) {
  SmallVector<unsigned> chosen = llvm::to_vector(llvm::seq(0u, size));
  while (true) {
    if (visit(chosen))
      return true;
    unsigned position = size;
    while (position > 0 && chosen[position - 1] == count - size + position - 1)
      --position;
    if (position == 0)
      return false;
    ++chosen[position - 1];
    for (unsigned i = position; i < size; ++i)
      chosen[i] = chosen[i - 1] + 1;
  }
}

/// A solution with the parameter's degree 1 that promotes as few ones as can be, then as few
/// factors, thresholds, states that are numbers and, last, arguments; among equals, one that
/// promotes the latest.
std::optional<KineticSystem::Degrees> KineticSystem::sparsestSolution() {
  // The knobs that may be promoted, on top of `promoted`.
  auto solveWith = [&](ArrayRef<UnknownId> promoted,
                       ArrayRef<UnknownId> others = {}) -> std::optional<Degrees> {
    System restricted = system;
    for (auto &[unknown, knob] : knobs)
      if (!llvm::is_contained(promoted, unknown) && !llvm::is_contained(others, unknown))
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

  Solution full = Solver(system, SpurionMode::Promoted).solve();
  if (full[scale].empty())
    return std::nullopt;
  // By what they are, the latest first.
  SmallVector<UnknownId> candidates[Knob::kNumKinds];
  for (auto &[unknown, knob] : llvm::reverse(knobs))
    if (!full[unknown].empty())
      candidates[knob.kind()].push_back(unknown);

  SmallVector<UnknownId> promoted;
  for (unsigned kind : {Knob::One, Knob::Factor, Knob::Threshold, Knob::State, Knob::Argument}) {
    // Kinds that come later are free for now.
    SmallVector<UnknownId> free;
    for (unsigned later = 0; later < kind; ++later)
      llvm::append_range(free, candidates[later]);
    ArrayRef<UnknownId> own = candidates[kind];
    SmallVector<UnknownId> chosen(own);
    bool isSmallest = false;
    if (own.size() <= kMaxCandidates) {
      auto isEnough = [&](ArrayRef<unsigned> subset) {
        SmallVector<UnknownId> all = promoted;
        for (unsigned index : subset)
          all.push_back(own[index]);
        if (!solveWith(all, free))
          return false;
        chosen.assign(all.begin() + promoted.size(), all.end());
        return true;
      };
      for (unsigned size = 0; size <= std::min<size_t>(kMaxPromotions, own.size()); ++size)
        if ((isSmallest = anySubset(own.size(), size, isEnough)))
          break;
    }
    // Where there are too many to try all: none that can be done without.
    for (unsigned i = 0; !isSmallest && i < chosen.size();) {
      SmallVector<UnknownId> all = promoted;
      for (UnknownId unknown : chosen)
        if (unknown != chosen[i])
          all.push_back(unknown);
      if (solveWith(all, free))
        chosen.erase(chosen.begin() + i);
      else
        ++i;
    }
    llvm::append_range(promoted, chosen);
  }
  return solveWith(promoted);
}

/// The system and its knobs as text: updates of one shape have one.
std::string KineticSystem::signature() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (auto &[unknown, knob] : knobs)
    os << unknown << "astf1"[knob.kind()] << ' ';
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
        step.rule->frozen.any()) {
      result.mixing = index;
      break;
    }
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
  if (result.mixing) {
    llvm::append_range(result.steps, slice);
    for (auto &[value, form] : degrees) {
      Fraction degree(0);
      for (const Term &term : form.value_or(Form()))
        degree = degree + term.coefficient * degreeOfUnknown(term.unknown);
      if (degree != Fraction(0))
        result.degrees[value] = degree;
    }
    for (auto &[use, unknown] : constantUses)
      result.constantDegrees[use] = degreeOfUnknown(unknown);
  }
  for (auto &[unknown, knob] : knobs)
    if (Fraction degree = degreeOfUnknown(unknown); degree != Fraction(0) && !knob.isState)
      result.laws.push_back(lawOf(knob, degree));
  for (unsigned argument : states)
    if (auto it = stateUnknown.find(argument); it != stateUnknown.end())
      result.states.push_back({argument, degreeOfUnknown(it->second)});
  result.breaks = std::move(breaks);
  return result;
}
