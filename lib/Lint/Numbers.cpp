// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers that do not do what they are there for: N107, N108, N110, N111.

#include "Linter.h"

#include "noether/Analysis/Solver/Form.h"
#include "noether/Analysis/Motion/Prediction.h"

#include "llvm/Support/Format.h"

#include <cmath>

using namespace mlir;
using namespace noether;
using Decay = ParameterMotion::Decay;

/// Half a unit in the last place of a coarse type, relative to the number, at least; nothing for wide types.
static std::optional<double> coarseness(RankedTensorType type) {
  auto element = type ? dyn_cast<FloatType>(type.getElementType()) : FloatType();
  if (!element || element.getWidth() > 16)
    return std::nullopt;
  return std::ldexp(1.0, -static_cast<int>(element.getFPMantissaWidth()) - 1);
}

static std::string typeName(RankedTensorType type) {
  std::string text;
  llvm::raw_string_ostream(text) << type.getElementType();
  return text;
}

/// Four digits, for people.
static std::string inShort(double number) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.4g", number);
  return text;
}

void Linter::checkRounding() {
  for (const auto &[argument, motion] : analysis.motions) {
    std::optional<double> half = coarseness(typeOf(argument));
    if (half && motion.decay == Decay::Decoupled && motion.decayIsCertain && motion.keeps &&
        motion.drive != ParameterMotion::Drive::Unknown && 1 - *motion.keeps < *half)
      add("N107", Severity::Warning, argument,
          "the decay of " + nameOf(argument) + " by " + inShort(1 - *motion.keeps) +
              " per step is less than half a unit in the last place of " + typeName(typeOf(argument)) +
              " (" + inShort(*half) + "): alone it changes nothing",
          "keep the parameter in a wider type for the update, or round stochastically",
          motion.decayOp);
    for (const FrozenAverage &average : motion.frozenAverages)
      add("N108", Severity::Warning, argument,
          nameOf(average.state) + " keeps " + printDecimal(average.keeps) +
              " of itself in a step, which is 1 in " + typeName(typeOf(average.state)) +
              ": the moving average never falls",
          "keep the state in a wider type");
  }
}

/// The second moment must not forget faster than the square of the first.
void Linter::checkMoments() {
  llvm::SmallVector<const ParameterMotion *> said;
  for (const auto &[argument, motion] : analysis.motions) {
    if (!motion.firstMoment || !motion.secondMoment || !motion.directionBound ||
        std::isfinite(*motion.directionBound))
      continue;
    // One is enough for all parameters with these rates.
    if (llvm::any_of(said, [&, &motion = motion](const ParameterMotion *other) {
          return other->firstMoment == motion.firstMoment &&
                 other->secondMoment == motion.secondMoment;
        }))
      continue;
    said.push_back(&motion);
    double first = *motion.firstMoment, second = *motion.secondMoment;
    add("N111", Severity::Warning, argument,
        "the rates of the moments of " + nameOf(argument) + ", " + printDecimal(first) + " and " +
            printDecimal(second) +
            ", leave its update without a bound: the square of the first is not less than the second",
        "take a second rate above " + printDecimal(std::ceil(first * first * 1000) / 1000),
        motion.directionOp);
  }
}

/// At the norm that the decay leads to, gradients are smaller than the epsilon beside them.
void Linter::checkEpsilon(const Symmetry &symmetry) {
  if (!analysis.gradientNorm)
    return;
  Prediction prediction = predict(analysis, symmetry);
  if (!prediction.equilibriumNorm)
    return;
  double blocks = 1, entries = 0;
  for (int64_t size : symmetry.blockShape)
    blocks *= size;
  for (const SymmetryMember &member : symmetry.members) {
    double size = 1;
    for (int64_t each : member.sizes)
      size *= each;
    entries += size / blocks;
  }
  unsigned argument = symmetry.members.front().argument;
  const ParameterMotion *motion = motionOf(argument);
  if (!motion || !motion->epsilon)
    return;
  double size = *analysis.gradientNorm / *prediction.equilibriumNorm / std::sqrt(entries);
  if (*motion->epsilon > size)
    add("N110", Severity::Warning, argument,
        "the epsilon " + llvm::Twine(printDecimal(*motion->epsilon)) + " of " + nameOf(argument) +
            " is larger than its gradients' entries at the norm its decay leads to: the update is not "
            "divided by their size",
        "take a smaller epsilon", motion->directionOp);
}
