// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The gauges that suit the states of a step: a momentum is held in the gauge of the gradients that
// are added to it, a running mean in that of the means.

#ifndef NOETHER_LIB_TRANSFORMS_STATEGAUGES_H
#define NOETHER_LIB_TRANSFORMS_STATEGAUGES_H

#include "OperationFacts.h"

#include "noether/Analysis/Step/Roles.h"

#include "llvm/ADT/MapVector.h"

namespace noether {

/// By entry argument; states that are missing stay as they are. Every choice makes a correct step;
/// this one makes the fewest corrections: a state gets the gauge of what it first meets in a sum.
/// `parameters` are the gauges of the other arguments.
llvm::MapVector<unsigned, Gauge> findStateGauges(const StepRoles &roles,
                                                 const llvm::MapVector<unsigned, Gauge> &parameters,
                                                 OperationFacts &facts);

} // namespace noether

#endif // NOETHER_LIB_TRANSFORMS_STATEGAUGES_H
