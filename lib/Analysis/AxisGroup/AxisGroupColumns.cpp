// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which slots of the operands and results of a step are one index.

#include "AxisGroupEngine.h"

#include "llvm/ADT/STLExtras.h"

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

/// Choices of pieces of one step that are looked at.
static constexpr size_t kMaxCells = 4096;

static bool hasSameStructure(const ResolvedSpace &a, const ResolvedSpace &b) {
  if (&a == &b)
    return true;
  return !a.isOpaque && !b.isOpaque && a.axes.size() == b.axes.size() &&
         llvm::all_of(llvm::zip(a.axes, b.axes), [](auto pair) {
           return std::get<0>(pair)->hasSameStructure(*std::get<1>(pair));
         });
}

void AxisGroupEngine::forEachColumn(size_t index, ColumnFn fn) {
  const Program::Step &step = program.getSteps()[index];
  const Structure::Binding *binding = structure.bindingOf(index);
  if (!binding)
    forEachPointwiseColumn(step, fn);
  else if (step.rule->isSegmented)
    forEachSegmentedColumn(index, *binding, fn);
  else
    forEachGeneralColumn(step, *binding, fn);
}

void AxisGroupEngine::forEachPointwiseColumn(const Program::Step &step, ColumnFn fn) {
  ArrayRef<ValueId> operands = program.operands(step), results = program.results(step);
  if (results.empty()) {
    for (ValueId id : operands)
      fixAll(id);
    return;
  }
  const ResolvedSpace &space = structure.resolve(structure.spaceOf(results.front()));
  const SpaceSlots &slots = table.slotsOf(space);
  SmallVector<bool, 4> aligned;
  for (ValueId id : operands) {
    SpaceId own = structure.spaceOf(id);
    aligned.push_back(!isConstant(id) && own != ~0u &&
                      hasSameStructure(structure.resolve(own), space));
    if (slots.isOpaque)
      fixAll(id);
  }
  Column column;
  for (auto [s, slot] : llvm::enumerate(slots.slots)) {
    column.entries.clear();
    column.results.clear();
    for (auto [o, id] : llvm::enumerate(operands))
      column.entries.push_back({static_cast<unsigned>(o), isConstant(id) ? constantState(id)
                                                          : aligned[o]   ? statesOf(id)[s]
                                                                         : summarize(id, slot.axis)});
    for (unsigned r = 0; r < results.size(); ++r)
      column.results.push_back({r, static_cast<uint32_t>(s)});
    auto hasOther = [&](AtomId atom, AxisClasses::Node) {
      unsigned count = 0;
      for (const AxisSlot &other : slots.slots)
        count += other.cell == slot.cell && other.key != slot.key && other.atom == atom;
      return count == 1;
    };
    column.hasOther = hasOther;
    fn(column);
  }
}

/// Whether an axis consists of the atoms of these joint axes.
static bool consistsOf(const ResolvedAxis &axis, const ResolvedSpace &joint,
                       ArrayRef<int> jointAxes) {
  size_t next = 0;
  for (int a : jointAxes) {
    if (a < 0)
      return false;
    for (const ResolvedAxis::Node &node : joint.axes[a]->nodes) {
      if (next == axis.nodes.size() || axis.nodes[next].atom != node.atom)
        return false;
      ++next;
    }
  }
  return next == axis.nodes.size();
}

namespace {
/// How the axes of one tensor of a step lie in the joint index.
struct TensorPlace {
  struct DimPlace {
    SmallVector<int, 2> jointAxes;
    bool isFollowed;
    std::optional<SlotState> summary;
  };
  const ResolvedSpace *space = nullptr; // null for a constant
  const SpaceSlots *slots = nullptr;
  SmallVector<DimPlace, 4> dims;

  const DimPlace *dimOf(int jointAxis) const {
    for (const DimPlace &dim : dims)
      if (llvm::is_contained(dim.jointAxes, jointAxis))
        return &dim;
    return nullptr;
  }
  std::optional<uint32_t> slotAt(const ResolvedSpace &joint, ArrayRef<uint64_t> digits) const {
    uint64_t key = 0;
    for (auto [d, dim] : llvm::enumerate(dims)) {
      if (!dim.isFollowed)
        continue;
      uint64_t digit = 0;
      for (int a : dim.jointAxes)
        digit = digit * joint.axes[a]->radix + digits[a];
      key += space->strides[d] * digit;
    }
    return slots->find(key);
  }
};
} // namespace

