// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Solves a linear system in its textual form (noether/Analysis/Solver/System.h), so that the solver can be
// tested and used without a training step.

#include "noether/Analysis/Solver/Solver.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/WithColor.h"

using namespace noether;
namespace cl = llvm::cl;

static cl::opt<std::string> input(cl::Positional, cl::desc("<system>"), cl::init("-"));
static cl::opt<SpurionMode> spurions(
    "spurions", cl::desc("What becomes of constants:"),
    cl::values(clEnumValN(SpurionMode::Promoted, "promoted", "they scale along (default)"),
               clEnumValN(SpurionMode::Kept, "kept", "they stay as they are")),
    cl::init(SpurionMode::Promoted));

static void printSolution(const System &system, const Solution &solution, llvm::raw_ostream &os) {
  llvm::ArrayRef<System::Unknown> unknowns = system.getUnknowns();
  auto printValue = [&](llvm::StringRef name, llvm::ArrayRef<Term> value) {
    os << name << " = ";
    printForm(os, value, [&](llvm::raw_ostream &os, UnknownId u) { os << unknowns[u].name; });
    os << "\n";
  };
  os << "dimension " << solution.getDimension() << "\n";
  for (UnknownId unknown = 0; unknown < unknowns.size(); ++unknown)
    printValue(unknowns[unknown].name, solution[unknown]);
  if (spurions == SpurionMode::Promoted)
    for (const Equation &equation : system.getEquations())
      if (equation.spurion)
        printValue(system.getSpurions()[*equation.spurion], solution.evaluate(equation.form));
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(argc, argv, "Solve a system of log-scales\n");

  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(input, /*IsText=*/true);
  if (!buffer) {
    llvm::WithColor::error() << input << ": " << buffer.getError().message() << "\n";
    return 1;
  }
  std::string error;
  std::optional<System> system = System::parse((*buffer)->getBuffer(), error);
  if (!system) {
    llvm::errs() << error << "\n";
    return 1;
  }
  Solution solution = Solver(*system, spurions).solve();
  if (std::optional<uint32_t> violated = findViolatedEquation(*system, solution, spurions)) {
    llvm::WithColor::error() << "internal error: line "
                             << system->getEquations()[*violated].provenance
                             << " does not hold\n";
    return 1;
  }
  printSolution(*system, solution, llvm::outs());
  return 0;
}
