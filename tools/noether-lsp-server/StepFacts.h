// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is known about the things in a text: the rule of an operation, the degrees of values, the
// symmetries of a parameter.

#ifndef NOETHER_TOOLS_NOETHER_LSP_SERVER_STEPFACTS_H
#define NOETHER_TOOLS_NOETHER_LSP_SERVER_STEPFACTS_H

#include "noether/Analysis/StepAnalysis.h"
#include "noether/Rules/RuleTable.h"

#include "mlir/AsmParser/AsmParserState.h"
#include "mlir/IR/DialectRegistry.h"

#include "llvm/Support/LSP/Protocol.h"
#include "llvm/Support/SourceMgr.h"

#include <memory>
#include <optional>
#include <string>

namespace noether {

/// Text in MLIR's syntax, as far as it can be read. A text that is no training step has rules, and nothing
/// else is said of it.
class StepFacts {
public:
  StepFacts(llvm::StringRef text, const mlir::DialectRegistry &registry);

  /// What is known of the operation or the value at a position, in Markdown; empty if there is none.
  std::string describe(llvm::lsp::Position position);

private:
  /// One step of the proof of a symmetry, which an operation takes part in.
  struct Part {
    llvm::StringRef symmetry, family;
    const DerivationStep *step;
  };

  void analyze();
  std::string describe(mlir::Operation *op);
  std::string describe(mlir::Value value);
  void describeParameter(unsigned argument, llvm::raw_ostream &os) const;

  llvm::SourceMgr sources;
  mlir::MLIRContext context;
  mlir::AsmParserState positions;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::optional<RuleTable> rules;
  /// Nothing if the text is no training step.
  std::optional<StepAnalysis> analysis;
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<Part, 1>> parts;
};

} // namespace noether

#endif // NOETHER_TOOLS_NOETHER_LSP_SERVER_STEPFACTS_H
