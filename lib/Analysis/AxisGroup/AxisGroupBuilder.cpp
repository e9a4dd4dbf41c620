// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AxisGroupBuilder.h"

#include "../Proof/AxisDerivations.h"
#include "AxisPlaces.h"

#include "llvm/ADT/STLExtras.h"
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
  const Structure &structure = mapping.getStructure();
  return structure.resolve(structure.spaceOf(program.getArguments()[argument]));
}

bool AxisGroupBuilder::isPair(const Slot &slot) {
  return engine.slotsOf(program.getArguments()[slot.argument]).slots[slot.index].isPair;
}

ResolvedAxis::Place AxisGroupBuilder::placeOf(const Slot &slot) {
  ValueId value = program.getArguments()[slot.argument];
  const AxisSlot &own = engine.slotsOf(value).slots[slot.index];
  return axisPlaceOf(spaceOf(slot.argument), own);
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
  static_cast<AxisPlace &>(member) = toAxisPlace(place, inverse, blockAtoms);
  member.argument = argument;
  return member;
}

std::optional<AxisMember> AxisGroupBuilder::wholeMember(AxisClasses::Node root, const Slot &slot) {
  const ResolvedSpace &space = spaceOf(slot.argument);
  if (!space.hasPieces || isPair(slot))
    return std::nullopt;
  ValueId value = program.getArguments()[slot.argument];
  const SpaceSlots &slots = engine.slotsOf(value);
  const AxisSlot &own = slots.slots[slot.index];
  auto weightOf = [&](const AxisSlot &other) { return weightIn(space, other); };
  ResolvedAxis::Place place = wholePlaceOf(space, own);
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

SmallVector<AxisGroup, 0> AxisGroupBuilder::build(bool derivations) {
  findVariation();
  SmallVector<AxisGroup, 0> groups, permutations;
  SmallVector<AxisClaim, 0> groupClaims, permutationClaims;
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
      groupClaims.push_back({nullptr, root, flip, variation.lookup(root)});
      continue;
    }
    AxisGroup permutation = group;
    permutation.family = AxisFamily::Permutation;
    for (AxisMember &member : permutation.members)
      member.inverse = false;
    permutation.id = "P" + std::to_string(permutations.size() + 1);
    permutations.push_back(std::move(permutation));
    permutationClaims.push_back({nullptr, root, false, variation.lookup(root)});

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
    groupClaims.push_back({nullptr, root, flip, variation.lookup(root)});
  }
  groups.append(std::make_move_iterator(permutations.begin()),
                std::make_move_iterator(permutations.end()));
  if (derivations) {
    groupClaims.append(permutationClaims);
    for (auto [claim, group] : llvm::zip_equal(groupClaims, groups))
      claim.group = &group;
    addAxisDerivations(program, mapping, engine, groupClaims);
  }
  return groups;
}
