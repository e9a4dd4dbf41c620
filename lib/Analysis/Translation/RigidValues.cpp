// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "RigidValues.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

bool noether::isTestOfFiniteness(mlir::Operation *op) {
  return llvm::StringSwitch<bool>(op->getName().getStringRef())
      .Cases({"stablehlo.is_finite", "math.isfinite", "math.isinf", "math.isnan", "chlo.is_inf",
              "chlo.is_pos_inf", "chlo.is_neg_inf"},
             true)
      .Default(false);
}

bool noether::isAssumedTrue(const Program &program, const ValueRoots &roots, ValueId predicate) {
  constexpr unsigned kMaxCopies = 8;
  for (unsigned depth = 0; depth < kMaxCopies; ++depth) {
    const Program::Step *step = roots.definitionOf(predicate);
    if (!step || step->numOperands == 0)
      return false;
    auto name = step->op->getName().getStringRef();
    if (name == "stablehlo.is_finite" || name == "math.isfinite")
      return true;
    if (name != "stablehlo.broadcast_in_dim" && name != "stablehlo.reshape")
      return false;
    predicate = program.operands(*step)[0];
  }
  return false;
}

bool noether::isTied(const CompiledRule &rule, unsigned operand, unsigned result) {
  return llvm::any_of(rule.equations, [&](const CompiledRule::Equation &equation) {
    return equation.lhs == rule.numOperands + result &&
           llvm::any_of(equation.terms, [&](auto &term) { return term.first == operand; });
  });
}

bool noether::isSquare(const Program::Step &step) {
  return step.numOperands == 1 && step.rule->isPointwise &&
         step.op->getName().getStringRef() == "chlo.square";
}

const PowerLaw &PowerLaws::get(mlir::Operation *op) {
  auto [it, isNew] = byName.try_emplace(op->getName());
  if (isNew)
    it->second = llvm::StringSwitch<PowerLaw>(op->getName().getStringRef())
                     .Cases({"stablehlo.exponential", "math.exp"}, {PowerLaw::Exponential})
                     .Cases({"stablehlo.log", "math.log"}, {PowerLaw::Logarithm})
                     .Cases({"stablehlo.abs", "math.absf"}, {PowerLaw::Power, Fraction(1)})
                     .Cases({"stablehlo.sqrt", "math.sqrt"}, {PowerLaw::Power, Fraction(1, 2)})
                     .Cases({"stablehlo.rsqrt", "math.rsqrt"}, {PowerLaw::Power, Fraction(-1, 2)})
                     .Cases({"stablehlo.cbrt", "math.cbrt"}, {PowerLaw::Power, Fraction(1, 3)})
                     .Case("chlo.square", {PowerLaw::Power, Fraction(2)})
                     .Default({});
  return it->second;
}

RigidValues::RigidValues(const Program &program, ValueRoots &roots, PowerLaws &laws,
                         const llvm::BitVector &steps, ArrayRef<ValueId> moved)
    : program(program), roots(roots), laws(laws), obstacles(program.getValues().size(), kNone),
      isExponential(program.getValues().size()),
      mayMove(program.getValues().size()) {
  for (ValueId value : moved)
    mayMove.set(value);
  read(steps);
  while (!worklist.empty()) {
    ValueId value = worklist.pop_back_val();
    if (const Program::Step *step = roots.definitionOf(value))
      goBack(*step);
    if (auto it = waiting.find(value); it != waiting.end())
      for (const Program::Step *step : SmallVector<const Program::Step *, 1>(it->second))
        goBack(*step);
  }
}

void RigidValues::read(const llvm::BitVector &steps) {
  for (unsigned index : steps.set_bits()) {
    const Program::Step &step = program.getSteps()[index];
    ArrayRef<ValueId> operands = program.operands(step), results = program.results(step);
    if (llvm::none_of(operands, [&](ValueId operand) { return mayMove.test(operand); }))
      continue;
    switch (step.kind) {
    case Program::StepKind::Carry:
      mayMove.set(results[0]);
      waiting[results[0]].push_back(&step);
      continue;
    case Program::StepKind::LoopTie:
      // What moves in the body alone does not come back as it went in.
      for (unsigned i = 0; i < step.numTied; ++i) {
        if (!mayMove.test(operands[i]))
          forbid(operands[i + step.numTied], index);
        waiting[operands[i]].push_back(&step);
        waiting[operands[i + step.numTied]].push_back(&step);
      }
      continue;
    case Program::StepKind::Rule:
      break;
    }
    const CompiledRule &rule = *step.rule;
    for (ValueId result : results)
      if (program.getValues()[result].isFloat)
        mayMove.set(result);
    if (isExponential.any())
      readExponentials(step, index);
    bool isAnyOpaque =
        rule.isBarrier || rule.uses.empty() || llvm::is_contained(rule.uses, OperandUse::Opaque);
    if (!isAnyOpaque || isTestOfFiniteness(step.op) || isSquare(step))
      continue;
    if (!rule.isBarrier && laws.get(step.op).kind == PowerLaw::Exponential) {
      isExponential.set(results[0]);
      continue;
    }
    for (auto [o, operand] : llvm::enumerate(operands))
      if (rule.isBarrier || rule.use(o) == OperandUse::Opaque)
        forbid(operand, index);
  }
}

