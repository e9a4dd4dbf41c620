// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elementwise operations of the host dialects on numbers or vectors of them.

#ifndef NOETHER_LIB_KERNELS_KERNELARITHMETIC_H
#define NOETHER_LIB_KERNELS_KERNELARITHMETIC_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace noether {

/// The type that numbers of a tensor's element type are computed in: floats in f32 at least,
/// booleans in i1. Null for other types.
mlir::Type getComputeType(mlir::Type elementType);

/// Whether `emitElementwise` knows an operation on tensors.
bool isKnownElementwise(mlir::Operation &op);

/// What an elementwise operation on tensors does to one element, or to several at once: operands
/// are numbers, or vectors of one length, of the compute types of the operation's operands.
mlir::Value emitElementwise(mlir::Operation &op, mlir::ValueRange operands,
                            mlir::OpBuilder &builder);

/// A number as wide as `like`: a vector of its length if it is one.
mlir::Value spreadLike(mlir::Value number, mlir::Type like, mlir::OpBuilder &builder);

/// A number or vector in another float type.
mlir::Value castFloat(mlir::Value value, mlir::Type elementType, mlir::OpBuilder &builder);

} // namespace noether

#endif // NOETHER_LIB_KERNELS_KERNELARITHMETIC_H
