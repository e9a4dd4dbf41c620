// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "RotaryMaps.h"

#include "llvm/ADT/STLExtras.h"

#include <array>
#include <bit>
#include <map>

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

/// Operations looked at for one concatenation.
static constexpr unsigned kBudget = 64;
static constexpr unsigned kMaxDepth = 8;
/// Rounds of dropping maps whose parts have other readers.
static constexpr unsigned kMaxRounds = 8;

/// Whether a rule puts two pieces of equal size side by side, or takes one of two, along one axis.
static std::optional<unsigned> cutAxis(const CompiledRule::Tensor &tensor) {
  std::optional<unsigned> axis;
  for (auto [d, dim] : llvm::enumerate(tensor)) {
    if (!dim.isSegmented())
      continue;
    if (axis || dim.segments.size() != 2 || dim.segments[0].size() != 1 ||
        dim.segments[1].size() != 1)
      return std::nullopt;
    axis = d;
  }
  return axis;
}

RotaryMaps::RotaryMaps(const Program &program, const Structure &structure, const llvm::BitVector &slice,
                       ValueId loss)
    : program(program), structure(structure) {
  std::vector<Candidate> candidates;
  for (unsigned step : slice.set_bits()) {
    const Program::Step &concat = program.getSteps()[step];
    if (concat.kind != Program::StepKind::Rule || !concat.rule->isSegmented ||
        concat.numOperands != 2 || concat.numResults != 1)
      continue;
    if (!roots)
      roots.emplace(program);
    if (std::optional<Candidate> candidate = recognize(step))
      candidates.push_back(std::move(*candidate));
  }

  for (unsigned round = 0; !candidates.empty(); ++round) {
    if (round == kMaxRounds)
      return;
    llvm::DenseSet<size_t> inside, ends;
    llvm::DenseMap<ValueId, size_t> definedBy; // by value that is inside
    for (const Candidate &candidate : candidates) {
      ends.insert(candidate.step);
      for (size_t part : candidate.parts) {
        inside.insert(part);
        for (ValueId result : program.results(program.getSteps()[part]))
          definedBy[result] = part;
      }
    }
    // What is read elsewhere is not only multiplied.
    llvm::DenseSet<size_t> spoilt;
    if (auto it = definedBy.find(loss); it != definedBy.end())
      spoilt.insert(it->second);
    for (unsigned step : slice.set_bits()) {
      if (inside.contains(step) || ends.contains(step))
        continue;
      for (ValueId id : program.operands(program.getSteps()[step]))
        if (auto it = definedBy.find(id); it != definedBy.end())
          spoilt.insert(it->second);
    }
    size_t before = candidates.size();
    llvm::erase_if(candidates, [&](const Candidate &candidate) {
      return llvm::any_of(candidate.parts, [&](size_t part) { return spoilt.contains(part); }) ||
             llvm::any_of(candidate.factors, [&](ValueId id) { return definedBy.contains(id); });
    });
    if (candidates.size() != before)
      continue;
    for (const Candidate &candidate : candidates) {
      maps[candidate.step] = candidate.map;
      parts.insert(candidate.parts.begin(), candidate.parts.end());
    }
    return;
  }
}

std::optional<RotaryMaps::Map> RotaryMaps::find(size_t step) const {
  auto it = maps.find(step);
  return it == maps.end() ? std::nullopt : std::optional(it->second);
}

bool RotaryMaps::hasHalves(ValueId value, unsigned axis) {
  SpaceId own = structure.spaceOf(value);
  if (own == ~0u || program.getValues()[value].constant)
    return false;
  const ResolvedSpace &space = structure.resolve(own);
  return !space.isOpaque && axis < space.axes.size() &&
         SlotTable::pairNodeOf(*space.axes[axis]) == 0u;
}

std::optional<std::pair<unsigned, unsigned>> RotaryMaps::halfOf(const Program::Step &step) {
  const CompiledRule &rule = *step.rule;
  if (!rule.isSegmented || step.numResults != 1 || rule.numOperands == 0 ||
      rule.use(0) != OperandUse::Plus || rule.equations.size() != 1 ||
      rule.equations[0].lhs != rule.numOperands || !rule.equations[0].isEquality() ||
      rule.equations[0].terms[0].first != 0 || rule.frozen.any())
    return std::nullopt;
  const CompiledRule::Tensor &result = rule.tensors[rule.numOperands];
  std::optional<unsigned> axis = cutAxis(rule.tensors[0]);
  ArrayRef<int64_t> shape = program.getValues()[program.operands(step)[0]].shape();
  ArrayRef<int64_t> half = program.getValues()[program.results(step)[0]].shape();
  if (!axis || *axis >= result.size() || !result[*axis].isSingle() ||
      2 * half[*axis] != shape[*axis])
    return std::nullopt;
  for (unsigned s = 0; s < 2; ++s)
    if (rule.tensors[0][*axis].segments[s].front() == result[*axis].segments[0].front())
      return std::make_pair(*axis, s);
  return std::nullopt;
}

