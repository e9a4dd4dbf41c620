// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The slots of a tensor: the indices a group element can act on, one for each leaf atom of its axes
// and choice of pieces. A slot is numbered by the key of the component that varies along it alone.

#ifndef NOETHER_LIB_ANALYSIS_AXISGROUP_AXISSLOTS_H
#define NOETHER_LIB_ANALYSIS_AXISGROUP_AXISSLOTS_H

#include "noether/Analysis/Structure/Structure.h"

namespace noether {

/// One index of an axis, in one choice of pieces.
struct AxisLeaf {
  uint64_t digit;
  uint64_t cell; // the constant digit of the same choice of pieces
  AtomId atom;
  int64_t size;
  /// The index of two pieces that are alike (halves); `digit` and `cell` are those of the first.
  bool isPair = false;
};

struct AxisSlot {
  uint64_t key;
  uint64_t cell;
  uint32_t axis;
  AtomId atom;
  int64_t size;
  bool isPair = false;
};

/// The slots of a space, by key.
struct SpaceSlots {
  std::vector<AxisSlot> slots;
  /// Too many to follow.
  bool isOpaque = false;

  std::optional<uint32_t> find(uint64_t key) const;
  size_t size() const { return slots.size(); }
};

/// Slots of axes and spaces, each computed once.
class SlotTable {
public:
  static constexpr AtomId kNoAtom = ~0u;

  /// The node of an axis that consists of two pieces that are alike, where all else is not cut.
  static std::optional<unsigned> pairNodeOf(const ResolvedAxis &axis);

  const std::vector<AxisLeaf> &leavesOf(const ResolvedAxis &axis);
  const SpaceSlots &slotsOf(const ResolvedSpace &space);

private:
  llvm::DenseMap<const ResolvedAxis *, std::unique_ptr<std::vector<AxisLeaf>>> leaves;
  llvm::DenseMap<const ResolvedSpace *, std::unique_ptr<SpaceSlots>> spaces;
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_AXISGROUP_AXISSLOTS_H
