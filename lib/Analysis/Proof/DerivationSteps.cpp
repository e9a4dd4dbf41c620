// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "DerivationSteps.h"

#include "llvm/ADT/STLExtras.h"

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

RuleTexts::RuleTexts(const Program &program)
    : table(program.getSteps().empty() ? nullptr : program.getSteps()[0].op->getContext()) {}

/// The attribute that says what a compiled rule says: most were made from one.
static RuleAttr toAttribute(const CompiledRule &rule, mlir::MLIRContext *context) {
  if (rule.isBarrier)
    return RuleAttr::getBarrierRule(context);
  SmallVector<TensorMapAttr> operands, results;
  for (auto [t, tensor] : llvm::enumerate(rule.tensors)) {
    SmallVector<DimMapAttr> dims;
    for (const CompiledRule::Dim &dim : tensor) {
      SmallVector<int64_t> factors, segments;
      for (auto &segment : dim.segments) {
        factors.append(segment.begin(), segment.end());
        segments.push_back(segment.size());
      }
      dims.push_back(DimMapAttr::get(context, factors, segments));
    }
    (rule.isResult(t) ? results : operands).push_back(TensorMapAttr::get(context, dims));
  }
  auto list = [](const llvm::BitVector &bits) {
    return llvm::to_vector_of<int64_t>(bits.set_bits());
  };
  SmallVector<EquationAttr> equations;
  for (const CompiledRule::Equation &equation : rule.equations) {
    SmallVector<int64_t> tensors, numerators, denominators;
    for (auto &[tensor, coefficient] : equation.terms) {
      tensors.push_back(tensor);
      numerators.push_back(int64_t(coefficient.num));
      denominators.push_back(int64_t(coefficient.den));
    }
    equations.push_back(
        EquationAttr::get(context, equation.lhs, tensors, numerators, denominators));
  }
  return RuleAttr::get(context, operands, results, rule.factorSizes, list(rule.sum),
                       list(rule.frozen), equations, rule.uses);
}

llvm::StringRef RuleTexts::of(const Program::Step &step) {
  std::string &text = texts[step.rule];
  if (text.empty())
    llvm::raw_string_ostream(text)
        << mlir::Attribute(toAttribute(*step.rule, step.op->getContext()));
  return text;
}

bool RuleTexts::isReadOtherwise(const Program::Step &step) {
  llvm::StringRef name = step.op->getName().stripDialect();
  // Slices at places that constants say: the checker knows them.
  if (step.rule->isBarrier || name == "dynamic_slice" || name == "dynamic_update_slice")
    return false;
  RuleAttr rule = table.lookup(step.op);
  return rule && rule != toAttribute(*step.rule, step.op->getContext());
}

/// Whether an operation is read as several steps, of which this is one: a body that is followed, an
/// operation that is put together from slices.
static bool isPiece(const Program &program, size_t index) {
  ArrayRef<Program::Step> steps = program.getSteps();
  auto isSame = [&](size_t other) {
    return steps[other].kind == Program::StepKind::Rule &&
           steps[other].position == steps[index].position &&
           steps[other].part == steps[index].part && program.pathOf(other) == program.pathOf(index);
  };
  return (index > 0 && isSame(index - 1)) || (index + 1 < steps.size() && isSame(index + 1));
}

void noether::forEachProofStep(
    const Program &program, const llvm::BitVector &slice,
    llvm::function_ref<llvm::SmallVector<unsigned>(llvm::ArrayRef<ValueId>)> movers,
    llvm::function_ref<void(size_t, unsigned, llvm::ArrayRef<ValueId>, llvm::ArrayRef<ValueId>,
                            std::optional<unsigned>)>
        add) {
  for (unsigned index : slice.set_bits()) {
    const Program::Step &step = program.getSteps()[index];
    llvm::ArrayRef<ValueId> operands = program.operands(step), results = program.results(step);
    if (step.kind == Program::StepKind::LoopTie) {
      for (unsigned i = 0; i < step.numTied; ++i) {
        ValueId pair[] = {operands[i], operands[i + step.numTied]};
        for (unsigned claim : movers(pair))
          add(index, claim, pair, {}, i);
      }
      continue;
    }
    llvm::SmallVector<ValueId> touched(operands);
    touched.append(results.begin(), results.end());
    for (unsigned claim : movers(touched))
      add(index, claim, operands, results, std::nullopt);
  }
}

DerivationStep noether::describeStep(const Program &program, RuleTexts &rules, size_t index,
                                     std::string note) {
  const Program::Step &step = program.getSteps()[index];
  DerivationStep result;
  result.op = step.op;
  result.path = program.pathOf(index);
  result.part = step.part;
  result.note = std::move(note);
  switch (step.kind) {
  case Program::StepKind::Rule:
    if (isPiece(program, index) || rules.isReadOtherwise(step))
      result.kind = "piece";
    break;
  case Program::StepKind::Carry:
    result.kind = "carry";
    break;
  case Program::StepKind::LoopTie:
    result.kind = "loop";
    result.equation = "o0 = o1";
    return result;
  }
  result.rule = rules.of(step);
  result.equation = step.rule->describeEquations();
  return result;
}
