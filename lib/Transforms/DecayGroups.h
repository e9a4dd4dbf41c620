// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scale-invariant parameters that a linear update lets decay, and the coordinates in which it does
// not.
//
// One step of the update is x' = A x + b g, where x is the parameter w and its buffers. Without a
// gradient there is a state (1, k) that only shrinks, A (1, k) = a (1, k). With x = w (1, k) + (0, z)
// the parameter keeps a of itself, and z knows nothing of w:
//   w' = a w + A_ws z + b_w g,    z' = (A_ss - k A_ws) z + (b_s - k b_w) g.
// In units of a^t, w = a^t u and z = a^-t y, the decay is gone, and what is left of it is the factor
// a^(-2t-1) on the learning rate of u: scale invariance makes g = a^-t g(u).

#ifndef NOETHER_LIB_TRANSFORMS_DECAYGROUPS_H
#define NOETHER_LIB_TRANSFORMS_DECAYGROUPS_H

#include "AdaptiveBlocks.h"

namespace noether {

/// Parameters that are moved by one update with the same numbers.
struct DecayGroup {
  struct Member {
    unsigned argument;
    unsigned result;
    llvm::SmallVector<unsigned, 2> buffers;       // arguments
    llvm::SmallVector<unsigned, 2> bufferResults; // their next values
    mlir::Value gradient;
  };

  DecayGroup(const LinearMotion &motion, double factor, llvm::ArrayRef<double> mode);

  size_t numBuffers() const { return mode.size(); }
  /// Of the buffers' rest: matrix and drive.
  double restAt(size_t row, size_t column) const {
    return motion.at(row + 1, column + 1) - mode[row] * motion.at(0, column + 1);
  }
  double restDrive(size_t row) const { return motion.driveOf(row + 1) - mode[row] * motion.driveOf(0); }

  LinearMotion motion;
  double factor;
  llvm::SmallVector<double> mode;
  llvm::SmallVector<Member, 0> members;
  /// Of numbers: the widest element type of the members, f32 at least.
  mlir::FloatType type;
};

/// Groups the members of scale symmetries (those named, or all), with remarks of what is left out and
/// why. Fails as `chooseAdaptiveBlocks` does.
mlir::FailureOr<llvm::SmallVector<DecayGroup, 0>>
findDecayGroups(const StepAnalysis &analysis, llvm::ArrayRef<std::string> names);

} // namespace noether

#endif // NOETHER_LIB_TRANSFORMS_DECAYGROUPS_H
