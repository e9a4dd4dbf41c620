// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Motion/Prediction.h"

#include "noether/Analysis/Solver/Form.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>
#include <numeric>

using namespace noether;

llvm::StringRef noether::stringifyLabel(PredictionLabel label) {
  switch (label) {
  case PredictionLabel::Exact:
    return "exact";
  case PredictionLabel::LeadingOrder:
    return "leading order";
  case PredictionLabel::NeedsGradientStatistics:
    return "needs gradient statistics";
  }
  llvm_unreachable("unknown label");
}

namespace {
class Predictor {
public:
  Predictor(const StepAnalysis &analysis, const Symmetry &symmetry)
      : analysis(analysis), symmetry(symmetry), gradientNorm(analysis.gradientNorm) {}
  Prediction predict();

private:
  bool findMotion();
  bool isSimple() const {
    return llvm::all_of(symmetry.members, [](const SymmetryMember &member) {
      return member.exponent == Fraction(1);
    });
  }
  void add(llvm::StringRef name, std::optional<double> value, const llvm::Twine &text,
           PredictionLabel label) {
    result.quantities.push_back({name, value, text.str(), label});
  }
  void addRecurrence();
  void addWeightedCharge();
  void addDecay();
  void addGradientDriven();
  void addMechanics();
  void addNormalized();
  void addSign();

  const StepAnalysis &analysis;
  const Symmetry &symmetry;
  std::optional<double> gradientNorm;
  Prediction result;
  /// Of all members alike.
  const ParameterMotion *motion = nullptr;
  /// Entries of one block, all members together.
  double entries = 0;
};
} // namespace

/// The motion that all members have in common; false if they do not.
bool Predictor::findMotion() {
  if (symmetry.undescribed || symmetry.traceless)
    return false;
  double blocks = 1;
  for (int64_t size : symmetry.blockShape)
    blocks *= size;
  for (const SymmetryMember &member : symmetry.members) {
    auto it = analysis.motions.find(member.argument);
    if (it == analysis.motions.end() || it->second.drive == ParameterMotion::Drive::Unknown)
      return false;
    if (motion && !motion->movesLike(it->second))
      return false;
    motion = &it->second;
    double size = 1;
    for (int64_t each : member.sizes)
      size *= each;
    entries += size / blocks;
  }
  return motion != nullptr;
}

/// The charge's own law, whatever the gradient is, but for its being orthogonal to the orbit.
void Predictor::addRecurrence() {
  PredictionLabel label =
      symmetry.isExact() ? PredictionLabel::Exact : PredictionLabel::LeadingOrder;
  // With exponents other than 1, sums over members are weighted by them.
  bool isScale = symmetry.family == Family::Scale && isSimple();
  llvm::StringRef charge = isScale ? "r^2" : "D";
  if (motion->drive != ParameterMotion::Drive::Gradient) {
    add("charge_recurrence", std::nullopt,
        "(" + charge + ")' = a^2 " + charge + " + 2 a <w, p> + |p|^2, w' = a w + p", label);
    return;
  }
  if (motion->buffers.empty()) {
    add("charge_recurrence", std::nullopt,
        "(" + charge + ")' = a^2 " + charge + " + b^2 " +
            (isScale ? "|g|^2" : "sum of exponent |g|^2") + ", w' = a w + b g",
        label);
    return;
  }
  add("charge_recurrence", std::nullopt,
      "G' = A G A^T + A h b^T + b h^T A^T + |g|^2 b b^T, h_w = 0, for G = <x_i, x_j> and h = <x_i, g>, "
      "x = (w, " +
          llvm::Twine(motion->buffers.size() > 1 ? "buffers" : "buffer") + "), x' = A x + b g",
      label);
}

/// Members with learning rates of their own: each is weighted by one over its rate, and the cross terms of all
/// cancel again. (Two layers: the delta of lazy and rich training, over the product of the rates.)
void Predictor::addWeightedCharge() {
  if (symmetry.family != Family::Rescale || symmetry.undescribed || symmetry.traceless)
    return;
  const LinearMotion *first = nullptr;
  std::string rates;
  for (const SymmetryMember &member : symmetry.members) {
    auto it = analysis.motions.find(member.argument);
    if (it == analysis.motions.end() || it->second.drive != ParameterMotion::Drive::Gradient ||
        !it->second.linear || it->second.linear->size() != 1 || it->second.linear->driveOf(0) >= 0)
      return;
    const LinearMotion &linear = *it->second.linear;
    if (first && linear.at(0, 0) != first->at(0, 0))
      return;
    first = first ? first : &linear;
    rates += (rates.empty() ? "" : ", ") + analysis.roles.arguments[member.argument].name + ": " +
             printDecimal(-linear.driveOf(0));
  }
  add("weighted_charge_recurrence", std::nullopt,
      "D' = a^2 D + sum of exponent eta |g|^2 for D = sum of exponent |w|^2 / eta, w' = a w - eta g, with eta "
      "(" + llvm::Twine(rates) + "); of two layers its sign and size tell lazy from rich training",
      symmetry.isExact() ? PredictionLabel::Exact : PredictionLabel::LeadingOrder);
}