void AxisGroupEngine::forEachGeneralColumn(const Program::Step &step,
                                           const Structure::Binding &binding, ColumnFn fn) {
  const CompiledRule &rule = *step.rule;
  ArrayRef<ValueId> operands = program.operands(step), results = program.results(step);
  auto giveUp = [&] {
    for (ValueId id : operands)
      fixAll(id);
  };

  ResolvedSpace joint;
  SmallVector<int, 8> jointAxis(rule.numFactors(), -1);
  SmallVector<bool, 8> isSummed;
  for (unsigned factor = 0; factor < rule.numFactors(); ++factor) {
    const ResolvedAxis *axis = binding.followedAxisOf(factor);
    if (!axis)
      continue;
    jointAxis[factor] = joint.axes.size();
    joint.append(axis);
    isSummed.push_back(rule.sum.test(factor));
  }

  SmallVector<TensorPlace, 4> tensors(rule.tensors.size());
  for (auto [t, tensor] : llvm::enumerate(rule.tensors)) {
    bool isResult = rule.isResult(t);
    ValueId id = isResult ? results[t - rule.numOperands] : operands[t];
    TensorPlace &place = tensors[t];
    bool isKnown = !isConstant(id) && structure.spaceOf(id) != ~0u;
    if (isKnown) {
      place.space = &structure.resolve(structure.spaceOf(id));
      place.slots = &table.slotsOf(*place.space);
    }
    bool isOpaque = isKnown && place.slots->isOpaque;
    if (isOpaque && !isResult)
      fixAll(id);
    // Every slot's choice of pieces is found only where all axes are followed.
    bool allFollowed = isKnown && !isOpaque && tensor.size() == place.space->axes.size();
    for (auto [d, dim] : llvm::enumerate(tensor)) {
      TensorPlace::DimPlace &own = place.dims.emplace_back();
      if (!dim.segments.empty())
        for (CompiledRule::Factor factor : dim.segments.front())
          own.jointAxes.push_back(jointAxis[factor]);
      own.isFollowed = isKnown && !isOpaque && d < place.space->axes.size() &&
                       consistsOf(*place.space->axes[d], joint, own.jointAxes);
      if (isKnown && !isOpaque && !own.isFollowed && d < place.space->axes.size())
        allFollowed &= !place.space->axes[d]->hasPieces;
    }
    for (auto [d, dim] : llvm::enumerate(place.dims)) {
      dim.isFollowed &= allFollowed;
      if (!dim.isFollowed && isKnown && !isResult)
        dim.summary = summarize(id, d);
    }
    if (isKnown && !isResult && tensor.size() != place.space->axes.size())
      fixAll(id);
  }

  // All choices of pieces.
  SmallVector<SmallVector<uint64_t, 4>> cells(1);
  for (const ResolvedAxis *axis : joint.axes) {
    SmallVector<SmallVector<uint64_t, 4>> next;
    if (cells.size() * axis->constants.size() > kMaxCells)
      return giveUp();
    for (const auto &cell : cells)
      for (uint64_t constant : axis->constants) {
        next.push_back(cell);
        next.back().push_back(constant);
      }
    cells = std::move(next);
  }

  Column column;
  for (SmallVector<uint64_t, 4> &digits : cells)
    for (auto [a, axis] : llvm::enumerate(joint.axes)) {
      uint64_t constant = digits[a];
      for (const AxisLeaf &leaf : table.leavesOf(*axis)) {
        if (leaf.cell != constant)
          continue;
        digits[a] = leaf.digit;
        column.entries.clear();
        column.results.clear();
        column.isSummed = isSummed[a];
        for (auto [t, place] : llvm::enumerate(tensors)) {
          const TensorPlace::DimPlace *dim = place.dimOf(a);
          if (!dim)
            continue;
          std::optional<uint32_t> slot;
          if (dim->isFollowed)
            slot = place.slotAt(joint, digits);
          // The halves of one axis are not those of another.
          if (slot && (place.slots->slots[*slot].isPair != leaf.isPair ||
                       (leaf.isPair && &place.dims[place.slots->slots[*slot].axis] != dim))) {
            if (!rule.isResult(t) && !isConstant(operands[t]))
              fix(statesOf(operands[t])[*slot]);
            slot = std::nullopt;
          }
          if (rule.isResult(t)) {
            column.results.push_back({static_cast<unsigned>(t - rule.numOperands), slot});
            continue;
          }
          SlotState state = isConstant(operands[t]) ? constantState(operands[t])
                            : slot                  ? statesOf(operands[t])[*slot]
                                                    : dim->summary.value_or(SlotState::fixed());
          column.entries.push_back({static_cast<unsigned>(t), state});
        }
        auto hasOther = [&, a = a](AtomId atom, AxisClasses::Node root) {
          std::optional<unsigned> other;
          for (auto [b, candidate] : llvm::enumerate(joint.axes))
            for (const AxisLeaf &otherLeaf : table.leavesOf(*candidate)) {
              uint64_t cell = b == a ? constant : digits[b];
              if (otherLeaf.atom != atom || otherLeaf.cell != cell ||
                  (b == a && otherLeaf.digit == leaf.digit))
                continue;
              if (other)
                return false;
              other = b;
            }
          if (!other)
            return false;
          auto has = [&](unsigned tensor) {
            const TensorPlace::DimPlace *dim = tensors[tensor].dimOf(*other);
            return dim && dim->isFollowed;
          };
          for (const Entry &entry : column.entries)
            if (entry.state.isMoved() && classes.find(entry.state.node).root == root &&
                !has(entry.operand))
              return false;
          return llvm::all_of(column.results,
                              [&](auto &result) { return has(rule.numOperands + result.first); });
        };
        column.hasOther = hasOther;
        fn(column);
      }
      digits[a] = constant;
    }
}

