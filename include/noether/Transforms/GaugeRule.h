// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an operation's rule makes of gauges: those its operands must have, and those its results
// get.

#ifndef NOETHER_TRANSFORMS_GAUGERULE_H
#define NOETHER_TRANSFORMS_GAUGERULE_H

#include "noether/Analysis/Program/CompiledRule.h"
#include "noether/Transforms/Gauge.h"

#include "llvm/ADT/BitVector.h"

namespace noether {

/// How an operand takes part where gauges have to agree.
struct GaugeOperand {
  Gauge gauge;
  /// The value is 0 or infinite everywhere, or is not used: it has every gauge.
  bool hasEveryGauge = false;
  /// It stays what it is next to values of any gauge.
  bool isKept = false;
  /// What it costs to multiply it by powers of radii.
  uint64_t cost = 0;
};

struct GaugePlan {
  /// The gauges the operands must be brought to.
  llvm::SmallVector<Gauge, 3> operands;
  llvm::SmallVector<Gauge, 1> results;
  /// Results that have every gauge.
  llvm::BitVector isAny;
};

/// Chooses the gauges of an operation that `rule` fits. Operands are left as they are where the
/// rule's equations allow it; where they do not, the cheapest ones change. Whatever is chosen,
/// scaling the operands by their gauges scales the results by theirs.
GaugePlan planGauges(const CompiledRule &rule, llvm::ArrayRef<llvm::ArrayRef<int64_t>> shapes,
                     llvm::ArrayRef<GaugeOperand> operands);

/// All operands and results in their original gauge: right for every operation.
GaugePlan planBarrier(unsigned numOperands, unsigned numResults);

} // namespace noether

#endif // NOETHER_TRANSFORMS_GAUGERULE_H
