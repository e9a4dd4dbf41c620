// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the files of this folder put rules into the table.

#ifndef NOETHER_LIB_RULES_REGISTRY_H
#define NOETHER_LIB_RULES_REGISTRY_H

#include "noether/Rules/AttributeReader.h"
#include "noether/Rules/RuleBuilder.h"
#include "noether/Rules/RuleTable.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/Twine.h"

#include <string>

namespace noether::rules {

/// What a rule function says about one operation.
struct Answer {
  Answer(RuleAttr rule) : kind(RuleOutcome::Kind::Rule), rule(rule) {}
  Answer(const RuleBuilder &builder) : Answer(builder.build()) {}

  RuleOutcome::Kind kind;
  RuleAttr rule;
  std::string message;

  static Answer barrier(const llvm::Twine &why) { return Answer(RuleOutcome::Kind::Barrier, why); }
  static Answer malformed(const llvm::Twine &what) {
    return Answer(RuleOutcome::Kind::Malformed, what);
  }

private:
  Answer(RuleOutcome::Kind kind, const llvm::Twine &message) : kind(kind), message(message.str()) {}
};

/// Element types: those that have a scale, those that have none, and those no rule covers.
enum class ElementKind { Scaled, Unscaled, Other };
ElementKind elementKind(mlir::Type type);

/// One operation, seen by a rule function. Types have been checked: every operand and result is a
/// number or a ranked tensor of numbers.
class Context {
public:
  Context(mlir::Operation *op, RuleTable &table) : op(op), table(table), attributes(op) {}

  mlir::Operation *op;
  RuleTable &table;
  AttributeReader attributes;

  unsigned numOperands() const { return op->getNumOperands(); }
  unsigned numResults() const { return op->getNumResults(); }

  /// Shapes; empty for scalars.
  llvm::ArrayRef<int64_t> operandShape(unsigned index) const;
  llvm::ArrayRef<int64_t> resultShape(unsigned index) const;
  int64_t operandRank(unsigned index) const { return operandShape(index).size(); }
  int64_t resultRank(unsigned index) const { return resultShape(index).size(); }
  /// Whether the elements have a scale (floats and complex numbers).
  bool isOperandScaled(unsigned index) const;
  bool isResultScaled(unsigned index) const;

  RuleBuilder builder() const { return RuleBuilder(op->getContext(), numOperands(), numResults()); }
  /// Equates result with the given combination if the result has a scale, else sets it to 0.
  void define(RuleBuilder &rule, unsigned index, const LogScale &value) const;

  Answer wrongNumberOf(const char *what) const;
};

/// The answer with these uses of the operands that have a scale. Others are not moved by anything.
Answer withUses(Answer answer, const Context &context, llvm::ArrayRef<OperandUse> uses);

/// What a rule reads besides the operation's name and types; it becomes part of the cache's key.
enum Reads : unsigned {
  ReadsTypes = 0,
  ReadsAttributes = 1,
  ReadsRegions = 2,
  /// The values of constant operands.
  ReadsConstants = 4,
  /// No rule where a shape is not static.
  NeedsStaticShapes = 8,
  /// Which results anybody uses.
  ReadsUsers = 16,
};

using RuleFunction = Answer (*)(const Context &);

/// A rule function that also says how the operands are used.
template <RuleFunction function, OperandUse... uses>
Answer used(const Context &context) {
  return withUses(function(context), context, {uses...});
}

/// The same with one use for all operands.
template <RuleFunction function, OperandUse use>
Answer allUsed(const Context &context) {
  return withUses(function(context), context,
                  llvm::SmallVector<OperandUse, 4>(context.numOperands(), use));
}

struct Entry {
  RuleOutcome::Kind kind;
  RuleFunction function = nullptr;
  unsigned reads = ReadsTypes;
  /// The reason of a barrier, or a remark about the rule for the documentation.
  llvm::StringLiteral note = "";
};

class Registry {
public:
  void rule(llvm::StringRef name, RuleFunction function, unsigned reads = ReadsTypes,
            llvm::StringLiteral note = "");
  void barrier(llvm::StringRef name, llvm::StringLiteral why);
  void structural(llvm::StringRef name, llvm::StringLiteral note);

  const Entry *find(llvm::StringRef name) const;
  const llvm::StringMap<Entry> &getEntries() const { return entries; }

private:
  /// Adds the entry, and for a stablehlo operation the mhlo operation of the same name.
  void add(llvm::StringRef name, Entry entry);

  llvm::StringMap<Entry> entries;
};

/// Whether this is a structured operation of linalg; all have the rule of linalg.generic.
bool isStructuredOperation(mlir::Operation *op);

/// All rules. Built once.
const Registry &getRegistry();

// One function for each file of rules.
void addElementwiseRules(Registry &registry);
void addContractionRules(Registry &registry);
void addConvolutionRules(Registry &registry);
void addReductionRules(Registry &registry);
void addWindowRules(Registry &registry);
void addDataMovementRules(Registry &registry);
void addSliceRules(Registry &registry);
void addIndexingRules(Registry &registry);
void addCollectiveRules(Registry &registry);
void addMatrixRules(Registry &registry);
void addNormalizationRules(Registry &registry);
void addChloRules(Registry &registry);
void addArithRules(Registry &registry);
void addMathRules(Registry &registry);
void addTensorRules(Registry &registry);
void addLinalgRules(Registry &registry);
void addStructuralRules(Registry &registry);
void addOpaqueRules(Registry &registry);
void addCustomCallRules(Registry &registry);

} // namespace noether::rules

#endif // NOETHER_LIB_RULES_REGISTRY_H
