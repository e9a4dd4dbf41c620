// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Program.h"

#include "noether/Rules/ConstantFold.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/SymbolTable.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace noether;

/// Calls nested deeper than this are refused.
static constexpr unsigned kMaxCallDepth = 256;
/// Steps that expand to more operations than this are refused: callees that call each other often
/// expand without bound.
static constexpr size_t kMaxOperations = 1 << 24;

/// Loops of more iterations, or with more operations in all of them, are not followed one by one.
static constexpr unsigned kMaxIterations = 256;
static constexpr size_t kMaxUnrolled = 1 << 18;

namespace noether {

class ProgramBuilder {
public:
  ProgramBuilder(func::FuncOp entry)
      : entry(entry), context(entry.getContext()), table(context),
        symbols(entry->getParentOfType<ModuleOp>()) {}

  FailureOr<Program> build();

private:
  /// The numbers of the values of one function body; callees have one per call site.
  using Frame = DenseMap<mlir::Value, ValueId>;
  using Ids = SmallVector<ValueId, 4>;

  ValueId addValue(Type type);
  ValueId addConstant(Type type, double value);
  ValueId get(Frame &frame, mlir::Value value);
  Ids getAll(Frame &frame, ValueRange values);
  void addStep(Operation *op, Program::StepKind kind, const CompiledRule *rule,
               ArrayRef<ValueId> operands, ArrayRef<ValueId> results);
  const CompiledRule *own(CompiledRule rule);
  const CompiledRule *equalRule(ArrayRef<ValueId> operands, ArrayRef<ValueId> results,
                                unsigned numIgnored = 0);

  LogicalResult visitBlock(Block &block, Frame &frame, unsigned depth);
  LogicalResult visit(Operation &op, Frame &frame, unsigned depth);
  /// Visits a region of one block with the given arguments; returns what its terminator yields.
  FailureOr<Ids> visitRegion(Region &region, ArrayRef<ValueId> arguments, Frame &frame,
                             unsigned depth);

  LogicalResult visitConstant(Operation &op, Frame &frame);
  LogicalResult visitCall(Operation &op, StringRef calleeName, Frame &frame, unsigned depth);
  LogicalResult visitWhile(Operation &op, Frame &frame, unsigned depth);
  /// Follows a loop iteration by iteration while its condition is a known number; false if it is not,
  /// or if there are too many.
  FailureOr<bool> unroll(Operation &op, Frame &frame, unsigned depth);
  LogicalResult visitDynamicSlice(Operation &op, Frame &frame, unsigned numTensors);
  LogicalResult visitBranches(Operation &op, Frame &frame, unsigned depth);
  LogicalResult visitManualComputation(Operation &op, Frame &frame, unsigned depth);
  LogicalResult visitByRule(Operation &op, Frame &frame);
  bool foldIfConstant(Operation &op, ArrayRef<ValueId> operands, Frame &frame);
  /// Follows the body of a linalg operation on tensors operation by operation; false, and nothing
  /// done, where its rule says as much.
  bool expandBody(Operation &op, Frame &frame);
  bool capturesValues(Operation &op);
  void visitBarrier(Operation &op, Frame &frame);

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
    Select,
    Terminator,
  };
  Handling classify(OperationName name);

  func::FuncOp entry;
  MLIRContext *context;
  RuleTable table;
  SymbolTable symbols;
  Program program;
  DenseMap<OperationName, Handling> handling;
  DenseSet<OperationName> unknownNames;
  size_t numVisited = 0;
};

} // namespace noether

//===----------------------------------------------------------------------===//
// Values and steps
//===----------------------------------------------------------------------===//

ValueId ProgramBuilder::addValue(Type type) {
  Program::Value value;
  value.type = dyn_cast<RankedTensorType>(type);
  Type element = value.type ? value.type.getElementType() : type;
  value.isFloat = isa<FloatType, ComplexType>(element);
  program.values.push_back(value);
  return program.values.size() - 1;
}

ValueId ProgramBuilder::addConstant(Type type, double number) {
  ValueId id = addValue(type);
  program.values[id].constant = number;
  program.values[id].isAnyScale =
      program.values[id].isFloat && (number == 0 || !std::isfinite(number));
  return id;
}

