// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The steps of proofs, as far as all families have them in common: which operation, and its rule.

#ifndef NOETHER_LIB_ANALYSIS_PROOF_DERIVATIONSTEPS_H
#define NOETHER_LIB_ANALYSIS_PROOF_DERIVATIONSTEPS_H

#include "noether/Analysis/Proof/Derivation.h"
#include "noether/Analysis/Program/Program.h"

namespace noether {

/// The rules of a program's steps as text, each written once.
class RuleTexts {
public:
  explicit RuleTexts(const Program &program);

  /// "#noether.rule<...>".
  llvm::StringRef of(const Program::Step &step);
  /// Whether an operation is read otherwise than its rule in the table says.
  bool isReadOtherwise(const Program::Step &step);

private:
  llvm::DenseMap<const CompiledRule *, std::string> texts;
  RuleTable table;
};

/// Calls `add(step, claim, operands, results, part)` for each step of the loss, in order, and each claim that moves a
/// value the step reads or makes; for a loop once for each carried value, with what the body yields for it as the
/// second operand. `movers` gives the claims that move one of some values.
void forEachProofStep(
    const Program &program, const llvm::BitVector &slice,
    llvm::function_ref<llvm::SmallVector<unsigned>(llvm::ArrayRef<ValueId>)> movers,
    llvm::function_ref<void(size_t, unsigned, llvm::ArrayRef<ValueId>, llvm::ArrayRef<ValueId>,
                            std::optional<unsigned>)>
        add);

/// A step without its operands and results. `note` says what the operation does with the family's
/// element.
DerivationStep describeStep(const Program &program, RuleTexts &rules, size_t step,
                            std::string note = {});

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_PROOF_DERIVATIONSTEPS_H
