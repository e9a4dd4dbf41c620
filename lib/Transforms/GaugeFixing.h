// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Makes a block compute with values in gauges other than their own.

#ifndef NOETHER_LIB_TRANSFORMS_GAUGEFIXING_H
#define NOETHER_LIB_TRANSFORMS_GAUGEFIXING_H

#include "BlockPowers.h"
#include "OperationFacts.h"

namespace noether {

/// Given values of a block that have been replaced by others in some gauge, gives every operation's
/// results the gauge that its rule says, in place: no operation changes but in its operands, which
/// are multiplied by powers of radii where gauges do not fit. Every such product is an identity, so
/// that the block computes what it did.
class GaugeFixing {
public:
  GaugeFixing(OperationFacts &facts, BlockPowers &radii) : facts(facts), radii(radii) {}

  /// Says that a value has been replaced by one in a gauge.
  void setGauge(mlir::Value value, const Gauge &gauge);
  void visit(mlir::Operation &op);
  /// The same value in another gauge; made in front of `op` if it is new.
  mlir::Value bring(mlir::Value value, const Gauge &gauge, mlir::Operation &op);

  unsigned getNumCorrections() const { return numCorrections; }

private:
  const Gauge &gaugeOf(mlir::Value value) const;
  bool usesOtherGauges(mlir::Operation &op) const;
  void visitBarrier(mlir::Operation &op);

  OperationFacts &facts;
  BlockPowers &radii;
  llvm::DenseMap<mlir::Value, Gauge> gauges; // but the trivial ones
  llvm::DenseSet<mlir::Value> anyGauge;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<std::pair<Gauge, mlir::Value>, 1>> brought;
  unsigned numCorrections = 0;
};

} // namespace noether

#endif // NOETHER_LIB_TRANSFORMS_GAUGEFIXING_H
