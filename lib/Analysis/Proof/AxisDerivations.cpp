// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AxisDerivations.h"

#include "../AxisGroup/AxisPlaces.h"
#include "DerivationSteps.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

namespace {
class Builder {
public:
  Builder(const Program &program, SystemMapping &mapping, AxisGroupEngine &engine,
          ArrayRef<AxisClaim> claims)
      : program(program), mapping(mapping), engine(engine), claims(claims), rules(program) {
    for (auto [number, claim] : llvm::enumerate(claims))
      byRoot[claim.root].push_back(number);
  }

  void run();

private:
  /// The claims whose matrices act on one of the values.
  SmallVector<unsigned> movers(ArrayRef<ValueId> values);
  AxisMotion motionOf(ValueId value, const AxisClaim &claim);
  void addStep(size_t step, const AxisClaim &claim, ArrayRef<ValueId> operands,
               ArrayRef<ValueId> results, std::optional<unsigned> part);

  const Program &program;
  SystemMapping &mapping;
  AxisGroupEngine &engine;
  ArrayRef<AxisClaim> claims;
  RuleTexts rules;
  llvm::DenseMap<AxisClasses::Node, SmallVector<unsigned, 2>> byRoot;
};
} // namespace

SmallVector<unsigned> Builder::movers(ArrayRef<ValueId> values) {
  llvm::SetVector<unsigned> result;
  for (ValueId value : values)
    for (SlotState state : engine.statesOf(value))
      if (state.isMoved())
        if (auto it = byRoot.find(engine.getClasses().find(state.node).root); it != byRoot.end())
          result.insert(it->second.begin(), it->second.end());
  SmallVector<unsigned> sorted(result.begin(), result.end());
  llvm::sort(sorted);
  return sorted;
}

AxisMotion Builder::motionOf(ValueId value, const AxisClaim &claim) {
  AxisMotion motion;
  ArrayRef<SlotState> states = engine.statesOf(value);
  if (states.empty())
    return motion;
  // Of the others, the inverse transpose is the matrix itself.
  bool isLinear = claim.group->family == AxisFamily::GeneralLinear ||
                  claim.group->family == AxisFamily::ComplexLinear;
  bool isPermutation = claim.group->family == AxisFamily::Permutation;
  const Structure &structure = mapping.getStructure();
  const ResolvedSpace &space = structure.resolve(structure.spaceOf(value));
  for (auto [slot, state] : llvm::zip_equal(engine.slotsOf(value).slots, states)) {
    auto [root, inverse] = engine.getClasses().find(state.node);
    if (!state.isMoved() || root != claim.root)
      continue;
    ResolvedAxis::Place place = axisPlaceOf(space, slot);
    motion.isExact &= place.isExact && llvm::all_of(claim.blockAtoms, [&](AtomId atom) {
      return llvm::count(place.atoms, atom) == 1;
    });
    if (!motion.isExact)
      return motion;
    AxisAction action;
    static_cast<AxisPlace &>(action) =
        toAxisPlace(place, isLinear && (inverse ^ state.inverse ^ claim.flip), claim.blockAtoms);
    action.isPaired = !isPermutation && state.kind == SlotState::Paired;
    motion.actions.push_back(std::move(action));
  }
  return motion;
}

void Builder::addStep(size_t index, const AxisClaim &claim, ArrayRef<ValueId> operands,
                      ArrayRef<ValueId> results, std::optional<unsigned> part) {
  DerivationStep step = describeStep(program, rules, index);
  if (part)
    step.part = *part;
  llvm::raw_string_ostream os(step.note);
  auto describe = [&](ArrayRef<ValueId> values, llvm::SmallVectorImpl<DerivationValue> &into) {
    for (ValueId value : values)
      into.push_back({value, Degree(), motionOf(value, claim)});
    llvm::interleaveComma(into, os,
                          [&](const DerivationValue &value) { os << value.motion->toString(); });
  };
  describe(operands, step.operands);
  os << (step.kind == "loop" ? "" : " -> ");
  describe(results, step.results);
  claim.group->derivation.push_back(std::move(step));
}

void Builder::run() {
  forEachProofStep(
      program, mapping.getLossSlice(), [&](ArrayRef<ValueId> values) { return movers(values); },
      [&](size_t step, unsigned claim, ArrayRef<ValueId> operands, ArrayRef<ValueId> results,
          std::optional<unsigned> part) { addStep(step, claims[claim], operands, results, part); });
}

void noether::addAxisDerivations(const Program &program, SystemMapping &mapping,
                                 AxisGroupEngine &engine, ArrayRef<AxisClaim> claims) {
  Builder(program, mapping, engine, claims).run();
}