ValueId ProgramBuilder::get(Frame &frame, mlir::Value value) {
  auto [it, inserted] = frame.try_emplace(value, 0);
  // Only malformed input uses a value before it has been visited: it is then a value nothing is
  // known of, which no rule relates to anything.
  if (inserted)
    it->second = addValue(value.getType());
  return it->second;
}

ProgramBuilder::Ids ProgramBuilder::getAll(Frame &frame, ValueRange values) {
  Ids ids;
  for (mlir::Value value : values)
    ids.push_back(get(frame, value));
  return ids;
}

void ProgramBuilder::addStep(Operation *op, Program::StepKind kind, const CompiledRule *rule,
                             ArrayRef<ValueId> operands, ArrayRef<ValueId> results) {
  Program::Step step;
  step.op = op;
  step.rule = rule;
  step.firstValue = program.stepValues.size();
  step.numOperands = operands.size();
  step.numResults = results.size();
  step.kind = kind;
  llvm::append_range(program.stepValues, operands);
  llvm::append_range(program.stepValues, results);
  program.steps.push_back(step);
}

const CompiledRule *ProgramBuilder::own(CompiledRule rule) {
  program.synthesized.push_back(std::make_unique<CompiledRule>(std::move(rule)));
  return program.synthesized.back().get();
}

