// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls, loops, branches and parts of arrays on devices.

#include "ProgramBuilder.h"

using namespace mlir;
using namespace noether;

/// Calls nested deeper than this are refused.
static constexpr unsigned kMaxCallDepth = 256;
/// Loops of more iterations, or with more operations in all of them, are not followed one by one.
static constexpr unsigned kMaxIterations = 256;
static constexpr size_t kMaxUnrolled = 1 << 18;

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

/// The carried values keep the scale of their initial values; what the body yields must agree.
/// Values that the body hands through unchanged are simply the initial ones.
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
    addStep(&op, Program::StepKind::Carry, equalRule({initial[i]}, {id}), {initial[i]}, {id}, i);
    carried.push_back(id);
    changing.push_back(i);
  }
  FailureOr<Ids> condition = visitRegion(op, 0, carried, frame, depth);
  if (failed(condition))
    return failure();
  FailureOr<Ids> yielded = visitRegion(op, 1, carried, frame, depth);
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
  size_t firstVisited = numVisited, numScopes = program.scopes.size();
  Ids carried = getAll(frame, op.getOperands());
  bool known = false;
  for (unsigned iteration = 0; iteration <= kMaxIterations; ++iteration) {
    FailureOr<Ids> condition = visitRegion(op, 0, carried, frame, depth, iteration);
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
    FailureOr<Ids> yielded = visitRegion(op, 1, carried, frame, depth, iteration);
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
  truncate(numValues, numSteps, numStepValues);
  program.scopes.resize(numScopes);
  while (!program.scopeStarts.empty() && program.scopeStarts.back().first >= numSteps)
    program.scopeStarts.pop_back();
  for (Operation *unknown : ArrayRef(program.unknownOperations).drop_front(numUnknown))
    unknownNames.erase(unknown->getName());
  program.unknownOperations.resize(numUnknown);
  return false;
}

/// The region that is taken where the predicate is a known number: of `if` the first where it is true, of
/// `case` the one of this number, the last for all that there is none for.
static std::optional<unsigned> takenRegion(Operation &op, std::optional<double> predicate) {
  if (!predicate)
    return std::nullopt;
  unsigned last = op.getNumRegions() - 1;
  unsigned taken = op.getName().stripDialect() == "if" ? (*predicate != 0 ? 0 : 1)
                   : *predicate >= 0 && *predicate < last ? static_cast<unsigned>(*predicate)
                                                          : last;
  if (taken > last)
    return std::nullopt;
  Region &region = op.getRegion(taken);
  bool isPlain = region.hasOneBlock() && region.getNumArguments() == 0 && !region.front().empty() &&
                 region.front().back().getOperandTypes() == op.getResultTypes();
  return isPlain ? std::optional(taken) : std::nullopt;
}

/// Each result equals what every branch yields; where it is known which one is taken, it is what that
/// yields.
LogicalResult ProgramBuilder::visitBranches(Operation &op, Frame &frame, unsigned depth) {
  if (op.getNumOperands() == 1 && op.getNumRegions() > 0)
    if (std::optional<unsigned> taken =
            takenRegion(op, program.values[get(frame, op.getOperand(0))].constant)) {
      FailureOr<Ids> ids = visitRegion(op, *taken, {}, frame, depth);
      if (failed(ids))
        return failure();
      for (auto [result, id] : llvm::zip(op.getResults(), *ids))
        frame[result] = id;
      return success();
    }
  SmallVector<Ids> yielded;
  for (Region &region : op.getRegions()) {
    if (region.empty() && op.getNumResults() == 0)
      continue;
    if (!region.hasOneBlock() || region.getNumArguments() != 0)
      return op.emitError("has a malformed branch");
    FailureOr<Ids> ids = visitRegion(op, region.getRegionNumber(), {}, frame, depth);
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
            {id}, i);
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
  unsigned part = 0;
  for (auto [operand, argument] : llvm::zip(op.getOperands(), op.getRegion(0).getArguments())) {
    ValueId id = addValue(argument.getType()), whole = get(frame, operand);
    addStep(&op, Program::StepKind::Rule, equalRule({whole}, {id}), {whole}, {id}, part++);
    local.push_back(id);
  }
  FailureOr<Ids> yielded = visitRegion(op, 0, local, frame, depth);
  if (failed(yielded))
    return failure();
  if (yielded->size() != op.getNumResults())
    return op.emitError("yields another number of values than it has results");
  for (auto [result, inside] : llvm::zip(op.getResults(), *yielded)) {
    ValueId id = addValue(result.getType());
    addStep(&op, Program::StepKind::Rule, equalRule({inside}, {id}), {inside}, {id}, part++);
    frame[result] = id;
  }
  return success();
}

FailureOr<ProgramBuilder::Ids>
ProgramBuilder::visitRegion(Operation &op, unsigned region, ArrayRef<ValueId> arguments,
                            Frame &frame, unsigned depth, unsigned iteration) {
  program.scopes.push_back({scope, position, region, iteration});
  uint32_t outerScope = std::exchange(scope, program.scopes.size() - 1);
  uint32_t outerPosition = std::exchange(position, 0);
  FailureOr<Ids> yielded = visitRegion(op.getRegion(region), arguments, frame, depth);
  scope = outerScope;
  position = outerPosition;
  return yielded;
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
