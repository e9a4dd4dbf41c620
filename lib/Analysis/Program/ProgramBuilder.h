// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads an entry function into a Program. One source file per subject: values and rules
// (Program.cpp), calls, loops and branches (ProgramControlFlow.cpp), slices (ProgramSlices.cpp),
// axes taken to pieces (ProgramPieces.cpp), positions that are data (ProgramIndices.cpp), bodies of linalg operations (ProgramBodies.cpp).

#ifndef NOETHER_LIB_ANALYSIS_PROGRAM_PROGRAMBUILDER_H
#define NOETHER_LIB_ANALYSIS_PROGRAM_PROGRAMBUILDER_H

#include "noether/Analysis/Program/Program.h"

#include "mlir/IR/SymbolTable.h"

#include <map>

namespace noether {

class ProgramBuilder {
  friend class PieceBuilder;

public:
  ProgramBuilder(mlir::func::FuncOp entry)
      : entry(entry), context(entry.getContext()), table(context),
        symbols(entry->getParentOfType<mlir::ModuleOp>()) {}

  mlir::FailureOr<Program> build(size_t expectedOperations);

private:
  /// The numbers of the values of one function body; callees have one per call site.
  using Frame = llvm::DenseMap<mlir::Value, ValueId>;
  using Ids = llvm::SmallVector<ValueId, 4>;

  ValueId addValue(mlir::Type type);
  ValueId addConstant(mlir::Type type, double value);
  ValueId get(Frame &frame, mlir::Value value);
  Ids getAll(Frame &frame, mlir::ValueRange values);
  void addStep(mlir::Operation *op, Program::StepKind kind, const CompiledRule *rule,
               llvm::ArrayRef<ValueId> operands, llvm::ArrayRef<ValueId> results,
               unsigned part = 0);
  const CompiledRule *own(CompiledRule rule);
  const CompiledRule *equalRule(llvm::ArrayRef<ValueId> operands, llvm::ArrayRef<ValueId> results,
                                unsigned numIgnored = 0);

  llvm::LogicalResult visitBlock(mlir::Block &block, Frame &frame, unsigned depth);
  llvm::LogicalResult visit(mlir::Operation &op, Frame &frame, unsigned depth);
  /// Visits a region of one block with the given arguments; returns what its terminator yields.
  mlir::FailureOr<Ids> visitRegion(mlir::Region &region, llvm::ArrayRef<ValueId> arguments,
                                   Frame &frame, unsigned depth);

  /// The same for a region of an operation, whose operations are counted anew.
  mlir::FailureOr<Ids> visitRegion(mlir::Operation &op, unsigned region,
                                   llvm::ArrayRef<ValueId> arguments, Frame &frame, unsigned depth,
                                   unsigned iteration = 0);

  llvm::LogicalResult visitConstant(mlir::Operation &op, Frame &frame);
  llvm::LogicalResult visitCall(mlir::Operation &op, llvm::StringRef calleeName, Frame &frame,
                                unsigned depth);
  llvm::LogicalResult visitWhile(mlir::Operation &op, Frame &frame, unsigned depth);
  /// Follows a loop iteration by iteration while its condition is a known number; false if it is
  /// not, or if there are too many.
  mlir::FailureOr<bool> unroll(mlir::Operation &op, Frame &frame, unsigned depth);
  llvm::LogicalResult visitDynamicSlice(mlir::Operation &op, Frame &frame, unsigned numTensors);
  /// Follows what takes an axis to pieces as slices and concatenations: strides, reversals, padding,
  /// positions that are constants. False, and nothing done, where there would be many, or where the
  /// operation's rule says as much.
  bool expandPieces(mlir::Operation &op, llvm::ArrayRef<ValueId> operands, Frame &frame);
  llvm::LogicalResult visitBranches(mlir::Operation &op, Frame &frame, unsigned depth);
  llvm::LogicalResult visitManualComputation(mlir::Operation &op, Frame &frame, unsigned depth);
  llvm::LogicalResult visitByRule(mlir::Operation &op, Frame &frame);
  bool foldIfConstant(mlir::Operation &op, llvm::ArrayRef<ValueId> operands, Frame &frame);
  /// Follows the body of a linalg operation on tensors operation by operation; false, and nothing
  /// done, where its rule says as much.
  bool expandBody(mlir::Operation &op, Frame &frame);
  bool capturesValues(mlir::Operation &op);
  void visitBarrier(mlir::Operation &op, Frame &frame);

  /// Integers that are the same computation have the same number, whatever their shape: equal
  /// row-major lists of numbers.
  uint32_t numberOf(ValueId value);
  /// Numbers the result of a step on integers.
  void numberResult(mlir::Operation &op, llvm::ArrayRef<ValueId> operands, ValueId result);
  void numberConstant(mlir::Attribute value, ValueId result);
  uint32_t internNumber(llvm::ArrayRef<uint64_t> key);
  /// The elements of an integer constant; nothing if the value is none, or a large one.
  std::optional<llvm::SmallVector<int64_t>> knownIntegers(ValueId value);
  /// Says which axes of the last step are indexed by data.
  void addPicks(mlir::Operation &op);
  void addPick(CompiledRule::Factor row, int64_t size, uint32_t tag,
               llvm::ArrayRef<CompiledRule::Factor> positions = {});
  void addIndexedPicks(llvm::ArrayRef<int64_t> indexed, llvm::ArrayRef<int64_t> rowSizes,
                       const CompiledRule::Tensor &rows, ValueId indices, int64_t indexVector,
                       const CompiledRule::Tensor &positions);
  /// Forgets the values and steps from these on.
  void truncate(size_t numValues, size_t numSteps, size_t numStepValues);

  enum class Handling {
    Rule,
    Constant,
    Call,
    Composite,
    While,
    Branches,
    ManualComputation,
    Forward, // results are the operands
    DynamicSlice,
    DynamicUpdateSlice,
    Pieces,
    Select,
    Terminator,
  };
  Handling classify(mlir::OperationName name);

  mlir::func::FuncOp entry;
  mlir::MLIRContext *context;
  RuleTable table;
  mlir::SymbolTable symbols;
  Program program;
  llvm::DenseMap<mlir::OperationName, Handling> handling;
  llvm::DenseSet<mlir::OperationName> unknownNames;
  size_t numVisited = 0;
  std::vector<uint32_t> numbers; // by value; 0 where not asked for yet
  uint32_t lastNumber = 0;
  std::map<llvm::SmallVector<uint64_t, 6>, uint32_t> numbersByKey;
  llvm::DenseMap<uint32_t, mlir::DenseIntElementsAttr> elementsOf; // of constants, by number
  /// Of the number of a list of vectors that was put together from its coordinates: their numbers.
  llvm::DenseMap<uint32_t, llvm::SmallVector<uint32_t, 2>> partsOf;
  /// Of the operation that is being followed.
  uint32_t scope = 0, position = 0;
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_PROGRAM_PROGRAMBUILDER_H
