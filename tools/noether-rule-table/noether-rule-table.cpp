// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints the table of rules as Markdown. The rule shown for an operation is the one it has where it
// occurs first in the given files (test/Rules/*.mlir); with --complete every operation that has a
// rule must occur.

#include "noether/Dialect/Host/HostDialects.h"
#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Rules/RuleTable.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Parser/Parser.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace noether;

namespace {

llvm::cl::list<std::string> inputs(llvm::cl::Positional, llvm::cl::OneOrMore,
                                   llvm::cl::desc("<files with samples>"));
llvm::cl::opt<bool> complete("complete",
                             llvm::cl::desc("Fail if an operation with a rule has no sample"));

/// The text of a rule, as a cell of a table: bars must not end the cell.
std::string cell(RuleAttr rule) {
  if (rule.isBarrier())
    return "barrier";
  std::string text, escaped;
  llvm::raw_string_ostream(text) << rule;
  StringRef body = text;
  body.consume_front("#noether.rule<");
  body.consume_back(">");
  for (char c : body)
    escaped += c == '|' ? "\\|" : std::string(1, c);
  return "`" + escaped + "`";
}

/// Reads the rules of the first operation of each name; those of operations in the body of another
/// come last, as they are scalar.
LogicalResult readSamples(StringRef file, MLIRContext &context, RuleTable &table,
                          llvm::StringMap<RuleAttr> &samples, llvm::StringMap<RuleAttr> &inBodies) {
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(file, &context);
  if (!module)
    return failure();
  module->walk<WalkOrder::PreOrder>([&](Operation *op) {
    RuleOutcome outcome = table.find(op);
    // Samples with a rule of their own say nothing of the table.
    if (outcome.rule && !op->hasAttr(NoetherDialect::kRuleAttrName)) {
      bool isInBody = table.find(op->getParentOp()).rule != RuleAttr();
      (isInBody ? inBodies : samples).try_emplace(op->getName().getStringRef(), outcome.rule);
    }
    return WalkResult::advance();
  });
  return success();
}

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::cl::ParseCommandLineOptions(argc, argv, "Table of the rules of operations\n");
  DialectRegistry registry;
  registerAllDialects(registry);
  registry.insert<NoetherDialect>();
  registerHostDialects(registry);
  MLIRContext context(registry);
  context.loadDialect<NoetherDialect>();

  RuleTable table(&context);
  llvm::StringMap<RuleAttr> samples, inBodies;
  for (const std::string &file : inputs)
    if (failed(readSamples(file, context, table, samples, inBodies)))
      return 1;
  for (auto &[name, rule] : inBodies)
    samples.try_emplace(name, rule);

  llvm::raw_ostream &os = llvm::outs();
  os << "<!-- Written by noether-rule-table; don't manually edit -->\n\n"
        "# Rules of operations\n\n"
        "How each operation relates the log-scales of its operands (`o0`, `o1`, ...) and results "
        "(`r0`, "
        "...).\nThe factors in brackets are those of one sample; ranks, sizes and attributes of an "
        "operation decide its own.\n`mhlo` operations have the rules of the `stablehlo` operations "
        "of the "
        "same name.\n";
  bool isComplete = true;
  std::string dialect;
  llvm::StringSet<> names;
  RuleTable::forEachEntry(
      [&](StringRef name, RuleOutcome::Kind, StringRef) { names.insert(name); });
  RuleTable::forEachEntry([&](StringRef name, RuleOutcome::Kind kind, StringRef note) {
    auto [ns, op] = name.split('.');
    if (ns == "mhlo" && names.contains(("stablehlo." + op).str()))
      return;
    if (ns != dialect) {
      dialect = ns.str();
      os << "\n## " << ns << "\n\n| operation | rule | note |\n|---|---|---|\n";
    }
    std::string rule;
    auto sample = samples.find(name);
    switch (kind) {
    case RuleOutcome::Kind::Barrier:
      rule = "barrier";
      break;
    case RuleOutcome::Kind::Structural:
      rule = "by structure";
      break;
    default:
      if (sample != samples.end())
        rule = cell(sample->second);
      else if (complete) {
        llvm::errs() << "no sample of '" << name << "'\n";
        isComplete = false;
      }
    }
    os << "| " << op << " | " << rule << " | " << note << " |\n";
  });
  return isComplete ? 0 : 1;
}
