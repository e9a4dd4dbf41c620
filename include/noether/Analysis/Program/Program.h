// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A training step as one list of rule applications: callees expanded per call site, region
// operations turned into equalities, constants folded, values numbered.

#ifndef NOETHER_ANALYSIS_PROGRAM_PROGRAM_H
#define NOETHER_ANALYSIS_PROGRAM_PROGRAM_H

#include "noether/Analysis/Program/CompiledRule.h"
#include "noether/Rules/RuleTable.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinTypes.h"

#include "llvm/ADT/MapVector.h"

#include <memory>

namespace noether {

using ValueId = uint32_t;

class Program {
public:
  /// What a value is before any analysis.
  struct Value {
    mlir::RankedTensorType type; // null: a scalar or something without an index space
    bool isFloat = false;
    /// Zero, infinite or NaN everywhere: consistent with any scale.
    bool isAnyScale = false;
    /// The number a constant consists of.
    std::optional<double> constant;
    llvm::ArrayRef<int64_t> shape() const {
      return type ? type.getShape() : llvm::ArrayRef<int64_t>();
    }
  };

  enum class StepKind : uint8_t {
    Rule,
    /// A loop-carried value: its operand is the initial value.
    Carry,
    /// Equates each loop-carried value with what the body yields for it: operands are `numTied`
    /// carried values, as many yielded ones, and the loop's condition.
    LoopTie,
  };
  struct Step {
    mlir::Operation *op;
    const CompiledRule *rule;
    uint32_t firstValue; // in `stepValues`: operands, then results
    uint32_t numOperands;
    uint32_t numResults;
    uint32_t numTied = 0;
    /// Which operation of its scope: operations are counted from 1 as they are followed, those of
    /// callees with their caller's, calls and terminators not.
    uint32_t position = 0;
    /// Which of the steps of one operation: the number of the carried value, of the branches' result,
    /// of the operand that is handed into a region (results that are handed out follow).
    uint16_t part = 0;
    StepKind kind;
  };

  /// An axis of an operand whose index is data: entry `p` of the step's other tensors is made with row
  /// `index(p)` of it. Picks of equal tags that are placed alike pick the same rows.
  struct Pick {
    /// The axis: a factor of the step's rule that is the whole dimension.
    CompiledRule::Factor row;
    uint32_t tag;
    /// Where the index lies: the factors of its dimensions, in row-major order.
    llvm::SmallVector<CompiledRule::Factor, 2> positions;
  };

  /// Expands `entry`. Emits a diagnostic and fails on malformed input (a rule that does not fit its
  /// operation, calls nested or repeated without bound). `expectedOperations` is a hint.
  static mlir::FailureOr<Program> build(mlir::func::FuncOp entry, size_t expectedOperations = 0);

  llvm::ArrayRef<Value> getValues() const { return values; }
  llvm::ArrayRef<Step> getSteps() const { return steps; }
  llvm::ArrayRef<ValueId> operands(const Step &step) const {
    return llvm::ArrayRef<ValueId>(stepValues).slice(step.firstValue, step.numOperands);
  }
  llvm::ArrayRef<ValueId> results(const Step &step) const {
    return llvm::ArrayRef<ValueId>(stepValues)
        .slice(step.firstValue + step.numOperands, step.numResults);
  }
  llvm::ArrayRef<Pick> picksOf(size_t step) const {
    auto it = picks.find(step);
    return it == picks.end() ? llvm::ArrayRef<Pick>() : it->second;
  }
  llvm::ArrayRef<ValueId> getArguments() const { return arguments; }
  llvm::ArrayRef<ValueId> getResults() const { return results_; }
  /// The number of a value of the entry's own body.
  std::optional<ValueId> lookup(mlir::Value value) const;
  /// Operations without a rule, one per name, in order of appearance.
  llvm::ArrayRef<mlir::Operation *> getUnknownOperations() const { return unknownOperations; }

  /// Where a step's operation stands in the expanded program, the same however the step is wrapped
  /// into functions: "12", or "40/1.3/7" for operation 7 of region 1 of operation 40 in iteration 3.
  std::string pathOf(size_t step) const;

  /// The steps that `roots` depend on, as one bit per step.
  llvm::BitVector sliceOf(llvm::ArrayRef<ValueId> roots) const;

private:
  friend class ProgramBuilder;
  /// A region that is followed once: operations are counted anew in it.
  struct Scope {
    uint32_t parent, position; // of the operation with the region
    uint32_t region, iteration;
  };
  std::vector<Value> values;
  std::vector<Step> steps;
  std::vector<ValueId> stepValues;
  llvm::SmallVector<ValueId> arguments, results_;
  llvm::DenseMap<size_t, llvm::SmallVector<Pick, 1>> picks; // by step
  llvm::DenseMap<mlir::Value, ValueId> entryValues;
  llvm::SmallVector<mlir::Operation *> unknownOperations;
  std::vector<Scope> scopes = {{0, 0, 0, 0}}; // the entry's body first
  /// From which step on which scope: few steps begin another one.
  std::vector<std::pair<uint32_t, uint32_t>> scopeStarts;
  // Owners of the rules the steps point to.
  llvm::DenseMap<mlir::Attribute, std::unique_ptr<CompiledRule>> compiled;
  std::vector<std::unique_ptr<CompiledRule>> synthesized;
};

} // namespace noether

#endif // NOETHER_ANALYSIS_PROGRAM_PROGRAM_H
