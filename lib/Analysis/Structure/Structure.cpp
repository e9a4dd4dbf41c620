// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Structure/Structure.h"

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
  resolveAll();
}

SpaceId Structure::addSpace(ArrayRef<Axis> own) {
  spaceList.push_back({axes.size(), static_cast<uint32_t>(own.size())});
  for (const Axis &axis : own)
    axes.push_back(axis);
  return spaceList.size() - 1;
}

SpaceId Structure::freshSpace(ArrayRef<int64_t> shape) {
  SmallVector<Axis, 4> own;
  for (int64_t size : shape)
    own.push_back(atoms.newAxis(size));
  return addSpace(own);
}

const ResolvedSpace *Structure::resolveSpace(ArrayRef<const ResolvedAxis *> own) {
  auto &bucket = spacesByAxes[llvm::hash_combine_range(own) >> 1];
  for (const std::unique_ptr<ResolvedSpace> &space : bucket)
    if (space->axes == own)
      return space.get();
  bucket.push_back(std::make_unique<ResolvedSpace>());
  ResolvedSpace *space = bucket.back().get();
  for (const ResolvedAxis *axis : own)
    space->append(axis);
  if (!space->isOpaque)
    space->finalize();
  return space;
}

void Structure::resolveAll() {
  atoms.compress();
  resolvedAxes.reserve(axes.size());
  for (uint32_t axis = 0; axis < axes.size(); ++axis)
    resolvedAxes.push_back(resolver.resolve(axes[axis]));
  resolvedSpaces.reserve(spaceList.size());
  for (const Space &space : spaceList)
    resolvedSpaces.push_back(
        resolveSpace(ArrayRef(resolvedAxes).slice(space.firstAxis, space.rank)));
}

std::optional<AxisResolver::SegmentMap> Structure::segmentsOf(const Binding &binding,
                                                              const CompiledRule::Dim &dim,
                                                              const ResolvedAxis *axis) const {
  if (!axis)
    return std::nullopt;
  SmallVector<const ResolvedAxis *> parts;
  for (auto &segment : dim.segments) {
    Axis part;
    for (CompiledRule::Factor factor : segment) {
      if (binding.isBroken(factor))
        return std::nullopt;
      llvm::append_range(part, axes[binding.firstFactor + factor]);
    }
    std::lock_guard<std::mutex> lock(resolving);
    parts.push_back(resolver.resolve(part));
    if (!parts.back())
      return std::nullopt;
  }
  return resolver.mapSegments(*axis, parts);
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
      SpaceId carried = spaces[operands[i]], yielded = spaces[operands[i + step.numTied]];
      for (unsigned axis = 0, e = std::min(spaceList[carried].rank, spaceList[yielded].rank);
           axis < e; ++axis)
        atoms.unify(axisOf(carried, axis), axisOf(yielded, axis));
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
    if (spaceList[common].rank != spaceList[spaces[id]].rank)
      return false;
    for (unsigned axis = 0; axis < spaceList[common].rank; ++axis)
      fits &= atoms.unify(axisOf(common, axis), axisOf(spaces[id], axis));
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

  SmallVector<Axis, 8> factorAxes(rule.numFactors());
  llvm::SmallBitVector broken(rule.numFactors()), bound(rule.numFactors());
  for (unsigned factor : rule.frozen.set_bits())
    broken.set(factor);

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
      factorAxes[factor].assign(axis.begin(), axis.end());
      bound.set(factor);
    } else if (!atoms.unify(factorAxes[factor], axis)) {
      broken.set(factor);
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
      llvm::append_range(product, factorAxes[factor]);
    }
    if (!atoms.unify(product, axis))
      for (CompiledRule::Factor factor : factors)
        broken.set(factor);
  };

  for (unsigned o = 0; o < rule.numOperands; ++o) {
    const Program::Value &value = program.getValues()[operands[o]];
    // A constant follows any structure.
    if (value.constant || !value.isFloat)
      continue;
    for (auto [d, dim] : llvm::enumerate(rule.tensors[o])) {
      Axis axis(axisOf(spaces[operands[o]], d));
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
          broken.set(factor);
        }
      }
    }
  }

  // An axis of a result is either followed as a whole or not at all.
  for (unsigned r = 0; r < results.size(); ++r)
    for (const CompiledRule::Dim &dim : rule.tensors[rule.numOperands + r]) {
      auto isLost = [&](CompiledRule::Factor factor) { return broken.test(factor); };
      if (llvm::none_of(dim.segments, [&](auto &segment) { return llvm::any_of(segment, isLost); }))
        continue;
      for (auto &segment : dim.segments)
        for (CompiledRule::Factor factor : segment)
          broken.set(factor);
    }

  // Rows that updates go to are those of the operand, though without their index only constants
  // along them are related.
  ArrayRef<Program::Pick> picks = program.picksOf(index);
  auto isPicked = [&](const CompiledRule::Dim &dim) {
    return dim.isSingle() && llvm::any_of(picks, [&](const Program::Pick &pick) {
             return pick.row == dim.segments[0][0];
           });
  };
  for (unsigned r = 0; r < results.size(); ++r) {
    SmallVector<Axis, 4> own;
    ArrayRef<int64_t> shape = program.getValues()[results[r]].shape();
    for (auto [d, dim] : llvm::enumerate(rule.tensors[rule.numOperands + r])) {
      SmallVector<Axis> parts;
      bool opaque = false;
      for (auto &segment : dim.segments) {
        Axis &part = parts.emplace_back();
        for (CompiledRule::Factor factor : segment) {
          bindFresh(factor);
          llvm::append_range(part, factorAxes[factor]);
          opaque |= broken.test(factor);
        }
      }
      if ((opaque || parts.empty()) && !isPicked(dim))
        own.push_back(atoms.newAxis(shape[d]));
      else
        own.push_back(atoms.concatenate(parts));
    }
    spaces[results[r]] = addSpace(own);
  }
  // Tables whose rows are picked by the same index have one index of rows.
  for (const Program::Pick &pick : picks) {
    if (pick.row >= factorAxes.size() || !bound.test(pick.row))
      continue;
    auto [rows, isFirst] = rowsByTag.try_emplace(pick.tag, factorAxes[pick.row]);
    if (!isFirst)
      atoms.unify(rows->second, factorAxes[pick.row]);
  }

  Binding binding;
  binding.structure = this;
  binding.firstFactor = axes.size();
  binding.broken = std::move(broken);
  for (const Axis &axis : factorAxes)
    axes.push_back(axis);
  bindingIndex[index] = bindings.size();
  bindings.push_back(std::move(binding));
}
