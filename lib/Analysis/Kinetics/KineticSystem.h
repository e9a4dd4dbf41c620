// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The update of one parameter as a linear system: with the parameter of degree 1 and its gradient of
// degree -1, which degrees must its states, hyperparameters and constants have?

#ifndef NOETHER_LIB_ANALYSIS_KINETICS_KINETICSYSTEM_H
#define NOETHER_LIB_ANALYSIS_KINETICS_KINETICSYSTEM_H

#include "UpdateGraph.h"

#include "noether/Analysis/Kinetics/Kinetics.h"
#include "noether/Analysis/Solver/Solver.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

#include <cmath>
#include <map>

namespace noether {

class KineticSystem {
public:
  KineticSystem(const UpdateGraph &graph, unsigned parameter);

  struct Result {
    /// Nothing but the trivial solution: no law holds.
    bool isTrivial = false;
    llvm::SmallVector<Law, 0> laws;
    llvm::SmallVector<StateDegree> states;
    llvm::SmallVector<KineticBreak, 0> breaks;
    /// A step of the update that brings entries of different indices together (a norm).
    std::optional<size_t> mixing;
    /// The steps of the update, and the degrees of values that have one, where something is mixed.
    llvm::SmallVector<size_t, 0> steps;
    llvm::DenseMap<ValueId, Fraction> degrees;
    /// Of constants, by the step that uses them.
    llvm::DenseMap<std::pair<ValueId, size_t>, Fraction> constantDegrees;
  };
  /// The degrees of the unknowns, for a parameter of degree 1.
  using Degrees = std::map<UnknownId, Fraction>;
  /// Solutions by the system's signature: most parameters' updates have one shape.
  using SolutionCache = llvm::StringMap<std::optional<Degrees>>;
  Result solve(SolutionCache &cache);

private:
  /// A hyperparameter or constant that may be promoted.
  struct Knob {
    ValueId value;
    std::optional<unsigned> argument;
    std::optional<double> constant;
    size_t step; // where a constant is used
    /// A state that is one number.
    bool isState = false;
    /// Whether a constant stands in a sum or a comparison, rather than multiplying something.
    bool isLoneTerm = false;
    /// What is promoted more readily comes first.
    enum Kind : unsigned { Argument, State, Threshold, Factor, One, kNumKinds };
    /// A one is nobody's to rescale, unless nothing else will do.
    Kind kind() const {
      if (argument)
        return isState ? State : Argument;
      return std::abs(*constant) == 1 ? One : isLoneTerm ? Threshold : Factor;
    }
  };
  enum class KnobUse { LearningRate, WeightDecay, Epsilon, Other };

  void collectSlice();
  void addSteps();
  void addStep(size_t step);
  void pinAveragingWeights(size_t step);
  /// The degree of a value; nothing if any degree will do (zeros).
  std::optional<Form> degreeOf(ValueId value, size_t step);
  void equate(const Form &a, const Form &b, size_t step);
  bool isLoneTerm(ValueId value, size_t step) const;
  bool isCount(ValueId value, size_t step) const;
  KnobUse useOf(const Knob &knob) const;
  std::optional<Degrees> sparsestSolution();
  std::string signature() const;
  Law lawOf(const Knob &knob, const Fraction &degree) const;

  const UpdateGraph &graph;
  const Program &program;
  unsigned parameter;
  static constexpr ValueId kNoValue = ~0u >> 1; // (not a key that DenseMap reserves)
  ValueId gradient;
  llvm::SetVector<size_t> slice; // steps
  llvm::SetVector<unsigned> states, hyperparameters;
  System system;
  UnknownId scale; // the parameter's degree
  llvm::DenseMap<ValueId, UnknownId> unknownOf; // knobs and states
  llvm::SmallVector<std::pair<UnknownId, Knob>> knobs;
  llvm::DenseMap<unsigned, UnknownId> stateUnknown;
  llvm::DenseMap<ValueId, std::optional<Form>> degrees;
  /// Each use of a constant is a constant of its own: one number may stand for many things.
  llvm::DenseMap<std::pair<ValueId, size_t>, UnknownId> constantUses;
  llvm::SmallVector<KineticBreak, 0> breaks;
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_KINETICS_KINETICSYSTEM_H
