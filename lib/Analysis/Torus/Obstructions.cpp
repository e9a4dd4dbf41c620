// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Obstructions.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallSet.h"

using namespace noether;
using llvm::SmallVector;
using llvm::StringRef;

/// Degrees of more parameters are not spelt out.
static constexpr size_t kMaxNames = 3;

namespace {
/// Says what the step that stated an equation demands of degrees.
class Demand {
public:
  Demand(const Program &program, const StepRoles &roles, SystemMapping &mapping,
         const Equation &equation)
      : program(program), roles(roles), mapping(mapping) {
    for (const Term &term : equation.form)
      involved.insert(term.unknown);
    isLoss = equation.provenance >= program.getSteps().size();
    index = equation.provenance;
  }

  Obstruction describe();

private:
  std::string degreeOf(ValueId value);
  std::string degreeText(llvm::ArrayRef<Term> form);
  std::string describeRule(const Program::Step &step);
  bool moves(ValueId value) { return degreeOf(value) != "0"; }

  const Program &program;
  const StepRoles &roles;
  SystemMapping &mapping;
  llvm::SmallSet<UnknownId, 4> involved;
  bool isLoss;
  size_t index;
};
} // namespace

/// "deg(w1) - 2 deg(b)": in terms of the parameters.
std::string Demand::degreeText(llvm::ArrayRef<Term> form) {
  if (form.empty())
    return "0";
  if (form.size() > kMaxNames)
    return "that of a product of many";
  std::string text;
  llvm::raw_string_ostream os(text);
  for (auto [number, term] : llvm::enumerate(form)) {
    bool negative = term.coefficient < Fraction(0);
    if (number || negative)
      os << (number ? (negative ? " - " : " + ") : "-");
    if (abs(term.coefficient) != Fraction(1))
      os << toString(abs(term.coefficient)) << " ";
    ValueId origin = mapping.originOf(term.unknown).value;
    auto argument = llvm::find(program.getArguments(), origin);
    if (origin == SystemMapping::kNoValue)
      os << "deg(a product)";
    else if (argument == program.getArguments().end())
      os << "deg(a carried value)";
    else
      os << "deg(" << roles.arguments[argument - program.getArguments().begin()].name << ")";
  }
  return text;
}

/// The degree of a value in the component that the equation speaks of, else in its first constant one.
std::string Demand::degreeOf(ValueId value) {
  FieldEngine &engine = mapping.getEngine();
  if (!program.getValues()[value].isFloat)
    return "0";
  if (engine.isAnyScale(value))
    return "any";
  FormId found = FormPool::zero;
  for (const Component &component : engine.componentsOf(value)) {
    if (component.form == kAnyForm)
      continue;
    bool speaks = llvm::any_of(mapping.getForms()[component.form], [&](const Term &term) {
      return involved.contains(term.unknown);
    });
    if (speaks || found == FormPool::zero)
      found = component.form;
    if (speaks)
      break;
  }
  return degreeText(mapping.getForms()[found]);
}

std::string Demand::describeRule(const Program::Step &step) {
  const CompiledRule &rule = *step.rule;
  llvm::ArrayRef<ValueId> operands = program.operands(step);
  auto which = [&](unsigned operand) {
    return rule.numOperands == 1 ? std::string("its operand")
                                 : ("operand " + llvm::Twine(operand)).str();
  };
  if (rule.isBarrier) {
    for (auto [o, operand] : llvm::enumerate(operands))
      if (moves(operand))
        return ("needs degree 0 in all operands; operand " + llvm::Twine(o) + " has " +
                degreeOf(operand))
            .str();
    return "needs degree 0 in all operands";
  }
  for (const CompiledRule::Equation &equation : rule.equations)
    if (!rule.isResult(equation.lhs) && equation.terms.empty() && moves(operands[equation.lhs]))
      return "needs degree 0; " + which(equation.lhs) + " has " + degreeOf(operands[equation.lhs]);

  // What must be equal: the operands of a sum, of a comparison.
  llvm::SetVector<unsigned> sides;
  for (const CompiledRule::Equation &equation : rule.equations) {
    if (!equation.isEquality())
      continue;
    if (!rule.isResult(equation.lhs))
      sides.insert(equation.lhs);
    if (!rule.isResult(equation.terms[0].first))
      sides.insert(equation.terms[0].first);
  }
  SmallVector<std::string> degrees;
  for (unsigned side : sides)
    if (std::string degree = degreeOf(operands[side]);
        degree != "any" && !llvm::is_contained(degrees, degree))
      degrees.push_back(std::move(degree));
  if (degrees.size() >= 2) {
    std::string text = "needs one degree in its operands; they have ";
    llvm::raw_string_ostream os(text);
    llvm::interleave(degrees, os, " and ");
    return text;
  }
  for (auto [o, operand] : llvm::enumerate(operands))
    if (moves(operand))
      return "needs one degree along the axes that it mixes; " + which(o) + " has " +
             degreeOf(operand);
  return "its operands' scales admit only 0 here";
}

Obstruction Demand::describe() {
  ValueId loss = program.getResults()[roles.loss];
  if (isLoss) {
    mlir::Operation *op = nullptr;
    for (const Program::Step &step : llvm::reverse(program.getSteps()))
      if (llvm::is_contained(program.results(step), loss)) {
        op = step.op;
        break;
      }
    return {op, "the loss needs degree 0; it has " + degreeOf(loss)};
  }
  const Program::Step &step = program.getSteps()[index];
  if (step.kind == Program::StepKind::Rule)
    return {step.op, describeRule(step)};
  return {step.op, "a loop keeps the degree of what it carries"};
}

SmallVector<Obstruction> noether::obstructionsOf(unsigned argument, const Program &program,
                                                 const StepRoles &roles, SystemMapping &mapping,
                                                 const Solution &solution) {
  SmallVector<Obstruction> result;
  ValueId value = program.getArguments()[argument];
  const ResolvedSpace &space =
      mapping.getStructure().resolve(mapping.getStructure().spaceOf(value));
  llvm::SmallSet<uint32_t, 4> seen;
  for (uint64_t cell : space.cells()) {
    std::optional<UnknownId> unknown = mapping.lookup(value, cell);
    std::optional<uint32_t> pinnedBy = unknown ? solution.getPinnedBy(*unknown) : std::nullopt;
    if (!pinnedBy || !seen.insert(*pinnedBy).second)
      continue;
    result.push_back(
        Demand(program, roles, mapping, mapping.getSystem().getEquations()[*pinnedBy]).describe());
  }
  return result;
}
