// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What follows for a run from the symmetry of a loss and the motion of its parameters.

#ifndef NOETHER_ANALYSIS_MOTION_PREDICTION_H
#define NOETHER_ANALYSIS_MOTION_PREDICTION_H

#include "noether/Analysis/StepAnalysis.h"

namespace noether {

enum class PredictionLabel {
  Exact,
  /// To first order in learning rate and decay; of equilibria also that gradients of different steps are not
  /// correlated.
  LeadingOrder,
  NeedsGradientStatistics,
};
llvm::StringRef stringifyLabel(PredictionLabel label);

struct PredictedQuantity {
  llvm::StringRef name;
  std::optional<double> value;
  std::string text;
  PredictionLabel label;
};

struct Prediction {
  /// Of one block: the norm over all members.
  std::optional<double> equilibriumNorm;
  /// Steps in which the norm falls by e where there is no gradient.
  std::optional<double> timeConstant;
  /// Radians per step at equilibrium (root mean square).
  std::optional<double> rotation;
  PredictionLabel label = PredictionLabel::NeedsGradientStatistics;
  llvm::SmallVector<PredictedQuantity, 0> quantities;
  /// How all members move alike; null if they do not, or if that is not known.
  const ParameterMotion *motion = nullptr;
};

/// Of a step that was analysed with `AnalysisOptions::motions`.
Prediction predict(const StepAnalysis &analysis, const Symmetry &symmetry);
/// Of translations: the sums of the parameters along the direction, where their law is exact.
std::optional<Prediction> predictTranslation(const StepAnalysis &analysis, const Symmetry &symmetry);
/// Of groups of matrices: the charges that gradient flow and flow with momentum conserve.
std::optional<Prediction> predict(const StepAnalysis &analysis, const AxisGroup &group);

/// How many independent quantities an axis group conserves under gradient flow and under flow with momentum.
/// Nothing where that is not known.
struct ConservedCounts {
  int64_t gradientFlow, momentumFlow;
};
std::optional<ConservedCounts> countConserved(const AxisGroup &group);

} // namespace noether

#endif // NOETHER_ANALYSIS_MOTION_PREDICTION_H
