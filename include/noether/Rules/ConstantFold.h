// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Constants that matter to rules: splats (every element equal) as numbers, and elementwise
// operations on them. Numbers are doubles rounded to the type they came from.

#ifndef NOETHER_RULES_CONSTANTFOLD_H
#define NOETHER_RULES_CONSTANTFOLD_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"

#include <optional>

namespace noether {

/// The value of an attribute that holds one number or a splat. Booleans are 0 and 1.
std::optional<double> splatValue(mlir::Attribute attribute);

/// The value of a constant operation (`value` attribute, no operands) that is a number or a splat.
std::optional<double> splatConstant(mlir::Operation *op);

/// Whether every element is zero, infinite or NaN: such a tensor has any scale.
bool isAllZeroOrNonFinite(mlir::ElementsAttr elements);

/// The value of every element of the result of an elementwise (or shape-changing) operation whose
/// operands are splats of these values. Nothing if the operation is not one of those known.
std::optional<double> foldSplat(mlir::Operation *op, llvm::ArrayRef<double> operands);

/// The number a value holds in every element, traced through `foldSplat` operations to constants.
/// Block arguments are unknown.
std::optional<double> traceSplat(mlir::Value value);

/// `value` rounded to a float or integer type; nothing if the type cannot hold it.
std::optional<double> roundToType(double value, mlir::Type elementType);

} // namespace noether

#endif // NOETHER_RULES_CONSTANTFOLD_H
