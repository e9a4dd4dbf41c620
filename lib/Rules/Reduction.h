// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What reductions of all kinds share.

#ifndef NOETHER_LIB_RULES_REDUCTION_H
#define NOETHER_LIB_RULES_REDUCTION_H

#include "Payload.h"

namespace noether::rules {

/// Adds the equations that let the body of a reduction of the first `numReduced` operands return
/// the scale of its arguments; both its halves of arguments have these operands' scales. False if
/// the body is not made of scalar operations with rules.
bool addReductionEquations(RuleBuilder &rule, const Context &context, mlir::Region &body,
                           unsigned numReduced);

} // namespace noether::rules

#endif // NOETHER_LIB_RULES_REDUCTION_H
