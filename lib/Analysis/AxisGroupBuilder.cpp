// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AxisGroupBuilder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/Support/MathExtras.h"

#include <map>

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

AxisGroupBuilder::AxisGroupBuilder(const Program &program, SystemMapping &mapping,
                                   AxisGroupEngine &engine)
    : program(program), mapping(mapping), engine(engine) {
  for (unsigned argument : mapping.getLiveParameters()) {
    ArrayRef<SlotState> states = engine.statesOf(program.getArguments()[argument]);
    for (auto [index, state] : llvm::enumerate(states)) {
      auto [root, inverse] = engine.getClasses().find(state.node);
      if (!engine.getClasses().isTrivial(root))
        classes[root].push_back({argument, static_cast<uint32_t>(index), inverse});
    }
  }
  // What cannot be told is not claimed.
  classes.remove_if([&](auto &entry) {
    return llvm::any_of(entry.second, [&](const Slot &slot) { return !placeOf(slot).isExact; });
  });
}

const ResolvedSpace &AxisGroupBuilder::spaceOf(unsigned argument) {
  Structure &structure = mapping.getStructure();
  return structure.resolve(structure.spaceOf(program.getArguments()[argument]));
}

/// The view of a space in one choice of pieces: its axes, and which of them belong to which axis of the
/// tensor. Axes of one index stay axes.
static ResolvedAxis::Place placeIn(const ResolvedSpace &space, uint64_t key) {
  ResolvedAxis::Place result;
  for (unsigned axis = 0; axis < space.axes.size(); ++axis) {
    ResolvedAxis::Place place = space.axes[axis]->place(space.digit(key, axis));
    if (space.axes[axis]->nodes.empty()) {
      place.view = place.sizes = {1};
      place.offsets = {0};
      place.atoms = {SlotTable::kNoAtom};
      place.varies = {false};
    }
    llvm::append_range(result.view, place.view);
    llvm::append_range(result.offsets, place.offsets);
    llvm::append_range(result.sizes, place.sizes);
    llvm::append_range(result.atoms, place.atoms);
    llvm::append_range(result.varies, place.varies);
    result.isExact &= place.isExact;
  }
  result.isExact &= llvm::is_contained(result.varies, true);
  return result;
}

/// The same with pieces side by side taken as one axis.
static ResolvedAxis::Place wholePlaceIn(const ResolvedSpace &space, unsigned varyingAxis,
                                        uint64_t weight) {
  ResolvedAxis::Place result;
  result.isExact = false;
  for (auto [a, axis] : llvm::enumerate(space.axes)) {
    uint64_t trailing = axis->radix;
    if (axis->nodes.empty()) {
      result.view.push_back(1);
      result.atoms.push_back(SlotTable::kNoAtom);
      result.varies.push_back(false);
    }
    for (const ResolvedAxis::Node &node : axis->nodes) {
      trailing /= node.radix;
      bool varies = a == varyingAxis && node.isLeaf() && trailing == weight;
      result.isExact |= varies;
      result.view.push_back(node.size);
      result.atoms.push_back(node.isLeaf() ? node.atom : SlotTable::kNoAtom);
      result.varies.push_back(varies);
    }
  }
  result.offsets.assign(result.view.size(), 0);
  result.sizes = result.view;
  return result;
}

/// The view in which the halves of an axis are an axis of size two.
static ResolvedAxis::Place pairPlaceIn(const ResolvedSpace &space, uint64_t key, unsigned pairAxis) {
  ResolvedAxis::Place result;
  auto append = [&](int64_t size, AtomId atom, bool varies) {
    result.view.push_back(size);
    result.offsets.push_back(0);
    result.sizes.push_back(size);
    result.atoms.push_back(atom);
    result.varies.push_back(varies);
  };
  for (auto [a, axis] : llvm::enumerate(space.axes)) {
    if (a != pairAxis) {
      ResolvedAxis::Place place = axis->place(space.digit(key, a));
      if (axis->nodes.empty())
        append(1, SlotTable::kNoAtom, false);
      llvm::append_range(result.view, place.view);
      llvm::append_range(result.offsets, place.offsets);
      llvm::append_range(result.sizes, place.sizes);
      llvm::append_range(result.atoms, place.atoms);
      result.varies.append(place.varies.size(), false);
      result.isExact &= place.isExact;
      continue;
    }
    for (const ResolvedAxis::Node &node : axis->nodes) {
      if (node.isLeaf()) {
        append(node.size, node.atom, false);
        continue;
      }
      append(2, SlotTable::kNoAtom, true);
      for (const ResolvedAxis::Node &inner : node.pieces.front()->nodes)
        append(inner.size, inner.atom, false);
    }
  }
  return result;
}

