// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef NOETHER_ANALYSIS_AXISGROUP_AXISPLACE_H
#define NOETHER_ANALYSIS_AXISGROUP_AXISPLACE_H

#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace noether {

/// An axis of a tensor, or of a part of it, that a matrix M acts on.
struct AxisPlace {
  /// Acted on by the inverse transpose of M.
  bool inverse = false;
  /// The shape the axes refer to: the tensor's, or the shape after splitting axes row-major.
  llvm::SmallVector<int64_t, 4> view;
  int64_t axis = 0;
  /// Axes of the view along which the matrix varies, in the order shared by all places.
  llvm::SmallVector<int64_t, 2> blockAxes;
  /// The part of the view that moves.
  llvm::SmallVector<int64_t, 4> offsets, sizes;
};

} // namespace noether

#endif // NOETHER_ANALYSIS_AXISGROUP_AXISPLACE_H
