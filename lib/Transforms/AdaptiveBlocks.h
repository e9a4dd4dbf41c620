// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which symmetries a step is rewritten by: blocks of parameters that become directions on unit
// spheres and radii.

#ifndef NOETHER_LIB_TRANSFORMS_ADAPTIVEBLOCKS_H
#define NOETHER_LIB_TRANSFORMS_ADAPTIVEBLOCKS_H

#include "noether/Analysis/StepAnalysis.h"
#include "noether/Transforms/Gauge.h"

#include "mlir/IR/BuiltinTypes.h"

namespace noether {

/// Parameters that share radii, one for each index of the block. One symmetry scales them all; or
/// several do, each at one position along leading axes of the block (the layers of a stacked
/// parameter, the queries and keys of a fused one). At positions without a symmetry the radius
/// is 1.
struct AdaptiveBlock {
  struct Member {
    unsigned argument;
    unsigned result; // its next value
    /// The parameter's shape with its axes split so that the block's index is some of them.
    llvm::SmallVector<int64_t, 6> view;
    llvm::SmallVector<int64_t, 6> axes;
    Slots slots; // the same in the parameter's own shape

    bool operator==(const Member &other) const {
      return argument == other.argument && view == other.view && axes == other.axes;
    }
  };
  struct Part {
    std::string symmetry; // id
    int64_t position;
    /// Of this symmetry's radii, and of the argument and result that hold them.
    mlir::RankedTensorType type;
  };
  llvm::SmallVector<Member, 1> members;
  llvm::SmallVector<Part, 1> parts; // by position
  int64_t numPositions = 1;
  /// Of all radii: the block's shape, and the members' widest element type, f32 at least.
  mlir::RankedTensorType type;
};

/// Chooses blocks that share no parameter, those of the largest dimension first, among the
/// symmetries named (all of them if none is). Says in remarks of a category which symmetries are taken
/// ("Adapted") and why others are not. Fails with a diagnostic if a name is unknown or the step does
/// not return the next value of a parameter.
mlir::FailureOr<llvm::SmallVector<AdaptiveBlock, 0>>
chooseAdaptiveBlocks(const StepAnalysis &analysis, llvm::ArrayRef<std::string> names,
                     llvm::StringRef category = "noether-adaptive");

} // namespace noether

#endif // NOETHER_LIB_TRANSFORMS_ADAPTIVEBLOCKS_H
