// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef NOETHER_LIB_REPORT_DERIVATIONJSON_H
#define NOETHER_LIB_REPORT_DERIVATIONJSON_H

#include "noether/Analysis/Proof/Derivation.h"

#include "llvm/Support/JSON.h"

namespace noether {

/// The key `derivation` of a symmetry: its proof, in a form that another program can check. Nothing where
/// there is none.
void printDerivation(llvm::ArrayRef<DerivationStep> derivation, llvm::json::OStream &json);

} // namespace noether

#endif // NOETHER_LIB_REPORT_DERIVATIONJSON_H
