// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the arguments of a scalar body enter what it yields: the uses of its operations are composed.

#include "Payload.h"

#include "llvm/ADT/DenseMap.h"

using namespace mlir;
using namespace noether;
using namespace noether::rules;

namespace {

/// Bodies with more operations than this are not looked at.
constexpr unsigned kMaxOperations = 64;

/// Calls back for the operations of the body but its terminator. False if the body is not one small
/// block of operations without regions.
template <typename Callback>
bool forEachOperation(Region &region, Callback callback) {
  if (!region.hasOneBlock() || region.front().empty())
    return false;
  Block &block = region.front();
  unsigned count = 0;
  for (Operation &op : block) {
    if (&op == &block.back())
      return true;
    if (op.getNumRegions() != 0 || ++count > kMaxOperations)
      return false;
    callback(op);
  }
  return true;
}

/// The rule of an operation on scalars; null if there is none.
RuleAttr scalarRule(RuleTable &table, Operation &op) {
  RuleAttr rule = table.lookup(&op);
  return rule && !rule.isBarrier() && rule.getNumFactors() == 0 ? rule : RuleAttr();
}

bool isTied(RuleAttr rule, unsigned operand, unsigned result) {
  return llvm::any_of(rule.getEquations(), [&](EquationAttr equation) {
    return equation.getLhs() == static_cast<int64_t>(rule.getNumOperands() + result) &&
           llvm::is_contained(equation.getTensors(), static_cast<int64_t>(operand));
  });
}

Dependence negated(Dependence dependence) {
  switch (dependence) {
  case Dependence::Plus:
    return Dependence::Minus;
  case Dependence::Minus:
    return Dependence::Plus;
  default:
    return dependence;
  }
}

/// What an operation makes of one argument, from what its operands make of it.
Dependence combine(RuleAttr rule, ArrayRef<Dependence> operands) {
  Dependence sum = Dependence::None;
  bool hasFactor = false;
  for (auto [index, dependence] : llvm::enumerate(operands)) {
    if (dependence == Dependence::None)
      continue;
    OperandUse use = rule ? rule.getUse(index) : OperandUse::Opaque;
    Dependence term = dependence;
    switch (use) {
    case OperandUse::Plus:
      break;
    case OperandUse::Minus:
      term = negated(term);
      break;
    case OperandUse::Factor:
      if (hasFactor)
        return Dependence::Other;
      hasFactor = true;
      [[fallthrough]];
    case OperandUse::Choice:
      term = term == Dependence::Other ? Dependence::Other : Dependence::Linear;
      break;
    case OperandUse::Opaque:
    case OperandUse::Ordered:
      return Dependence::Other;
    }
    if (term == Dependence::Other)
      return term;
    sum = sum == Dependence::None ? term : Dependence::Linear;
  }
  return sum;
}

/// Whether a value of a body is zero where these arguments are.
bool isZero(RuleTable &table, Region &region, Value value, const llvm::SmallBitVector &zeros) {
  llvm::DenseMap<Value, bool> known;
  for (BlockArgument argument : region.front().getArguments())
    known[argument] = zeros.test(argument.getArgNumber());
  forEachOperation(region, [&](Operation &op) {
    RuleAttr rule = scalarRule(table, op);
    if (!rule || op.getNumResults() != 1)
      return;
    bool allSummands = true, anyFactor = false, hasFactor = false;
    for (auto [index, operand] : llvm::enumerate(op.getOperands())) {
      bool own = known.lookup(operand);
      switch (rule.getUse(index)) {
      case OperandUse::Factor:
        hasFactor = true;
        anyFactor |= own;
        break;
      case OperandUse::Plus:
      case OperandUse::Minus:
      case OperandUse::Choice:
        allSummands &= own;
        break;
      case OperandUse::Ordered:
        allSummands = false;
        break;
      case OperandUse::Opaque:
        break;
      }
    }
    bool isLinear = !rule.getUses().empty();
    known[op.getResult(0)] = isLinear && allSummands && (anyFactor || !hasFactor);
  });
  return known.lookup(value);
}

} // namespace

