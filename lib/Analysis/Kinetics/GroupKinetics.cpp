// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "GroupKinetics.h"

#include "../AxisGroup/AxisGroupEngine.h"
#include "../AxisGroup/AxisPlaces.h"
#include "UpdateGraph.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace noether;

static constexpr uint32_t kNoStep = ~0u;

namespace {
/// All that the next parameters and their states are computed from, beginning with the gradients.
struct UpdateSlice {
  explicit UpdateSlice(const UpdateGraph &graph);

  llvm::BitVector steps;
  llvm::SetVector<unsigned> states;
};

/// One matrix: a permutation, perhaps any element of a linear group.
struct UpdateClass {
  const AxisGroup *linear = nullptr;
  AxisClasses::Node node = AxisClasses::trivial;
  /// Whether all its members are followed.
  bool isFollowed = true;
  /// What blocks are numbered by: the matrix varies along these.
  SmallVector<AtomId, 2> blockAtoms;
  uint8_t initialDemands = 0;
  struct Demanded {
    Operation *op;
    uint8_t demands;
  };
  SmallVector<Demanded, 3> demanded;
};

class GroupTracker {
public:
  GroupTracker(const UpdateGraph &graph, const Structure &structure)
      : program(graph.program), roles(graph.roles), gradients(graph.gradients), graph(graph),
        structure(structure), slice(graph),
        engine(program, structure, slice.steps, program.getResults()[roles.loss]) {}

  void addGroups(ArrayRef<AxisGroup> groups);
  void run();
  SymmetryKinetics kineticsOf(const AxisGroup &group);

private:
  struct Slots {
    SmallVector<uint32_t, 2> indices;
    SmallVector<AtomId, 2> blockAtoms;
  };
  /// The slots of a parameter that a member moves; nothing if they cannot be told.
  std::optional<Slots> slotsOf(const AxisMember &member);
  void addMember(UpdateClass &own, const AxisMember &member, bool inverse);
  void addParameters();
  void tieNext(unsigned argument);
  void blame(Operation *op);
  void checkBlocks(ArrayRef<unsigned> followed);

  const Program &program;
  const StepRoles &roles;
  const GradientValues &gradients;
  const UpdateGraph &graph;
  const Structure &structure;
  UpdateSlice slice;
  AxisGroupEngine engine;
  std::vector<UpdateClass> classes;
  llvm::DenseMap<const AxisGroup *, size_t> classOf;
  llvm::DenseSet<std::pair<unsigned, uint32_t>> moved; // argument and slot
};
} // namespace