//===----------------------------------------------------------------------===//
// Slices, concatenations and padding
//===----------------------------------------------------------------------===//

void AxisGroupEngine::forEachSegmentedColumn(size_t index, const Structure::Binding &binding,
                                             ColumnFn fn) {
  const Program::Step &step = program.getSteps()[index];
  const CompiledRule &rule = *step.rule;
  ArrayRef<ValueId> operands = program.operands(step), results = program.results(step);
  auto giveUp = [&] {
    for (ValueId id : operands)
      fixAll(id);
  };
  bool understood = llvm::all_of(rule.equations, [&](const CompiledRule::Equation &equation) {
    return rule.isResult(equation.lhs) && (equation.isEquality() || equation.terms.empty());
  });
  for (ValueId id : llvm::concat<const ValueId>(operands, results))
    understood &= isConstant(id) || (structure.spaceOf(id) != ~0u && !slotsOf(id).isOpaque);
  if (!understood || results.size() != 1)
    return giveUp();

  using Segments = std::optional<AxisResolver::SegmentMap>;
  struct DimPlace {
    const CompiledRule::Dim *dim;
    Segments segments;
  };
  /// The dims of a tensor; nothing if one of them is not followed.
  auto placeOf = [&](unsigned t, ValueId id) -> std::optional<SmallVector<DimPlace, 4>> {
    SmallVector<DimPlace, 4> dims;
    const ResolvedSpace &space = structure.resolve(structure.spaceOf(id));
    if (space.axes.size() != rule.tensors[t].size())
      return std::nullopt;
    for (auto [d, dim] : llvm::enumerate(rule.tensors[t])) {
      DimPlace &own = dims.emplace_back();
      own.dim = &dim;
      if (dim.isSegmented()) {
        own.segments = structure.segmentsOf(binding, dim, space.axes[d]);
        if (!own.segments)
          return std::nullopt;
        continue;
      }
      if (space.axes[d]->nodes.empty())
        continue;
      if (!dim.isSingle())
        return std::nullopt;
      const ResolvedAxis *axis = binding.followedAxisOf(dim.segments[0][0]);
      if (!axis || !axis->hasSameStructure(*space.axes[d]))
        return std::nullopt;
    }
    return dims;
  };

  const ResolvedSpace &own = structure.resolve(structure.spaceOf(results[0]));
  auto target = placeOf(rule.numOperands, results[0]);
  if (!target)
    return giveUp();
  SmallVector<std::optional<SmallVector<DimPlace, 4>>, 4> sources;
  for (unsigned o = 0; o < operands.size(); ++o) {
    // Positions, and numbers that are repeated.
    bool isPlain = isConstant(operands[o]) || rule.tensors[o].empty() ||
                   !isRelated(rule, 0, o) || !program.getValues()[operands[o]].isFloat;
    sources.push_back(isPlain ? std::nullopt : placeOf(o, operands[o]));
    if (!isPlain && !sources.back())
      return giveUp();
  }

  using Digits = llvm::SmallDenseMap<CompiledRule::Factor, uint64_t, 8>;
  auto digitsAt = [&](uint64_t key) {
    Digits digits;
    for (auto [d, dim] : llvm::enumerate(*target)) {
      uint64_t digit = own.digit(key, d), inside = digit;
      unsigned s = 0;
      if (dim.segments)
        std::tie(s, inside) = dim.segments->toSegment[digit];
      if (!dim.dim->segments.empty() && dim.dim->segments[s].size() == 1)
        digits[dim.dim->segments[s].front()] = inside;
    }
    return digits;
  };
  llvm::SmallDenseSet<CompiledRule::Factor, 8> inResult;
  for (const CompiledRule::Dim &dim : rule.tensors[rule.numOperands])
    for (auto &segment : dim.segments)
      inResult.insert(segment.begin(), segment.end());
  /// Where an operand has the entries with these digits; nothing if it has none of them.
  auto sourceKey = [&](unsigned o, const Digits &digits) -> std::optional<uint64_t> {
    const ResolvedSpace &space = structure.resolve(structure.spaceOf(operands[o]));
    uint64_t key = 0;
    for (auto [d, dim] : llvm::enumerate(*sources[o])) {
      if (space.axes[d]->nodes.empty() && !dim.segments) {
        // An axis of one index is a piece all the same.
        if (dim.dim->isSingle() && inResult.contains(dim.dim->segments[0][0]) &&
            !digits.contains(dim.dim->segments[0][0]))
          return std::nullopt;
        continue;
      }
      std::optional<uint64_t> digit;
      for (auto [s, segment] : llvm::enumerate(dim.dim->segments))
        if (segment.size() == 1)
          if (auto it = digits.find(segment.front()); it != digits.end())
            digit = dim.segments ? dim.segments->toWhole[s][it->second] : it->second;
      if (!digit)
        return std::nullopt;
      key += space.strides[d] * *digit;
    }
    return key;
  };

  // Halves that are cut apart are not moved as a pair, unless they are put together again.
  for (unsigned o = 0; o < operands.size(); ++o)
    if (sources[o] && !rotaries.isPart(index))
      for (auto [slot, state] : llvm::zip_equal(slotsOf(operands[o]).slots, statesOf(operands[o])))
        if (slot.isPair && rule.tensors[o][slot.axis].isSegmented())
          fix(state);

  // By operand: the choices of pieces that the result has, and the halves that it has as well.
  SmallVector<llvm::SmallDenseSet<uint64_t, 4>, 4> kept(operands.size()), followed(operands.size());
  Column column;
  column.isPiece = true;
  for (auto [s, slot] : llvm::enumerate(table.slotsOf(own).slots)) {
    if (slot.isPair && rule.tensors[rule.numOperands][slot.axis].isSegmented())
      continue;
    column.entries.clear();
    column.results.assign(1, {0u, static_cast<uint32_t>(s)});
    Digits digits = digitsAt(slot.key), constants = digitsAt(slot.cell);
    for (unsigned o = 0; o < operands.size(); ++o) {
      std::optional<uint64_t> cell = sources[o] ? sourceKey(o, constants) : std::nullopt;
      if (!cell)
        continue;
      kept[o].insert(*cell);
      auto at = sourceKey(o, digits);
      auto found = at ? slotsOf(operands[o]).find(*at) : std::nullopt;
      if (found) {
        const AxisSlot &other = slotsOf(operands[o]).slots[*found];
        if (other.isPair != slot.isPair || (slot.isPair && other.axis != slot.axis))
          found = std::nullopt;
        else if (slot.isPair)
          followed[o].insert(other.key);
      }
      column.entries.push_back(
          {o, found ? statesOf(operands[o])[*found] : SlotState::fixed()});
    }
    // Numbers fill what no operand covers.
    if (column.entries.empty())
      for (unsigned o = 0; o < operands.size(); ++o)
        if (!sources[o] && program.getValues()[operands[o]].isFloat && isRelated(rule, 0, o))
          column.entries.push_back({o, {isZero(operands[o]) ? SlotState::Zero
                                                            : SlotState::Uniform}});
    if (column.entries.empty())
      column.results.clear(); // nothing is known of it
    auto hasOther = [&, &slot = slot](AtomId atom, AxisClasses::Node) {
      const AxisSlot *other = nullptr;
      for (const AxisSlot &candidate : table.slotsOf(own).slots) {
        if (candidate.cell != slot.cell || candidate.key == slot.key || candidate.atom != atom)
          continue;
        if (other)
          return false;
        other = &candidate;
      }
      if (!other)
        return false;
      Digits otherDigits = digitsAt(other->key);
      for (const Entry &entry : column.entries) {
        if (!sources[entry.operand])
          continue;
        auto at = sourceKey(entry.operand, otherDigits);
        auto found = at ? slotsOf(operands[entry.operand]).find(*at) : std::nullopt;
        if (!found || slotsOf(operands[entry.operand]).slots[*found].atom != atom)
          return false;
      }
      return true;
    };
    column.hasOther = hasOther;
    fn(column);
  }
  // Nor are halves that lie side by side with something else.
  for (unsigned o = 0; o < operands.size(); ++o)
    if (sources[o] && !rotaries.isPart(index))
      for (auto [slot, state] : llvm::zip_equal(slotsOf(operands[o]).slots, statesOf(operands[o])))
        if (slot.isPair && kept[o].contains(slot.cell) && !followed[o].contains(slot.key))
          fix(state);
}
