// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Solver.h"

#include <map>

using namespace noether;
using llvm::ArrayRef;

static constexpr uint32_t kNotPinned = ~0u;

//===----------------------------------------------------------------------===//
// Solver
//===----------------------------------------------------------------------===//

/// The representative of an unknown's class, with the ratio to it.
Term Solver::find(UnknownId unknown) {
  // First to the root, then compress the path.
  llvm::SmallVector<UnknownId, 8> path;
  UnknownId root = unknown;
  while (links[root].parent != root) {
    path.push_back(root);
    root = links[root].parent;
  }
  Fraction ratio(1);
  for (UnknownId step : llvm::reverse(path)) {
    ratio = links[step].ratio * ratio;
    links[step] = {root, ratio};
  }
  return {root, ratio};
}

void Solver::pin(UnknownId root, uint32_t equation) { pinnedBy[root] = equation; }

/// The form over representatives that are neither pinned nor eliminated.
Form Solver::reduce(ArrayRef<Term> form) {
  std::map<UnknownId, Fraction> sum;
  llvm::SmallVector<Term, 8> pending(form.begin(), form.end());
  while (!pending.empty()) {
    Term term = pending.pop_back_val();
    auto [root, ratio] = find(term.unknown);
    if (pinnedBy[root] != kNotPinned)
      continue;
    Fraction coefficient = term.coefficient * ratio;
    if (auto it = eliminated.find(root); it != eliminated.end()) {
      for (const Term &inner : it->second)
        pending.push_back({inner.unknown, coefficient * inner.coefficient});
      continue;
    }
    sum[root] += coefficient;
  }
  Form result;
  for (auto &[unknown, coefficient] : sum)
    if (coefficient != Fraction(0))
      result.push_back({unknown, coefficient});
  return result;
}

/// Adds an equation whose form is reduced.
void Solver::state(const Form &reduced, uint32_t equation) {
  if (reduced.empty())
    return;
  if (reduced.size() == 1) {
    pin(reduced.front().unknown, equation);
    return;
  }
  // The latest unknown goes, so that the first parameters stay as names of the classes.
  const Term &last = reduced.back();
  if (reduced.size() == 2) {
    const Term &first = reduced.front();
    links[last.unknown] = {first.unknown, -first.coefficient / last.coefficient};
    return;
  }
  Form row = addScaled({}, Fraction(-1) / last.coefficient, ArrayRef<Term>(reduced).drop_back());
  eliminated.try_emplace(last.unknown, std::move(row));
}

Solution Solver::solve() {
  size_t count = system.getUnknowns().size();
  links.reserve(count);
  for (UnknownId unknown = 0; unknown < count; ++unknown)
    links.push_back({unknown, Fraction(1)});
  pinnedBy.assign(count, kNotPinned);

  // Short equations first: they settle nearly everything and cost next to nothing.
  std::vector<uint32_t> longer;
  for (auto [number, equation] : llvm::enumerate(system.getEquations())) {
    if (equation.spurion && mode == SpurionMode::Promoted)
      continue;
    Form reduced = reduce(equation.form);
    if (reduced.size() > 2)
      longer.push_back(number);
    else
      state(reduced, number);
  }
  // An eliminated unknown must not become a class's member later: rows are stated last.
  for (bool changed = true; changed;) {
    changed = false;
    std::vector<uint32_t> remaining;
    for (uint32_t number : longer) {
      Form reduced = reduce(system.getEquations()[number].form);
      if (reduced.size() > 2) {
        remaining.push_back(number);
      } else {
        state(reduced, number);
        changed |= !reduced.empty();
      }
    }
    changed &= remaining.size() < longer.size();
    longer = std::move(remaining);
  }
  for (uint32_t number : longer)
    state(reduce(system.getEquations()[number].form), number);

  Solution solution;
  solution.values.resize(count);
  solution.pinnedBy.assign(count, kNotPinned);
  for (UnknownId unknown = 0; unknown < count; ++unknown) {
    solution.values[unknown] = reduce(Term{unknown, Fraction(1)});
    UnknownId root = find(unknown).unknown;
    solution.pinnedBy[unknown] = pinnedBy[root];
    bool isFree = root == unknown && pinnedBy[root] == kNotPinned && !eliminated.count(root);
    if (!isFree)
      continue;
    solution.free.push_back(unknown);
    solution.dimension += system.getUnknowns()[unknown].dimension;
  }
  return solution;
}

//===----------------------------------------------------------------------===//
// Solution
//===----------------------------------------------------------------------===//

Form Solution::evaluate(ArrayRef<Term> form) const {
  Form result;
  for (const Term &term : form)
    result = addScaled(result, term.coefficient, values[term.unknown]);
  return result;
}

std::optional<uint32_t> Solution::getPinnedBy(UnknownId unknown) const {
  if (pinnedBy[unknown] == kNotPinned)
    return std::nullopt;
  return pinnedBy[unknown];
}

//===----------------------------------------------------------------------===//
// Independent check
//===----------------------------------------------------------------------===//

std::optional<uint32_t> noether::findViolatedEquation(const System &system,
                                                      const Solution &solution,
                                                      SpurionMode mode) {
  for (auto [number, equation] : llvm::enumerate(system.getEquations())) {
    if (equation.spurion && mode == SpurionMode::Promoted)
      continue;
    // Sum the coefficient of each free unknown over the whole equation.
    std::map<UnknownId, Fraction> sum;
    for (const Term &term : equation.form)
      for (const Term &part : solution[term.unknown])
        sum[part.unknown] += term.coefficient * part.coefficient;
    for (auto &[unknown, value] : sum)
      if (value != Fraction(0))
        return number;
  }
  return std::nullopt;
}
