// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "StepFacts.h"

#include "../noether-opt/InputChecks.h"

#include "noether/Analysis/Solver/Form.h"
#include "noether/Dialect/Noether/IR/Noether.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Tools/lsp-server-support/SourceMgrUtils.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace noether;

/// Symmetries that are told in full; of more, only how many there are.
static constexpr unsigned kMostLines = 12;

StepFacts::StepFacts(StringRef text, const DialectRegistry &registry)
    : context(registry, MLIRContext::Threading::DISABLED) {
  context.loadDialect<NoetherDialect>(); // rules are made of its attributes
  // The server that this one stands before reports what is wrong with the text.
  ScopedDiagnosticHandler silence(&context, [](Diagnostic &) {});
  auto buffer = llvm::MemoryBuffer::getMemBufferCopy(text, "step.mlir");
  if (failed(checkNesting(*buffer)))
    return;
  sources.AddNewSourceBuffer(std::move(buffer), SMLoc());
  Block block;
  ParserConfig config(&context);
  if (failed(parseAsmSourceFile(sources, &block, config, &positions)))
    return;
  if (llvm::hasSingleElement(block) && isa<ModuleOp>(block.front())) {
    module = cast<ModuleOp>(block.front());
    module->getOperation()->remove();
  } else {
    module = ModuleOp::create(UnknownLoc::get(&context));
    module->getBody()->getOperations().splice(module->getBody()->end(), block.getOperations());
  }
  rules.emplace(&context);
  analyze();
}

void StepFacts::analyze() {
  AnalysisOptions options;
  options.derivations = true;
  FailureOr<StepAnalysis> found = analyzeStep(*module, options);
  if (failed(found))
    return;
  analysis = std::move(*found);
  auto add = [&](const auto &symmetry, StringRef family) {
    for (const DerivationStep &step : symmetry.derivation)
      if (step.op)
        parts[step.op].push_back({symmetry.id, family, &step});
  };
  for (const Symmetry &symmetry : llvm::concat<const Symmetry>(
           analysis->symmetries, analysis->translations, analysis->affineShifts))
    add(symmetry, stringifyFamily(symmetry.family));
  for (const AxisGroup &group : analysis->axisGroups)
    add(group, stringifyAxisFamily(group.family));
}

static std::string describe(const DerivationValue &value) {
  if (value.shift)
    return *value.shift;
  return value.motion ? value.motion->toString() : value.degree.toString();
}

/// What a symmetry does to the operands and the results of one step.
static std::string describe(const DerivationStep &step) {
  std::string text;
  llvm::raw_string_ostream os(text);
  auto list = [&](ArrayRef<DerivationValue> values) {
    llvm::interleaveComma(values, os,
                          [&](const DerivationValue &value) { os << "`" << ::describe(value) << "`"; });
  };
  list(step.operands);
  os << " → ";
  list(step.results);
  if (!step.holds.empty())
    os << " (`" << step.equation << "`: `" << step.holds << "`)";
  else if (!step.note.empty())
    os << " (" << step.note << ")";
  return text;
}

/// Prints distinct lines, the first of them only if there are many.
static void printLines(ArrayRef<std::string> lines, llvm::raw_ostream &os) {
  llvm::StringSet<> seen;
  unsigned more = 0;
  for (const std::string &line : lines) {
    if (!seen.insert(line).second)
      continue;
    if (seen.size() <= kMostLines)
      os << "- " << line << "\n";
    else
      ++more;
  }
  if (more)
    os << "- and " << more << " more\n";
}

std::string StepFacts::describe(Operation *op) {
  std::string text;
  llvm::raw_string_ostream os(text);
  RuleOutcome outcome = rules->find(op);
  if (outcome.isUnknown())
    os << "No rule: nothing is claimed through this operation.\n\n";
  else if (outcome.rule)
    os << "Rule: `" << outcome.rule << "`\n\n";
  if (outcome.kind == RuleOutcome::Kind::Barrier && !outcome.message.empty())
    os << "Nothing is claimed through this operation: " << outcome.message << ".\n\n";
  SmallVector<std::string> lines;
  for (const Part &part : parts.lookup(op))
    lines.push_back(("**" + part.symmetry + "** (" + part.family + "): " + ::describe(*part.step)).str());
  if (!lines.empty())
    os << "How its values move (operands → results):\n";
  printLines(lines, os);
  return text;
}