const CompiledRule *ProgramBuilder::equalRule(ArrayRef<ValueId> operands,
                                              ArrayRef<ValueId> results, unsigned numIgnored) {
  SmallVector<ArrayRef<int64_t>> operandShapes, resultShapes;
  for (ValueId id : operands)
    operandShapes.push_back(program.values[id].shape());
  for (ValueId id : results)
    resultShapes.push_back(program.values[id].shape());
  return own(CompiledRule::getEqual(operandShapes, resultShapes, numIgnored));
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

ProgramBuilder::Handling ProgramBuilder::classify(OperationName name) {
  auto it = handling.find(name);
  if (it != handling.end())
    return it->second;
  Handling result = llvm::StringSwitch<Handling>(name.getStringRef())
                        .Cases({"stablehlo.constant", "mhlo.constant", "arith.constant"},
                               Handling::Constant)
                        .Case("func.call", Handling::Call)
                        .Case("stablehlo.composite", Handling::Composite)
                        .Case("stablehlo.while", Handling::While)
                        .Cases({"stablehlo.case", "stablehlo.if", "scf.if"}, Handling::Branches)
                        .Case("sdy.manual_computation", Handling::ManualComputation)
                        .Case("stablehlo.optimization_barrier", Handling::Forward)
                        .Case("stablehlo.dynamic_slice", Handling::DynamicSlice)
                        .Case("stablehlo.dynamic_update_slice", Handling::DynamicUpdateSlice)
                        .Cases({"stablehlo.select", "mhlo.select", "arith.select"},
                               Handling::Select)
                        .Cases({"func.return", "stablehlo.return", "sdy.return", "scf.yield"},
                               Handling::Terminator)
                        .Default(Handling::Rule);
  handling[name] = result;
  return result;
}

LogicalResult ProgramBuilder::visit(Operation &op, Frame &frame, unsigned depth) {
  if (++numVisited > kMaxOperations)
    return op.emitError("callees are called so often that the step cannot be expanded");
  switch (classify(op.getName())) {
  case Handling::Constant:
    return visitConstant(op, frame);
  case Handling::Call: {
    auto callee = op.getAttrOfType<FlatSymbolRefAttr>("callee");
    if (!callee)
      return op.emitError("call without a callee");
    return visitCall(op, callee.getValue(), frame, depth);
  }
  case Handling::Composite: {
    auto callee = op.getAttrOfType<FlatSymbolRefAttr>("decomposition");
    if (!callee)
      return visitByRule(op, frame);
    return visitCall(op, callee.getValue(), frame, depth);
  }
  case Handling::While:
    return visitWhile(op, frame, depth);
  case Handling::Branches:
    return visitBranches(op, frame, depth);
  case Handling::ManualComputation:
    return visitManualComputation(op, frame, depth);
  case Handling::Forward:
    if (op.getOperandTypes() != op.getResultTypes())
      return op.emitError("has results of other types than its operands");
    for (auto [operand, result] : llvm::zip(op.getOperands(), op.getResults()))
      frame[result] = get(frame, operand);
    return success();
  case Handling::DynamicSlice:
    return visitDynamicSlice(op, frame, /*numTensors=*/1);
  case Handling::DynamicUpdateSlice:
    return visitDynamicSlice(op, frame, /*numTensors=*/2);
  case Handling::Select:
    if (op.getNumOperands() == 3 && op.getNumResults() == 1)
      if (auto predicate = program.values[get(frame, op.getOperand(0))].constant) {
        frame[op.getResult(0)] = get(frame, op.getOperand(*predicate != 0 ? 1 : 2));
        return success();
      }
    return visitByRule(op, frame);
  case Handling::Terminator:
    return success();
  case Handling::Rule:
    return visitByRule(op, frame);
  }
  llvm_unreachable("unhandled kind of operation");
}

LogicalResult ProgramBuilder::visitConstant(Operation &op, Frame &frame) {
  auto value = op.getAttr("value");
  if (!value || op.getNumResults() != 1)
    return op.emitError("constant without a value");
  if (isa<DenseResourceElementsAttr>(value))
    return op.emitError("the constant's value is elided: print the module with all elements");
  Type type = op.getResult(0).getType();
  if (std::optional<double> number = splatConstant(&op)) {
    frame[op.getResult(0)] = addConstant(type, *number);
    return success();
  }
  ValueId id = addValue(type);
  if (auto elements = dyn_cast<ElementsAttr>(value))
    program.values[id].isAnyScale =
        program.values[id].isFloat && isAllZeroOrNonFinite(elements);
  // A constant tensor has degree 0: the barrier without operands says so.
  addStep(&op, Program::StepKind::Rule, own(CompiledRule::getBarrier(0, 1)), {}, {id});
  frame[op.getResult(0)] = id;
  return success();
}

LogicalResult ProgramBuilder::visitCall(Operation &op, StringRef calleeName, Frame &frame,
                                        unsigned depth) {
  auto callee = symbols.lookup<func::FuncOp>(calleeName);
  if (!callee || callee.isExternal())
    return op.emitError("calls '") << calleeName << "', which is not defined here";
  if (depth >= kMaxCallDepth)
    return op.emitError("calls are nested too deeply");
  if (callee.getArgumentTypes() != op.getOperandTypes() ||
      callee.getResultTypes() != op.getResultTypes())
    return op.emitError("does not have the types of '") << calleeName << "'";
  Frame inner;
  FailureOr<Ids> results =
      visitRegion(callee.getBody(), getAll(frame, op.getOperands()), inner, depth + 1);
  if (failed(results))
    return failure();
  if (results->size() != op.getNumResults())
    return op.emitError("'") << calleeName << "' does not return its results";
  for (auto [result, id] : llvm::zip(op.getResults(), *results))
    frame[result] = id;
  return success();
}

/// The carried values keep the scale of their initial values; what the body yields must agree. Values
/// that the body hands through unchanged are simply the initial ones.
LogicalResult ProgramBuilder::visitWhile(Operation &op, Frame &frame, unsigned depth) {
  if (op.getNumRegions() != 2 || op.getNumOperands() != op.getNumResults() ||
      llvm::any_of(op.getRegions(), [&](Region &region) {
        return !region.hasOneBlock() || region.getNumArguments() != op.getNumOperands() ||
               region.front().empty();
      }))
    return op.emitError("is not a well-formed loop");
  FailureOr<bool> unrolled = unroll(op, frame, depth);
  if (failed(unrolled))
    return failure();
  if (*unrolled)
    return success();
  Block &body = op.getRegion(1).front();
  Operation &yield = body.back();
  if (yield.getNumOperands() != op.getNumOperands())
    return op.emitError("yields another number of values than it carries");

  Ids initial = getAll(frame, op.getOperands()), carried;
  SmallVector<unsigned> changing;
  for (unsigned i = 0; i < initial.size(); ++i) {
    if (yield.getOperand(i) == body.getArgument(i)) {
      carried.push_back(initial[i]);
      continue;
    }
    ValueId id = addValue(op.getResult(i).getType());
    addStep(&op, Program::StepKind::Carry, equalRule({initial[i]}, {id}), {initial[i]}, {id});
    carried.push_back(id);
    changing.push_back(i);
  }
  FailureOr<Ids> condition = visitRegion(op.getRegion(0), carried, frame, depth);
  if (failed(condition))
    return failure();
  FailureOr<Ids> yielded = visitRegion(op.getRegion(1), carried, frame, depth);
  if (failed(yielded))
    return failure();
  Ids tied;
  for (unsigned i : changing)
    tied.push_back(carried[i]);
  for (unsigned i : changing)
    tied.push_back((*yielded)[i]);
  // The condition belongs to the loop's slice, whatever else uses it.
  llvm::append_range(tied, *condition);
  if (!changing.empty())
    addStep(&op, Program::StepKind::LoopTie, own(CompiledRule::getBarrier(0, 0)), tied, {});
  if (!changing.empty())
    program.steps.back().numTied = changing.size();
  for (auto [result, id] : llvm::zip(op.getResults(), carried))
    frame[result] = id;
  return success();
}

FailureOr<bool> ProgramBuilder::unroll(Operation &op, Frame &frame, unsigned depth) {
  // A loop over stacked layers has symmetries of its own in each iteration.
  size_t numSteps = program.steps.size(), numStepValues = program.stepValues.size();
  size_t numValues = program.values.size(), numUnknown = program.unknownOperations.size();
  size_t firstVisited = numVisited;
  Ids carried = getAll(frame, op.getOperands());
  bool known = false;
  for (unsigned iteration = 0; iteration <= kMaxIterations; ++iteration) {
    FailureOr<Ids> condition = visitRegion(op.getRegion(0), carried, frame, depth);
    if (failed(condition))
      return failure();
    std::optional<double> predicate =
        condition->size() == 1 ? program.values[condition->front()].constant : std::nullopt;
    if (!predicate)
      break;
    if (*predicate == 0) {
      known = true;
      break;
    }
    FailureOr<Ids> yielded = visitRegion(op.getRegion(1), carried, frame, depth);
    if (failed(yielded))
      return failure();
    if (yielded->size() != carried.size())
      return op.emitError("yields another number of values than it carries");
    carried = *yielded;
    if (numVisited - firstVisited > kMaxUnrolled)
      break;
  }
  if (known) {
    for (auto [result, id] : llvm::zip(op.getResults(), carried))
      frame[result] = id;
    return true;
  }
  // Forget what was followed; the frame's entries for the body are made anew.
  program.steps.resize(numSteps);
  program.stepValues.resize(numStepValues);
  program.values.resize(numValues);
  for (Operation *unknown : ArrayRef(program.unknownOperations).drop_front(numUnknown))
    unknownNames.erase(unknown->getName());
  program.unknownOperations.resize(numUnknown);
  return false;
}

/// With known start indices, as in a loop that is followed, a slice is a piece like any other.
LogicalResult ProgramBuilder::visitDynamicSlice(Operation &op, Frame &frame,
                                                unsigned numTensors) {
  Ids operands = getAll(frame, op.getOperands());
  if (op.getNumResults() != 1 || operands.size() < numTensors)
    return visitByRule(op, frame);
  auto whole = dyn_cast<RankedTensorType>(op.getOperand(0).getType());
  auto part = dyn_cast<RankedTensorType>(numTensors == 1 ? op.getResult(0).getType()
                                                         : op.getOperand(1).getType());
  if (!whole || !part || whole.getRank() != part.getRank() ||
      operands.size() != numTensors + whole.getRank() ||
      (numTensors == 2 && op.getResult(0).getType() != whole))
    return visitByRule(op, frame);
  SmallVector<int64_t> starts;
  for (auto [axis, index] : llvm::enumerate(ArrayRef<ValueId>(operands).drop_front(numTensors))) {
    int64_t room = whole.getDimSize(axis) - part.getDimSize(axis);
    std::optional<double> start = program.values[index].constant;
    if (room < 0 || (!start && room > 0))
      return visitByRule(op, frame);
    // As the operation does: the slice is moved inside.
    starts.push_back(room == 0 ? 0 : std::clamp<int64_t>(*start, 0, room));
  }
  if (foldIfConstant(op, operands, frame))
    return success();
  ValueId result = frame[op.getResult(0)] = addValue(op.getResult(0).getType());
  unsigned numIndices = whole.getRank();
  addStep(&op, Program::StepKind::Rule,
          own(numTensors == 1
                  ? CompiledRule::getSlice(whole.getShape(), starts, part.getShape(), numIndices)
                  : CompiledRule::getUpdateSlice(whole.getShape(), starts, part.getShape(),
                                                 numIndices)),
          operands, {result});
  return success();
}

/// Each result equals what every branch yields.
LogicalResult ProgramBuilder::visitBranches(Operation &op, Frame &frame, unsigned depth) {
  SmallVector<Ids> yielded;
  for (Region &region : op.getRegions()) {
    if (region.empty() && op.getNumResults() == 0)
      continue;
    if (!region.hasOneBlock() || region.getNumArguments() != 0)
      return op.emitError("has a malformed branch");
    FailureOr<Ids> ids = visitRegion(region, {}, frame, depth);
    if (failed(ids))
      return failure();
    if (ids->size() != op.getNumResults())
      return op.emitError("has a branch that yields another number of values");
    yielded.push_back(*ids);
  }
  // Which branch is taken must be the same for all transformed parameters: the predicate is part of
  // the slice, and what it is compared from is constrained there.
  Ids predicates = getAll(frame, op.getOperands());
  for (auto [i, result] : llvm::enumerate(op.getResults())) {
    Ids choices = predicates;
    for (const Ids &ids : yielded)
      choices.push_back(ids[i]);
    ValueId id = addValue(result.getType());
    addStep(&op, Program::StepKind::Rule, equalRule(choices, {id}, predicates.size()), choices,
            {id});
    frame[result] = id;
  }
  return success();
}

/// Blocks of arrays: an axis that is cut over devices carries constant scales only.
LogicalResult ProgramBuilder::visitManualComputation(Operation &op, Frame &frame, unsigned depth) {
  if (op.getNumRegions() != 1 || !op.getRegion(0).hasOneBlock() ||
      op.getRegion(0).getNumArguments() != op.getNumOperands())
    return op.emitError("is malformed");
  Ids local;
  for (auto [operand, argument] : llvm::zip(op.getOperands(), op.getRegion(0).getArguments())) {
    ValueId id = addValue(argument.getType()), whole = get(frame, operand);
    addStep(&op, Program::StepKind::Rule, equalRule({whole}, {id}), {whole}, {id});
    local.push_back(id);
  }
  FailureOr<Ids> yielded = visitRegion(op.getRegion(0), local, frame, depth);
  if (failed(yielded))
    return failure();
  if (yielded->size() != op.getNumResults())
    return op.emitError("yields another number of values than it has results");
  for (auto [result, part] : llvm::zip(op.getResults(), *yielded)) {
    ValueId id = addValue(result.getType());
    addStep(&op, Program::StepKind::Rule, equalRule({part}, {id}), {part}, {id});
    frame[result] = id;
  }
  return success();
}

/// Whether the regions of `op` use values of the enclosing ones, which rules do not speak of. Rules
/// that read bodies know the constants.
bool ProgramBuilder::capturesValues(Operation &op) {
  bool captures = false;
  for (Region &region : op.getRegions())
    region.walk([&](Operation *inner) {
      for (mlir::Value operand : inner->getOperands())
        captures |= !region.isAncestor(operand.getParentRegion()) && !traceSplat(operand);
    });
  return captures;
}

/// Pins the operands, and whatever the regions capture, to 0.
void ProgramBuilder::visitBarrier(Operation &op, Frame &frame) {
  llvm::SetVector<mlir::Value> pinned;
  pinned.insert(op.operand_begin(), op.operand_end());
  for (Region &region : op.getRegions())
    region.walk([&](Operation *inner) {
      for (mlir::Value operand : inner->getOperands())
        if (!region.isAncestor(operand.getParentRegion()))
          pinned.insert(operand);
    });
  Ids operands = getAll(frame, pinned.getArrayRef()), results;
  for (mlir::Value result : op.getResults())
    results.push_back(frame[result] = addValue(result.getType()));
  addStep(&op, Program::StepKind::Rule,
          own(CompiledRule::getBarrier(operands.size(), results.size())), operands, results);
}

bool ProgramBuilder::foldIfConstant(Operation &op, ArrayRef<ValueId> operands, Frame &frame) {
  if (op.getNumResults() != 1 || operands.empty() || op.getNumRegions() != 0)
    return false;
  SmallVector<double, 3> numbers;
  for (ValueId id : operands) {
    if (!program.values[id].constant)
      return false;
    numbers.push_back(*program.values[id].constant);
  }
  std::optional<double> folded = foldSplat(&op, numbers);
  if (!folded)
    return false;
  frame[op.getResult(0)] = addConstant(op.getResult(0).getType(), *folded);
  return true;
}

/// Whether a body without reductions may be read as operations on tensors over all loops.
static bool isPointwiseBody(linalg::LinalgOp op) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!op.hasPureTensorSemantics() || op.getNumLoops() != op.getNumParallelLoops() ||
      maps.size() != op->getNumOperands() ||
      llvm::any_of(op.getStaticLoopRanges(), ShapedType::isDynamic))
    return false;
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = maps[operand.getOperandNumber()];
    if (!map.isProjectedPermutation() || (op.isDpsInit(&operand) && !map.isPermutation()))
      return false;
  }
  return true;
}

