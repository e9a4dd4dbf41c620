// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "NormGains.h"

#include "UpdateForm.h"

#include "llvm/ADT/BitVector.h"

using namespace mlir;
using namespace noether;

static constexpr uint32_t kNoStep = ~0u;
/// Operations that a product, or the statistic of a norm, is followed through.
static constexpr unsigned kMaxVisits = 96;
/// Largest constant that may stand beside a statistic as its epsilon.
static constexpr double kMaxEpsilon = 2e-3;

namespace {
class GainFinder {
public:
  GainFinder(const Program &program, const llvm::BitVector &lossSlice);
  Operation *find(ValueId parameter);

private:
  struct Factor {
    ValueId value;
    Fraction power;
  };

  const Program::Step *stepOf(ValueId value) const {
    return definedBy[value] == kNoStep ? nullptr : &program.getSteps()[definedBy[value]];
  }
  Arithmetic kindOf(const Program::Step &step) const {
    return step.kind == Program::StepKind::Rule ? UpdateForms::arithmeticOf(step.op)
                                                : Arithmetic::Other;
  }
  void expand(ValueId value, Fraction power);
  bool isNormalized();
  std::optional<std::optional<Fraction>> degreeOf(ValueId value, ValueId root);

  const Program &program;
  // By value; `user` is the last one.
  std::vector<uint32_t> definedBy, user;
  std::vector<uint8_t> uses; // 0, 1, or 2 for more
  SmallVector<Factor> factors;
  llvm::DenseMap<ValueId, std::optional<Fraction>> degrees;
  unsigned visits = 0;
};
} // namespace

GainFinder::GainFinder(const Program &program, const llvm::BitVector &lossSlice)
    : program(program), definedBy(program.getValues().size(), kNoStep),
      user(program.getValues().size(), kNoStep), uses(program.getValues().size(), 0) {
  for (unsigned index : lossSlice.set_bits()) {
    const Program::Step &step = program.getSteps()[index];
    for (ValueId operand : program.operands(step)) {
      uses[operand] = std::min(uses[operand] + 1, 2);
      user[operand] = index;
    }
    for (ValueId result : program.results(step))
      definedBy[result] = index;
  }
}

/// Adds the factors that a value is a product of.
void GainFinder::expand(ValueId value, Fraction power) {
  const Program::Step *step = stepOf(value);
  if (!step || ++visits > kMaxVisits) {
    factors.push_back({value, power});
    return;
  }
  ArrayRef<ValueId> operands = program.operands(*step);
  switch (Arithmetic kind = kindOf(*step)) {
  case Arithmetic::Same:
  case Arithmetic::Broadcast:
    if (operands.size() == 1)
      return expand(operands[0], power);
    break;
  case Arithmetic::Multiply:
  case Arithmetic::Divide:
    if (operands.size() == 2) {
      expand(operands[0], power);
      return expand(operands[1], kind == Arithmetic::Multiply ? power : power * Fraction(-1));
    }
    break;
  case Arithmetic::Sqrt:
  case Arithmetic::Rsqrt:
    if (operands.size() == 1)
      return expand(operands[0],
                    power * Fraction(kind == Arithmetic::Sqrt ? 1 : -1) / Fraction(2));
    break;
  default:
    break;
  }
  factors.push_back({value, power});
}

