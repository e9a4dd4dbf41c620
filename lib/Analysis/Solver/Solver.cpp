// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Solver/Solver.h"

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
  // Links and rows lead to earlier unknowns: from the latest down, each is replaced once.
  std::map<UnknownId, Fraction, std::greater<>> pending;
  for (const Term &term : form)
    pending[term.unknown] += term.coefficient;
  Form result;
  while (!pending.empty()) {
    auto [unknown, coefficient] = *pending.begin();
    pending.erase(pending.begin());
    auto [root, ratio] = find(unknown);
    if (coefficient == Fraction(0) || pinnedBy[root] != kNotPinned)
      continue;
    if (root != unknown) {
      pending[root] += coefficient * ratio;
      continue;
    }
    if (auto it = eliminated.find(root); it != eliminated.end()) {
      for (const Term &inner : it->second.form)
        pending[inner.unknown] += coefficient * inner.coefficient;
      continue;
    }
    result.push_back({unknown, coefficient});
  }
  std::reverse(result.begin(), result.end());
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
  eliminated.try_emplace(last.unknown, Row{std::move(row), equation});
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
    auto row = eliminated.find(root);
    if (row != eliminated.end() && solution.values[unknown].empty())
      solution.pinnedBy[unknown] = row->second.equation;
    bool isFree = root == unknown && pinnedBy[root] == kNotPinned && row == eliminated.end();
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
