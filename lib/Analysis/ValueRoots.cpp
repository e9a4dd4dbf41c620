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

bool ValueRoots::isMeanFree(ValueId value, unsigned dimension, unsigned depth) {
  const Program::Step *step = definitionOf(value);
  if (!step || step->rule->isBarrier || step->numResults != 1 || depth > kMaxDepth)
    return false;
  const CompiledRule &rule = *step->rule;
  ArrayRef<ValueId> operands = program.operands(*step);
  if (!rule.frozen.none() || !isPlain(rule.tensors.back()))
    return false;
  std::optional<unsigned> factor = factorOf(rule.tensors.back()[dimension]);
  if (!factor)
    return false;
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
  switch (kinds.get(step->op)) {
  case OpKind::Subtract: {
    // x - mean(x).
    if (!rule.isPointwise)
      return false;
    ValueRoot whole = get(operands[0]), mean = get(operands[1]);
    int own = whole.dimensions[dimension];
    if (own < 0 || whole.value != mean.value)
      return false;
    SmallVector<unsigned, 2> summed = whole.summed;
    summed.push_back(own);
    llvm::sort(summed);
    if (summed != mean.summed)
      return false;
    for (auto [d, other] : llvm::enumerate(whole.dimensions))
      if (mean.dimensions[d] != (d == dimension ? -1 : other))
        return false;
    int64_t size = program.getValues()[whole.value].shape()[own];
    return mean.coefficient * Fraction(size, 1) == whole.coefficient;
  }
  case OpKind::Multiply:
    for (unsigned o : {0u, 1u})
      if (rule.isPointwise && isConstantAlong(1 - o) &&
          isMeanFree(operands[o], dimension, depth + 1))
        return true;
    return false;
  case OpKind::Divide:
    return rule.isPointwise && isConstantAlong(1) && isMeanFree(operands[0], dimension, depth + 1);
  default:
    break;
  }
  // Copies, transposes and broadcasts along other dimensions.
  if (operands.size() != 1 || !rule.sum.none() || !isPlain(rule.tensors[0]) ||
      (rule.use(0) != OperandUse::Plus && rule.use(0) != OperandUse::Minus))
    return false;
  std::optional<unsigned> own = dimensionIn(0);
  return own && isMeanFree(operands[0], *own, depth + 1);
}
