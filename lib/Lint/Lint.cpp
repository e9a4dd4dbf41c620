// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Linter.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace noether;

llvm::StringRef noether::stringifySeverity(Severity severity) {
  switch (severity) {
  case Severity::Note:
    return "note";
  case Severity::Warning:
    return "warning";
  case Severity::Error:
    return "error";
  }
  llvm_unreachable("unknown severity");
}

ArrayRef<LintKind> noether::getLintKinds() {
  static constexpr LintKind kinds[] = {
      {"N101", "decay of a scale-invariant weight only sets its learning rate"},
      {"N102", "a scale-invariant weight without decay: its effective learning rate falls"},
      {"N103", "decay of a normalisation's gain"},
      {"N104", "decay of a dead parameter"},
      {"N105", "dead parameter"},
      {"N106", "decay inside the normalisation of an adaptive update"},
      {"N107", "decay that rounds to nothing"},
      {"N108", "moving average that cannot forget in its type"},
      {"N109", "a number made of several parameters' gradients, or of the data, couples updates"},
      {"N110", "epsilon larger than what it guards"},
      {"N111", "adaptive update without a bound"},
      {"N112", "decay of one side of a rescale pair"},
      {"N113", "zero is a symmetric trap under decay"},
      {"N114", "the update does not use the gradient of this loss"},
      {"N115", "direction that no gradient moves"},
      {"N116", "one invariant block is updated by several rules"},
  };
  return kinds;
}

Location Lint::getLocation(const StepAnalysis &analysis) const {
  if (op)
    return op->getLoc();
  func::FuncOp entry = analysis.roles.entry;
  return parameter ? entry.getArgument(*parameter).getLoc() : entry.getLoc();
}

std::optional<FailCondition> FailCondition::parse(StringRef text) {
  FailCondition result;
  if (text.empty() || text == "never")
    return result;
  if (text == "warning")
    result.severity = Severity::Warning;
  else if (text == "error")
    result.severity = Severity::Error;
  else if (const auto *kind = llvm::find_if(
               getLintKinds(), [&](const LintKind &kind) { return kind.code == text; });
           kind != getLintKinds().end())
    result.code = kind->code;
  else
    return std::nullopt;
  return result;
}

bool FailCondition::matches(const Lint &lint) const {
  return (severity && lint.severity >= *severity) || (!code.empty() && lint.code == code);
}

//===----------------------------------------------------------------------===//
// What the checks share
//===----------------------------------------------------------------------===//

SmallVector<unsigned> noether::membersOf(const Symmetry &symmetry) {
  SmallVector<unsigned> result;
  for (const SymmetryMember &member : symmetry.members)
    if (!llvm::is_contained(result, member.argument))
      result.push_back(member.argument);
  return result;
}

Lint &Linter::add(StringRef code, Severity severity, std::optional<unsigned> parameter,
                  const llvm::Twine &message, const llvm::Twine &help, Operation *op) {
  Lint &lint = lints.emplace_back();
  lint.code = code;
  lint.severity = severity;
  lint.parameter = parameter;
  lint.message = message.str();
  lint.help = help.str();
  lint.op = op;
  return lint;
}

std::string Linter::namesOf(ArrayRef<unsigned> arguments) const {
  constexpr size_t kMaxNames = 3;
  std::string text;
  llvm::raw_string_ostream os(text);
  size_t shown = arguments.size() <= kMaxNames ? arguments.size() : kMaxNames - 1;
  for (size_t i = 0; i < shown; ++i)
    os << (i == 0 ? "" : i + 1 == arguments.size() ? " and " : ", ") << nameOf(arguments[i]);
  if (shown < arguments.size())
    os << " and " << arguments.size() - shown << " more";
  return text;
}

const ParameterMotion *Linter::motionOf(unsigned argument) const {
  auto it = analysis.motions.find(argument);
  return it == analysis.motions.end() ? nullptr : &it->second;
}

RankedTensorType Linter::typeOf(unsigned argument) const {
  func::FuncOp entry = analysis.roles.entry;
  return dyn_cast<RankedTensorType>(entry.getArgumentTypes()[argument]);
}

double Linter::bytesOf(unsigned argument) const {
  RankedTensorType type = typeOf(argument);
  if (!type || !type.hasStaticShape() || !type.getElementType().isIntOrFloat())
    return 0;
  return static_cast<double>(type.getNumElements()) *
         llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

double Linter::bytesWithStates(unsigned argument) const {
  double result = bytesOf(argument);
  RankedTensorType type = typeOf(argument);
  if (const ParameterMotion *motion = motionOf(argument))
    for (unsigned state : motion->carriedStates)
      if (RankedTensorType other = typeOf(state); other && type && other.getShape() == type.getShape())
        result += bytesOf(state);
  return result;
}

SmallVector<Lint, 0> Linter::run() {
  checkScaleSymmetries();
  checkGainDecay();
  checkRescaleDecay();
  checkDeadParameters();
  checkFrozenDirections();
  checkRounding();
  checkMoments();
  checkCoupling();
  checkGradients();
  // By code, the most severe first; otherwise in the order of the step.
  llvm::stable_sort(lints, [](const Lint &a, const Lint &b) {
    return std::make_pair(-int(a.severity), a.code) < std::make_pair(-int(b.severity), b.code);
  });
  return std::move(lints);
}

SmallVector<Lint, 0> noether::lintStep(const StepAnalysis &analysis) {
  return Linter(analysis).run();
}