/// Whether a number that is not zero stands in a body: the only case that its rule says less of, as
/// it cannot say that an epsilon scales along.
static bool hasNumbers(Block &body) {
  return llvm::any_of(body, [](Operation &inner) {
    return llvm::any_of(inner.getOperands(), [](mlir::Value operand) {
      std::optional<double> number = traceSplat(operand);
      return number && *number != 0 && std::isfinite(*number);
    });
  });
}

bool ProgramBuilder::expandBody(Operation &op, Frame &frame) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(&op);
  if (!linalgOp || !isPointwiseBody(linalgOp))
    return false;
  Block &body = *linalgOp.getBlock();
  auto isNumber = [](mlir::Value value) {
    return value.getType().isIntOrIndexOrFloat() || isa<ComplexType>(value.getType());
  };
  if (!hasNumbers(body) || capturesValues(op) || !llvm::all_of(body.getArguments(), isNumber) ||
      !llvm::all_of(body.without_terminator(), [&](Operation &inner) {
        return inner.getNumRegions() == 0 && inner.getNumResults() == 1 &&
               isNumber(inner.getResult(0)) && !table.find(&inner).isMalformed();
      }))
    return false;

  SmallVector<int64_t> shape = linalgOp.getStaticLoopRanges();
  SmallVector<AffineMap> maps = linalgOp.getIndexingMapsArray();
  auto overLoops = [&](Type type) { return RankedTensorType::get(shape, type); };
  Frame inner;
  // Constants are new at each use, as outside of bodies after their broadcast.
  auto use = [&](mlir::Value value) {
    std::optional<double> number = traceSplat(value);
    return number ? addConstant(overLoops(value.getType()), *number) : inner.lookup(value);
  };

  for (auto [argument, operand, map] : llvm::zip(body.getArguments(), op.getOperands(), maps)) {
    ValueId whole = get(frame, operand);
    if (map.isIdentity()) {
      inner[argument] = whole;
    } else if (std::optional<double> number = program.values[whole].constant) {
      inner[argument] = addConstant(overLoops(argument.getType()), *number);
    } else {
      ValueId id = inner[argument] = addValue(overLoops(argument.getType()));
      addStep(&op, Program::StepKind::Rule, own(CompiledRule::getBroadcast(map)), {whole}, {id});
    }
  }
  for (Operation &step : body.without_terminator()) {
    mlir::Value result = step.getResult(0);
    if (traceSplat(result))
      continue;
    Ids operands;
    for (mlir::Value operand : step.getOperands())
      operands.push_back(use(operand));
    if (classify(step.getName()) == Handling::Select && operands.size() == 3)
      if (std::optional<double> predicate = program.values[operands.front()].constant) {
        inner[result] = operands[*predicate != 0 ? 1 : 2];
        continue;
      }
    RuleOutcome outcome = table.find(&step);
    if (!outcome.rule && unknownNames.insert(step.getName()).second)
      program.unknownOperations.push_back(&step);
    ValueId id = inner[result] = addValue(overLoops(result.getType()));
    bool isKnown = outcome.rule && !outcome.rule.getBarrier();
    addStep(&step, Program::StepKind::Rule,
            own(isKnown ? CompiledRule::getElementwise(outcome.rule, shape.size())
                        : CompiledRule::getBarrier(operands.size(), 1)),
            operands, {id});
  }
  for (auto [result, yielded] : llvm::zip(op.getResults(), body.getTerminator()->getOperands())) {
    AffineMap map = maps[linalgOp.getNumDpsInputs() + result.getResultNumber()];
    ValueId id = use(yielded);
    if (!map.isIdentity()) {
      ValueId transposed = addValue(result.getType());
      addStep(&op, Program::StepKind::Rule,
              own(CompiledRule::getBroadcast(inversePermutation(map))), {id}, {transposed});
      id = transposed;
    }
    frame[result] = id;
  }
  return true;
}

