// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ParameterView.h"

#include "llvm/ADT/STLExtras.h"

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

/// How many operations may lie between a parameter and a value.
static constexpr unsigned kMaxDepth = 8;

/// The factors of a tensor's dimensions in order; nothing if one is cut.
static std::optional<SmallVector<CompiledRule::Factor, 4>>
factorsOf(const CompiledRule::Tensor &tensor) {
  SmallVector<CompiledRule::Factor, 4> factors;
  for (const CompiledRule::Dim &dim : tensor) {
    if (dim.isSegmented())
      return std::nullopt;
    llvm::append_range(factors, dim.segments.front());
  }
  return factors;
}

/// The view of an operation's operand as one of its result.
static bool passView(const Program &program, const Program::Step &step, ParameterView &view) {
  const CompiledRule &rule = *step.rule;
  const CompiledRule::Tensor &from = rule.tensors[0], &to = rule.tensors[rule.numOperands];
  ArrayRef<int64_t> shape = program.getValues()[program.results(step)[0]].shape();
  // The same numbers in the same order: a reshape.
  auto before = factorsOf(from), after = factorsOf(to);
  bool isIdentity = view.axes.size() == view.view.size();
  for (auto [dimension, axis] : llvm::enumerate(view.axes))
    isIdentity &= axis == static_cast<int>(dimension);
  if (before && after && *before == *after && view.isWhole() && isIdentity) {
    view.view.assign(shape.begin(), shape.end());
    view.sizes = view.view;
    view.offsets.assign(shape.size(), 0);
    view.axes.clear();
    for (unsigned d = 0; d < shape.size(); ++d)
      view.axes.push_back(d);
    return true;
  }
  // Where a factor is found in the operand, and where its segment begins there.
  SmallVector<int, 4> axes(to.size(), -1);
  llvm::SmallBitVector isKept(from.size());
  for (auto [d, dim] : llvm::enumerate(to)) {
    if (dim.isSegmented() || dim.segments.front().size() > 1)
      return false;
    if (dim.segments.front().empty())
      continue;
    CompiledRule::Factor factor = dim.segments.front().front();
    bool isFound = false;
    for (auto [e, own] : llvm::enumerate(from)) {
      int64_t start = 0;
      for (auto &segment : own.segments) {
        if (segment.size() > 1)
          return false;
        int64_t size = segment.empty() ? 1 : rule.factorSizes[segment.front()];
        if (!segment.empty() && segment.front() == factor) {
          int axis = view.axes[e];
          if (isFound || (axis < 0 && shape[d] != 1))
            return false;
          if (own.isSegmented()) {
            if (axis < 0)
              return false;
            view.offsets[axis] += start;
            view.sizes[axis] = shape[d];
          }
          axes[d] = axis;
          isKept.set(e);
          isFound = true;
          break;
        }
        if (own.isSegmented() && size <= 0)
          return false;
        start += size;
      }
    }
    // A dimension that is new: the value is repeated along it.
    if (!isFound)
      return false;
  }
  ArrayRef<int64_t> fromShape = program.getValues()[program.operands(step)[0]].shape();
  for (unsigned e = 0; e < from.size(); ++e)
    if (!isKept.test(e) && fromShape[e] != 1)
      return false;
  view.axes = std::move(axes);
  return true;
}

std::optional<ParameterView>
noether::viewOfParameter(const Program &program, const ValueRoots &roots,
                         const llvm::DenseSet<ValueId> &parameters, ValueId value) {
  SmallVector<const Program::Step *, kMaxDepth> chain;
  while (!parameters.contains(value)) {
    const Program::Step *step = roots.definitionOf(value);
    if (!step || chain.size() == kMaxDepth || step->rule->isBarrier || step->numResults != 1 ||
        step->numOperands == 0 || step->rule->sum.any() || step->rule->frozen.any() ||
        step->rule->use(0) != OperandUse::Plus)
      return std::nullopt;
    // What else goes in says where to cut.
    ArrayRef<ValueId> operands = program.operands(*step);
    for (unsigned o = 1; o < operands.size(); ++o)
      if (step->rule->use(o) == OperandUse::Plus || program.getValues()[operands[o]].isFloat)
        return std::nullopt;
    if (!program.getValues()[operands[0]].type || !program.getValues()[value].type)
      return std::nullopt;
    chain.push_back(step);
    value = operands[0];
  }
  ParameterView view = {value, {}, {}, {}, {}};
  ArrayRef<int64_t> shape = program.getValues()[value].shape();
  view.view.assign(shape.begin(), shape.end());
  view.sizes = view.view;
  view.offsets.assign(shape.size(), 0);
  for (unsigned d = 0; d < shape.size(); ++d)
    view.axes.push_back(d);
  for (const Program::Step *step : llvm::reverse(chain))
    if (!passView(program, *step, view))
      return std::nullopt;
  return view;
}
