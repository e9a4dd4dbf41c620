// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rules of operations.
//
// A rule is looked up in this order: the attribute `noether.rule` on the operation (so that a user
// can teach a custom call), NoetherRuleOpInterface, the table by operation name. An operation with
// none of these is *unknown*: all its operands and results have log-scale 0, and the caller warns
// once.
//
// Rules are cached by everything they read (name, attributes, types, the bodies of reductions,
// constant exponents), so that looking up the rules of a million operations costs about one hash
// lookup each.

#ifndef NOETHER_RULES_RULETABLE_H
#define NOETHER_RULES_RULETABLE_H

#include "noether/Dialect/Noether/IR/Noether.h"

#include "mlir/IR/Operation.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <memory>
#include <string>

namespace noether {

/// What is known about one operation.
struct RuleOutcome {
  enum class Kind {
    /// `rule` holds.
    Rule,
    /// The operation is known and has no better rule; `rule` is the barrier, `message` says why.
    Barrier,
    /// A function, a call, a loop, a terminator: mapped by structure, not by a rule.
    Structural,
    /// Nothing is known about operations of this name.
    Unknown,
    /// The operation contradicts itself; `message` says how.
    Malformed,
  };

  Kind kind = Kind::Unknown;
  /// Null unless the kind is Rule or Barrier.
  RuleAttr rule;
  /// Lives as long as the table.
  llvm::StringRef message;

  bool isMalformed() const { return kind == Kind::Malformed; }
  bool isUnknown() const { return kind == Kind::Unknown; }
  bool isStructural() const { return kind == Kind::Structural; }
};

class RuleTable {
public:
  explicit RuleTable(mlir::MLIRContext *context);
  ~RuleTable();

  RuleOutcome find(mlir::Operation *op);

  /// The rule or barrier; null for operations that are unknown, malformed or structural. To be
  /// treated as a barrier unless the caller maps the operation by its structure.
  RuleAttr lookup(mlir::Operation *op) { return find(op).rule; }

  /// Calls back for every operation name in the table, in alphabetical order. The kind is Rule,
  /// Barrier or Structural; `note` says what should be known about the rule, or why there is none.
  static void forEachEntry(
      llvm::function_ref<void(llvm::StringRef name, RuleOutcome::Kind kind, llvm::StringRef note)>
          callback);

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

/// Checks that a rule fits an operation: the numbers of operands and results, their ranks, and the
/// sizes of dimensions. Nothing if it does, else what is wrong.
std::optional<std::string> checkRule(RuleAttr rule, mlir::Operation *op);

/// Emits a diagnostic if the rule does not fit the operation.
llvm::LogicalResult verifyAgainst(RuleAttr rule, mlir::Operation *op);

} // namespace noether

#endif // NOETHER_RULES_RULETABLE_H
