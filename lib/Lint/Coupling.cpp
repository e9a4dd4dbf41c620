// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What reaches a parameter from elsewhere: N109, N114.

#include "Linter.h"

using namespace mlir;
using namespace noether;

void Linter::checkCoupling() {
  llvm::MapVector<Operation *, SmallVector<unsigned>> coupled;
  for (const auto &[argument, motion] : analysis.motions)
    if (motion.coupledBy)
      coupled[motion.coupledBy].push_back(argument);
  for (auto &[op, arguments] : coupled)
    add("N109", Severity::Note, arguments.front(),
        "one number made of several parameters' gradients, or of the data, multiplies the updates of " +
            llvm::Twine(namesOf(arguments)) + ": the laws of each hold while it does not change",
        "clip each parameter on its own, if that is not meant", op);
}

void Linter::checkGradients() {
  for (const KineticBreak &mismatch : analysis.gradientMismatches)
    add("N114", Severity::Warning, std::nullopt, mismatch.why,
        "look for a stopped gradient, a rule of its own for the derivative, or a loss that is not the one that "
        "was differentiated",
        mismatch.op);
}