bool RotaryMaps::isReshape(const Program::Step &step) const {
  const CompiledRule &rule = *step.rule;
  if (step.kind != Program::StepKind::Rule || step.numOperands != 1 || step.numResults != 1 ||
      rule.isBarrier || rule.isPointwise || rule.isSegmented || rule.frozen.any() || rule.sum.any() ||
      rule.use(0) != OperandUse::Plus || rule.equations.size() != 1 ||
      rule.equations[0].lhs != 1 || !rule.equations[0].isEquality() ||
      rule.equations[0].terms[0].first != 0)
    return false;
  // The same indices in the same order.
  mlir::RankedTensorType from = program.getValues()[program.operands(step)[0]].type,
                         to = program.getValues()[program.results(step)[0]].type;
  if (!from || !to || !from.hasStaticShape() || !to.hasStaticShape() ||
      from.getElementType() != to.getElementType() ||
      from.getNumElements() != to.getNumElements() ||
      rule.tensors[0].size() != static_cast<size_t>(from.getRank()) ||
      rule.tensors[1].size() != static_cast<size_t>(to.getRank()))
    return false;
  auto factorsOf = [&](unsigned tensor,
                       ArrayRef<int64_t> shape) -> std::optional<SmallVector<CompiledRule::Factor, 8>> {
    SmallVector<CompiledRule::Factor, 8> factors;
    for (auto [dim, size] : llvm::zip_equal(rule.tensors[tensor], shape)) {
      if (size == 1)
        continue;
      if (dim.segments.front().empty())
        return std::nullopt;
      for (CompiledRule::Factor factor : dim.segments.front())
        if (rule.factorSizes[factor] != 1)
          factors.push_back(factor);
    }
    return factors;
  };
  auto before = factorsOf(0, from.getShape()), after = factorsOf(1, to.getShape());
  return before && after && *before == *after;
}

bool RotaryMaps::isSame(ValueId a, ValueId b) const {
  if (a == b)
    return true;
  const Program::Step *first = roots->definitionOf(a), *second = roots->definitionOf(b);
  return first && second && program.getValues()[a].type == program.getValues()[b].type &&
         isReshape(*first) && isReshape(*second) &&
         program.operands(*first)[0] == program.operands(*second)[0];
}

bool RotaryMaps::multiply(Coefficient &coefficient, ValueId factor, unsigned frame) {
  ValueRoot root = roots->get(factor);
  if (!root.summed.empty())
    return false;
  coefficient.number = coefficient.number * root.coefficient;
  // Equal constants are one; else a value is only equal to itself.
  uint64_t name = root.value;
  std::vector<int> place(root.dimensions.begin(), root.dimensions.end());
  if (const Program::Step *definition = roots->definitionOf(root.value);
      definition && definition->numOperands == 0 && definition->op->getNumOperands() == 0 &&
      definition->op->getNumResults() == 1 && definition->op->hasAttr("value")) {
    name = reinterpret_cast<uintptr_t>(definition->op->getAttr("value").getAsOpaquePointer());
    place.push_back(-2);
  } else if (const std::optional<double> &number = program.getValues()[root.value].constant) {
    name = std::bit_cast<uint64_t>(*number);
    place.assign(1, -3);
  }
  // Dimensions are those of the shape in which it is multiplied.
  place.push_back(frame);
  coefficient.factors.push_back({name, std::move(place)});
  llvm::sort(coefficient.factors);
  return true;
}

