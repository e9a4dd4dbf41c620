// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The index space of every value of a program: which axes are the same index, how reshapes split
// them and slices cut them.

#ifndef NOETHER_ANALYSIS_STRUCTURE_STRUCTURE_H
#define NOETHER_ANALYSIS_STRUCTURE_STRUCTURE_H

#include "noether/Analysis/Structure/IndexSpace.h"
#include "noether/Analysis/Program/Program.h"

#include "llvm/ADT/SmallBitVector.h"

#include <mutex>

namespace noether {

/// The resolved axes of a tensor, or of the joint index of a rule: components are numbered in mixed
/// radix, the first axis weighing most.
struct ResolvedSpace {
  llvm::SmallVector<const ResolvedAxis *, 4> axes;
  llvm::SmallVector<uint64_t, 4> strides;
  uint64_t size = 1;
  bool hasPieces = false;
  /// Too many components to number: only what is 0 everywhere can be said of a field here.
  bool isOpaque = false;

  void append(const ResolvedAxis *axis);
  void finalize();
  uint64_t digit(uint64_t key, unsigned axis) const {
    return key / strides[axis] % axes[axis]->radix;
  }
  /// The constant component of the same choice of pieces.
  uint64_t cellOf(uint64_t key) const;
  /// The constant components of all choices of pieces.
  llvm::SmallVector<uint64_t> cells() const;
};

using SpaceId = uint32_t;

class Structure {
public:
  /// Reads the structure of `program`, the steps of `first` before the others, so that what they
  /// say goes where structures conflict.
  Structure(const Program &program, const llvm::BitVector &first);

  /// Index bindings of one rule application that is not pointwise.
  class Binding {
  public:
    /// The axis of a factor; null where it has too many components to number.
    const ResolvedAxis *axisOf(CompiledRule::Factor factor) const {
      return structure->resolvedAxes[firstFactor + factor];
    }
    /// The axis of a factor along which more than constants can be related; null where there is none.
    const ResolvedAxis *followedAxisOf(CompiledRule::Factor factor) const {
      return isBroken(factor) ? nullptr : axisOf(factor);
    }
    /// Whether a factor is frozen, or its axes do not fit together: only constants along it can be
    /// related.
    bool isBroken(CompiledRule::Factor factor) const { return broken.test(factor); }

  private:
    friend class Structure;
    const Structure *structure;
    uint32_t firstFactor;
    llvm::SmallBitVector broken;
  };

  SpaceId spaceOf(ValueId value) const { return spaces[value]; }
  const ResolvedSpace &resolve(SpaceId space) const { return *resolvedSpaces[space]; }
  /// Null if the step is pointwise and all its axes fit.
  const Binding *bindingOf(size_t step) const;
  /// How the segments of `dim` lie in `axis`, the axis it cuts; nothing where that is not followed.
  std::optional<AxisResolver::SegmentMap> segmentsOf(const Binding &binding,
                                                     const CompiledRule::Dim &dim,
                                                     const ResolvedAxis *axis) const;

private:
  void apply(size_t step);
  bool applyPointwise(const Program::Step &step);
  void applyGeneral(size_t step);
  void ensureOperandSpaces(const Program::Step &step);
  /// Axes of all spaces and bindings, in one list: steps have hundreds of thousands.
  class AxisList {
  public:
    llvm::ArrayRef<AtomId> operator[](uint32_t index) const {
      return llvm::ArrayRef<AtomId>(atoms).slice(starts[index], starts[index + 1] - starts[index]);
    }
    uint32_t size() const { return starts.size() - 1; }
    void push_back(llvm::ArrayRef<AtomId> axis) {
      atoms.insert(atoms.end(), axis.begin(), axis.end());
      starts.push_back(atoms.size());
    }

  private:
    std::vector<AtomId> atoms;
    std::vector<uint32_t> starts = {0};
  };
  struct Space {
    uint32_t firstAxis, rank;
  };
  SpaceId addSpace(llvm::ArrayRef<Axis> axes);
  SpaceId freshSpace(llvm::ArrayRef<int64_t> shape);
  llvm::ArrayRef<AtomId> axisOf(SpaceId space, unsigned axis) const {
    return axes[spaceList[space].firstAxis + axis];
  }
  void resolveAll();
  const ResolvedSpace *resolveSpace(llvm::ArrayRef<const ResolvedAxis *> axes);

  const Program &program;
  AtomTable atoms;
  AxisList axes;
  std::vector<Space> spaceList;
  std::vector<const ResolvedAxis *> resolvedAxes;    // as `axes`
  std::vector<const ResolvedSpace *> resolvedSpaces; // by space
  /// Spaces of equal axes are one.
  llvm::DenseMap<uint64_t, llvm::SmallVector<std::unique_ptr<ResolvedSpace>, 1>> spacesByAxes;
  /// Axes of segments are resolved when they are asked for, by any of the analyses.
  mutable std::mutex resolving;
  mutable AxisResolver resolver{atoms};
  std::vector<SpaceId> spaces;              // by value
  llvm::DenseMap<uint32_t, Axis> rowsByTag; // of what data picks
  std::vector<uint32_t> bindingIndex;       // by step
  std::vector<Binding> bindings;
};

} // namespace noether

#endif // NOETHER_ANALYSIS_STRUCTURE_STRUCTURE_H
