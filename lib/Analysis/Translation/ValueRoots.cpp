// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ValueRoots.h"

#include <cmath>

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

static constexpr uint32_t kNone = ~0u;
/// Chains of operations that are followed back.
static constexpr unsigned kMaxDepth = 16;

ValueRoots::ValueRoots(const Program &program) : program(program) {
  definitions.assign(program.getValues().size(), kNone);
  for (auto [index, step] : llvm::enumerate(program.getSteps()))
    if (step.kind == Program::StepKind::Rule)
      for (ValueId result : program.results(step))
        definitions[result] = index;
}

const Program::Step *ValueRoots::definitionOf(ValueId value) const {
  return definitions[value] == kNone ? nullptr : &program.getSteps()[definitions[value]];
}

std::optional<Fraction> ValueRoots::rationalOf(double constant) {
  constexpr double kLargest = 1 << 30;
  if (constant == 0 || !std::isfinite(constant))
    return std::nullopt;
  double size = std::fabs(constant);
  if (size <= kLargest && size == std::floor(size))
    return Fraction(static_cast<int64_t>(constant), 1);
  // The constant of a mean over n is 1/n rounded to some float type.
  double inverse = std::round(1 / size);
  if (inverse < 2 || inverse > kLargest || std::fabs(size * inverse - 1) > 1e-7)
    return std::nullopt;
  return Fraction(constant < 0 ? -1 : 1, static_cast<int64_t>(inverse));
}

/// The factor of a dimension that is one; nothing for a dimension of size one.
static std::optional<unsigned> factorOf(const CompiledRule::Dim &dim) {
  if (dim.segments.size() == 1 && dim.segments.front().size() == 1)
    return dim.segments.front().front();
  return std::nullopt;
}

static bool isPlain(const CompiledRule::Tensor &tensor) {
  return llvm::all_of(tensor, [](const CompiledRule::Dim &dim) {
    return dim.segments.size() == 1 && dim.segments.front().size() <= 1;
  });
}

bool ValueRoots::stepBack(ValueRoot &root) {
  const Program::Step *step = definitionOf(root.value);
  if (!step || step->rule->isBarrier || step->numResults != 1 || !step->rule->frozen.none())
    return false;
  const CompiledRule &rule = *step->rule;
  ArrayRef<ValueId> operands = program.operands(*step);
  auto constantOf = [&](unsigned o) { return program.getValues()[operands[o]].constant; };

  std::optional<unsigned> source;
  Fraction factor = Fraction(1);
  OpKind kind = kinds.get(step->op);
  if ((kind == OpKind::Multiply || kind == OpKind::Divide) && operands.size() == 2) {
    source = kind == OpKind::Multiply && constantOf(0) ? 1 : 0;
    std::optional<double> constant = constantOf(1 - *source);
    std::optional<Fraction> rational = constant ? rationalOf(*constant) : std::nullopt;
    if (!rational || constantOf(*source))
      return false;
    factor = kind == OpKind::Divide ? Fraction(1) / *rational : *rational;
  } else {
    for (unsigned o = 0; o < operands.size(); ++o) {
      OperandUse use = rule.use(o);
      if (constantOf(o) == 0.0 && (use == OperandUse::Plus || use == OperandUse::Minus))
        continue;
      bool isSummand = use == OperandUse::Plus || use == OperandUse::Minus;
      if (source || !isSummand || constantOf(o))
        return false;
      source = o;
      factor = use == OperandUse::Minus ? Fraction(-1) : Fraction(1);
    }
    if (!source)
      return false;
  }
  const CompiledRule::Tensor &from = rule.tensors[*source], &to = rule.tensors.back();
  if (!isPlain(from) || !isPlain(to) ||
      !program.getValues()[operands[*source]].isFloat)
    return false;

  // The dimensions of the operand by factor.
  llvm::SmallDenseMap<unsigned, unsigned> dimensionOf;
  ArrayRef<int64_t> shape = program.getValues()[operands[*source]].shape();
  for (auto [d, dim] : llvm::enumerate(from))
    if (auto own = factorOf(dim))
      dimensionOf[*own] = d;
  llvm::SmallBitVector isKept(from.size());
  SmallVector<int, 4> next(to.size(), -1);
  for (auto [d, dim] : llvm::enumerate(to))
    if (auto own = factorOf(dim))
      if (auto it = dimensionOf.find(*own); it != dimensionOf.end()) {
        next[d] = it->second;
        isKept.set(it->second);
      }
  SmallVector<unsigned, 2> summed;
  for (unsigned d = 0; d < from.size(); ++d)
    if (!isKept.test(d) && shape[d] != 1) {
      auto own = factorOf(from[d]);
      if (!own || !rule.sum.test(*own))
        return false;
      summed.push_back(d);
    }
  for (int &dimension : root.dimensions)
    dimension = dimension < 0 ? -1 : next[dimension];
  root.value = operands[*source];
  root.coefficient = root.coefficient * factor;
  root.summed = std::move(summed);
  return true;
}

