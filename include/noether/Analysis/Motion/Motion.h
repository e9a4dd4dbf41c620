// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the update moves each parameter, read from its operations: what of it is linear in the parameter
// (decay), what drives it, and with which numbers.

#ifndef NOETHER_ANALYSIS_MOTION_MOTION_H
#define NOETHER_ANALYSIS_MOTION_MOTION_H

#include "noether/Analysis/Motion/LinearMotion.h"

#include "mlir/IR/Operation.h"

#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace noether {

/// A moving average in a type too coarse for it.
struct FrozenAverage {
  unsigned state; // entry argument
  /// What it keeps of itself in a step, as the type has it.
  double keeps;
};

/// A number of an update as the step computes it: a sum of products of numbers and values (tensors that are
/// one number everywhere) of the entry's own body.
struct MotionNumber {
  struct Factor {
    mlir::Value value;
    int power;
    /// Two numbers: which one is chosen by `value`, a predicate. Else empty.
    std::vector<MotionNumber> choice;
  };
  struct Term {
    double number;
    std::vector<Factor> factors;
  };
  std::vector<Term> terms;
};

struct ParameterMotion {
  /// Entry argument of the parameter.
  unsigned parameter;

  /// What moves the parameter besides its decay.
  enum class Drive {
    Unknown,
    /// The gradient, through buffers or not: the next values are linear in it.
    Gradient,
    /// Something linear in the gradient over the root of a moving average of squares, entry by entry.
    Normalized,
    /// The sign of something linear in the gradient.
    Sign,
  };
  Drive drive = Drive::Unknown;

  /// Where the parameter itself enters its update.
  enum class Decay {
    None,
    /// It is not known whether it does.
    Unknown,
    /// As a factor of the parameter.
    Decoupled,
    /// Through the buffers, as a gradient would.
    Coupled,
    /// Within what is divided by the size of the gradient: it is divided too.
    Normalized,
  };
  Decay decay = Decay::Unknown;
  /// The decay is not 0 in any step that moves the parameter: it is not a matter of arguments.
  bool decayIsCertain = false;
  /// Where the parameter is multiplied by its decay; may be null.
  mlir::Operation *decayOp = nullptr;
  /// Where the direction of a normalized or sign update is made; may be null.
  mlir::Operation *directionOp = nullptr;

  /// States (entry arguments) of the parameter's shape, in the order of `linear` (from 1).
  llvm::SmallVector<unsigned, 2> buffers;
  /// All states that the update carries along.
  llvm::SmallVector<unsigned, 2> carriedStates;
  /// The numbers, where all of them are known. For a normalized or sign update the drive is the gradient in
  /// units of its size, entry by entry, so that |g|^2 is the number of entries; without the decay of a
  /// `Normalized` one.
  std::optional<LinearMotion> linear;
  /// Whether these are what the update computes in every step, to rounding: it is linear in the gradient,
  /// and no number is one it tends to or leaves out what several parameters share.
  bool linearIsExact = false;
  /// Of a decay that is normalized: its rate per unit of 1 / (size of a gradient's entry).
  std::optional<double> normalizedDecay;
  /// Of a normalized update: the rates of its moving averages, and the most that an entry of the
  /// direction can be (infinity where there is no bound).
  std::optional<double> firstMoment, secondMoment, directionBound;
  /// What is added to the divisor of a normalized update.
  std::optional<double> epsilon;
  /// By how much of the direction a normalized or sign update moves the parameter in a step, if directly.
  std::optional<double> stepSize;
  /// The operation that makes one number of the gradients of several parameters, which multiplies this
  /// update.
  mlir::Operation *coupledBy = nullptr;
  llvm::SmallVector<FrozenAverage, 0> frozenAverages;

  /// What tells updates apart whose numbers are not known: equal for two parameters only if all their
  /// coefficients are made of the same values of the program. Empty where that is not known.
  std::string key, decayKey;
  /// The factor of the parameter in its own update, if it is a number.
  std::optional<double> keeps;

  /// Where asked for (`AnalysisOptions::motionValues`), and where the step's own values tell them: of an update
  /// driven by the gradient, A and b of x' = A x + b g, row by row, b in the last column.
  llvm::SmallVector<MotionNumber, 0> values;
  /// Of a normalized update: the factor of the parameter in it, and what the gradient is multiplied by but for
  /// the size it is divided by.
  std::optional<MotionNumber> keepsValue, stepValue;
  /// Of a normalized update: what of its direction is left in the next one where the sizes it is divided by
  /// do not change: 0 if it is the gradient, the rate of the moving average if it is one.
  std::optional<double> directionMemory;

  llvm::StringRef describeDrive() const;
  bool isDecayed() const { return decay != Decay::None && decay != Decay::Unknown; }
  /// Whether two parameters are moved by the same rule with the same numbers.
  bool movesLike(const ParameterMotion &other) const {
    return drive == other.drive && decay == other.decay &&
           ((linear && other.linear && *linear == *other.linear) ||
            (!key.empty() && key == other.key));
  }
  /// Whether the decays of two parameters are the same share of each.
  bool decaysLike(const ParameterMotion &other) const {
    return movesLike(other) || (!decayKey.empty() && decayKey == other.decayKey);
  }
};

} // namespace noether

#endif // NOETHER_ANALYSIS_MOTION_MOTION_H
