// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The noether dialect: rules, roles and charges.

#ifndef NOETHER_DIALECT_NOETHER_IR_NOETHER_H
#define NOETHER_DIALECT_NOETHER_IR_NOETHER_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Attributes.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include "noether/Dialect/Noether/IR/NoetherDialect.h.inc"

namespace noether {

/// How an operand enters the results that an equation of the rule ties it to, while the operands
/// without a use stay as they are. The text form of a rule has one character for each.
enum class OperandUse : char {
  /// Nothing is known.
  Opaque = '_',
  /// Each result is the sum of its Plus operands minus its Minus operands (and of what the other
  /// operands contribute). Along factors of `sum` entries are added up; along frozen ones one entry
  /// is taken.
  Plus = '+',
  Minus = '-',
  /// The result is linear in this operand while all others stay, but for what Plus, Minus and Choice
  /// operands contribute. Along frozen factors entries are combined with weights that are not known.
  Factor = '*',
  /// Any increasing map of the numbers of all Ordered operands at once maps the tied results alike
  /// and leaves the others as they are: maxima, comparisons.
  Ordered = '?',
  /// A result is an entry of one of its Choice operands; the other operands decide which.
  Choice = '|',
};

} // namespace noether

#define GET_ATTRDEF_CLASSES
#include "noether/Dialect/Noether/IR/NoetherAttributes.h.inc"

#include "noether/Dialect/Noether/IR/NoetherInterfaces.h.inc"

#define GET_OP_CLASSES
#include "noether/Dialect/Noether/IR/NoetherOps.h.inc"

#endif // NOETHER_DIALECT_NOETHER_IR_NOETHER_H