ValueRoot ValueRoots::get(ValueId value, unsigned depth) {
  if (auto it = roots.find(value); it != roots.end())
    return it->second;
  ArrayRef<int64_t> shape = program.getValues()[value].shape();
  ValueRoot root;
  root.value = value;
  for (unsigned d = 0; d < shape.size(); ++d)
    root.dimensions.push_back(shape[d] == 1 ? -1 : static_cast<int>(d));
  if (depth == kMaxDepth || !stepBack(root))
    return root;

  // What the operand is made of in its turn.
  ValueRoot source = get(root.value, depth + 1);
  shape = program.getValues()[root.value].shape();
  for (int &dimension : root.dimensions)
    dimension = dimension < 0 ? -1 : source.dimensions[dimension];
  SmallVector<unsigned, 2> summed = source.summed;
  for (unsigned dimension : root.summed) {
    if (source.dimensions[dimension] < 0)
      root.coefficient = root.coefficient * Fraction(shape[dimension], 1);
    else
      summed.push_back(source.dimensions[dimension]);
  }
  llvm::sort(summed);
  root.summed = std::move(summed);
  root.coefficient = root.coefficient * source.coefficient;
  root.value = source.value;
  return roots[value] = std::move(root);
}

/// Whether one value is a multiple of the sum of another over one more dimension.
static bool isSumOf(const ValueRoot &sum, const ValueRoot &whole, unsigned dimension) {
  int own = whole.dimensions[dimension];
  if (own < 0 || whole.value != sum.value)
    return false;
  SmallVector<unsigned, 2> summed = whole.summed;
  summed.push_back(own);
  llvm::sort(summed);
  if (summed != sum.summed)
    return false;
  for (auto [d, other] : llvm::enumerate(whole.dimensions))
    if (sum.dimensions[d] != (d == dimension ? -1 : other))
      return false;
  return true;
}

