// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ProgramBuilder.h"

#include "noether/Rules/ConstantFold.h"

#include "mlir/IR/BuiltinAttributes.h"

#include "llvm/ADT/SetVector.h"

#include <cmath>

using namespace mlir;
using namespace noether;

/// Steps that expand to more operations than this are refused: callees that call each other often
/// expand without bound.
static constexpr size_t kMaxOperations = 1 << 24;

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
                             ArrayRef<ValueId> operands, ArrayRef<ValueId> results,
                             unsigned part) {
  if (program.scopeStarts.empty() || program.scopeStarts.back().second != scope)
    program.scopeStarts.push_back({static_cast<uint32_t>(program.steps.size()), scope});
  Program::Step step;
  step.position = position;
  step.part = part;
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

const CompiledRule *ProgramBuilder::equalRule(ArrayRef<ValueId> operands, ArrayRef<ValueId> results,
                                              unsigned numIgnored) {
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
  Handling result =
      llvm::StringSwitch<Handling>(name.getStringRef())
          .Cases({"stablehlo.constant", "mhlo.constant", "arith.constant"}, Handling::Constant)
          .Case("func.call", Handling::Call)
          .Case("stablehlo.composite", Handling::Composite)
          .Case("stablehlo.while", Handling::While)
          .Cases({"stablehlo.case", "stablehlo.if", "scf.if"}, Handling::Branches)
          .Case("sdy.manual_computation", Handling::ManualComputation)
          .Case("stablehlo.optimization_barrier", Handling::Forward)
          .Case("stablehlo.dynamic_slice", Handling::DynamicSlice)
          .Case("stablehlo.dynamic_update_slice", Handling::DynamicUpdateSlice)
          .Cases({"stablehlo.slice", "stablehlo.reverse", "stablehlo.pad", "stablehlo.gather",
                  "stablehlo.scatter"},
                 Handling::Pieces)
          .Cases({"stablehlo.select", "mhlo.select", "arith.select"}, Handling::Select)
          .Cases({"func.return", "stablehlo.return", "sdy.return", "scf.yield"},
                 Handling::Terminator)
          .Default(Handling::Rule);
  handling[name] = result;
  return result;
}

LogicalResult ProgramBuilder::visit(Operation &op, Frame &frame, unsigned depth) {
  if (++numVisited > kMaxOperations)
    return op.emitError("callees are called so often that the step cannot be expanded");
  Handling handling = classify(op.getName());
  if (handling != Handling::Call && handling != Handling::Terminator &&
      !(handling == Handling::Composite && op.getAttrOfType<FlatSymbolRefAttr>("decomposition")))
    ++position;
  switch (handling) {
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
  case Handling::Pieces: {
    Ids operands = getAll(frame, op.getOperands());
    if (!foldIfConstant(op, operands, frame) && !expandPieces(op, operands, frame))
      return visitByRule(op, frame);
    return success();
  }
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
    program.values[id].isAnyScale = program.values[id].isFloat && isAllZeroOrNonFinite(elements);
  // A constant tensor has degree 0: the barrier without operands says so.
  addStep(&op, Program::StepKind::Rule, own(CompiledRule::getBarrier(0, 1)), {}, {id});
  numberConstant(value, id);
  frame[op.getResult(0)] = id;
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

LogicalResult ProgramBuilder::visitByRule(Operation &op, Frame &frame) {
  Ids operands = getAll(frame, op.getOperands());
  if (foldIfConstant(op, operands, frame) || (op.getNumRegions() && expandBody(op, frame)))
    return success();

  RuleOutcome outcome = table.find(&op);
  if (outcome.isMalformed())
    return op.emitError(outcome.message);
  if (!outcome.rule && unknownNames.insert(op.getName()).second)
    program.unknownOperations.push_back(&op);
  if (!outcome.rule || outcome.rule.getBarrier() || (op.getNumRegions() && capturesValues(op))) {
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
  if (results.size() == 1)
    numberResult(op, operands, results.front());
  addPicks(op);
  return success();
}

LogicalResult ProgramBuilder::visitBlock(Block &block, Frame &frame, unsigned depth) {
  for (Operation &op : block)
    if (failed(visit(op, frame, depth)))
      return failure();
  return success();
}

FailureOr<Program> ProgramBuilder::build(size_t expected) {
  Frame frame;
  frame.reserve(expected);
  program.values.reserve(expected);
  program.steps.reserve(expected);
  program.stepValues.reserve(3 * expected);
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

FailureOr<Program> Program::build(func::FuncOp entry, size_t expectedOperations) {
  return ProgramBuilder(entry).build(expectedOperations);
}

std::optional<ValueId> Program::lookup(mlir::Value value) const {
  auto it = entryValues.find(value);
  if (it == entryValues.end())
    return std::nullopt;
  return it->second;
}

std::string Program::pathOf(size_t step) const {
  auto start = std::prev(llvm::upper_bound(
      scopeStarts, step, [](size_t s, const auto &entry) { return s < entry.first; }));
  std::string path = std::to_string(steps[step].position);
  for (uint32_t scope = start->second; scope != 0; scope = scopes[scope].parent) {
    const Scope &region = scopes[scope];
    path = (llvm::Twine(region.position) + "/" + llvm::Twine(region.region) + "." +
            llvm::Twine(region.iteration) + "/" + path)
               .str();
  }
  return path;
}

llvm::BitVector Program::sliceOf(ArrayRef<ValueId> roots) const {
  llvm::BitVector neededValues(values.size()), neededSteps(steps.size());
  for (ValueId root : roots)
    neededValues.set(root);
  // Loops make later steps need earlier ones and the other way round: repeat until nothing is
  // added.
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t s = steps.size(); s-- > 0;) {
      const Step &step = steps[s];
      if (neededSteps.test(s))
        continue;
      ArrayRef<ValueId> defined =
          step.kind == StepKind::LoopTie ? operands(step).take_front(step.numTied) : results(step);
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