void RigidValues::readExponentials(const Program::Step &step, uint32_t index) {
  ArrayRef<ValueId> operands = program.operands(step);
  for (ValueId operand : operands) {
    if (!isExponential.test(operand))
      continue;
    OpKind kind = roots.getKinds().get(step.op);
    bool multiplies = kind == OpKind::Multiply || kind == OpKind::Divide ||
                      kind == OpKind::Contraction || kind == OpKind::Layout ||
                      kind == OpKind::Broadcast || kind == OpKind::Sum || kind == OpKind::Select ||
                      laws.get(step.op).kind > PowerLaw::Exponential;
    // A sum with a number that is not zero does not scale along.
    if (kind == OpKind::Add || kind == OpKind::Subtract)
      multiplies = llvm::all_of(operands, [&](ValueId other) {
        return program.getValues()[other].constant.value_or(0) == 0;
      });
    if (!multiplies)
      forbid(program.operands(*roots.definitionOf(operand))[0], index);
  }
}

void RigidValues::forbid(ValueId value, uint32_t obstacle) {
  if (!canMove(value))
    return;
  obstacles[value] = obstacle;
  worklist.push_back(value);
}

//===----------------------------------------------------------------------===//
// From results to operands
//===----------------------------------------------------------------------===//

void RigidValues::goBackThroughLoop(const Program::Step &step) {
  ArrayRef<ValueId> operands = program.operands(step);
  for (unsigned i = 0; i < step.numTied; ++i) {
    ValueId carried = operands[i], yielded = operands[i + step.numTied];
    if (obstacles[carried] != kNone)
      forbid(yielded, obstacles[carried]);
    else if (obstacles[yielded] != kNone)
      forbid(carried, obstacles[yielded]);
  }
}

void RigidValues::goBack(const Program::Step &step) {
  if (step.kind == Program::StepKind::LoopTie)
    return goBackThroughLoop(step);
  ArrayRef<ValueId> operands = program.operands(step);
  uint32_t obstacle = obstacles[program.results(step)[0]];
  if (step.kind == Program::StepKind::Carry)
    return forbid(operands[0], obstacle);
  const CompiledRule &rule = *step.rule;
  if (rule.isBarrier || step.numResults != 1)
    return;
  if (rule.isSegmented)
    return goBackThroughPieces(step, obstacle);
  if (llvm::is_contained(rule.uses, OperandUse::Plus) ||
      llvm::is_contained(rule.uses, OperandUse::Minus))
    return goBackThroughSum(step, obstacle);
  bool isFirstChosen = roots.getKinds().get(step.op) == OpKind::Select &&
                       isAssumedTrue(program, roots, operands[0]);
  for (unsigned o = 0; o < rule.numOperands; ++o) {
    if (!canMove(operands[o]) || !isTied(rule, o, 0))
      continue;
    switch (rule.use(o)) {
    case OperandUse::Opaque:
      if (isSquare(step))
        forbid(operands[o], obstacle);
      break;
    case OperandUse::Choice:
      if (!isFirstChosen || o == 1)
        forbid(operands[o], obstacle);
      break;
    case OperandUse::Ordered:
      forbid(operands[o], obstacle);
      break;
    case OperandUse::Factor:
      if (showsInProduct(step, o))
        forbid(operands[o], obstacle);
      break;
    case OperandUse::Plus:
    case OperandUse::Minus:
      break;
    }
  }
}

void RigidValues::goBackThroughPieces(const Program::Step &step, uint32_t obstacle) {
  const CompiledRule &rule = *step.rule;
  const CompiledRule::Tensor &result = rule.tensors[rule.numOperands];
  auto has = [](const CompiledRule::Tensor &tensor, CompiledRule::Factor factor) {
    return llvm::any_of(tensor, [&](const CompiledRule::Dim &dim) {
      return llvm::any_of(dim.segments,
                          [&](auto &segment) { return llvm::is_contained(segment, factor); });
    });
  };
  // An operand that is there as a whole, in a piece of its own.
  for (unsigned o = 0; o < rule.numOperands; ++o) {
    const CompiledRule::Tensor &tensor = rule.tensors[o];
    if ((rule.use(o) != OperandUse::Plus && rule.use(o) != OperandUse::Minus) ||
        !isTied(rule, o, 0))
      continue;
    bool isWhole = true, isAlone = false;
    for (const CompiledRule::Dim &dim : tensor) {
      isWhole &= dim.segments.size() == 1;
      for (CompiledRule::Factor factor : dim.segments.front()) {
        isWhole &= has(result, factor);
        bool isShared = false;
        for (unsigned other = 0; other < rule.numOperands; ++other)
          isShared |= other != o && has(rule.tensors[other], factor);
        isAlone |= !isShared && llvm::any_of(result, [&](const CompiledRule::Dim &to) {
          return to.isSegmented() && llvm::any_of(to.segments, [&](auto &segment) {
                   return segment.size() == 1 && segment.front() == factor;
                 });
        });
      }
    }
    if (isWhole && isAlone)
      forbid(program.operands(step)[o], obstacle);
  }
}

