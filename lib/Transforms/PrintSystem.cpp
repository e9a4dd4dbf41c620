// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Torus/SystemMapping.h"
#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Report/Json.h"
#include "noether/Transforms/Passes.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"

namespace noether {
#define GEN_PASS_DEF_PRINTSYSTEM
#include "noether/Transforms/Passes.h.inc"
} // namespace noether

using namespace mlir;
using namespace noether;

/// "stablehlo.add, step.mlir:12": comments must stay on their line whatever the input is named.
static std::string describe(Operation *op) {
  if (!op)
    return "the loss";
  std::string result;
  llvm::raw_string_ostream os(result);
  llvm::printEscapedString(op->getName().getStringRef(), os);
  if (std::string position = sourcePosition(op->getLoc()); !position.empty()) {
    os << ", ";
    llvm::printEscapedString(position, os);
  }
  return result;
}

static void printSystem(const Program &program, const StepRoles &roles,
                        const SystemMapping &mapping, llvm::raw_ostream &os) {
  func::FuncOp entry = roles.entry;
  const System &system = mapping.getSystem();
  for (unsigned argument : mapping.getLiveParameters()) {
    os << "# v" << program.getArguments()[argument] << ": ";
    llvm::printEscapedString(roles.arguments[argument].name, os);
    os << ", " << entry.getArgument(argument).getType() << "\n";
  }
  for (auto [number, name] : llvm::enumerate(system.getSpurions())) {
    const SystemMapping::Spurion &spurion = mapping.getSpurion(number);
    os << "# " << name << ": " << llvm::format("%g", spurion.constant) << " at "
       << describe(program.getSteps()[spurion.step].op) << "\n";
  }
  system.print(os, [&](llvm::raw_ostream &os, const Equation &equation) {
    os << describe(mapping.operationOf(equation));
  });
}

namespace {
struct PrintSystem : noether::impl::PrintSystemBase<PrintSystem> {
  using PrintSystemBase::PrintSystemBase;

  void runOnOperation() override {
    markAllAnalysesPreserved();
    FailureOr<StepRoles> roles = inferRoles(getOperation());
    if (failed(roles))
      return signalPassFailure();
    FailureOr<Program> program = Program::build(roles->entry);
    if (failed(program))
      return signalPassFailure();
    AnalysisOptions options;
    options.spurionThreshold = spurionThreshold;
    SystemMapping mapping(*program, *roles, options);
    printSystem(*program, *roles, mapping, llvm::outs());
  }
};
} // namespace
