// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Moves along symmetries of the loss: parameters are multiplied by powers of one positive factor for
// each index of a block, and states go along.

#ifndef NOETHER_LIB_TRANSFORMS_SYMMETRYMOVES_H
#define NOETHER_LIB_TRANSFORMS_SYMMETRYMOVES_H

#include "OperationFacts.h"

#include "noether/Analysis/StepAnalysis.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

#include "llvm/ADT/MapVector.h"

namespace noether {

double toDouble(const Fraction &fraction);

/// A symmetry that can be moved along.
struct SymmetryMove {
  struct Member {
    unsigned argument;
    Fraction exponent;
    llvm::SmallVector<int64_t, 4> view;
    llvm::SmallVector<int64_t, 2> axes;
    Slots slots;
  };
  std::string symmetry; // id
  llvm::SmallVector<Member, 2> members;
  /// Of the factors: the block's shape, and the members' widest element type, f32 at least.
  mlir::RankedTensorType type;
};

class SymmetryMoves {
public:
  /// Takes the symmetries of a family that is asked for (those named, or all), and says in remarks of
  /// a category which ("Moved") and why others are left ("NotMoved"). Fails with a diagnostic if a
  /// name is unknown.
  static mlir::FailureOr<SymmetryMoves> find(const StepAnalysis &analysis,
                                             llvm::ArrayRef<std::string> names,
                                             llvm::StringRef category);

  llvm::ArrayRef<SymmetryMove> get() const { return moves; }
  bool empty() const { return moves.empty(); }
  /// The most moves that one parameter takes part in.
  unsigned getOverlap() const;

  /// For each move, the sum over some members of weight times the squares of `values` (by argument):
  /// `weigh` gives the weights.
  mlir::Value createSum(mlir::OpBuilder &builder, mlir::Location loc, const SymmetryMove &move,
                        llvm::function_ref<mlir::Value(unsigned)> values,
                        llvm::function_ref<double(const Fraction &)> weigh) const;

  /// What becomes of parameters and states, by argument, under factors, one tensor per move.
  void apply(mlir::OpBuilder &builder, mlir::Location loc, llvm::ArrayRef<mlir::Value> factors,
             llvm::MutableArrayRef<mlir::Value> values) const;

  /// Arguments that are moved, with how.
  const llvm::MapVector<unsigned, Gauge> &getGauges() const { return gauges; }

private:
  llvm::SmallVector<SymmetryMove, 0> moves;
  llvm::MapVector<unsigned, Gauge> gauges;
};

} // namespace noether

#endif // NOETHER_LIB_TRANSFORMS_SYMMETRYMOVES_H