LogicalResult ProgramBuilder::visitByRule(Operation &op, Frame &frame) {
  Ids operands = getAll(frame, op.getOperands());
  if (foldIfConstant(op, operands, frame) || (op.getNumRegions() && expandBody(op, frame)))
    return success();

  RuleOutcome outcome = table.find(&op);
  if (outcome.isMalformed())
    return op.emitError(outcome.message);
  if (!outcome.rule && unknownNames.insert(op.getName()).second)
    program.unknownOperations.push_back(&op);
  if (!outcome.rule || outcome.rule.getBarrier() ||
      (op.getNumRegions() && capturesValues(op))) {
    visitBarrier(op, frame);
    return success();
  }
  std::unique_ptr<CompiledRule> &compiled = program.compiled[outcome.rule];
  if (!compiled)
    compiled = std::make_unique<CompiledRule>(CompiledRule::get(outcome.rule));
  Ids results;
  for (mlir::Value result : op.getResults())
    results.push_back(frame[result] = addValue(result.getType()));
  addStep(&op, Program::StepKind::Rule, compiled.get(), operands, results);
  return success();
}

LogicalResult ProgramBuilder::visitBlock(Block &block, Frame &frame, unsigned depth) {
  for (Operation &op : block)
    if (failed(visit(op, frame, depth)))
      return failure();
  return success();
}

