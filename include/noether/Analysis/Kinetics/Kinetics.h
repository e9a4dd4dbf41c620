// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the optimizer breaks each symmetry: kinetic symmetry breaking.

#ifndef NOETHER_ANALYSIS_KINETICS_KINETICS_H
#define NOETHER_ANALYSIS_KINETICS_KINETICS_H

#include "noether/Analysis/Torus/Symmetry.h"

#include <optional>

namespace noether {

/// A hyperparameter that must scale for the update to keep the symmetry: it acts on the direction of
/// the parameter as value * r^-degree.
struct Law {
  /// The parameter (entry argument) whose update this is.
  unsigned parameter;
  /// An entry argument's name, or what the constant does: "learning_rate", "weight_decay",
  /// "epsilon", "constant".
  std::string hyperparameter;
  std::optional<double> value;
  Fraction degree;
  mlir::Operation *op;
  std::string text;
  /// Whether it concerns the motion of the parameter, rather than an epsilon that guards a division.
  bool isKinetic = true;
};

struct StateDegree {
  unsigned argument;
  Fraction degree;
};

struct KineticBreak {
  mlir::Operation *op;
  std::string why;
  /// Whether it does break the symmetry; otherwise it is why nothing is claimed.
  bool isKnown = true;
};

struct SymmetryKinetics {
  std::string symmetry;
  /// The update keeps the symmetry with all hyperparameters as they are.
  bool equivariant = false;
  /// Some law has a degree other than 0: the kinetic term breaks the symmetry.
  bool ksb = false;
  /// The family of transformations that the update commutes with, of those of the symmetry: "orthogonal" of a
  /// general linear group. Empty for none, and where laws say it.
  std::string keeps;
  /// Of a translation that is not kept: what the shift is multiplied by at each step, where that is all.
  std::string factor;
  llvm::SmallVector<Law, 0> laws;
  llvm::SmallVector<StateDegree> states;
  llvm::SmallVector<KineticBreak, 0> breaks;
};

} // namespace noether

#endif // NOETHER_ANALYSIS_KINETICS_KINETICS_H
