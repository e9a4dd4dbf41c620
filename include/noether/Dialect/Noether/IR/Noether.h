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

#define GET_ATTRDEF_CLASSES
#include "noether/Dialect/Noether/IR/NoetherAttributes.h.inc"

#include "noether/Dialect/Noether/IR/NoetherInterfaces.h.inc"

#define GET_OP_CLASSES
#include "noether/Dialect/Noether/IR/NoetherOps.h.inc"

#endif // NOETHER_DIALECT_NOETHER_IR_NOETHER_H