void Predictor::addDecay() {
  if (!motion->linear || !motion->isDecayed() || motion->decay == ParameterMotion::Decay::Normalized)
    return;
  std::optional<double> rate = motion->linear->decayRate();
  if (!rate || *rate <= 0)
    return;
  result.timeConstant = 1 / *rate;
  result.label = PredictionLabel::LeadingOrder;
  add("decay_rate", rate, "the norm's, per step, where there is no gradient",
      PredictionLabel::LeadingOrder);
  if (std::optional<double> factor = motion->linear->decayFactor()) {
    add("decay_factor", factor, "alpha: what the norm is multiplied by per step where there is no gradient",
        PredictionLabel::Exact);
    // u_t = alpha^-t w_t has no decay; its gradient is alpha^t times as large.
    if (symmetry.family == Family::Scale) {
      bool bySize = motion->drive != ParameterMotion::Drive::Gradient;
      add("learning_rate_growth", std::pow(*factor, bySize ? -1 : -2),
          bySize ? "per step, of the learning rate that makes the same run without decay: eta alpha^-(t+1)"
                 : "per step, of the learning rate that makes the same run without decay: eta alpha^-(2t+1)",
          (bySize && !motion->buffers.empty()) || !symmetry.isExact()
              ? PredictionLabel::LeadingOrder
              : PredictionLabel::Exact);
    }
  } else {
    add("decay_factor", std::nullopt, "the decay is too strong for the momentum: the norm oscillates",
        PredictionLabel::Exact);
  }
}

/// Mass, friction and spring of the second-order equation, where one gradient enters a step once.
void Predictor::addMechanics() {
  const LinearMotion &linear = *motion->linear;
  if (linear.size() > 2)
    return;
  double rate = -linear.driveOf(0), momentum = 0, trace = linear.at(0, 0);
  if (linear.size() == 2) {
    momentum = linear.at(0, 0) * linear.at(1, 1) - linear.at(0, 1) * linear.at(1, 0);
    trace += linear.at(1, 1);
    double second =
        linear.at(0, 1) * linear.driveOf(1) - linear.at(1, 1) * linear.driveOf(0);
    if (std::abs(second) > 1e-9 * std::abs(rate))
      return;
  }
  if (rate <= 0 || momentum < 0 || momentum >= 1)
    return;
  double mass = rate * (1 + momentum) / 2, friction = 1 - momentum;
  add("mass", mass, "m of m q'' + mu q' + grad f + k q = 0, in units of time of eta steps",
      PredictionLabel::LeadingOrder);
  add("friction", friction, "mu", PredictionLabel::LeadingOrder);
  add("spring", (1 - trace + momentum) / rate, "k", PredictionLabel::LeadingOrder);
  add("charge_dissipation", friction / mass,
      "mu / m: the rate at which a charge that nothing drives is lost, per unit of time",
      PredictionLabel::LeadingOrder);
}

/// Norms of a scale-invariant block under a linear update.
void Predictor::addGradientDriven() {
  const LinearMotion &linear = *motion->linear;
  addMechanics();
  std::optional<double> coherent = linear.coherentGrowth(), whole = linear.displacement();
  if (!coherent || !whole)
    return;
  add("coherent_growth", coherent, "of r^2 per step, over |g|^2, while gradients keep their direction",
      PredictionLabel::LeadingOrder);
  add("noise_growth", *whole * *whole, "the same for gradients that are not correlated in time",
      PredictionLabel::LeadingOrder);
  auto equilibrium = linear.equilibrium();
  std::optional<double> rate = linear.decayRate();
  if (!equilibrium || !rate)
    return;
  result.rotation = equilibrium->rotation;
  result.label = PredictionLabel::LeadingOrder;
  add("equilibrium_fourth_power", equilibrium->norm,
      "r^4 over the mean of |r g|^2, gradients not being correlated in time",
      PredictionLabel::NeedsGradientStatistics);
  if (gradientNorm)
    result.equilibriumNorm =
        std::pow(equilibrium->norm * *gradientNorm * *gradientNorm, 0.25);
  double scale = *coherent / (2 * *rate);
  add("rmsprop_forgetting", 4 * *rate,
      "1 - rho of the moving average G of |r g|^2 that r^4 is proportional to",
      PredictionLabel::LeadingOrder);
  add("rmsprop_scale_coherent", scale, "r^4 / G while gradients keep their direction",
      PredictionLabel::LeadingOrder);
  add("rmsprop_scale_noise", equilibrium->norm, "r^4 / G for gradients that are not correlated",
      PredictionLabel::LeadingOrder);
  add("rmsprop_learning_rate", std::abs(*whole) / std::sqrt(scale),
      "of the direction: a step is this times r g / sqrt(G)", PredictionLabel::LeadingOrder);
}

