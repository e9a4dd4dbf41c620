// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From classes of slots to groups a person can read.

#ifndef NOETHER_LIB_ANALYSIS_AXISGROUP_AXISGROUPBUILDER_H
#define NOETHER_LIB_ANALYSIS_AXISGROUP_AXISGROUPBUILDER_H

#include "AxisGroupEngine.h"

#include "noether/Analysis/AxisGroup/AxisGroups.h"
#include "noether/Analysis/Torus/SystemMapping.h"

#include "llvm/ADT/MapVector.h"

namespace noether {

class AxisGroupBuilder {
public:
  AxisGroupBuilder(const Program &program, SystemMapping &mapping, AxisGroupEngine &engine);

  llvm::SmallVector<AxisGroup, 0> build(bool derivations);

private:
  /// A slot of a parameter that a class moves.
  struct Slot {
    unsigned argument;
    uint32_t index;
    bool inverse;
  };
  using Slots = llvm::SmallVector<Slot, 4>;

  bool isPair(const Slot &slot);
  const ResolvedSpace &spaceOf(unsigned argument);
  ResolvedAxis::Place placeOf(const Slot &slot);
  /// The atoms, in the order of the first slot's view, along which a class may vary.
  void findVariation();
  llvm::SmallVector<AxisMember, 0> membersOf(AxisClasses::Node root, const Slots &slots);
  /// One member for the same index in all pieces of other axes; nothing if they differ.
  std::optional<AxisMember> wholeMember(AxisClasses::Node root, const Slot &slot);

  const Program &program;
  SystemMapping &mapping;
  AxisGroupEngine &engine;
  llvm::MapVector<AxisClasses::Node, Slots> classes;
  AxisGroupEngine::Variation variation;
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_AXISGROUP_AXISGROUPBUILDER_H
