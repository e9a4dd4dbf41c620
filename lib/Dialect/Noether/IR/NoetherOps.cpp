// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Dialect/Noether/IR/Noether.h"

using namespace mlir;
using namespace noether;

#include "noether/Dialect/Noether/IR/NoetherInterfaces.cpp.inc"

#define GET_OP_CLASSES
#include "noether/Dialect/Noether/IR/NoetherOps.cpp.inc"

void NoetherDialect::registerOperations() {
  addOperations<
#define GET_OP_LIST
#include "noether/Dialect/Noether/IR/NoetherOps.cpp.inc"
      >();
}
