// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Factors that shifts become: exp(x + t) is exp(x) times exp(t). Products add the terms of their
// factors, sums pass what all their entries have in common, log makes a shift of it again.

#include "TranslationEngine.h"

#include "llvm/ADT/STLExtras.h"

using namespace noether;
using llvm::ArrayRef;

void TranslationEngine::pinFactors(ValueId value, size_t step) {
  for (const ShiftTerm &term : factorsOf(value))
    pinForm(term.form, step);
}

bool TranslationEngine::runPowerLaw(size_t index) {
  const Program::Step &step = program.getSteps()[index];
  if (step.numOperands != 1 || step.numResults != 1 || step.rule->isBarrier ||
      !step.rule->isPointwise || structure.bindingOf(index))
    return false;
  const PowerLaw &law = laws.get(step.op);
  ValueId operand = program.operands(step)[0], result = program.results(step)[0];
  // The index space of both is one.
  if (law.kind == PowerLaw::None || !program.getValues()[result].isFloat ||
      structure.spaceOf(operand) != structure.spaceOf(result))
    return false;
  if (law.kind == PowerLaw::Exponential) {
    pinFactors(operand, index);
    factors[result] = shifts[operand];
    return true;
  }
  // A square is a product of what is shifted.
  if (shifts[operand]) {
    if (isSquare(step))
      return false;
    pinOperand(index, 0);
  }
  Shift terms;
  for (ShiftTerm term : factorsOf(operand)) {
    term.form = forms.scale(law.exponent, term.form);
    add(terms, std::move(term));
  }
  if (law.kind == PowerLaw::Logarithm)
    setShift(result, std::move(terms), index);
  else
    setFactors(result, std::move(terms), index);
  return true;
}

void TranslationEngine::runFactors(size_t index) {
  const Program::Step &step = program.getSteps()[index];
  ArrayRef<ValueId> operands = program.operands(step), results = program.results(step);
  Joint joint;
  Shift terms;
  bool isFollowed = step.kind == Program::StepKind::Rule && !step.rule->isBarrier &&
                    !step.rule->isSegmented && results.size() == 1 &&
                    program.getValues()[results[0]].isFloat && openJoint(index, joint);
  if (isFollowed)
    switch (roots.getKinds().get(step.op)) {
    case OpKind::Multiply:
    case OpKind::Divide:
    case OpKind::Contraction:
      isFollowed = multiplyFactors(joint, terms);
      break;
    case OpKind::Layout:
    case OpKind::Broadcast:
    case OpKind::Sum:
      isFollowed = passFactors(joint, terms);
      break;
    case OpKind::Add:
    case OpKind::Subtract:
    case OpKind::Select:
      isFollowed = addFactors(joint, terms);
      break;
    default:
      isFollowed = false;
    }
  if (isFollowed)
    return setFactors(results[0], std::move(terms), index);
  for (ValueId operand : operands)
    pinFactors(operand, index);
}

bool TranslationEngine::multiplyFactors(const Joint &joint, Shift &terms) {
  const CompiledRule &rule = *joint.rule;
  // (A divisor is no factor of a linear map.)
  bool isQuotient = roots.getKinds().get(joint.step->op) == OpKind::Divide;
  if (rule.numOperands != 2 || rule.use(0) != OperandUse::Factor ||
      (!isQuotient && rule.use(1) != OperandUse::Factor) || !isTied(rule, 0, 0) ||
      !isTied(rule, 1, 0))
    return false;
  for (unsigned o : {0, 1})
    for (LocalTerm &term : alikeAlongSums(joint, embed(joint, o, factorsOf(joint.operands[o])))) {
      if (isQuotient && o == 1)
        term.form = forms.scale(Fraction(-1), term.form);
      finish(joint, 0, term, terms);
    }
  return true;
}

bool TranslationEngine::passFactors(const Joint &joint, Shift &terms) {
  const CompiledRule &rule = *joint.rule;
  std::optional<unsigned> source;
  for (unsigned o = 0; o < rule.numOperands; ++o) {
    if (program.getValues()[joint.operands[o]].constant == 0.0)
      continue;
    bool isSummand = rule.use(o) == OperandUse::Plus || rule.use(o) == OperandUse::Minus;
    if (source || !isSummand || !isTied(rule, o, 0))
      return false;
    source = o;
  }
  if (!source)
    return false;
  // A sum has the factor that all its summands have.
  for (LocalTerm &term :
       alikeAlongSums(joint, embed(joint, *source, factorsOf(joint.operands[*source]))))
    finish(joint, 0, term, terms);
  return true;
}

bool TranslationEngine::addFactors(const Joint &joint, Shift &terms) {
  const CompiledRule &rule = *joint.rule;
  bool isChoice = roots.getKinds().get(joint.step->op) == OpKind::Select;
  llvm::SmallVector<unsigned, 2> operands;
  for (unsigned o = isChoice ? 1 : 0; o < rule.numOperands; ++o) {
    bool isSummand = rule.use(o) == OperandUse::Plus || rule.use(o) == OperandUse::Minus;
    if (!(isChoice ? rule.use(o) == OperandUse::Choice : isSummand) || !isTied(rule, o, 0))
      return false;
    operands.push_back(o);
  }
  if (isChoice && factors[joint.operands[0]])
    return false;
  for (const LocalTerm &term : common(joint, operands, true))
    finish(joint, 0, term, terms);
  return true;
}
