// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "UpdatePhases.h"

#include "../OperationFacts.h"

#include "llvm/ADT/STLExtras.h"

#include <limits>

using namespace mlir;
using namespace noether;

static constexpr unsigned kNever = std::numeric_limits<unsigned>::max();

/// Calls `visit` on every value that an operation, or what is in its regions, uses from outside.
static void forEachUsed(Operation &op, function_ref<void(Value)> visit) {
  for (Value operand : op.getOperands())
    visit(operand);
  forEachCapture(op, [&](OpOperand &operand) { visit(operand.get()); });
}

UpdatePhases::UpdatePhases(Block &block, llvm::function_ref<bool(Operation &)> isUpdate) {
  for (Operation &op : block.without_terminator())
    if (isUpdate(op))
      update.insert(&op);
  classify(block);
  findGroups();
  findEarliest(block);
  findLatest(block);
}

void UpdatePhases::classify(Block &block) {
  for (Operation &op : block.without_terminator()) {
    // Constants may be shared with the rest of the step.
    bool isConstant = op.getNumOperands() == 0;
    if (!isConstant && !update.contains(&op))
      continue;
    UpdateOperation kind = classifyForUpdate(op);
    auto isUniformOrSingle = [&](Value v) { return uniform.contains(v) || isSingleNumber(v); };
    if ((kind == UpdateOperation::Pointwise || kind == UpdateOperation::Spread) &&
        llvm::all_of(op.getOperands(), isUniformOrSingle))
      kind = UpdateOperation::Uniform;
    kinds[&op] = kind;
    if (kind == UpdateOperation::Uniform)
      uniform.insert(op.getResult(0));
    if (kind == UpdateOperation::Pointwise || kind == UpdateOperation::Spread ||
        kind == UpdateOperation::Reduction)
      operations.push_back(&op);
  }
}

/// The tensor whose elements the operation runs over.
static Value getLoopValue(Operation *op, UpdateOperation kind) {
  return kind == UpdateOperation::Reduction ? op->getOperand(0) : op->getResult(0);
}

void UpdatePhases::findGroups() {
  llvm::IntEqClasses classes;
  llvm::DenseMap<Value, unsigned> numbers;
  auto numberOf = [&](Value value) {
    auto [it, isNew] = numbers.try_emplace(value, numbers.size());
    if (isNew)
      classes.grow(numbers.size());
    return it->second;
  };
  for (Operation *op : operations) {
    unsigned loop = numberOf(getLoopValue(op, kinds.lookup(op)));
    if (kinds.lookup(op) != UpdateOperation::Pointwise)
      continue;
    for (Value operand : op->getOperands())
      if (!uniform.contains(operand) && !isSingleNumber(operand))
        classes.join(loop, numberOf(operand));
  }
  llvm::DenseMap<unsigned, unsigned> order; // groups are numbered as they come
  for (Operation *op : operations) {
    unsigned leader = classes.findLeader(numbers.lookup(getLoopValue(op, kinds.lookup(op))));
    groups[op] = order.try_emplace(leader, order.size()).first->second;
  }
}

bool UpdatePhases::sharesLoop(Value value, Operation *user) const {
  Operation *def = value.getDefiningOp();
  auto group = groups.find(user), own = groups.find(def);
  if (group == groups.end() || own == groups.end() || group->second != own->second ||
      kinds.lookup(def) == UpdateOperation::Reduction)
    return false;
  // The operand that is spread is read in other places than the result is written.
  return kinds.lookup(user) != UpdateOperation::Spread;
}

void UpdatePhases::findEarliest(Block &block) {
  for (Operation &op : block.without_terminator()) {
    if (!update.contains(&op))
      continue;
    unsigned phase = 0;
    forEachUsed(op, [&](Value value) {
      Operation *def = value.getDefiningOp();
      if (!def || !update.contains(def))
        return;
      bool mustEnd = isInLoop(def) && !sharesLoop(value, &op);
      phase = std::max(phase, phases.lookup(def) + (mustEnd ? 1 : 0));
    });
    phases[&op] = phase;
  }
}

void UpdatePhases::findLatest(Block &block) {
  SmallVector<unsigned> last(operations.size(), 0); // of each group
  for (Operation *op : operations)
    last[groups.lookup(op)] = std::max(last[groups.lookup(op)], phases.lookup(op));

  llvm::DenseMap<Operation *, unsigned> latest; // of what has been visited
  for (Operation &op : llvm::reverse(block.without_terminator())) {
    if (!update.contains(&op))
      continue;
    unsigned phase = isInLoop(&op) ? last[groups.lookup(&op)] : kNever;
    for (Value result : op.getResults())
      for (Operation *user : result.getUsers()) {
        user = block.findAncestorOpInBlock(*user);
        auto it = latest.find(user);
        if (it == latest.end())
          continue; // the end of the step, or a metric beside it
        bool mustEnd = isInLoop(&op) && !sharesLoop(result, user);
        if (it->second != kNever)
          phase = std::min(phase, it->second - (mustEnd ? 1 : 0));
      }
    latest[&op] = phase;
  }
  for (Operation *op : operations)
    phases[op] = latest.lookup(op);
}