UpdateSlice::UpdateSlice(const UpdateGraph &graph) : steps(graph.program.getSteps().size()) {
  const Program &program = graph.program;
  const StepRoles &roles = graph.roles;
  const GradientValues &gradients = graph.gradients;
  llvm::BitVector seen(program.getValues().size());
  SmallVector<ValueId> pending;
  auto visit = [&](ValueId value) {
    if (!seen.test(value))
      pending.push_back(value);
    seen.set(value);
  };
  // What the backward pass does is known.
  for (auto &[argument, gradient] : gradients)
    seen.set(gradient);
  seen.set(program.getResults()[roles.loss]);
  for (auto &[argument, gradient] : gradients)
    if (std::optional<unsigned> next = roles.arguments[argument].carriedTo)
      visit(program.getResults()[*next]);
  while (!pending.empty()) {
    ValueId value = pending.pop_back_val();
    uint32_t definition = graph.definedBy[value];
    if (definition == kNoStep) {
      auto it = graph.argumentOf.find(value);
      if (it == graph.argumentOf.end())
        continue;
      const StepRoles::Argument &argument = roles.arguments[it->second];
      if (argument.role != ArgumentRole::State || !argument.carriedTo)
        continue;
      states.insert(it->second);
      visit(program.getResults()[*argument.carriedTo]);
      continue;
    }
    steps.set(definition);
    const Program::Step &step = program.getSteps()[definition];
    // What a choice is made by has no part in it where it is known.
    if (std::optional<unsigned> choice = graph.genericChoice(step))
      visit(program.operands(step)[*choice]);
    else
      llvm::for_each(program.operands(step), visit);
  }
  // States are met in the order of their arguments.
  SmallVector<unsigned> sorted = states.takeVector();
  llvm::sort(sorted);
  states.insert(sorted.begin(), sorted.end());
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

/// Whether a place is where a member is, whatever the blocks are.
static bool isAt(const AxisMember &member, const ResolvedAxis::Place &place) {
  return place.isExact && llvm::equal(place.view, member.view) &&
         llvm::equal(place.offsets, member.offsets) && llvm::equal(place.sizes, member.sizes) &&
         static_cast<size_t>(member.axis) < place.varies.size() && place.varies[member.axis];
}

std::optional<GroupTracker::Slots> GroupTracker::slotsOf(const AxisMember &member) {
  ValueId value = program.getArguments()[member.argument];
  const ResolvedSpace &space = structure.resolve(structure.spaceOf(value));
  const SpaceSlots &slots = engine.slotsOf(value);
  if (slots.isOpaque)
    return std::nullopt;
  Slots own;
  auto add = [&](uint32_t index, const ResolvedAxis::Place &place) {
    own.indices.push_back(index);
    own.blockAtoms.clear();
    for (int64_t axis : member.blockAxes)
      own.blockAtoms.push_back(place.atoms[axis]);
  };
  for (auto [index, slot] : llvm::enumerate(slots.slots)) {
    if (slot.isPair)
      continue;
    if (ResolvedAxis::Place place = axisPlaceOf(space, slot); isAt(member, place)) {
      add(index, place);
      return own;
    }
    // Pieces side by side that are moved alike are one member.
    if (space.hasPieces)
      if (ResolvedAxis::Place place = wholePlaceOf(space, slot); isAt(member, place))
        add(index, place);
  }
  if (own.indices.empty())
    return std::nullopt;
  return own;
}

void GroupTracker::addMember(UpdateClass &own, const AxisMember &member, bool inverse) {
  ValueId value = program.getArguments()[member.argument];
  auto gradient = gradients.find(member.argument);
  std::optional<Slots> slots = slotsOf(member);
  bool known = slots && gradient != gradients.end() &&
               llvm::equal(engine.slotsOf(value).slots, engine.slotsOf(gradient->second).slots,
                           [](const AxisSlot &a, const AxisSlot &b) {
                             return a.key == b.key && a.atom == b.atom && a.size == b.size;
                           });
  own.isFollowed &= known;
  if (!known)
    return;
  if (own.blockAtoms.empty())
    own.blockAtoms = slots->blockAtoms;
  own.isFollowed &= own.blockAtoms == slots->blockAtoms;
  for (uint32_t slot : slots->indices) {
    moved.insert({member.argument, slot});
    AxisClasses &all = engine.getClasses();
    all.unify(own.node, engine.statesOf(value)[slot].node, inverse);
    all.unify(own.node, engine.statesOf(gradient->second)[slot].node, !inverse);
  }
}

void GroupTracker::addParameters() {
  auto add = [&](ValueId value) {
    if (program.getValues()[value].isFloat)
      engine.addParameter(value, [](uint64_t) { return true; });
  };
  for (auto &[argument, gradient] : gradients) {
    add(program.getArguments()[argument]);
    add(gradient);
  }
  for (unsigned state : slice.states)
    add(program.getArguments()[state]);
}

void GroupTracker::addGroups(ArrayRef<AxisGroup> groups) {
  addParameters();
  auto sameMembers = [](const AxisGroup &a, const AxisGroup &b) {
    return llvm::equal(a.members, b.members, [](const AxisMember &x, const AxisMember &y) {
      return x.argument == y.argument && x.axis == y.axis && x.view == y.view &&
             x.offsets == y.offsets && x.blockAxes == y.blockAxes;
    });
  };
  // By the argument and the axis of the first member.
  llvm::DenseMap<std::pair<unsigned, int64_t>, SmallVector<const AxisGroup *, 1>> linears;
  auto keyOf = [](const AxisGroup &group) {
    return std::make_pair(group.members.front().argument, int64_t(group.members.front().axis));
  };
  for (const AxisGroup &group : groups)
    if (group.family == AxisFamily::GeneralLinear || group.family == AxisFamily::Orthogonal)
      linears[keyOf(group)].push_back(&group);
  for (const AxisGroup &group : groups) {
    if (group.family != AxisFamily::Permutation)
      continue;
    classOf.try_emplace(&group, classes.size());
    UpdateClass &own = classes.emplace_back();
    for (const AxisGroup *linear : linears.lookup(keyOf(group)))
      if (sameMembers(*linear, group))
        own.linear = linear;
    if (own.linear)
      classOf.try_emplace(own.linear, classes.size() - 1);
    own.node = engine.getClasses().add(group.size);
    // What the loss demands of M already.
    unsigned demands = own.linear ? 0 : unsigned(AxisClasses::NoLinear);
    if (own.linear && own.linear->family == AxisFamily::Orthogonal)
      demands |= AxisClasses::Orthogonal;
    if (own.linear && own.linear->fixesConstant)
      demands |= AxisClasses::FixesConstant;
    if (own.linear && own.linear->fixesSum)
      demands |= AxisClasses::FixesSum;
    engine.getClasses().demand(own.node, false, static_cast<AxisClasses::Demand>(demands));
    const AxisGroup &members = own.linear ? *own.linear : group;
    for (const AxisMember &member : members.members)
      addMember(own, member, member.inverse);
  }
  // Nothing else of the parameters moves.
  for (auto &[argument, gradient] : gradients) {
    ValueId value = program.getArguments()[argument];
    for (auto [slot, state] : llvm::enumerate(engine.statesOf(value)))
      if (!moved.contains({argument, slot}))
        engine.getClasses().unify(AxisClasses::trivial, state.node, false);
    for (auto [slot, state] : llvm::enumerate(engine.statesOf(gradient)))
      if (!moved.contains({argument, slot}))
        engine.getClasses().unify(AxisClasses::trivial, state.node, false);
  }
  for (auto [index, own] : llvm::enumerate(classes)) {
    own.initialDemands = engine.getClasses().demandsOn(own.node);
    engine.getClasses().watch(own.node, index);
  }
}

//===----------------------------------------------------------------------===//
// The update
//===----------------------------------------------------------------------===//

void GroupTracker::blame(Operation *op) {
  for (uint32_t index : engine.getClasses().takeChanged()) {
    UpdateClass &own = classes[index];
    uint8_t before = own.demanded.empty() ? own.initialDemands : own.demanded.back().demands;
    uint8_t now = engine.getClasses().demandsOn(own.node);
    if (now != before)
      own.demanded.push_back({op, now});
  }
}

void GroupTracker::tieNext(unsigned argument) {
  std::optional<unsigned> next = roles.arguments[argument].carriedTo;
  ValueId value = program.getArguments()[argument];
  if (!next || !program.getValues()[value].isFloat)
    return;
  ValueId result = program.getResults()[*next];
  if (result == value)
    return;
  engine.tieNext(value, result);
  uint32_t definition = graph.definedBy[result];
  blame(definition == kNoStep ? nullptr : program.getSteps()[definition].op);
}

/// Matrices that differ from block to block stay apart only where no operation brings blocks
/// together.
void GroupTracker::checkBlocks(ArrayRef<unsigned> followed) {
  AxisGroupEngine::Variation variation;
  for (const UpdateClass &own : classes)
    if (!own.blockAtoms.empty())
      variation[engine.getClasses().find(own.node).root] = own.blockAtoms;
  if (variation.empty())
    return;
  for (unsigned step : followed)
    engine.restrictVariation(step, variation);
  for (UpdateClass &own : classes)
    if (!own.blockAtoms.empty())
      own.isFollowed &= variation.lookup(engine.getClasses().find(own.node).root) == own.blockAtoms;
}

void GroupTracker::run() {
  llvm::DenseSet<ValueId> known;
  for (auto &[argument, gradient] : gradients)
    known.insert(gradient);
  SmallVector<unsigned> followed;
  for (unsigned step : slice.steps.set_bits()) {
    // Gradients are moved as they are.
    if (llvm::any_of(program.results(program.getSteps()[step]),
                     [&](ValueId id) { return known.contains(id); }))
      continue;
    if (std::optional<unsigned> choice = graph.genericChoice(program.getSteps()[step]))
      engine.forward(program.operands(program.getSteps()[step])[*choice],
                     program.results(program.getSteps()[step])[0]);
    else {
      engine.run(step);
      followed.push_back(step);
    }
    blame(program.getSteps()[step].op);
  }
  for (auto &[argument, gradient] : gradients)
    tieNext(argument);
  for (unsigned state : slice.states)
    tieNext(state);
  checkBlocks(followed);
}

SymmetryKinetics GroupTracker::kineticsOf(const AxisGroup &group) {
  SymmetryKinetics kinetics;
  kinetics.symmetry = group.id;
  auto found = classOf.find(&group);
  const UpdateClass *own = found == classOf.end() ? nullptr : &classes[found->second];
  if (!own || !own->isFollowed) {
    kinetics.breaks.push_back(
        {nullptr, "how the update moves these axes is not followed", /*isKnown=*/false});
    return kinetics;
  }
  uint8_t demands = engine.getClasses().demandsOn(own->node);
  uint8_t fixes = AxisClasses::FixesConstant | AxisClasses::FixesSum;
  bool isPermutation =
      demands & AxisClasses::NoLinear || (demands & fixes) != (own->initialDemands & fixes);
  if (demands & AxisClasses::Trivial)
    kinetics.keeps = "";
  else if (group.family == AxisFamily::Permutation || isPermutation)
    kinetics.keeps = stringifyAxisFamily(AxisFamily::Permutation);
  else
    kinetics.keeps = stringifyAxisFamily(demands & AxisClasses::Orthogonal ? AxisFamily::Orthogonal
                                                                           : group.family);
  kinetics.equivariant = kinetics.keeps == stringifyAxisFamily(group.family);
  kinetics.ksb = !kinetics.equivariant;
  if (kinetics.equivariant)
    return kinetics;
  // The first operation that demands what decides.
  auto explain = [&](uint8_t what, StringRef why) {
    if (!(demands & ~own->initialDemands & what))
      return false;
    auto step = llvm::find_if(own->demanded, [&](const UpdateClass::Demanded &step) {
      return step.demands & ~own->initialDemands & what;
    });
    kinetics.breaks.push_back({step == own->demanded.end() ? nullptr : step->op, why.str()});
    return true;
  };
  if (!explain(AxisClasses::Trivial, "tells the indices of these axes apart") &&
      !explain(AxisClasses::NoLinear,
               "acts on each entry by itself, which permutations pass only") &&
      !explain(fixes, "mixes the entries with a constant, which permutations pass only"))
    explain(AxisClasses::Orthogonal,
            "adds what M moves to what its inverse transpose moves, which rotations pass only");
  return kinetics;
}

SmallVector<SymmetryKinetics, 0> noether::analyzeGroupKinetics(const UpdateGraph &graph,
                                                               const Structure &structure,
                                                               ArrayRef<AxisGroup> groups) {
  SmallVector<SymmetryKinetics, 0> result;
  if (groups.empty())
    return result;
  GroupTracker tracker(graph, structure);
  tracker.addGroups(groups);
  tracker.run();
  for (const AxisGroup &group : groups)
    result.push_back(tracker.kineticsOf(group));
  return result;
}
