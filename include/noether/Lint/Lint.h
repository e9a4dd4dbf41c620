// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is wasted or wrong in a training step, as far as its symmetries prove it. Codes are stable;
// docs/lints has a page for each.

#ifndef NOETHER_LINT_LINT_H
#define NOETHER_LINT_LINT_H

#include "noether/Analysis/StepAnalysis.h"

namespace noether {

enum class Severity {
  /// A fact that well-made recipes have too.
  Note,
  /// Something is wasted or does not do what it is there for.
  Warning,
  Error,
};
llvm::StringRef stringifySeverity(Severity severity);

/// The codes, and what they are about in a few words.
struct LintKind {
  llvm::StringRef code;
  llvm::StringRef title;
};
llvm::ArrayRef<LintKind> getLintKinds();

struct Lint {
  llvm::StringRef code;
  Severity severity;
  /// Entry argument of the parameter it is about, or of the first of them.
  std::optional<unsigned> parameter;
  std::string message;
  /// What to do about it.
  std::string help;
  /// Where the cause stands; null: the parameter.
  mlir::Operation *op = nullptr;

  mlir::Location getLocation(const StepAnalysis &analysis) const;
};

/// Which lints make a command fail: "never", a severity ("warning": this or more severe) or a code.
struct FailCondition {
  static std::optional<FailCondition> parse(llvm::StringRef text);
  bool matches(const Lint &lint) const;

  std::optional<Severity> severity;
  llvm::StringRef code;
};

/// The lints of a step that was analysed with `AnalysisOptions::motions`.
llvm::SmallVector<Lint, 0> lintStep(const StepAnalysis &analysis);

} // namespace noether

#endif // NOETHER_LINT_LINT_H
