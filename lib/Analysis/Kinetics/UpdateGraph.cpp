// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "UpdateGraph.h"

#include "noether/Rules/ConstantFold.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace noether;

static constexpr uint32_t kNoStep = ~0u;
/// Predicates and norms are short expressions.
static constexpr unsigned kMaxDepth = 16;

UpdateGraph::UpdateGraph(const Program &program, const StepRoles &roles,
                         const llvm::MapVector<unsigned, ValueId> &gradients)
    : program(program), roles(roles), gradients(gradients),
      definedBy(program.getValues().size(), kNoStep), owner(program.getValues().size(), kShared) {
  for (auto [argument, info] : llvm::enumerate(roles.arguments)) {
    ValueId value = program.getArguments()[argument];
    argumentOf[value] = argument;
    if (info.role == ArgumentRole::Param)
      owner[value] = argument;
    else if (info.role == ArgumentRole::Batch || info.role == ArgumentRole::Rng)
      owner[value] = kSeveral;
  }
  loss = program.getResults()[roles.loss];
  llvm::DenseMap<ValueId, unsigned> gradientOf;
  for (auto &[argument, value] : gradients)
    gradientOf[value] = argument;

  isUniform.resize(program.getValues().size());
  auto hasOneElement = [&](ValueId id) {
    return llvm::all_of(program.getValues()[id].shape(), [](int64_t size) { return size == 1; });
  };
  for (auto [id, value] : llvm::enumerate(program.getValues()))
    if (value.constant || hasOneElement(id))
      isUniform.set(id);

  for (auto [index, step] : llvm::enumerate(program.getSteps())) {
    // A number that several parameters share (a global norm) does not make an update theirs: it
    // enters as a number, and is reported.
    uint32_t common = kShared, numbers = kShared;
    // Constants of many numbers have no operands, and what cuts or joins axes puts several numbers into
    // one tensor.
    bool uniform = step.kind == Program::StepKind::Rule && step.numOperands != 0 &&
                   !step.rule->isBarrier && !step.rule->isSegmented && step.rule->frozen.none();
    for (ValueId operand : program.operands(step)) {
      uniform &= isUniform.test(operand);
      uint32_t &target = isUniform.test(operand) ? numbers : common;
      uint32_t other = owner[operand];
      if (other == kShared || other == target)
        continue;
      target = target == kShared ? other : kSeveral;
    }
    if (common == kShared)
      common = numbers;
    for (ValueId result : program.results(step)) {
      definedBy[result] = index;
      if (uniform)
        isUniform.set(result);
      auto it = gradientOf.find(result);
      owner[result] = it == gradientOf.end() ? common : it->second;
      // The same for all parameters that a symmetry moves.
      if (result == loss)
        owner[result] = kShared;
    }
    if (step.kind == Program::StepKind::Rule && step.numResults == 1)
      if (ValueId result = program.results(step)[0]; !program.getValues()[result].isFloat)
        if (std::optional<double> predicate = findGenericValue(step))
          predicates[result] = *predicate;
  }
}

Operation *UpdateGraph::findCoupling(ValueId value) const {
  Operation *op = nullptr;
  while (definedBy[value] != kNoStep) {
    const Program::Step &step = program.getSteps()[definedBy[value]];
    op = step.op;
    std::optional<ValueId> only;
    for (ValueId operand : program.operands(step)) {
      if (owner[operand] != kSeveral)
        continue;
      if (only && *only != operand)
        return op;
      only = operand;
    }
    if (!only)
      return op;
    value = *only;
  }
  return op;
}

