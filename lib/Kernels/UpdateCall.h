// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The operation that runs all kernels of one phase.

#ifndef NOETHER_LIB_KERNELS_UPDATECALL_H
#define NOETHER_LIB_KERNELS_UPDATECALL_H

#include "noether/Runtime/KernelTable.h"

#include "mlir/IR/Builders.h"

#include "llvm/ADT/SmallVector.h"

namespace noether {

/// A result that lies where an operand does.
struct ResultAlias {
  unsigned result, operand;
};

/// `stablehlo.custom_call @noether_update` in the form that XLA's foreign function interface takes.
mlir::Operation *createUpdateCall(mlir::OpBuilder &builder, mlir::Location loc,
                                  mlir::ValueRange operands, mlir::TypeRange results,
                                  llvm::ArrayRef<ResultAlias> aliases, const KernelTable &table);

/// Whether an operation is such a call.
bool isUpdateCall(mlir::Operation *op);

/// Adds an entry to what the call is configured with.
void configureUpdateCall(mlir::Operation *call, llvm::StringRef name, mlir::Attribute value);

} // namespace noether

#endif // NOETHER_LIB_KERNELS_UPDATECALL_H