std::optional<SmallVector<SmallVector<Dependence>>> rules::composeDependences(RuleTable &table,
                                                                              Region &region) {
  if (!region.hasOneBlock() || region.front().empty())
    return std::nullopt;
  Block &block = region.front();
  unsigned numArguments = block.getNumArguments();
  llvm::DenseMap<Value, SmallVector<Dependence>> known;
  for (BlockArgument argument : block.getArguments()) {
    SmallVector<Dependence> own(numArguments, Dependence::None);
    own[argument.getArgNumber()] = Dependence::Plus;
    known[argument] = std::move(own);
  }
  // Values from outside depend on no argument.
  auto get = [&](Value value, unsigned argument) {
    auto it = known.find(value);
    return it == known.end() ? Dependence::None : it->second[argument];
  };
  bool isCovered = forEachOperation(region, [&](Operation &op) {
    RuleAttr rule = scalarRule(table, op);
    // A number that is added makes a map affine that is to be linear.
    auto dependsOnArguments = [&](Value value) {
      return llvm::any_of(llvm::seq(numArguments), [&](unsigned argument) {
        return get(value, argument) != Dependence::None;
      });
    };
    if (rule)
      for (auto [index, operand] : llvm::enumerate(op.getOperands())) {
        OperandUse use = rule.getUse(index);
        if ((use == OperandUse::Plus || use == OperandUse::Minus || use == OperandUse::Choice) &&
            !dependsOnArguments(operand)) {
          rule = RuleAttr();
          break;
        }
      }
    SmallVector<Dependence> combined;
    for (unsigned argument = 0; argument < numArguments; ++argument) {
      SmallVector<Dependence> operands;
      for (Value operand : op.getOperands())
        operands.push_back(get(operand, argument));
      combined.push_back(combine(rule, operands));
    }
    for (auto [index, result] : llvm::enumerate(op.getResults())) {
      SmallVector<Dependence> own = combined;
      // A result that no equation ties to an operand, such as a comparison, is no linear map of it.
      for (Dependence &dependence : own)
        if (dependence != Dependence::None &&
            (!rule || elementKind(result.getType()) != ElementKind::Scaled ||
             op.getNumResults() != 1))
          dependence = Dependence::Other;
      known[result] = std::move(own);
    }
  });
  if (!isCovered)
    return std::nullopt;
  SmallVector<SmallVector<Dependence>> yields;
  for (Value value : block.back().getOperands()) {
    auto &row = yields.emplace_back();
    for (unsigned argument = 0; argument < numArguments; ++argument)
      row.push_back(get(value, argument));
    // Linear in an argument, but not zero where it is: a (b + 1).
    SmallVector<Dependence> summands = row;
    for (unsigned argument = 0; argument < numArguments; ++argument) {
      if (row[argument] != Dependence::Linear)
        continue;
      llvm::SmallBitVector zeros(numArguments);
      for (unsigned other = 0; other < numArguments; ++other)
        if (other == argument || summands[other] == Dependence::Plus ||
            summands[other] == Dependence::Minus)
          zeros.set(other);
      if (!isZero(table, region, value, zeros))
        row[argument] = Dependence::Other;
    }
  }
  return yields;
}

std::optional<llvm::SmallBitVector> rules::composeOrder(RuleTable &table, Region &region,
                                                        const llvm::SmallBitVector &moved) {
  if (!region.hasOneBlock() || region.front().empty())
    return std::nullopt;
  Block &block = region.front();
  llvm::DenseMap<Value, bool> known;
  for (BlockArgument argument : block.getArguments())
    known[argument] = moved.test(argument.getArgNumber());
  bool holds = true;
  auto isMoved = [&](Value value) { return known.lookup(value); };
  holds &= forEachOperation(region, [&](Operation &op) {
    if (llvm::none_of(op.getOperands(), isMoved))
      return;
    RuleAttr rule = scalarRule(table, op);
    holds &= static_cast<bool>(rule);
    if (!rule)
      return;
    bool isCopy = op.getNumOperands() == 1 && rule.getUse(0) == OperandUse::Plus;
    for (auto [index, operand] : llvm::enumerate(op.getOperands())) {
      OperandUse use = rule.getUse(index);
      bool isJoint = use == OperandUse::Ordered || use == OperandUse::Choice;
      // All or none of those that go together, and nothing else.
      holds &= isJoint ? isMoved(operand) : isCopy || !isMoved(operand);
    }
    for (auto [r, result] : llvm::enumerate(op.getResults()))
      for (unsigned o = 0; o < op.getNumOperands(); ++o)
        if (isMoved(op.getOperand(o)) && isTied(rule, o, r))
          known[result] = true;
  });
  if (!holds)
    return std::nullopt;
  llvm::SmallBitVector yields(block.back().getNumOperands());
  for (auto [index, value] : llvm::enumerate(block.back().getOperands()))
    yields[index] = isMoved(value);
  return yields;
}

OperandUse rules::toUse(Dependence dependence) {
  switch (dependence) {
  case Dependence::Plus:
    return OperandUse::Plus;
  case Dependence::Minus:
    return OperandUse::Minus;
  case Dependence::Linear:
    return OperandUse::Factor;
  case Dependence::None:
  case Dependence::Other:
    return OperandUse::Opaque;
  }
  return OperandUse::Opaque;
}

OperandUse rules::reductionUse(const Context &context, Region &body, unsigned numReduced) {
  if (numReduced == 1 && context.isOperandScaled(0)) {
    auto yields = composeDependences(context.table, body);
    if (yields && yields->size() == 1 && (*yields)[0].size() == 2 &&
        llvm::all_of((*yields)[0], [](Dependence d) { return d == Dependence::Plus; }))
      return OperandUse::Plus;
  }
  llvm::SmallBitVector moved(2 * numReduced), expected(numReduced);
  for (unsigned i = 0; i < numReduced; ++i)
    if (context.isOperandScaled(i)) {
      moved.set(i).set(numReduced + i);
      expected.set(i);
    }
  if (body.getNumArguments() != moved.size())
    return OperandUse::Opaque;
  return composeOrder(context.table, body, moved) == expected ? OperandUse::Ordered
                                                              : OperandUse::Opaque;
}
