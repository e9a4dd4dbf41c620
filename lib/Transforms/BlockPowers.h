// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Powers of one positive number per index of each block, and products of tensors with them.

#ifndef NOETHER_LIB_TRANSFORMS_BLOCKPOWERS_H
#define NOETHER_LIB_TRANSFORMS_BLOCKPOWERS_H

#include "noether/Transforms/Gauge.h"

#include "mlir/IR/Builders.h"

namespace noether {

class BlockPowers {
public:
  /// `bases`: one tensor per block, of the block's shape and of f32 or a wider type. Powers are
  /// computed in front of `before`, each once.
  BlockPowers(llvm::ArrayRef<mlir::Value> bases, mlir::Operation *before)
      : bases(bases), before(before), powers(bases.size()) {}

  /// `value` times the product of the bases' powers that `gauge` names, in the type of `value`.
  /// `divides`: by what has a negative exponent, instead of multiplying with its rounded inverse.
  mlir::Value multiply(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value,
                       const Gauge &gauge, bool divides = false);
  /// The same for a value that is `scalar` in all its elements: the product is made block by block
  /// and then broadcast.
  mlir::Value multiplyScalar(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value scalar,
                             mlir::RankedTensorType type, const GaugeTerm &term);

private:
  mlir::Value getPower(unsigned block, const Fraction &exponent);

  llvm::SmallVector<mlir::Value> bases;
  mlir::Operation *before;
  llvm::SmallVector<llvm::SmallVector<std::pair<Fraction, mlir::Value>, 4>> powers;
};

} // namespace noether

#endif // NOETHER_LIB_TRANSFORMS_BLOCKPOWERS_H
