// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A homogeneous linear system over the rationals whose null space is the Lie algebra of the scale
// and rescale symmetries. It knows no operations: where an equation comes from is an opaque number.
//
// Textual form, one statement a line:
//
//   # comment
//   unknown w dim 8
//   spurion eps
//   w - 2 v = 0
//   2 w = eps          (holds if the spurion scales along; 0 where it is kept as it is)

#ifndef NOETHER_ANALYSIS_SOLVER_SYSTEM_H
#define NOETHER_ANALYSIS_SOLVER_SYSTEM_H

#include "noether/Analysis/Solver/Form.h"

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace noether {

struct Equation {
  Form form; // = 0, or = the spurion's log-scale
  /// What stated it, to whoever built the system.
  uint32_t provenance = 0;
  /// The constant that must scale along for the equation to hold.
  std::optional<uint32_t> spurion;
};

class System {
public:
  struct Unknown {
    std::string name;
    /// Number of independent directions this component stands for.
    int64_t dimension;
  };

  UnknownId addUnknown(llvm::Twine name, int64_t dimension = 1);
  uint32_t addSpurion(llvm::Twine name);
  void addEquation(Equation equation) { equations.push_back(std::move(equation)); }

  llvm::ArrayRef<Unknown> getUnknowns() const { return unknowns; }
  llvm::ArrayRef<Equation> getEquations() const { return equations; }
  llvm::ArrayRef<std::string> getSpurions() const { return spurions; }

  /// `comment`, if given, says something of an equation at the end of its line.
  void print(llvm::raw_ostream &os,
             llvm::function_ref<void(llvm::raw_ostream &, const Equation &)> comment = nullptr) const;
  /// Reads the textual form. On error returns nothing and sets `error` to "line N: ...".
  static std::optional<System> parse(llvm::StringRef text, std::string &error);

private:
  std::vector<Unknown> unknowns;
  std::vector<Equation> equations;
  std::vector<std::string> spurions;
};

} // namespace noether

#endif // NOETHER_ANALYSIS_SOLVER_SYSTEM_H
