// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All gauges of one operation are compared over the rule's factors: the position of a slot is then
// a factor instead of a dimension.

#include "noether/Transforms/GaugeRule.h"

#include "llvm/ADT/STLExtras.h"

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

namespace {

class Planner {
public:
  Planner(const CompiledRule &rule, ArrayRef<ArrayRef<int64_t>> shapes,
          ArrayRef<GaugeOperand> operands);

  GaugePlan run();

private:
  /// A sum of multiples of tensors' gauges that an equation names.
  using Sum = SmallVector<std::pair<unsigned, Fraction>, 2>;
  /// Sums that must all be equal: what is said of one tensor.
  struct Group {
    unsigned lhs;
    SmallVector<Sum, 2> sums;
  };

  std::optional<GaugeTerm> toFactors(unsigned tensor, const GaugeTerm &term) const;
  Gauge fromFactors(unsigned tensor, const Gauge &gauge) const;
  /// Whether the factors of a term are dimensions, or parts of them, of a tensor.
  bool canCarry(unsigned tensor, const GaugeTerm &term) const;
  /// Whether the group's tensor, and the sums over factors that define it, admit a term.
  bool admits(const Group &group, const GaugeTerm &term) const;

  void makeGroups();
  /// Whether a sum contains what has every gauge, and so has every gauge itself.
  bool hasEveryGauge(const Sum &sum) const;
  /// Whether a sum of a group is no reason for anything to change.
  bool isExempt(const Group &group, const Sum &sum) const;
  Gauge valueOf(const Sum &sum) const;
  Gauge admitted(const Group &group, const Gauge &gauge) const;
  /// The operand of a sum that can take a term, the one that has it already or the cheapest one.
  std::optional<std::pair<unsigned, Fraction>> operandFor(const Sum &sum,
                                                          const GaugeTerm &term) const;
  uint64_t costOf(const Sum &sum) const;
  /// What all sums of a group should be.
  Gauge choose(const Group &group, ArrayRef<const Sum *> sums) const;
  bool solve(const Group &group);
  bool isSolved(const Group &group) const;

  const CompiledRule &rule;
  ArrayRef<ArrayRef<int64_t>> shapes;
  ArrayRef<GaugeOperand> operands;
  SmallVector<int64_t, 4> sizes; // of factors
  /// For each tensor and factor: the dimension the factor is in and its stride there.
  struct Place {
    int dim = -1;
    int64_t stride = 1;
  };
  SmallVector<SmallVector<Place, 4>, 3> places;
  SmallVector<Group, 2> groups;
  /// Over factors: operands as they shall be, results as they are known.
  SmallVector<Gauge, 3> gauges;
  llvm::BitVector isKnown, isAny;
};

} // namespace

Planner::Planner(const CompiledRule &rule, ArrayRef<ArrayRef<int64_t>> shapes,
                 ArrayRef<GaugeOperand> operands)
    : rule(rule), shapes(shapes), operands(operands), sizes(rule.factorSizes),
      gauges(shapes.size()), isKnown(shapes.size()), isAny(shapes.size()) {
  for (auto [tensor, shape] : llvm::zip(rule.tensors, shapes))
    for (auto [dim, size] : llvm::zip(tensor, shape))
      if (dim.isSingle() && sizes[dim.segments[0][0]] == 0)
        sizes[dim.segments[0][0]] = size;
  places.resize(shapes.size());
  for (auto [tensor, place] : llvm::zip(rule.tensors, places)) {
    place.resize(rule.numFactors());
    for (auto [d, dim] : llvm::enumerate(tensor)) {
      if (dim.segments.size() != 1)
        continue;
      int64_t stride = 1;
      for (unsigned factor : llvm::reverse(dim.segments[0])) {
        place[factor] = {static_cast<int>(d), stride};
        stride *= sizes[factor];
      }
    }
  }
}

std::optional<GaugeTerm> Planner::toFactors(unsigned tensor, const GaugeTerm &term) const {
  GaugeTerm result{term.block, {}, term.exponent};
  for (const Slot &slot : term.slots) {
    const CompiledRule::Dim &dim = rule.tensors[tensor][slot.position];
    if (dim.segments.size() != 1)
      return std::nullopt;
    int64_t low = slot.inner, high = slot.inner * slot.size, covered = 1;
    for (unsigned factor : dim.segments[0]) {
      int64_t stride = places[tensor][factor].stride, end = stride * sizes[factor];
      int64_t from = std::max(low, stride), to = std::min(high, end);
      if (stride == 0 || from >= to)
        continue;
      if (from % stride != 0 || from % low != 0 || to % from != 0 || end % to != 0 ||
          high % to != 0)
        return std::nullopt;
      appendSlot(result.slots, {factor, from / stride, to / from});
      covered *= to / from;
    }
    if (covered != slot.size)
      return std::nullopt;
  }
  return result;
}