bool AxisGroupBuilder::isPair(const Slot &slot) {
  return engine.slotsOf(program.getArguments()[slot.argument]).slots[slot.index].isPair;
}

ResolvedAxis::Place AxisGroupBuilder::placeOf(const Slot &slot) {
  ValueId value = program.getArguments()[slot.argument];
  const AxisSlot &own = engine.slotsOf(value).slots[slot.index];
  return own.isPair ? pairPlaceIn(spaceOf(slot.argument), own.key, own.axis)
                    : placeIn(spaceOf(slot.argument), own.key);
}

void AxisGroupBuilder::findVariation() {
  for (auto &[root, slots] : classes) {
    std::optional<SmallVector<AtomId, 2>> common;
    for (const Slot &slot : slots) {
      ResolvedAxis::Place place = placeOf(slot);
      SmallVector<AtomId, 2> others;
      for (auto [axis, atom] : llvm::enumerate(place.atoms))
        if (!place.varies[axis] && atom != SlotTable::kNoAtom && place.sizes[axis] > 1 &&
            llvm::count(place.atoms, atom) == 1)
          others.push_back(atom);
      if (!common)
        common = std::move(others);
      else
        llvm::erase_if(*common, [&](AtomId atom) { return !llvm::is_contained(others, atom); });
    }
    if (!common->empty())
      variation[root] = std::move(*common);
  }
  if (variation.empty())
    return;
  for (unsigned step : mapping.getLossSlice().set_bits())
    engine.restrictVariation(step, variation);
}

static AxisMember memberAt(const ResolvedAxis::Place &place, unsigned argument, bool inverse,
                           ArrayRef<AtomId> blockAtoms) {
  AxisMember member;
  member.argument = argument;
  member.inverse = inverse;
  member.view.assign(place.view.begin(), place.view.end());
  member.offsets.assign(place.offsets.begin(), place.offsets.end());
  member.sizes.assign(place.sizes.begin(), place.sizes.end());
  member.axis = llvm::find(place.varies, true) - place.varies.begin();
  for (AtomId atom : blockAtoms)
    member.blockAxes.push_back(llvm::find(place.atoms, atom) - place.atoms.begin());
  return member;
}

/// The weight of an index in its axis: two indices of one axis may be of one atom.
static uint64_t weightIn(const ResolvedSpace &space, const AxisSlot &slot) {
  return (slot.key - slot.cell) / space.strides[slot.axis];
}

std::optional<AxisMember> AxisGroupBuilder::wholeMember(AxisClasses::Node root, const Slot &slot) {
  const ResolvedSpace &space = spaceOf(slot.argument);
  if (!space.hasPieces || isPair(slot))
    return std::nullopt;
  ValueId value = program.getArguments()[slot.argument];
  const SpaceSlots &slots = engine.slotsOf(value);
  const AxisSlot &own = slots.slots[slot.index];
  auto weightOf = [&](const AxisSlot &other) { return weightIn(space, other); };
  ResolvedAxis::Place place = wholePlaceIn(space, own.axis, weightOf(own));
  if (!place.isExact)
    return std::nullopt;
  for (AtomId atom : variation.lookup(root))
    if (!llvm::is_contained(place.atoms, atom))
      return std::nullopt;
  for (auto [other, state] : llvm::zip_equal(slots.slots, engine.statesOf(value))) {
    if (other.isPair || other.axis != own.axis || weightOf(other) != weightOf(own))
      continue;
    auto [otherRoot, inverse] = engine.getClasses().find(state.node);
    // What is not used may be moved along.
    bool isDead = !mapping.lookup(value, other.cell);
    if (!isDead && (otherRoot != root || inverse != slot.inverse))
      return std::nullopt;
  }
  return memberAt(place, slot.argument, slot.inverse, variation.lookup(root));
}

