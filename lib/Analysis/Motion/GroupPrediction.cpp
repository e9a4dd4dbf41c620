// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Predictions for translations and for groups of matrices.

#include "noether/Analysis/Motion/Prediction.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace noether;
using Decay = ParameterMotion::Decay;

static constexpr llvm::StringLiteral kGramRecurrence =
    "G' = A G A^T + A h b^T + b h^T A^T + K b b^T, h_w = 0, for x = (w, buffers), x' = A x + b g";

/// The motion of all members, driven by their gradients; null if they do not move alike.
template <typename Members>
static const ParameterMotion *commonMotion(const StepAnalysis &analysis, const Members &members) {
  const ParameterMotion *common = nullptr;
  for (const auto &member : members) {
    auto it = analysis.motions.find(member.argument);
    if (it == analysis.motions.end() || it->second.drive != ParameterMotion::Drive::Gradient ||
        it->second.decay == Decay::Unknown || (common && !common->movesLike(it->second)))
      return nullptr;
    common = &it->second;
  }
  return common;
}

static void add(Prediction &prediction, llvm::StringRef name, std::optional<double> value,
                const llvm::Twine &text, PredictionLabel label = PredictionLabel::Exact) {
  prediction.quantities.push_back({name, value, text.str(), label});
}

/// The factor of a charge that decays, and how long that takes.
static void addDecay(Prediction &prediction, const ParameterMotion &motion, double power,
                     const llvm::Twine &text) {
  if (!motion.linear || !motion.isDecayed())
    return;
  std::optional<double> factor = motion.linear->decayFactor();
  if (!factor || *factor <= 0 || *factor >= 1)
    return;
  add(prediction, "charge_factor", std::pow(*factor, power), text);
  prediction.timeConstant = -1 / std::log(*factor);
  prediction.label = PredictionLabel::Exact;
}

std::optional<Prediction> noether::predictTranslation(const StepAnalysis &analysis,
                                                      const Symmetry &symmetry) {
  if (symmetry.undescribed || symmetry.family != Family::Translation)
    return std::nullopt;
  const ParameterMotion *motion = commonMotion(analysis, symmetry.members);
  if (!motion)
    return std::nullopt;
  Prediction result;
  result.motion = motion;
  PredictionLabel label =
      symmetry.isExact() ? PredictionLabel::Exact : PredictionLabel::LeadingOrder;
  if (motion->buffers.empty() && !motion->isDecayed())
    add(result, "charge_recurrence", std::nullopt, "X' = X: the sum along the direction stays", label);
  else if (motion->buffers.empty())
    add(result, "charge_recurrence", std::nullopt, "X' = a X, w' = a w + b g", label);
  else
    add(result, "charge_recurrence", std::nullopt,
        "X' = A X for the sums along the direction of x = (w, buffers), x' = A x + b g", label);
  addDecay(result, *motion, 1,
           motion->buffers.empty() ? "of the sum, per step"
                                   : "of the sum, per step, once the buffers have followed");
  return result;
}

/// Angular momentum: the skew products of the parameter and its buffer. One gradient drives both in the same
/// proportion as the buffer does, so that it does not enter.
static void addRotation(Prediction &prediction, const ParameterMotion &motion) {
  if (!motion.linear || motion.linear->size() != 2)
    return;
  const LinearMotion &linear = *motion.linear;
  double first = linear.at(0, 1) * linear.driveOf(1), second = linear.at(1, 1) * linear.driveOf(0);
  if (std::abs(first - second) > 1e-12 * std::abs(second))
    return;
  add(prediction, "rotation_charge_factor",
      linear.at(0, 0) * linear.at(1, 1) - linear.at(0, 1) * linear.at(1, 0),
      "per step, of J = sum of w_t w_(t-1)^T - w_(t-1) w_t^T along the axis, whatever the gradient and the decay");
}

std::optional<Prediction> noether::predict(const StepAnalysis &analysis, const AxisGroup &group) {
  if (group.fixesConstant || group.fixesSum)
    return std::nullopt;
  bool isLinear = group.family == AxisFamily::GeneralLinear;
  if (!isLinear && group.family != AxisFamily::Orthogonal)
    return std::nullopt;
  const ParameterMotion *motion = commonMotion(analysis, group.members);
  if (!motion)
    return std::nullopt;
  Prediction result;
  result.motion = motion;
  if (isLinear) {
    if (motion->buffers.empty())
      add(result, "charge_recurrence", std::nullopt,
          "M' = a^2 M + b^2 K, M = sum of w w^T along the axis (minus where the inverse acts), K the same of "
          "gradients, w' = a w + b g");
    else
      add(result, "charge_recurrence", std::nullopt,
          kGramRecurrence + " and matrices of products along the axis (minus where the inverse acts)");
    addDecay(result, *motion, 2, "of the charge, per step, where there is no gradient");
  }
  addRotation(result, *motion);
  return result.quantities.empty() ? std::nullopt : std::optional(result);
}