bool RotaryMaps::expand(ValueId value, Coefficient coefficient, unsigned depth, unsigned frame,
                        std::vector<Term> &terms, Candidate &candidate) {
  const Program::Step *step = roots->definitionOf(value);
  if (!step || depth > kMaxDepth || budget == 0 || step->numResults != 1)
    return false;
  --budget;
  size_t index = step - program.getSteps().data();
  const CompiledRule &rule = *step->rule;
  ArrayRef<ValueId> operands = program.operands(*step);
  if (auto half = halfOf(*step)) {
    if (!hasHalves(operands[0], half->first))
      return false;
    terms.push_back({operands[0], half->first, half->second, std::move(coefficient)});
    candidate.parts.push_back(index);
    return true;
  }
  if (isReshape(*step)) {
    candidate.parts.push_back(index);
    return expand(operands[0], std::move(coefficient), depth + 1, frame + 1, terms, candidate);
  }
  if (!rule.isPointwise || rule.uses.empty())
    return false;
  candidate.parts.push_back(index);
  auto isSign = [&](unsigned o) {
    return rule.use(o) == OperandUse::Plus || rule.use(o) == OperandUse::Minus;
  };
  bool isSum = llvm::all_of(llvm::seq<unsigned>(operands.size()), [&](unsigned o) {
    return isSign(o) && llvm::any_of(rule.equations, [&](const CompiledRule::Equation &equation) {
             return equation.lhs == rule.numOperands && equation.isEquality() &&
                    equation.terms[0].first == o;
           });
  });
  if (isSum && rule.equations.size() == operands.size()) {
    for (auto [o, operand] : llvm::enumerate(operands)) {
      Coefficient own = coefficient;
      if (rule.use(o) == OperandUse::Minus)
        own.number = -own.number;
      if (!expand(operand, std::move(own), depth + 1, frame, terms, candidate))
        return false;
    }
    return true;
  }
  bool isProduct = operands.size() == 2 && rule.use(0) == OperandUse::Factor &&
                   rule.use(1) == OperandUse::Factor && rule.equations.size() == 1 &&
                   rule.equations[0].lhs == 2 && rule.equations[0].terms.size() == 2 &&
                   llvm::all_of(rule.equations[0].terms,
                                [](auto &term) { return term.second == Fraction(1); });
  if (!isProduct)
    return false;
  for (unsigned moved : {0u, 1u}) {
    Coefficient own = coefficient;
    std::vector<Term> inner;
    Candidate attempt = candidate;
    if (!multiply(own, operands[1 - moved], frame) ||
        !expand(operands[moved], std::move(own), depth + 1, frame, inner, attempt))
      continue;
    attempt.factors.push_back(operands[1 - moved]);
    llvm::append_range(terms, inner);
    candidate = std::move(attempt);
    return true;
  }
  return false;
}

std::optional<RotaryMaps::Candidate> RotaryMaps::recognize(size_t index) {
  const Program::Step &step = program.getSteps()[index];
  const CompiledRule &rule = *step.rule;
  ArrayRef<ValueId> operands = program.operands(step);
  std::optional<unsigned> axis = cutAxis(rule.tensors[rule.numOperands]);
  if (!axis || rule.frozen.any() || !hasHalves(program.results(step)[0], *axis))
    return std::nullopt;
  // The operands in the order of the halves, alike along all other axes.
  std::array<ValueId, 2> halves;
  for (unsigned s = 0; s < 2; ++s) {
    auto o = llvm::find_if(llvm::seq<unsigned>(2), [&](unsigned operand) {
      const CompiledRule::Tensor &tensor = rule.tensors[operand];
      return *axis < tensor.size() && tensor[*axis].isSingle() &&
             tensor[*axis].segments[0][0] ==
                 rule.tensors[rule.numOperands][*axis].segments[s].front();
    });
    if (o == llvm::seq<unsigned>(2).end())
      return std::nullopt;
    halves[s] = operands[*o];
  }
  if (program.getValues()[halves[0]].shape() != program.getValues()[halves[1]].shape())
    return std::nullopt;

  budget = kBudget;
  Candidate candidate;
  candidate.step = index;
  // By half of the result and half of the source: coefficients with their sum of numbers.
  using Factors = std::vector<std::pair<uint64_t, std::vector<int>>>;
  std::array<std::array<std::map<Factors, Fraction>, 2>, 2> forms;
  std::optional<Map> map;
  for (unsigned s = 0; s < 2; ++s) {
    std::vector<Term> terms;
    if (!expand(halves[s], Coefficient(), 0, 0, terms, candidate))
      return std::nullopt;
    for (Term &term : terms) {
      if (map && (!isSame(map->source, term.source) || map->axis != term.axis))
        return std::nullopt;
      if (!map)
        map = Map{term.source, term.axis};
      Fraction &number = forms[s][term.half][term.coefficient.factors];
      number = number + term.coefficient.number;
    }
  }
  if (!map || map->axis != *axis)
    return std::nullopt;
  auto clean = [](std::map<Factors, Fraction> form, Fraction sign) {
    std::map<Factors, Fraction> result;
    for (auto &[factors, number] : form)
      if (number != Fraction(0))
        result[factors] = sign * number;
    return result;
  };
  if (clean(forms[0][0], Fraction(1)) != clean(forms[1][1], Fraction(1)) ||
      clean(forms[0][1], Fraction(1)) != clean(forms[1][0], Fraction(-1)))
    return std::nullopt;
  candidate.map = *map;
  return candidate;
}
