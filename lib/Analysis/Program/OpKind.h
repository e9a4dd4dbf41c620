// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations sorted by how reverse-mode differentiation treats them.

#ifndef NOETHER_LIB_ANALYSIS_PROGRAM_OPKIND_H
#define NOETHER_LIB_ANALYSIS_PROGRAM_OPKIND_H

#include "mlir/IR/Operation.h"
#include "mlir/IR/OperationSupport.h"

#include "llvm/ADT/DenseMap.h"

namespace noether {

enum class OpKind : uint8_t {
  /// Same numbers in another order, type or place, up to sign: the transpose is of this kind again.
  Layout,
  Add,
  Subtract,
  Multiply,
  Divide,
  Select,
  /// Elementwise, of one value that matters: the transpose is a product, a quotient or a select.
  Pointwise,
  /// One value becomes many; the transpose sums.
  Broadcast,
  /// Many values are summed into one; the transpose broadcasts.
  Sum,
  /// Products and convolutions; the transpose is one again.
  Contraction,
  /// A part is taken out; the transpose puts a part in.
  Pick,
  /// A part is put in; the transpose takes a part out.
  Place,
  /// Has no derivative.
  Discrete,
  /// A call, a loop, a branch, an operation not known.
  Other,
};

/// Knows the kinds of operations of StableHLO (and CHLO, MHLO, Shardy) and of the upstream dialects.
class OpKinds {
public:
  OpKind get(mlir::Operation *op);

private:
  llvm::DenseMap<mlir::OperationName, OpKind> byName;
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_PROGRAM_OPKIND_H
