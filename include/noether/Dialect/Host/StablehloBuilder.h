// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Builds StableHLO operations by name, so that no StableHLO library is needed; where the dialect is
// registered they are its operations.

#ifndef NOETHER_DIALECT_HOST_STABLEHLOBUILDER_H
#define NOETHER_DIALECT_HOST_STABLEHLOBUILDER_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace noether {

/// Operands are ranked tensors of static shape. Operations that would change nothing are left out.
class StablehloBuilder {
public:
  StablehloBuilder(mlir::OpBuilder &builder, mlir::Location loc) : builder(builder), loc(loc) {}

  /// An operation with one result and the given attributes of its own.
  mlir::Value create(llvm::StringRef name, mlir::Type type, mlir::ValueRange operands,
                     llvm::ArrayRef<mlir::NamedAttribute> attributes = {});

  /// A tensor of one number.
  mlir::Value splat(mlir::RankedTensorType type, double value);
  /// An elementwise operation whose result has the type of its operands.
  mlir::Value unary(llvm::StringRef name, mlir::Value operand);
  mlir::Value binary(llvm::StringRef name, mlir::Value lhs, mlir::Value rhs);
  mlir::Value scale(mlir::Value operand, double factor);

  /// `direction` is EQ, NE, GE, ...
  mlir::Value compare(llvm::StringRef direction, mlir::Value lhs, mlir::Value rhs);
  mlir::Value select(mlir::Value predicate, mlir::Value onTrue, mlir::Value onFalse);

  mlir::Value convert(mlir::Value operand, mlir::Type elementType);
  mlir::Value reshape(mlir::Value operand, llvm::ArrayRef<int64_t> shape);
  mlir::Value slice(mlir::Value operand, llvm::ArrayRef<int64_t> offsets,
                    llvm::ArrayRef<int64_t> sizes);
  mlir::Value transpose(mlir::Value operand, llvm::ArrayRef<int64_t> permutation);
  /// `dimensions[i]` is the dimension of the result that dimension i of the operand becomes.
  mlir::Value broadcast(mlir::Value operand, llvm::ArrayRef<int64_t> shape,
                        llvm::ArrayRef<int64_t> dimensions);
  /// Sums over the given dimensions.
  mlir::Value reduceSum(mlir::Value operand, llvm::ArrayRef<int64_t> dimensions);

private:
  mlir::NamedAttribute integers(llvm::StringRef name, llvm::ArrayRef<int64_t> values);

  mlir::OpBuilder &builder;
  mlir::Location loc;
};

} // namespace noether

#endif // NOETHER_DIALECT_HOST_STABLEHLOBUILDER_H