FailureOr<ProgramBuilder::Ids> ProgramBuilder::visitRegion(Region &region,
                                                           ArrayRef<ValueId> arguments,
                                                           Frame &frame, unsigned depth) {
  if (depth >= kMaxCallDepth) {
    emitError(region.getLoc(), "regions and calls are nested too deeply");
    return failure();
  }
  if (!region.hasOneBlock() || region.front().empty()) {
    emitError(region.getLoc(), "expected one block with a terminator");
    return failure();
  }
  Block &block = region.front();
  for (auto [argument, id] : llvm::zip(block.getArguments(), arguments))
    frame[argument] = id;
  if (failed(visitBlock(block, frame, depth + 1)))
    return failure();
  return getAll(frame, block.back().getOperands());
}

FailureOr<Program> ProgramBuilder::build() {
  Frame frame;
  Ids arguments;
  for (BlockArgument argument : entry.getArguments())
    arguments.push_back(addValue(argument.getType()));
  program.arguments.assign(arguments.begin(), arguments.end());
  FailureOr<Ids> results = visitRegion(entry.getBody(), arguments, frame, 0);
  if (failed(results))
    return failure();
  program.results_.assign(results->begin(), results->end());
  program.entryValues = std::move(frame);
  return std::move(program);
}

//===----------------------------------------------------------------------===//
// Program
//===----------------------------------------------------------------------===//

FailureOr<Program> Program::build(func::FuncOp entry) { return ProgramBuilder(entry).build(); }

std::optional<ValueId> Program::lookup(mlir::Value value) const {
  auto it = entryValues.find(value);
  if (it == entryValues.end())
    return std::nullopt;
  return it->second;
}

llvm::BitVector Program::sliceOf(ArrayRef<ValueId> roots) const {
  llvm::BitVector neededValues(values.size()), neededSteps(steps.size());
  for (ValueId root : roots)
    neededValues.set(root);
  // Loops make later steps need earlier ones and the other way round: repeat until nothing is added.
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t s = steps.size(); s-- > 0;) {
      const Step &step = steps[s];
      if (neededSteps.test(s))
        continue;
      ArrayRef<ValueId> defined =
          step.kind == StepKind::LoopTie ? operands(step).take_front(step.numTied)
                                         : results(step);
      if (llvm::none_of(defined, [&](ValueId id) { return neededValues.test(id); }))
        continue;
      neededSteps.set(s);
      for (ValueId id : operands(step))
        neededValues.set(id);
      changed |= step.kind == StepKind::LoopTie;
    }
  }
  return neededSteps;
}
