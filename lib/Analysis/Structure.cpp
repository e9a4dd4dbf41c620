// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Structure.h"

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

static constexpr SpaceId kNoSpace = ~0u;
static constexpr uint32_t kNoBinding = ~0u;
/// Components of one tensor that are numbered.
static constexpr uint64_t kMaxComponents = uint64_t(1) << 48;

//===----------------------------------------------------------------------===//
// ResolvedSpace
//===----------------------------------------------------------------------===//

void ResolvedSpace::append(const ResolvedAxis *axis) {
  if (!axis) {
    isOpaque = true;
    return;
  }
  axes.push_back(axis);
  hasPieces |= axis->hasPieces;
}

void ResolvedSpace::finalize() {
  strides.assign(axes.size(), 1);
  size = 1;
  for (size_t a = axes.size(); a-- > 0;) {
    strides[a] = size;
    if (size > kMaxComponents / axes[a]->radix) {
      isOpaque = true;
      return;
    }
    size *= axes[a]->radix;
  }
}

uint64_t ResolvedSpace::cellOf(uint64_t key) const {
  if (!hasPieces)
    return 0;
  uint64_t cell = 0;
  for (size_t a = 0; a < axes.size(); ++a)
    cell += strides[a] * axes[a]->cellOf(digit(key, a));
  return cell;
}