std::string StepFacts::describe(Value value) {
  std::string text;
  llvm::raw_string_ostream os(text);
  SmallVector<std::string> lines;
  auto collect = [&](Operation *op, bool isResult, unsigned number) {
    for (const Part &part : parts.lookup(op)) {
      ArrayRef<DerivationValue> values = isResult ? part.step->results : part.step->operands;
      if (part.step->kind == "rule" && part.step->operands.size() == op->getNumOperands() &&
          part.step->results.size() == op->getNumResults())
        lines.push_back(("**" + part.symmetry + "** (" + part.family + "): `" +
                         ::describe(values[number]) + "`")
                            .str());
    }
  };
  if (auto result = dyn_cast<OpResult>(value))
    collect(result.getOwner(), /*isResult=*/true, result.getResultNumber());
  else
    for (OpOperand &use : value.getUses())
      collect(use.getOwner(), /*isResult=*/false, use.getOperandNumber());
  auto argument = dyn_cast<BlockArgument>(value);
  if (argument && analysis && argument.getOwner() == &analysis->roles.entry.getBody().front())
    describeParameter(argument.getArgNumber(), os);
  if (!lines.empty())
    os << "How it moves:\n";
  printLines(lines, os);
  return text;
}

static std::string describe(const Symmetry &symmetry) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "**" << symmetry.id << "** " << stringifyFamily(symmetry.family) << ", dimension "
     << symmetry.dimension;
  if (symmetry.isExact())
    os << ", exact";
  for (const BrokenBy &broken : symmetry.brokenBy)
    os << ", broken by " << shortestDecimal(broken.constant);
  return text;
}

static std::string describe(const AxisGroup &group) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "**" << group.id << "** " << stringifyAxisFamily(group.family) << ", ";
  if (group.dimension)
    os << "dimension " << group.dimension;
  else
    os << group.order();
  return text;
}

void StepFacts::describeParameter(unsigned number, llvm::raw_ostream &os) const {
  const StepRoles::Argument &argument = analysis->roles.arguments[number];
  os << "`" << argument.name << "`: " << stringifyRole(argument.role)
     << (argument.dead ? ", on which the loss does not depend.\n\n" : ".\n\n");
  const ParameterFacts *facts = llvm::find_if(
      analysis->parameters, [&](const ParameterFacts &each) { return each.argument == number; });
  if (facts == analysis->parameters.end())
    return;
  SmallVector<std::string> lines;
  auto add = [&](const auto &symmetry) {
    if (llvm::is_contained(facts->symmetries, symmetry.id))
      lines.push_back(::describe(symmetry));
  };
  for (const Symmetry &symmetry : llvm::concat<const Symmetry>(
           analysis->symmetries, analysis->translations, analysis->affineShifts))
    add(symmetry);
  for (const AxisGroup &group : analysis->axisGroups)
    add(group);
  for (const Obstruction &obstruction : facts->noSymmetryBecause)
    lines.push_back(
        ("no symmetry: `" + obstruction.op->getName().getStringRef() + "`: " + obstruction.says)
            .str());
  if (!lines.empty())
    os << "Symmetries:\n";
  printLines(lines, os);
  os << "\n";
}

std::string StepFacts::describe(llvm::lsp::Position position) {
  if (!module)
    return "";
  SMLoc place = position.getAsSMLoc(sources);
  if (!place.isValid())
    return "";
  auto isAt = [&](const AsmParserState::SMDefinition &definition) {
    return mlir::lsp::contains(definition.loc, place) ||
           llvm::any_of(definition.uses, [&](SMRange use) { return mlir::lsp::contains(use, place); });
  };
  for (const AsmParserState::OperationDefinition &definition : positions.getOpDefs()) {
    if (mlir::lsp::contains(definition.loc, place))
      return describe(definition.op);
    for (const auto &group : definition.resultGroups)
      if (isAt(group.definition) && group.startIndex < definition.op->getNumResults())
        return describe(definition.op->getResult(group.startIndex));
  }
  for (const AsmParserState::BlockDefinition &block : positions.getBlockDefs())
    for (auto [number, argument] : llvm::enumerate(block.arguments))
      if (isAt(argument) && number < block.block->getNumArguments())
        return describe(block.block->getArgument(number));
  return "";
}
