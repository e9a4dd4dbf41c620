// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a linear update does to a scale-invariant parameter: norms, angles and times in closed form.
//
// The state is x = (w, s_1, ..., s_n), w the parameter and s its buffers; one step is x' = A x + b g,
// with the same numbers for every entry. Scale invariance gives <w, g> = 0, and |g| = |g^| / |w|.

#ifndef NOETHER_ANALYSIS_MOTION_LINEARMOTION_H
#define NOETHER_ANALYSIS_MOTION_LINEARMOTION_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <optional>

namespace noether {

class LinearMotion {
public:
  /// `transition` is A, row by row; `drive` is b. The parameter comes first.
  LinearMotion(llvm::ArrayRef<double> transition, llvm::ArrayRef<double> drive)
      : transition(transition), drive(drive) {}

  size_t size() const { return drive.size(); }
  double at(size_t row, size_t column) const { return transition[row * size() + column]; }
  double driveOf(size_t row) const { return drive[row]; }
  bool operator==(const LinearMotion &other) const {
    return transition == other.transition && drive == other.drive;
  }

  /// By how much the norm shrinks in a step where there is no gradient, to first order in the decay:
  /// eta lambda / (1 - beta) for a heavy ball. Nothing if buffers do not forget.
  std::optional<double> decayRate() const;
  /// The same factor exactly: the eigenvalue of A that is 1 without decay. Nothing if it is not real
  /// (the decay is too strong for the momentum).
  std::optional<double> decayFactor() const;
  /// What only shrinks, by `factor` in each step, where there is no gradient: a parameter of 1 with these
  /// in its buffers. `factor` is `decayFactor`.
  std::optional<llvm::SmallVector<double>> decayMode(double factor) const;
  /// How far one gradient moves the parameter in the end, per unit of it: -eta / (1 - beta).
  std::optional<double> displacement() const;
  /// What a step adds to |w|^2, per |g|^2, while gradients keep their direction (to the curvature of
  /// the sphere): eta^2 (1 + beta) / (1 - beta)^3.
  std::optional<double> coherentGrowth() const;
  /// The stationary state under gradients that are not correlated in time.
  struct Equilibrium {
    /// |w|^2 per E|g|^2, so that |w|^4 = `norm` E|g^|^2.
    double norm;
    /// Root mean square of the change of direction in a step: its chord on the unit sphere.
    double rotation;
  };
  /// Nothing if there is none: no decay, or no way to it.
  std::optional<Equilibrium> equilibrium() const;
  /// The variance of sum_i weights[i] s_i + own g, per variance of g, over the buffers alone: one weight
  /// per buffer. Nothing if they do not forget.
  std::optional<double> bufferVariance(llvm::ArrayRef<double> weights, double own) const;

private:
  /// Solves Gram = M Gram M^T + d d^T.
  static std::optional<llvm::SmallVector<double>> stationary(llvm::ArrayRef<double> m,
                                                             llvm::ArrayRef<double> d);
  /// (1 - A_ss)^-1 applied to `right`; with the transpose where asked.
  std::optional<llvm::SmallVector<double>> resolve(llvm::ArrayRef<double> right,
                                                   bool transposed) const;
  /// What one unit of each buffer adds to the parameter in the end.
  std::optional<llvm::SmallVector<double>> bufferWeights() const;

  llvm::SmallVector<double> transition, drive;
};

/// The largest value of sum_k n_k g_{t-k} / sqrt(sum_k q_k g_{t-k}^2) over all gradients: what a moving
/// average over the root of another can be at most. The two are the impulse responses; `q` is
/// `weight * rate^k`. Infinity if there is no bound, nothing if that is too close to tell.
std::optional<double> momentRatioBound(llvm::function_ref<double(unsigned)> response, double weight, double rate);

/// Conserved quantities of a loss that depends on U V alone, of `rank` columns and rows, where U and V have
/// `rows` other rows and columns together: under gradient flow, and under flow with momentum.
int64_t gradientFlowCharges(int64_t rank, int64_t rows);
int64_t momentumFlowCharges(int64_t rank, int64_t rows);

} // namespace noether

#endif // NOETHER_ANALYSIS_MOTION_LINEARMOTION_H
