// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ResolvedPlace.h"

#include "llvm/ADT/STLExtras.h"

using namespace noether;

ResolvedAxis::Place noether::placeOf(const ResolvedSpace &space, uint64_t key) {
  ResolvedAxis::Place result;
  for (unsigned axis = 0; axis < space.axes.size(); ++axis) {
    ResolvedAxis::Place place = space.axes[axis]->place(space.digit(key, axis));
    if (space.axes[axis]->nodes.empty()) {
      // An axis of one index has no atoms but is an axis of the tensor all the same.
      place.view = {1};
      place.offsets = {0};
      place.sizes = {1};
      place.atoms = {~0u};
      place.varies = {false};
    }
    llvm::append_range(result.view, place.view);
    llvm::append_range(result.offsets, place.offsets);
    llvm::append_range(result.sizes, place.sizes);
    llvm::append_range(result.atoms, place.atoms);
    llvm::append_range(result.varies, place.varies);
    result.isExact &= place.isExact;
  }
  return result;
}