/// The degree of a value when `root` has degree 1. The inner option is empty where any degree will do (an
/// epsilon, zeros), the outer one where there is none.
std::optional<std::optional<Fraction>> GainFinder::degreeOf(ValueId value, ValueId root) {
  using Known = std::optional<Fraction>;
  if (value == root)
    return Known(Fraction(1));
  if (auto it = degrees.find(value); it != degrees.end())
    return it->second;
  const Program::Value &info = program.getValues()[value];
  if (info.isAnyScale || (info.constant && std::abs(*info.constant) <= kMaxEpsilon))
    return Known();
  const Program::Step *step = stepOf(value);
  if (info.constant || !info.isFloat)
    return Known(Fraction(0));
  // An argument: the statistic is made of something else.
  if (!step || step->kind != Program::StepKind::Rule || step->rule->isBarrier ||
      ++visits > kMaxVisits)
    return std::nullopt;
  const CompiledRule &rule = *step->rule;
  ArrayRef<ValueId> operands = program.operands(*step), results = program.results(*step);
  Known result;
  bool isDefined = false;
  for (const CompiledRule::Equation &equation : rule.equations) {
    Fraction right(0);
    bool any = false;
    for (auto &[tensor, coefficient] : equation.terms) {
      if (rule.isResult(tensor))
        return std::nullopt;
      auto degree = degreeOf(operands[tensor], root);
      if (!degree)
        return std::nullopt;
      any |= !*degree;
      if (*degree)
        right = right + coefficient * **degree;
    }
    if (!rule.isResult(equation.lhs)) {
      auto left = degreeOf(operands[equation.lhs], root);
      if (!left || (*left && !any && **left != right))
        return std::nullopt;
      continue;
    }
    if (results[equation.lhs - rule.numOperands] != value || any)
      continue;
    if (isDefined && *result != right)
      return std::nullopt;
    result = right;
    isDefined = true;
  }
  degrees[value] = result;
  return result;
}

/// Whether the product of the factors stays what it is when one of them is scaled: another one is made of its
/// squares.
bool GainFinder::isNormalized() {
  for (const Factor &input : factors) {
    if (input.power != Fraction(1))
      continue;
    // What is normalised may be a difference from its mean.
    SmallVector<ValueId, 4> roots = {input.value};
    for (unsigned i = 0; i < roots.size() && i < 4; ++i)
      if (const Program::Step *step = stepOf(roots[i])) {
        Arithmetic kind = kindOf(*step);
        if (kind == Arithmetic::Subtract || kind == Arithmetic::Same)
          roots.push_back(program.operands(*step)[0]);
      }
    for (const Factor &statistic : factors) {
      if (statistic.power != Fraction(-1) / Fraction(2))
        continue;
      for (ValueId root : roots) {
        degrees.clear();
        visits = 0;
        auto own = degreeOf(input.value, root);
        if (!own || !*own || **own != Fraction(1))
          continue;
        auto degree = degreeOf(statistic.value, root);
        if (degree && *degree && **degree == Fraction(2))
          return true;
      }
    }
  }
  return false;
}

Operation *GainFinder::find(ValueId parameter) {
  // To the product with something else.
  ValueId value = parameter;
  Operation *product = nullptr;
  factors.clear();
  visits = 0;
  for (unsigned depth = 0; depth < 16; ++depth) {
    if (uses[value] != 1)
      break;
    const Program::Step &step = program.getSteps()[user[value]];
    ArrayRef<ValueId> operands = program.operands(step);
    Arithmetic kind = kindOf(step);
    if (program.results(step).size() != 1)
      break;
    if ((kind == Arithmetic::Same || kind == Arithmetic::Broadcast) && operands.size() == 1) {
      value = program.results(step)[0];
      continue;
    }
    bool isFactor = operands.size() == 2 &&
                    (kind == Arithmetic::Multiply ||
                     (kind == Arithmetic::Divide && operands[0] == value));
    if (!isFactor)
      break;
    if (!product)
      product = step.op;
    bool isFirst = operands[0] == value;
    expand(operands[isFirst], kind == Arithmetic::Multiply ? Fraction(1) : Fraction(-1));
    value = program.results(step)[0];
  }
  return product && isNormalized() ? product : nullptr;
}

llvm::MapVector<unsigned, Operation *>
noether::findNormGains(const Program &program, const llvm::BitVector &lossSlice,
                       ArrayRef<unsigned> candidates) {
  llvm::MapVector<unsigned, Operation *> result;
  if (candidates.empty())
    return result;
  GainFinder finder(program, lossSlice);
  for (unsigned argument : candidates)
    if (Operation *op = finder.find(program.getArguments()[argument]))
      result.insert({argument, op});
  return result;
}