Gauge Planner::fromFactors(unsigned tensor, const Gauge &gauge) const {
  Gauge result;
  for (const GaugeTerm &term : gauge.getTerms()) {
    GaugeTerm moved{term.block, {}, term.exponent};
    for (const Slot &slot : term.slots) {
      const Place &place = places[tensor][slot.position];
      appendSlot(moved.slots, {place.dim, place.stride * slot.inner, slot.size});
    }
    result.add(moved);
  }
  return result;
}

bool Planner::canCarry(unsigned tensor, const GaugeTerm &term) const {
  return llvm::all_of(term.slots, [&](const Slot &slot) {
    return places[tensor][slot.position].dim >= 0 && !rule.frozen.test(slot.position);
  });
}

bool Planner::admits(const Group &group, const GaugeTerm &term) const {
  if (!canCarry(group.lhs, term))
    return false;
  return !rule.isResult(group.lhs) ||
         llvm::none_of(term.slots, [&](const Slot &slot) { return rule.sum.test(slot.position); });
}

Gauge Planner::admitted(const Group &group, const Gauge &gauge) const {
  Gauge result;
  for (const GaugeTerm &term : gauge.getTerms())
    if (admits(group, term))
      result.add(term);
  return result;
}

void Planner::makeGroups() {
  llvm::BitVector isNamed(shapes.size());
  for (const CompiledRule::Equation &equation : rule.equations) {
    isNamed.set(equation.lhs);
    for (const auto &[tensor, coefficient] : equation.terms)
      isNamed.set(tensor);
    auto group = llvm::find_if(groups, [&](const Group &g) { return g.lhs == equation.lhs; });
    if (group == groups.end()) {
      groups.push_back({equation.lhs, {}});
      group = std::prev(groups.end());
      if (!rule.isResult(equation.lhs))
        group->sums.push_back({{equation.lhs, Fraction(1)}});
    }
    group->sums.push_back(equation.terms);
  }
  // What only operands say first: it changes what results are made of.
  llvm::stable_sort(groups, [&](const Group &a, const Group &b) {
    return !rule.isResult(a.lhs) && rule.isResult(b.lhs);
  });
  for (unsigned o = 0; o < rule.numOperands; ++o)
    for (const GaugeTerm &term : operands[o].gauge.getTerms()) {
      std::optional<GaugeTerm> moved = toFactors(o, term);
      if (!moved || !canCarry(o, *moved))
        continue;
      // An operand that no equation names may scale, but not differently along what is reduced.
      if (!isNamed.test(o) && llvm::any_of(moved->slots, [&](const Slot &slot) {
            return rule.sum.test(slot.position);
          }))
        continue;
      gauges[o].add(*moved);
    }
}

bool Planner::hasEveryGauge(const Sum &sum) const {
  return llvm::any_of(sum, [&](const auto &term) {
    unsigned tensor = term.first;
    return rule.isResult(tensor) ? isAny.test(tensor) : operands[tensor].hasEveryGauge;
  });
}

bool Planner::isExempt(const Group &group, const Sum &sum) const {
  if (hasEveryGauge(sum))
    return true;
  return sum.size() == 1 && group.sums.size() > 1 && !rule.isResult(sum[0].first) &&
         operands[sum[0].first].isKept;
}

Gauge Planner::valueOf(const Sum &sum) const {
  Gauge value;
  for (const auto &[tensor, coefficient] : sum)
    value.add(gauges[tensor], coefficient);
  return value;
}

std::optional<std::pair<unsigned, Fraction>> Planner::operandFor(const Sum &sum,
                                                                 const GaugeTerm &term) const {
  std::optional<std::pair<unsigned, Fraction>> best;
  std::pair<bool, uint64_t> bestRank;
  for (const auto &[tensor, coefficient] : sum) {
    if (rule.isResult(tensor) || coefficient == Fraction(0) || !canCarry(tensor, term))
      continue;
    bool hasTerm = llvm::any_of(gauges[tensor].getTerms(),
                                [&](const GaugeTerm &own) { return own.isAtSamePlace(term); });
    std::pair<bool, uint64_t> rank(!hasTerm, operands[tensor].cost);
    if (!best || rank < bestRank) {
      best = {tensor, coefficient};
      bestRank = rank;
    }
  }
  return best;
}

uint64_t Planner::costOf(const Sum &sum) const {
  uint64_t cost = 0;
  for (const auto &[tensor, coefficient] : sum)
    if (!rule.isResult(tensor))
      cost = cost == 0 ? operands[tensor].cost : std::min(cost, operands[tensor].cost);
  return cost;
}

