// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AxisPlaces.h"

#include "../Structure/ResolvedPlace.h"

#include "llvm/ADT/STLExtras.h"

using namespace noether;
using llvm::ArrayRef;

uint64_t noether::weightIn(const ResolvedSpace &space, const AxisSlot &slot) {
  return (slot.key - slot.cell) / space.strides[slot.axis];
}

ResolvedAxis::Place noether::wholePlaceOf(const ResolvedSpace &space, const AxisSlot &slot) {
  uint64_t weight = weightIn(space, slot);
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
      bool varies = a == slot.axis && node.isLeaf() && trailing == weight;
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

ResolvedAxis::Place noether::axisPlaceOf(const ResolvedSpace &space, const AxisSlot &slot) {
  if (slot.isPair)
    return pairPlaceIn(space, slot.key, slot.axis);
  ResolvedAxis::Place place = placeOf(space, slot.key);
  place.isExact &= llvm::is_contained(place.varies, true);
  return place;
}

AxisPlace noether::toAxisPlace(const ResolvedAxis::Place &place, bool inverse,
                               ArrayRef<AtomId> blockAtoms) {
  AxisPlace result;
  result.inverse = inverse;
  result.view.assign(place.view.begin(), place.view.end());
  result.offsets.assign(place.offsets.begin(), place.offsets.end());
  result.sizes.assign(place.sizes.begin(), place.sizes.end());
  result.axis = llvm::find(place.varies, true) - place.varies.begin();
  for (AtomId atom : blockAtoms)
    result.blockAxes.push_back(llvm::find(place.atoms, atom) - place.atoms.begin());
  return result;
}