std::optional<Fraction> ValueRoots::sumAlong(ValueId value, unsigned dimension, unsigned depth) {
  const Program::Step *step = definitionOf(value);
  if (!step || step->rule->isBarrier || step->numResults != 1 || depth > kMaxDepth)
    return std::nullopt;
  const CompiledRule &rule = *step->rule;
  ArrayRef<ValueId> operands = program.operands(*step);
  if (!rule.frozen.none() || !isPlain(rule.tensors.back()))
    return std::nullopt;
  std::optional<unsigned> factor = factorOf(rule.tensors.back()[dimension]);
  if (!factor)
    return std::nullopt;
  auto dimensionIn = [&](unsigned o) -> std::optional<unsigned> {
    for (auto [d, dim] : llvm::enumerate(rule.tensors[o]))
      if (factorOf(dim) == factor)
        return d;
    return std::nullopt;
  };
  auto isConstantAlong = [&](unsigned o) {
    if (program.getValues()[operands[o]].constant)
      return true;
    std::optional<unsigned> own = dimensionIn(o);
    return !own || get(operands[o]).dimensions[*own] < 0;
  };
  // Zero stays zero, whatever number there is for the other indices.
  auto isZero = [&](unsigned o) {
    return sumAlong(operands[o], dimension, depth + 1) == Fraction(0);
  };
  OpKind kind = kinds.get(step->op);
  if (kind == OpKind::Subtract || kind == OpKind::Multiply || kind == OpKind::Divide) {
    if (!rule.isPointwise || operands.size() != 2)
      return std::nullopt;
    if (kind != OpKind::Multiply && !program.getValues()[operands[0]].constant &&
        !program.getValues()[operands[1]].constant) {
      ValueRoot whole = get(operands[0]), sum = get(operands[1]);
      if (isSumOf(sum, whole, dimension)) {
        Fraction size = Fraction(
            program.getValues()[whole.value].shape()[whole.dimensions[dimension]], 1);
        // x - c sum(x), and x / (c sum(x)).
        if (kind == OpKind::Divide)
          return whole.coefficient / sum.coefficient;
        return sum.coefficient * size == whole.coefficient ? std::optional<Fraction>(Fraction(0))
                                                           : std::nullopt;
      }
    }
    if (kind == OpKind::Multiply && isConstantAlong(0) && isZero(1))
      return Fraction(0);
    if (kind != OpKind::Subtract && isConstantAlong(1) && isZero(0))
      return Fraction(0);
    return std::nullopt;
  }
  // Copies, transposes and broadcasts along other dimensions.
  if (operands.size() != 1 || !rule.sum.none() || !isPlain(rule.tensors[0]) ||
      (rule.use(0) != OperandUse::Plus && rule.use(0) != OperandUse::Minus))
    return std::nullopt;
  std::optional<unsigned> own = dimensionIn(0);
  std::optional<Fraction> sum =
      own ? sumAlong(operands[0], *own, depth + 1) : std::optional<Fraction>();
  return sum && rule.use(0) == OperandUse::Minus ? std::optional<Fraction>(-*sum) : sum;
}

std::optional<double> ValueRoots::constantOn(ValueId value, unsigned dimension, int64_t offset,
                                             int64_t size) const {
  const Program::Step *step = definitionOf(value);
  if (!step || step->rule->isBarrier || step->numResults != 1 || !step->rule->isSegmented)
    return std::nullopt;
  const CompiledRule &rule = *step->rule;
  const CompiledRule::Dim &dim = rule.tensors.back()[dimension];
  int64_t start = 0;
  for (auto &segment : dim.segments) {
    if (segment.size() != 1)
      return std::nullopt;
    unsigned factor = segment.front();
    int64_t end = start + rule.factorSizes[factor];
    if (rule.factorSizes[factor] <= 0)
      return std::nullopt;
    if (offset < start || offset + size > end) {
      start = end;
      continue;
    }
    // The only summand that has this piece: the operand that runs along it, or else one that runs along
    // nothing.
    std::optional<unsigned> source;
    for (bool alongPiece : {true, false}) {
      for (unsigned o = 0; o < rule.numOperands; ++o) {
        bool has = llvm::any_of(rule.tensors[o], [&](const CompiledRule::Dim &other) {
          return llvm::any_of(other.segments,
                              [&](auto &own) { return llvm::is_contained(own, factor); });
        });
        if (rule.use(o) != OperandUse::Plus || has != alongPiece ||
            (!alongPiece && !rule.tensors[o].empty()))
          continue;
        if (source)
          return std::nullopt;
        source = o;
      }
      if (source)
        break;
    }
    return source ? program.getValues()[program.operands(*step)[*source]].constant : std::nullopt;
  }
  return std::nullopt;
}