void Predictor::addNormalized() {
  const LinearMotion &linear = *motion->linear;
  if (motion->decay == ParameterMotion::Decay::Normalized) {
    std::optional<double> whole = linear.displacement();
    if (!whole || !motion->normalizedDecay || *motion->normalizedDecay <= 0)
      return;
    double cube = *whole * *whole * std::sqrt(entries) / (2 * *motion->normalizedDecay);
    add("equilibrium_cube", cube,
        "r^3 over |r g|: the decay is divided by the size of the gradient as well",
        PredictionLabel::NeedsGradientStatistics);
    if (gradientNorm)
      result.equilibriumNorm = std::cbrt(cube * *gradientNorm);
    return;
  }
  auto equilibrium = linear.equilibrium();
  if (!equilibrium)
    return;
  result.equilibriumNorm = std::sqrt(equilibrium->norm * entries);
  result.rotation = equilibrium->rotation;
  result.label = PredictionLabel::LeadingOrder;
  if (std::optional<double> rate = linear.decayRate())
    add("meta_adaptive_rate", 1 - 2 * *rate,
        "r^2 is a moving average of |update|^2 with this rate: the direction is divided by its size once "
        "more",
        PredictionLabel::LeadingOrder);
}

void Predictor::addSign() {
  const LinearMotion &linear = *motion->linear;
  std::optional<double> whole = linear.displacement(), rate = linear.decayRate();
  if (!whole || !rate || *rate <= 0 || !motion->stepSize)
    return;
  double square = *whole * *whole * entries / (2 * *rate);
  result.equilibriumNorm = std::sqrt(square);
  result.rotation = *motion->stepSize * std::sqrt(entries / square);
  result.label = PredictionLabel::LeadingOrder;
}

Prediction Predictor::predict() {
  if (!findMotion()) {
    addWeightedCharge();
    return std::move(result);
  }
  result.motion = motion;
  addRecurrence();
  addDecay();
  if (symmetry.family == Family::Scale && isSimple() && motion->linear) {
    switch (motion->drive) {
    case ParameterMotion::Drive::Gradient:
      addGradientDriven();
      break;
    case ParameterMotion::Drive::Normalized:
      addNormalized();
      break;
    case ParameterMotion::Drive::Sign:
      addSign();
      break;
    case ParameterMotion::Drive::Unknown:
      break;
    }
  }
  if (motion->directionBound)
    add("direction_bound",
        std::isfinite(*motion->directionBound) ? motion->directionBound : std::nullopt,
        std::isfinite(*motion->directionBound)
            ? "the most that an entry of the update can be, in learning rates"
            : "there is no bound: the square of the first moment's rate is not less than the second's",
        PredictionLabel::Exact);
  if (motion->firstMoment && motion->secondMoment && *motion->firstMoment > 0)
    add("stability",
        2 * (1 - *motion->firstMoment) / *motion->firstMoment -
            (1 - *motion->secondMoment) / *motion->secondMoment,
        "C of the two moments' rates: updates are bounded in continuous time if it is positive",
        PredictionLabel::Exact);
  return std::move(result);
}

Prediction noether::predict(const StepAnalysis &analysis, const Symmetry &symmetry) {
  return Predictor(analysis, symmetry).predict();
}

//===----------------------------------------------------------------------===//
// Counts
//===----------------------------------------------------------------------===//

std::optional<ConservedCounts> noether::countConserved(const AxisGroup &group) {
  if (group.fixesConstant || group.fixesSum || group.size <= 0)
    return std::nullopt;
  int64_t blocks = group.numBlocks(), rows = 0;
  llvm::SmallVector<int64_t> each;
  for (const AxisMember &member : group.members) {
    int64_t size = 1;
    for (int64_t extent : member.sizes)
      size *= extent;
    if (blocks <= 0 || size % (group.size * blocks) != 0)
      return std::nullopt;
    each.push_back(size / (group.size * blocks));
    rows += each.back();
  }
  switch (group.family) {
  case AxisFamily::GeneralLinear: {
    // One row on each side: the loss knows a scalar product, which turns of both at once keep too.
    bool isScalarProduct = each.size() == 2 && each[0] == 1 && each[1] == 1;
    int64_t momentum = isScalarProduct ? (group.size == 1 ? 0 : 4 * group.size - 6)
                                       : momentumFlowCharges(group.size, rows);
    return ConservedCounts{blocks * gradientFlowCharges(group.size, rows), blocks * momentum};
  }
  case AxisFamily::Orthogonal:
    return ConservedCounts{0, blocks * momentumFlowCharges(group.size, rows)};
  default:
    return std::nullopt;
  }
}
