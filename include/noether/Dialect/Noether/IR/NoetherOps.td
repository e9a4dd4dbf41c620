// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef NOETHER_DIALECT_NOETHER_IR_NOETHEROPS_TD
#define NOETHER_DIALECT_NOETHER_IR_NOETHEROPS_TD

include "noether/Dialect/Noether/IR/NoetherAttributes.td"
include "noether/Dialect/Noether/IR/NoetherDialect.td"
include "noether/Dialect/Noether/IR/NoetherInterfaces.td"

#endif // NOETHER_DIALECT_NOETHER_IR_NOETHEROPS_TD
