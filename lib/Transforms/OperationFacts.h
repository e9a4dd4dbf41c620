// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is known of the operations and values of one function before gauges are: rules, and numbers
// that values hold in every element.

#ifndef NOETHER_LIB_TRANSFORMS_OPERATIONFACTS_H
#define NOETHER_LIB_TRANSFORMS_OPERATIONFACTS_H

#include "noether/Rules/RuleTable.h"
#include "noether/Transforms/GaugeRule.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

#include <memory>

namespace noether {

class OperationFacts {
public:
  /// Constants up to `keepUpTo` stay what they are next to values of any gauge.
  OperationFacts(mlir::MLIRContext *context, double keepUpTo)
      : table(context), keepUpTo(keepUpTo) {}

  /// To be called on the operations of a block in order.
  void visit(mlir::Operation &op);

  /// Null: the operation must see its operands, and what its regions use, in their original gauge.
  const CompiledRule *ruleOf(mlir::Operation &op);
  /// The number in every element of a value.
  std::optional<double> splatOf(mlir::Value value) const;
  /// One number in every element of a value, known or not: null if it is not seen to be that.
  mlir::Value scalarOf(mlir::Value value) const;
  /// How an operand takes part, but for its gauge.
  GaugeOperand describe(mlir::OpOperand &operand) const;

private:
  bool hasEveryGauge(mlir::OpOperand &operand) const;

  RuleTable table;
  double keepUpTo;
  llvm::DenseMap<mlir::Attribute, std::unique_ptr<CompiledRule>> compiled;
  llvm::DenseMap<mlir::Value, double> splats;
  /// Constants of zeros and infinities in some order.
  llvm::DenseSet<mlir::Value> scaleless;
};

/// Values defined outside of an operation that its regions use.
void forEachCapture(mlir::Operation &op, llvm::function_ref<void(mlir::OpOperand &)> visit);

/// The shapes of operands and results; scalars and whatever is no ranked tensor have rank 0.
llvm::SmallVector<llvm::ArrayRef<int64_t>, 4> shapesOf(mlir::Operation &op);

} // namespace noether

#endif // NOETHER_LIB_TRANSFORMS_OPERATIONFACTS_H