Gauge Planner::choose(const Group &group, ArrayRef<const Sum *> sums) const {
  // A few distinct candidates; the cost of a candidate is that of all sums which differ from it.
  SmallVector<Gauge, 2> values, candidates;
  for (const Sum *sum : sums)
    values.push_back(valueOf(*sum));
  constexpr size_t maxCandidates = 4;
  for (const Gauge &value : values) {
    Gauge candidate = admitted(group, value);
    // What a sum's operands cannot take, it keeps.
    for (auto [sum, own] : llvm::zip(sums, values)) {
      Gauge missing = candidate - own;
      for (const GaugeTerm &term : missing.getTerms())
        if (!operandFor(*sum, term))
          candidate.add(term, Fraction(-1));
    }
    if (candidates.size() < maxCandidates && !llvm::is_contained(candidates, candidate))
      candidates.push_back(std::move(candidate));
  }
  const Gauge *best = nullptr;
  uint64_t bestCost = 0;
  for (const Gauge &candidate : candidates) {
    uint64_t cost = 0;
    for (auto [sum, value] : llvm::zip(sums, values))
      if (value != candidate)
        cost += costOf(*sum);
    if (!best || cost < bestCost) {
      best = &candidate;
      bestCost = cost;
    }
  }
  return *best;
}

bool Planner::solve(const Group &group) {
  SmallVector<const Sum *, 2> sums;
  for (const Sum &sum : group.sums)
    if (!isExempt(group, sum))
      sums.push_back(&sum);
  bool isResult = rule.isResult(group.lhs);
  if (sums.empty()) {
    // Zeros times anything: the gauge of the rest is as good as any.
    if (isResult) {
      gauges[group.lhs] = admitted(group, valueOf(group.sums.front()));
      isKnown.set(group.lhs);
      if (llvm::all_of(group.sums, [&](const Sum &sum) { return hasEveryGauge(sum); }))
        isAny.set(group.lhs);
    }
    return true;
  }
  Gauge value = choose(group, sums);
  for (const Sum *sum : sums) {
    Gauge missing = value - valueOf(*sum);
    for (const GaugeTerm &term : missing.getTerms()) {
      auto operand = operandFor(*sum, term);
      if (!operand)
        return false;
      gauges[operand->first].add(term, Fraction(1) / operand->second);
    }
  }
  if (isResult) {
    gauges[group.lhs] = value;
    isKnown.set(group.lhs);
  }
  return true;
}

bool Planner::isSolved(const Group &group) const {
  std::optional<Gauge> common;
  if (rule.isResult(group.lhs))
    common = gauges[group.lhs];
  if (common && isAny.test(group.lhs))
    return true;
  for (const Sum &sum : group.sums) {
    if (isExempt(group, sum))
      continue;
    Gauge value = valueOf(sum);
    if (!common)
      common = value;
    if (*common != value)
      return false;
  }
  return !common || admitted(group, *common) == *common;
}

GaugePlan Planner::run() {
  makeGroups();
  for (const Group &group : groups) {
    // Equations over results come after the results'.
    for (const Sum &sum : group.sums)
      for (const auto &[tensor, coefficient] : sum)
        if (rule.isResult(tensor) && !isKnown.test(tensor))
          return planBarrier(rule.numOperands, shapes.size() - rule.numOperands);
    if (!solve(group))
      return planBarrier(rule.numOperands, shapes.size() - rule.numOperands);
  }
  // What one equation asked for may have undone what another did.
  if (!llvm::all_of(groups, [&](const Group &group) { return isSolved(group); }))
    return planBarrier(rule.numOperands, shapes.size() - rule.numOperands);

  GaugePlan plan;
  for (unsigned t = 0; t < shapes.size(); ++t)
    (rule.isResult(t) ? static_cast<llvm::SmallVectorImpl<Gauge> &>(plan.results) : plan.operands)
        .push_back(fromFactors(t, gauges[t]));
  plan.isAny.resize(plan.results.size());
  for (unsigned r = 0; r < plan.results.size(); ++r)
    if (isAny.test(rule.numOperands + r))
      plan.isAny.set(r);
  return plan;
}

GaugePlan noether::planGauges(const CompiledRule &rule, ArrayRef<ArrayRef<int64_t>> shapes,
                              ArrayRef<GaugeOperand> operands) {
  if (rule.isBarrier)
    return planBarrier(operands.size(), shapes.size() - operands.size());
  return Planner(rule, shapes, operands).run();
}

GaugePlan noether::planBarrier(unsigned numOperands, unsigned numResults) {
  GaugePlan plan;
  plan.operands.resize(numOperands);
  plan.results.resize(numResults);
  plan.isAny.resize(numResults);
  return plan;
}