void RigidValues::goBackThroughSum(const Program::Step &step, uint32_t obstacle) {
  constexpr unsigned kMaxSummands = 8;
  const CompiledRule &rule = *step.rule;
  ArrayRef<ValueId> operands = program.operands(step);
  std::optional<unsigned> only;
  for (unsigned o = 0; o < rule.numOperands; ++o) {
    if (!canMove(operands[o]))
      continue;
    if (!only && isTied(rule, o, 0) &&
        (rule.use(o) == OperandUse::Plus || rule.use(o) == OperandUse::Minus)) {
      only = o;
      continue;
    }
    // Not alone.
    for (ValueId operand : operands)
      if (canMove(operand) && operands.size() <= kMaxSummands)
        if (auto &list = waiting[operand]; !llvm::is_contained(list, &step))
          list.push_back(&step);
    return;
  }
  if (!only)
    return;
  if (rule.sum.any())
    return goBackThroughReduction(step, *only, obstacle);
  forbid(operands[*only], obstacle);
}

void RigidValues::goBackThroughReduction(const Program::Step &step, unsigned operand,
                                         uint32_t obstacle) {
  constexpr unsigned kMaxCopies = 4;
  const CompiledRule::Tensor &tensor = step.rule->tensors[operand];
  ValueId value = program.operands(step)[operand];
  ArrayRef<int64_t> shape = program.getValues()[value].shape();
  const Program::Step *source = roots.definitionOf(value);
  // Conversions between.
  for (unsigned depth = 0; depth < kMaxCopies && source && source->numOperands == 1 &&
                           source->numResults == 1 && source->rule->isPointwise &&
                           source->rule->use(0) == OperandUse::Plus;
       ++depth)
    source = roots.definitionOf(program.operands(*source)[0]);
  if (!source || source->numResults != 1 || !source->rule->isPointwise)
    return;
  ArrayRef<ValueId> factors = program.operands(*source);
  OpKind kind = roots.getKinds().get(source->op);
  bool isProduct = kind == OpKind::Multiply || kind == OpKind::Divide;
  if (!isSquare(*source) && !(isProduct && factors.size() == 2))
    return;
  for (unsigned o = 0; o < (kind == OpKind::Multiply ? 2 : 1); ++o) {
    ValueId partner = factors[factors.size() == 1 ? 0 : 1 - o];
    if (!canMove(factors[o]) || program.getValues()[partner].constant)
      continue;
    ValueRoot root = roots.get(partner);
    bool varies = root.dimensions.size() == tensor.size() && mayHideNothing(partner);
    for (auto [d, dim] : llvm::enumerate(tensor))
      if (varies && shape[d] != 1 && llvm::any_of(dim.segments.front(), [&](CompiledRule::Factor f) {
            return step.rule->sum.test(f);
          }))
        varies &= root.dimensions[d] >= 0;
    if (varies)
      forbid(factors[o], obstacle);
  }
}

bool RigidValues::mayHideNothing(ValueId factor) const {
  // A piece of it can be zero.
  const Program::Step *step = roots.definitionOf(factor);
  return !step || !step->rule->isSegmented;
}

bool RigidValues::showsInProduct(const Program::Step &step, unsigned operand) {
  const CompiledRule &rule = *step.rule;
  OpKind kind = roots.getKinds().get(step.op);
  if (kind != OpKind::Multiply && kind != OpKind::Contraction && kind != OpKind::Divide)
    return true;
  if (rule.numOperands != 2 || rule.use(1 - operand) != OperandUse::Factor || rule.frozen.any())
    return true;
  ValueId partner = program.operands(step)[1 - operand];
  if (const std::optional<double> &constant = program.getValues()[partner].constant)
    return rule.sum.none() && *constant != 0;
  if (!mayHideNothing(partner))
    return false;
  if (rule.sum.none())
    return true;
  ValueRoot root = roots.get(partner);
  ArrayRef<int64_t> shape = program.getValues()[partner].shape();
  // Along each dimension summed over the partner varies, and does not add up to zero.
  for (CompiledRule::Factor factor : rule.sum.set_bits()) {
    bool isFound = false;
    for (auto [d, dim] : llvm::enumerate(rule.tensors[1 - operand])) {
      if (dim.segments.size() != 1 || !llvm::is_contained(dim.segments.front(), factor))
        continue;
      isFound = shape[d] == 1 || (root.dimensions[d] >= 0 &&
                                  roots.sumAlong(partner, d) != std::optional(Fraction(0)));
    }
    if (!isFound)
      return false;
  }
  return true;
}
