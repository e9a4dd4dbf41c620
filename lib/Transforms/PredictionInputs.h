// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the recurrence of a charge needs to know of each step, measured beside the charge.

#ifndef NOETHER_LIB_TRANSFORMS_PREDICTIONINPUTS_H
#define NOETHER_LIB_TRANSFORMS_PREDICTIONINPUTS_H

#include "noether/Analysis/Motion/Prediction.h"
#include "noether/Dialect/Noether/IR/Noether.h"

#include "mlir/IR/Builders.h"

namespace noether {

/// Measures at the end of a step in StableHLO; `analysis` has the motions with their values.
class PredictionInputs {
public:
  struct Output {
    mlir::Value value;
    std::string name;
  };

  PredictionInputs(const StepAnalysis &analysis) : analysis(analysis) {}

  /// What the recurrence of the charge of `symmetry` needs, with names to follow the symmetry's id; nothing if
  /// there is none. The label says how far it is to be trusted.
  std::optional<PredictionLabel> add(const Symmetry &symmetry,
                                     llvm::ArrayRef<MemberAttr> members, mlir::RankedTensorType type,
                                     llvm::SmallVectorImpl<Output> &outputs);

private:
  bool findMotion(const Symmetry &symmetry);
  bool addLinear(const Symmetry &symmetry, llvm::ArrayRef<MemberAttr> members,
                 mlir::RankedTensorType type, llvm::SmallVectorImpl<Output> &outputs);
  bool addNormalized(const Symmetry &symmetry, llvm::ArrayRef<MemberAttr> members,
                     mlir::RankedTensorType type, llvm::SmallVectorImpl<Output> &outputs);
  /// Sums over the members of products of two tensors of each: an operation that has the sums of squares of
  /// `left` first, then those of products with `right`.
  ChargeOp sum(const Symmetry &symmetry, llvm::ArrayRef<MemberAttr> members,
               mlir::RankedTensorType type, mlir::ValueRange left, mlir::ValueRange right);
  /// Of a number that the step computes: a tensor of rank 0.
  mlir::Value emit(const MotionNumber &number, mlir::Type elementType);
  llvm::SmallVector<mlir::Value> weights(const Symmetry &symmetry) const;
  mlir::Value next(unsigned argument) const;

  const StepAnalysis &analysis;
  /// Those of the members, in order.
  llvm::SmallVector<const ParameterMotion *> motions;
  std::optional<mlir::OpBuilder> builder;
};

} // namespace noether

#endif // NOETHER_LIB_TRANSFORMS_PREDICTIONINPUTS_H
