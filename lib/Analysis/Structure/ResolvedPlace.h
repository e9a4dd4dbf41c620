// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef NOETHER_LIB_ANALYSIS_STRUCTURE_RESOLVEDPLACE_H
#define NOETHER_LIB_ANALYSIS_STRUCTURE_RESOLVEDPLACE_H

#include "noether/Analysis/Structure/Structure.h"

namespace noether {

/// The position of a component of a tensor, over all its axes.
ResolvedAxis::Place placeOf(const ResolvedSpace &space, uint64_t key);

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_STRUCTURE_RESOLVEDPLACE_H