SmallVector<uint64_t> ResolvedSpace::cells() const {
  SmallVector<uint64_t> result = {0};
  if (!hasPieces)
    return result;
  for (size_t a = 0; a < axes.size(); ++a) {
    SmallVector<uint64_t> next;
    for (uint64_t key : result)
      for (uint64_t constant : axes[a]->constants)
        next.push_back(key + strides[a] * constant);
    result = std::move(next);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

Structure::Structure(const Program &program, const llvm::BitVector &first) : program(program) {
  spaces.assign(program.getValues().size(), kNoSpace);
  bindingIndex.assign(program.getSteps().size(), kNoBinding);
  for (ValueId argument : program.getArguments())
    spaces[argument] = freshSpace(program.getValues()[argument].shape());
  for (unsigned step : first.set_bits())
    apply(step);
  for (size_t step = 0; step < program.getSteps().size(); ++step)
    if (!first.test(step))
      apply(step);
}

SpaceId Structure::addSpace(SmallVector<Axis, 4> axes) {
  spaceAxes.push_back(std::move(axes));
  return spaceAxes.size() - 1;
}

SpaceId Structure::freshSpace(ArrayRef<int64_t> shape) {
  SmallVector<Axis, 4> axes;
  for (int64_t size : shape)
    axes.push_back(atoms.newAxis(size));
  return addSpace(std::move(axes));
}

const ResolvedSpace &Structure::resolve(SpaceId space) {
  if (resolved.size() < spaceAxes.size())
    resolved.resize(spaceAxes.size());
  std::unique_ptr<ResolvedSpace> &result = resolved[space];
  if (!result) {
    result = std::make_unique<ResolvedSpace>();
    for (const Axis &axis : spaceAxes[space])
      result->append(resolver.resolve(axis));
    if (!result->isOpaque)
      result->finalize();
  }
  return *result;
}

const Structure::Binding *Structure::bindingOf(size_t step) const {
  return bindingIndex[step] == kNoBinding ? nullptr : &bindings[bindingIndex[step]];
}

/// Constants, and values whose definition is outside the part read so far, get axes of their own.
void Structure::ensureOperandSpaces(const Program::Step &step) {
  for (ValueId id : program.operands(step))
    if (spaces[id] == kNoSpace)
      spaces[id] = freshSpace(program.getValues()[id].shape());
}

void Structure::apply(size_t index) {
  const Program::Step &step = program.getSteps()[index];
  if (step.kind == Program::StepKind::LoopTie) {
    ensureOperandSpaces(step);
    ArrayRef<ValueId> operands = program.operands(step);
    for (unsigned i = 0; i < step.numTied; ++i) {
      SmallVector<Axis, 4> carried = spaceAxes[spaces[operands[i]]];
      SmallVector<Axis, 4> yielded = spaceAxes[spaces[operands[i + step.numTied]]];
      for (auto [a, b] : llvm::zip(carried, yielded))
        atoms.unify(a, b);
    }
    return;
  }
  if (step.rule->isPointwise && applyPointwise(step))
    return;
  ensureOperandSpaces(step);
  applyGeneral(index);
}

/// The usual case: all operands have one index. Constants follow any, and need none of their own.
bool Structure::applyPointwise(const Program::Step &step) {
  SpaceId common = kNoSpace;
  bool fits = true;
  for (ValueId id : program.operands(step)) {
    const Program::Value &value = program.getValues()[id];
    if (value.constant || !value.isFloat)
      continue;
    if (spaces[id] == kNoSpace)
      spaces[id] = freshSpace(value.shape());
    if (common == kNoSpace) {
      common = spaces[id];
      continue;
    }
    if (spaces[id] == common)
      continue;
    if (spaceAxes[common].size() != spaceAxes[spaces[id]].size())
      return false;
    for (auto [a, b] : llvm::zip(spaceAxes[common], spaceAxes[spaces[id]]))
      fits &= atoms.unify(a, b);
  }
  if (!fits)
    return false;
  for (ValueId id : program.results(step)) {
    if (common == kNoSpace)
      common = freshSpace(program.getValues()[id].shape());
    spaces[id] = common;
  }
  return true;
}

void Structure::applyGeneral(size_t index) {
  const Program::Step &step = program.getSteps()[index];
  const CompiledRule &rule = *step.rule;
  ArrayRef<ValueId> operands = program.operands(step), results = program.results(step);
  if (rule.isBarrier) {
    for (ValueId id : results)
      spaces[id] = freshSpace(program.getValues()[id].shape());
    return;
  }

  Binding binding;
  binding.factors.resize(rule.numFactors());
  binding.broken = rule.frozen;
  llvm::BitVector bound(rule.numFactors());

  // Sizes of factors that are a dimension of their own come from the types.
  SmallVector<int64_t, 4> sizes(rule.factorSizes.begin(), rule.factorSizes.end());
  for (auto [t, tensor] : llvm::enumerate(rule.tensors)) {
    ValueId id = rule.isResult(t) ? results[t - rule.numOperands] : operands[t];
    ArrayRef<int64_t> shape = program.getValues()[id].shape();
    for (auto [d, dim] : llvm::enumerate(tensor))
      if (dim.isSingle() && d < shape.size())
        sizes[dim.segments[0][0]] = shape[d];
  }
  auto bind = [&](CompiledRule::Factor factor, ArrayRef<AtomId> axis) {
    if (!bound.test(factor)) {
      binding.factors[factor].assign(axis.begin(), axis.end());
      bound.set(factor);
    } else if (!atoms.unify(binding.factors[factor], axis)) {
      binding.broken.set(factor);
    }
  };
  auto bindFresh = [&](CompiledRule::Factor factor) {
    if (!bound.test(factor))
      bind(factor, atoms.newAxis(std::max<int64_t>(sizes[factor], 1)));
  };
  // One segment of an operand's axis, or the whole axis.
  auto bindProduct = [&](ArrayRef<CompiledRule::Factor> factors, ArrayRef<AtomId> axis) {
    if (factors.size() == 1) {
      bind(factors.front(), axis);
      return;
    }
    Axis product;
    for (CompiledRule::Factor factor : factors) {
      bindFresh(factor);
      llvm::append_range(product, binding.factors[factor]);
    }
    if (!atoms.unify(product, axis))
      for (CompiledRule::Factor factor : factors)
        binding.broken.set(factor);
  };

  for (unsigned o = 0; o < rule.numOperands; ++o) {
    const Program::Value &value = program.getValues()[operands[o]];
    // A constant follows any structure.
    if (value.constant || !value.isFloat)
      continue;
    for (auto [d, dim] : llvm::enumerate(rule.tensors[o])) {
      Axis axis = spaceAxes[spaces[operands[o]]][d];
      if (!dim.isSegmented()) {
        if (!dim.segments.empty() && !dim.segments.front().empty())
          bindProduct(dim.segments.front(), axis);
        continue;
      }
      SmallVector<int64_t> extents;
      for (auto &segment : dim.segments) {
        int64_t extent = 1;
        for (CompiledRule::Factor factor : segment)
          extent *= std::max<int64_t>(sizes[factor], 1);
        extents.push_back(extent);
      }
      std::optional<SmallVector<Axis>> parts = atoms.cut(axis, extents);
      for (auto [s, segment] : llvm::enumerate(dim.segments)) {
        if (parts) {
          if (!segment.empty())
            bindProduct(segment, (*parts)[s]);
          continue;
        }
        for (CompiledRule::Factor factor : segment) {
          bindFresh(factor);
          binding.broken.set(factor);
        }
      }
    }
  }

  // An axis of a result is either followed as a whole or not at all.
  for (unsigned r = 0; r < results.size(); ++r)
    for (const CompiledRule::Dim &dim : rule.tensors[rule.numOperands + r]) {
      auto isLost = [&](CompiledRule::Factor factor) {
        return binding.broken.test(factor);
      };
      if (llvm::none_of(dim.segments, [&](auto &segment) { return llvm::any_of(segment, isLost); }))
        continue;
      for (auto &segment : dim.segments)
        for (CompiledRule::Factor factor : segment)
          binding.broken.set(factor);
    }

  for (unsigned r = 0; r < results.size(); ++r) {
    SmallVector<Axis, 4> axes;
    ArrayRef<int64_t> shape = program.getValues()[results[r]].shape();
    for (auto [d, dim] : llvm::enumerate(rule.tensors[rule.numOperands + r])) {
      SmallVector<Axis> parts;
      bool opaque = false;
      for (auto &segment : dim.segments) {
        Axis &part = parts.emplace_back();
        for (CompiledRule::Factor factor : segment) {
          bindFresh(factor);
          llvm::append_range(part, binding.factors[factor]);
          opaque |= binding.broken.test(factor);
        }
      }
      if (opaque || parts.empty())
        axes.push_back(atoms.newAxis(shape[d]));
      else
        axes.push_back(atoms.concatenate(parts));
    }
    spaces[results[r]] = addSpace(std::move(axes));
  }
  bindingIndex[index] = bindings.size();
  bindings.push_back(std::move(binding));
}