Operation *UpdateGraph::findJoin(unsigned parameter) const {
  constexpr size_t kMaxValues = 1024;
  if (!roles.arguments[parameter].carriedTo)
    return nullptr;
  llvm::SmallSetVector<ValueId, 16> seen;
  seen.insert(program.getResults()[*roles.arguments[parameter].carriedTo]);
  for (size_t i = 0; i < seen.size() && i < kMaxValues; ++i) {
    if (definedBy[seen[i]] == kNoStep)
      continue;
    const Program::Step &step = program.getSteps()[definedBy[seen[i]]];
    // Behind sums of products there is the loss.
    if (step.kind != Program::StepKind::Rule || step.rule->isBarrier || step.rule->sum.any())
      continue;
    if (step.rule->isSegmented && step.numOperands > 1)
      return step.op;
    for (ValueId operand : program.operands(step))
      if (owner[operand] == kSeveral && !isUniform.test(operand))
        seen.insert(operand);
  }
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Tests of a number against 0
//===----------------------------------------------------------------------===//

/// Whether a number is a norm, or the like: at least 0 as it is made.
bool UpdateGraph::isNonNegative(ValueId value, unsigned depth) const {
  const Program::Value &info = program.getValues()[value];
  if (info.constant)
    return *info.constant >= 0;
  uint32_t definition = definedBy[value];
  if (definition == kNoStep || depth == kMaxDepth)
    return false;
  const Program::Step &step = program.getSteps()[definition];
  ArrayRef<ValueId> operands = program.operands(step);
  if (step.kind != Program::StepKind::Rule || step.rule->isBarrier)
    return false;
  auto isOf = [&](ValueId operand) { return isNonNegative(operand, depth + 1); };
  StringRef name = step.op->getName().getStringRef().rsplit('.').second;
  if (name == "sqrt" || name == "abs" || name == "absf")
    return true;
  if (name == "multiply" || name == "mulf")
    return operands.size() == 2 &&
           (operands[0] == operands[1] || (isOf(operands[0]) && isOf(operands[1])));
  if (name == "add" || name == "addf" || name == "divide" || name == "divf" ||
      name == "broadcast_in_dim" || name == "reshape" || name == "convert")
    return llvm::all_of(operands, isOf);
  if (name == "maximum" || name == "maximumf")
    return llvm::any_of(operands, isOf);
  // A sum: no other reduction is linear in what it reduces.
  return name == "reduce" && operands.size() == 2 && step.rule->use(0) == OperandUse::Plus &&
         llvm::all_of(operands, isOf);
}

/// Whether an operation is a reduction with this operation for a body.
static bool reducesBy(Operation *op, StringRef name) {
  if (op->getName().stripDialect() != "reduce" || op->getNumRegions() != 1 ||
      !op->getRegion(0).hasOneBlock())
    return false;
  Block &body = op->getRegion(0).front();
  return llvm::hasNItems(body, 2) && body.front().getName().stripDialect() == name;
}

std::optional<double> UpdateGraph::genericValue(ValueId predicate) const {
  if (std::optional<double> constant = program.getValues()[predicate].constant)
    return constant;
  auto it = predicates.find(predicate);
  return it == predicates.end() ? std::nullopt : std::optional(it->second);
}

std::optional<double> UpdateGraph::findGenericValue(const Program::Step &step) const {
  ArrayRef<ValueId> operands = program.operands(step);
  StringRef name = step.op->getName().stripDialect();
  if (name == "is_finite" || name == "isfinite")
    return 1;
  if (operands.size() == 2 && program.getValues()[operands[0]].isFloat) {
    if (operands[0] == operands[1]) // whether it is a number
      return foldSplat(step.op, {1.0, 1.0});
    unsigned zero = program.getValues()[operands[0]].constant ? 0 : 1;
    if (program.getValues()[operands[zero]].constant != 0.0 ||
        !isUniform.test(operands[1 - zero]) || program.getValues()[operands[1 - zero]].constant)
      return std::nullopt;
    auto compare = [&](double number) {
      double values[2] = {number, number};
      values[zero] = 0;
      return foldSplat(step.op, values);
    };
    std::optional<double> above = compare(1);
    return above == compare(-1) || isNonNegative(operands[1 - zero], 0) ? above : std::nullopt;
  }
  SmallVector<double, 2> values;
  bool isKnown = true;
  for (ValueId operand : operands) {
    std::optional<double> value = genericValue(operand);
    // One is enough of a disjunction that holds.
    if (value == 1.0 && (name == "or" || name == "ori"))
      return 1;
    isKnown &= value.has_value();
    values.push_back(value.value_or(0));
  }
  if (!isKnown || values.empty())
    return std::nullopt;
  if (name == "concatenate" || reducesBy(step.op, "and"))
    return llvm::all_equal(values) ? std::optional(values.front()) : std::nullopt;
  return foldSplat(step.op, values);
}

std::optional<unsigned> UpdateGraph::genericChoice(const Program::Step &step) const {
  ArrayRef<ValueId> operands = program.operands(step);
  if (step.kind != Program::StepKind::Rule || operands.size() < 3 || step.numResults != 1 ||
      program.getValues()[operands[0]].isFloat)
    return std::nullopt;
  for (unsigned choice = 1; choice < operands.size(); ++choice)
    if (step.rule->use(choice) != OperandUse::Choice)
      return std::nullopt;
  std::optional<double> predicate = genericValue(operands[0]);
  if (!predicate)
    return std::nullopt;
  RankedTensorType type = program.getValues()[operands[0]].type;
  if ((type ? type.getElementType() : step.op->getOperand(0).getType()).isInteger(1))
    return operands.size() == 3 ? std::optional(*predicate != 0 ? 1u : 2u) : std::nullopt;
  // The number of a branch; the last one for all that there is none for.
  unsigned last = operands.size() - 1;
  return *predicate >= 0 && *predicate < last ? 1 + static_cast<unsigned>(*predicate) : last;
}

//===----------------------------------------------------------------------===//
// Updates that read other parameters
//===----------------------------------------------------------------------===//

llvm::DenseMap<unsigned, unsigned> UpdateGraph::findReaders(Read what) const {
  // Norms of everything are looked at once for each parameter: beyond this, all read all.
  constexpr uint64_t kMaxVisits = uint64_t(1) << 24;
  llvm::DenseMap<ValueId, unsigned> gradientOf;
  for (auto &[argument, value] : gradients)
    gradientOf[value] = argument;
  llvm::DenseMap<unsigned, unsigned> readers;
  uint64_t visits = 0;
  for (auto [reader, info] : llvm::enumerate(roles.arguments)) {
    // (Of an update whose gradient is not known nothing is said at all.)
    if (!gradients.contains(reader) || !info.carriedTo)
      continue;
    SmallVector<ValueId> pending = {program.getResults()[*info.carriedTo]};
    llvm::DenseSet<ValueId> seen(pending.begin(), pending.end());
    auto visit = [&](ValueId value) {
      if (seen.insert(value).second)
        pending.push_back(value);
    };
    while (!pending.empty()) {
      ValueId value = pending.pop_back_val();
      if (++visits > kMaxVisits) {
        for (auto [argument, other] : llvm::enumerate(roles.arguments))
          if (other.role == ArgumentRole::Param && argument != reader)
            readers.try_emplace(argument, reader);
        return readers;
      }
      if (value == loss)
        continue;
      if (auto it = gradientOf.find(value); it != gradientOf.end()) {
        if (what == Read::Gradient && it->second != reader)
          readers.try_emplace(it->second, reader);
        continue;
      }
      if (auto it = argumentOf.find(value); it != argumentOf.end()) {
        const StepRoles::Argument &argument = roles.arguments[it->second];
        if (argument.role == ArgumentRole::Param && it->second != reader)
          readers.try_emplace(it->second, reader);
        if (argument.role == ArgumentRole::State && argument.carriedTo)
          visit(program.getResults()[*argument.carriedTo]);
        continue;
      }
      if (definedBy[value] == kNoStep)
        continue;
      const Program::Step &step = program.getSteps()[definedBy[value]];
      // All numbers are taken to be finite.
      if (step.op->getName().stripDialect() != "is_finite")
        for (ValueId operand : program.operands(step))
          visit(operand);
    }
  }
  return readers;
}
