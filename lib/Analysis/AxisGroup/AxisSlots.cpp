// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AxisSlots.h"

#include "llvm/ADT/STLExtras.h"

using namespace noether;

/// Tensors with more slots are not followed.
static constexpr size_t kMaxSlots = 4096;

std::optional<uint32_t> SpaceSlots::find(uint64_t key) const {
  auto it = llvm::partition_point(slots, [&](const AxisSlot &slot) { return slot.key < key; });
  if (it == slots.end() || it->key != key)
    return std::nullopt;
  return static_cast<uint32_t>(it - slots.begin());
}

std::optional<unsigned> SlotTable::pairNodeOf(const ResolvedAxis &axis) {
  std::optional<unsigned> pair;
  for (auto [n, node] : llvm::enumerate(axis.nodes)) {
    if (node.isLeaf())
      continue;
    if (pair || node.pieces.size() != 2 || node.pieces[0]->hasPieces ||
        !node.pieces[0]->hasSameStructure(*node.pieces[1]) ||
        node.pieces[0]->size != node.pieces[1]->size)
      return std::nullopt;
    pair = n;
  }
  return pair;
}

const std::vector<AxisLeaf> &SlotTable::leavesOf(const ResolvedAxis &axis) {
  std::unique_ptr<std::vector<AxisLeaf>> &result = leaves[&axis];
  if (result)
    return *result;
  result = std::make_unique<std::vector<AxisLeaf>>();
  for (uint64_t digit = 0; digit < axis.radix; ++digit) {
    if (axis.order(digit) != 1)
      continue;
    AtomId atom = kNoAtom;
    ResolvedAxis::Place place = axis.place(digit);
    for (auto [candidate, varies] : llvm::zip(place.atoms, place.varies))
      if (varies)
        atom = candidate;
    result->push_back({digit, axis.cellOf(digit), atom, axis.dimension(digit) + 1});
  }
  // The constant component of the first half is the digit 0.
  if (pairNodeOf(axis))
    result->push_back({0, 0, kNoAtom, 2, /*isPair=*/true});
  return *result;
}

const SpaceSlots &SlotTable::slotsOf(const ResolvedSpace &space) {
  std::unique_ptr<SpaceSlots> &result = spaces[&space];
  if (result)
    return *result;
  result = std::make_unique<SpaceSlots>();
  size_t numCells = 1;
  for (const ResolvedAxis *axis : space.axes) {
    numCells *= axis->constants.size();
    result->isOpaque |= numCells > kMaxSlots;
  }
  result->isOpaque |= space.isOpaque;
  if (result->isOpaque)
    return *result;
  // Halves along two axes could not be told apart.
  bool hasPair = llvm::count_if(space.axes, [](const ResolvedAxis *axis) {
                   return SlotTable::pairNodeOf(*axis).has_value();
                 }) == 1;
  for (uint64_t cell : space.cells())
    for (auto [a, axis] : llvm::enumerate(space.axes)) {
      uint64_t own = space.digit(cell, a);
      for (const AxisLeaf &leaf : leavesOf(*axis))
        if (leaf.cell == own && (!leaf.isPair || hasPair))
          result->slots.push_back({cell + space.strides[a] * (leaf.digit - own), cell,
                                   static_cast<uint32_t>(a), leaf.atom, leaf.size, leaf.isPair});
    }
  if (result->slots.size() > kMaxSlots) {
    result->isOpaque = true;
    result->slots.clear();
    return *result;
  }
  llvm::sort(result->slots, [](const AxisSlot &a, const AxisSlot &b) { return a.key < b.key; });
  return *result;
}