SmallVector<AxisMember, 0> AxisGroupBuilder::membersOf(AxisClasses::Node root, const Slots &slots) {
  SmallVector<AxisMember, 0> members;
  ArrayRef<AtomId> blockAtoms = variation[root];
  // By index of an argument: whether its pieces are one member.
  std::map<std::tuple<unsigned, uint32_t, uint64_t, bool>, bool> isWhole;
  for (const Slot &slot : slots) {
    const AxisSlot &own = engine.slotsOf(program.getArguments()[slot.argument]).slots[slot.index];
    auto [known, isNew] =
        isWhole.try_emplace({slot.argument, own.axis, weightIn(spaceOf(slot.argument), own),
                             slot.inverse},
                            false);
    if (known->second)
      continue;
    std::optional<AxisMember> whole = isNew ? wholeMember(root, slot) : std::nullopt;
    known->second = whole.has_value();
    members.push_back(whole ? std::move(*whole)
                            : memberAt(placeOf(slot), slot.argument, slot.inverse, blockAtoms));
  }
  return members;
}

/// Dimension of the group one block has, and of its diagonal matrices.
static std::pair<int64_t, int64_t> dimensionsOf(uint8_t demands, int64_t n) {
  bool fixesConstant = demands & AxisClasses::FixesConstant, fixesSum = demands & AxisClasses::FixesSum;
  if (demands & AxisClasses::Orthogonal)
    return {fixesConstant ? (n - 1) * (n - 2) / 2 : n * (n - 1) / 2, 0};
  if (fixesConstant && fixesSum)
    return {(n - 1) * (n - 1), 0};
  if (fixesConstant || fixesSum)
    return {n * (n - 1), 0};
  return {n * n, n};
}

SmallVector<AxisGroup, 0> AxisGroupBuilder::build() {
  findVariation();
  SmallVector<AxisGroup, 0> groups, permutations;
  for (auto &[root, slots] : classes) {
    AxisGroup group;
    group.size = engine.getClasses().sizeOf(root);
    // Larger matrices could not be counted.
    if (group.size < 2 || group.size > int64_t(1) << 30)
      continue;
    group.members = membersOf(root, slots);
    for (int64_t axis : group.members.front().blockAxes)
      group.blockShape.push_back(group.members.front().sizes[axis]);

    uint8_t demands = engine.getClasses().demandsOf(root);
    if (llvm::any_of(slots, [&](const Slot &slot) { return isPair(slot); })) {
      // Complex numbers, without what else may be demanded of them.
      if (demands != AxisClasses::Complex || group.numBlocks() > int64_t(1) << 60)
        continue;
      group.family = AxisFamily::ComplexLinear;
      bool flip = group.members.front().inverse;
      for (AxisMember &member : group.members)
        member.inverse ^= flip;
      group.dimension = 2 * group.numBlocks();
      group.dimensionInTorus = group.numBlocks();
      group.id = "G" + std::to_string(groups.size() + 1);
      groups.push_back(std::move(group));
      continue;
    }
    AxisGroup permutation = group;
    permutation.family = AxisFamily::Permutation;
    for (AxisMember &member : permutation.members)
      member.inverse = false;
    permutation.id = "P" + std::to_string(permutations.size() + 1);
    permutations.push_back(std::move(permutation));

    if (demands & AxisClasses::NoLinear)
      continue;
    bool isOrthogonal = demands & AxisClasses::Orthogonal;
    // Where only sums are read, parameters may be shifted: a translation, which is more.
    bool isOneSided = llvm::all_of(group.members, [&](const AxisMember &member) {
      return member.inverse == group.members.front().inverse;
    });
    if (isOneSided && !isOrthogonal)
      continue;
    group.family = isOrthogonal ? AxisFamily::Orthogonal : AxisFamily::GeneralLinear;
    // The first member is moved by M itself.
    bool flip = group.members.front().inverse;
    for (AxisMember &member : group.members)
      member.inverse = !isOrthogonal && (member.inverse ^ flip);
    group.fixesConstant = demands & (flip ? AxisClasses::FixesSum : AxisClasses::FixesConstant);
    group.fixesSum = demands & (flip ? AxisClasses::FixesConstant : AxisClasses::FixesSum);
    auto [dimension, inTorus] = dimensionsOf(demands, group.size);
    // Beyond this they could not be added up; no parameters of a real step are so large.
    bool overflow = false;
    group.dimension = llvm::SaturatingMultiply<uint64_t>(dimension, group.numBlocks(), &overflow);
    group.dimensionInTorus = inTorus * group.numBlocks();
    if (overflow || group.dimension < 0)
      continue;
    if (group.dimension == 0)
      continue;
    group.id = "G" + std::to_string(groups.size() + 1);
    groups.push_back(std::move(group));
  }
  groups.append(std::make_move_iterator(permutations.begin()),
                std::make_move_iterator(permutations.end()));
  return groups;
}
