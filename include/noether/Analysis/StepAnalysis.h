// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Everything Noether knows about one training step. The passes and the report read this.

#ifndef NOETHER_ANALYSIS_STEPANALYSIS_H
#define NOETHER_ANALYSIS_STEPANALYSIS_H

#include "noether/Analysis/AxisGroup/AxisGroups.h"
#include "noether/Analysis/Kinetics/Kinetics.h"
#include "noether/Analysis/Motion/Motion.h"
#include "noether/Analysis/Step/Roles.h"
#include "noether/Analysis/Torus/Symmetry.h"

#include "llvm/Support/MathExtras.h"

#include <limits>

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"

namespace noether {

struct AnalysisOptions {
  /// Constants up to this size that stand alone in a sum, a comparison or a maximum are promoted to
  /// spurions (the epsilons of normalisations; 1e-3 is Keras' default).
  double spurionThreshold = 2e-3;
  /// Record, for each symmetry, the operations that prove it.
  bool derivations = false;
  /// Read from the update how each parameter moves: what predictions and lints are made of.
  bool motions = false;
  /// Also as which values of the step the numbers of the motions stand in it.
  bool motionValues = false;
  /// Numbers that arguments are to be taken to have, by name.
  llvm::StringMap<double> numbers;
  /// The root mean square of |w| |g| for a scale-invariant block, where it is known.
  std::optional<double> gradientNorm;
};

/// Why a parameter has no symmetry: an operation whose equation leaves no solution.
struct Obstruction {
  mlir::Operation *op;
  std::string says;
};

struct ParameterFacts {
  unsigned argument;
  llvm::SmallVector<std::string> symmetries; // ids
  /// "tensor", "axes [1]" or "none": the finest block that is scale-invariant on its own.
  std::string invariantUnit = "none";
  llvm::SmallVector<Obstruction> noSymmetryBecause;
};

struct StepAnalysis {
  StepRoles roles;
  llvm::SmallVector<ParameterFacts, 0> parameters;
  /// Scales and rescales.
  llvm::SmallVector<Symmetry, 0> symmetries;
  llvm::SmallVector<Symmetry, 0> translations;
  /// Shifts that other parameters take up, by amounts that depend on parameters.
  llvm::SmallVector<Symmetry, 0> affineShifts;
  /// Groups that act on axes, then permutations.
  llvm::SmallVector<AxisGroup, 0> axisGroups;
  int64_t torusDimension = 0;
  int64_t exactTorusDimension = 0;
  int64_t translationDimension = 0;
  /// Of what translations do not have already.
  int64_t affineDimension = 0;
  /// All continuous families together: what of the axis groups is in the torus counts there.
  int64_t linearDimension() const {
    uint64_t result = torusDimension + translationDimension + affineDimension;
    for (const AxisGroup &group : axisGroups)
      result = llvm::SaturatingAdd<uint64_t>(result, group.dimension - group.dimensionInTorus);
    return std::min<uint64_t>(result, std::numeric_limits<int64_t>::max());
  }
  /// The gradients that could be told from the update, by the parameter's argument number.
  llvm::MapVector<unsigned, mlir::Value> gradients;
  llvm::SmallVector<SymmetryKinetics, 0> kinetics;
  /// Parameters whose gradient, by its degree, is not that of this loss.
  llvm::SmallVector<KineticBreak, 0> gradientMismatches;
  llvm::SmallVector<mlir::Operation *> unknownOperations;
  /// By the parameter's argument number, where asked for and where the update can be read.
  llvm::MapVector<unsigned, ParameterMotion> motions;
  /// Of the parameters that decay, those that are gains of a normalisation: the operation that multiplies by
  /// them.
  llvm::MapVector<unsigned, mlir::Operation *> normGains;
  /// As given in the options.
  std::optional<double> gradientNorm;
};

/// Roles, symmetries and their check. Emits diagnostics and fails if the module is not a training
/// step or if the solution does not check.
mlir::FailureOr<StepAnalysis> analyzeStep(mlir::ModuleOp module, const AnalysisOptions &options = {});

} // namespace noether

#endif // NOETHER_ANALYSIS_STEPANALYSIS_H
