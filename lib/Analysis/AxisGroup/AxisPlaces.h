// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the slots of a tensor lie, as axes of a view of it.

#ifndef NOETHER_LIB_ANALYSIS_AXISGROUP_AXISPLACES_H
#define NOETHER_LIB_ANALYSIS_AXISGROUP_AXISPLACES_H

#include "AxisSlots.h"

#include "noether/Analysis/AxisGroup/AxisPlace.h"

namespace noether {

/// The weight of an index in its axis: two indices of one axis may be of one atom.
uint64_t weightIn(const ResolvedSpace &space, const AxisSlot &slot);

/// The view of a space in one choice of pieces, in which the slot is an axis. Not exact if there is no
/// such view.
ResolvedAxis::Place axisPlaceOf(const ResolvedSpace &space, const AxisSlot &slot);
/// The same with pieces side by side taken as one axis.
ResolvedAxis::Place wholePlaceOf(const ResolvedSpace &space, const AxisSlot &slot);

/// The axis that varies, and those of the atoms that blocks are numbered by, all of which the place has.
AxisPlace toAxisPlace(const ResolvedAxis::Place &place, bool inverse,
                      llvm::ArrayRef<AtomId> blockAtoms);

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_AXISGROUP_AXISPLACES_H
