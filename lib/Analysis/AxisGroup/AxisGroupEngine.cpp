// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AxisGroupEngine.h"

#include "../Translation/RigidValues.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

AxisGroupEngine::AxisGroupEngine(const Program &program, const Structure &structure,
                                 const llvm::BitVector &slice, ValueId loss)
    : program(program), structure(structure), rotaries(program, structure, slice, loss),
      firstState(program.getValues().size(), kNoStates) {}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

const SpaceSlots &AxisGroupEngine::slotsOf(ValueId value) {
  static const SpaceSlots none;
  SpaceId space = structure.spaceOf(value);
  return space == ~0u ? none : table.slotsOf(structure.resolve(space));
}

ArrayRef<SlotState> AxisGroupEngine::statesOf(ValueId value) const {
  if (!isFollowed(value))
    return {};
  uint32_t first = firstState[value];
  return ArrayRef<SlotState>(states).slice(first + 1, states[first].node);
}

void AxisGroupEngine::setStates(ValueId value, ArrayRef<SlotState> own) {
  firstState[value] = states.size();
  // The number of slots comes first.
  states.push_back({SlotState::Zero, false, static_cast<AxisClasses::Node>(own.size())});
  states.insert(states.end(), own.begin(), own.end());
}

void AxisGroupEngine::setFixed(ValueId value) {
  setStates(value, SmallVector<SlotState>(slotsOf(value).size(), SlotState::fixed()));
}

void AxisGroupEngine::fix(SlotState state) {
  if (state.isMoved())
    classes.unify(AxisClasses::trivial, state.node, false);
}

void AxisGroupEngine::fixAll(ValueId value) {
  for (SlotState state : statesOf(value))
    fix(state);
}

void AxisGroupEngine::demand(SlotState state, AxisClasses::Demand what) {
  classes.demand(state.node, state.inverse, what);
}

void AxisGroupEngine::forbidLinear(SlotState state) { demand(state, AxisClasses::NoLinear); }

SlotState AxisGroupEngine::constantState(ValueId value) const {
  SlotState state;
  state.kind = program.getValues()[value].constant == 0.0 ? SlotState::Zero : SlotState::Uniform;
  return state;
}

bool AxisGroupEngine::isZero(ValueId value) const {
  if (isConstant(value))
    return program.getValues()[value].constant == 0.0;
  ArrayRef<SlotState> own = statesOf(value);
  return !own.empty() &&
         llvm::all_of(own, [](SlotState state) { return state.kind == SlotState::Zero; });
}

SlotState AxisGroupEngine::summarize(ValueId value, unsigned axis) {
  const SpaceSlots &slots = slotsOf(value);
  ArrayRef<SlotState> own = statesOf(value);
  if (own.size() != slots.size() || slots.isOpaque)
    return SlotState::fixed();
  bool isUniform = true;
  for (auto [slot, state] : llvm::zip_equal(slots.slots, own)) {
    if (slot.axis != axis)
      continue;
    fix(state);
    isUniform &= !state.isMoved();
  }
  return isUniform ? SlotState() : SlotState::fixed();
}

void AxisGroupEngine::addParameter(ValueId value, llvm::function_ref<bool(uint64_t)> isUsed) {
  SmallVector<SlotState> own;
  for (const AxisSlot &slot : slotsOf(value).slots) {
    SlotState state;
    state.kind = SlotState::Moved;
    state.node = isUsed(slot.cell) ? classes.add(slot.size) : AxisClasses::trivial;
    own.push_back(state);
  }
  setStates(value, own);
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

bool AxisGroupEngine::treatsIndicesAlike(const Program::Step &step) {
  // What a user says of scales says nothing of this.
  if (step.rule->uses.empty() &&
      (step.op->hasAttr("noether.rule") || isa<NoetherRuleOpInterface>(step.op)))
    return false;
  // A body may read the position.
  if (isa<mlir::linalg::LinalgOp>(step.op))
    return !step.op
                ->walk([](mlir::linalg::IndexOp) { return mlir::WalkResult::interrupt(); })
                .wasInterrupted();
  return true;
}

void AxisGroupEngine::run(size_t index) {
  const Program::Step &step = program.getSteps()[index];
  ArrayRef<ValueId> operands = program.operands(step), results = program.results(step);
  for (ValueId id : operands)
    if (!isFollowed(id) && !isConstant(id))
      setFixed(id);
  if (step.kind == Program::StepKind::LoopTie)
    return runLoopTie(step);
  if (step.kind == Program::StepKind::Carry)
    return runCarry(step);
  if (step.rule->isBarrier || !treatsIndicesAlike(step)) {
    for (ValueId id : operands)
      fixAll(id);
    for (ValueId id : results)
      setFixed(id);
    return;
  }

  if (isSquare(step))
    return square(operands[0], results[0]);

  SmallVector<SmallVector<std::optional<SlotState>, 4>, 1> known(results.size());
  for (auto [result, own] : llvm::zip_equal(results, known))
    own.resize(slotsOf(result).size());
  forEachColumn(index, [&](const Column &column) {
    for (unsigned r = 0; r < results.size(); ++r) {
      auto it = llvm::find_if(column.results, [&](auto &entry) { return entry.first == r; });
      bool hasIndex = it != column.results.end();
      SlotState state = combine(step, column, r, hasIndex);
      if (!hasIndex)
        continue;
      if (!it->second) {
        fix(state);
        continue;
      }
      std::optional<SlotState> &slot = known[r][*it->second];
      slot = slot ? merge(*slot, state) : state;
    }
  });
  if (step.rule->isSegmented && step.numOperands == 2)
    for (auto [result, own] : llvm::zip_equal(results, known))
      for (auto [slot, state] : llvm::zip_equal(slotsOf(result).slots, own))
        if (slot.isPair && !state)
          state = joinedHalves(index);
  for (auto [result, own] : llvm::zip_equal(results, known)) {
    SmallVector<SlotState, 4> final;
    for (std::optional<SlotState> state : own)
      final.push_back(state.value_or(SlotState::fixed()));
    setStates(result, final);
  }
}

std::optional<uint32_t> AxisGroupEngine::pairSlotOf(ValueId value, unsigned axis) {
  std::optional<uint32_t> found;
  for (auto [index, slot] : llvm::enumerate(slotsOf(value).slots))
    if (slot.isPair && slot.axis == axis) {
      // One choice of pieces of all other axes.
      if (found)
        return std::nullopt;
      found = index;
    }
  return found;
}

SlotState AxisGroupEngine::joinedHalves(size_t index) {
  const Program::Step &step = program.getSteps()[index];
  // Twice the same.
  if (program.operands(step)[0] == program.operands(step)[1])
    return SlotState();
  std::optional<RotaryMaps::Map> map = rotaries.find(index);
  if (!map)
    return SlotState::fixed();
  std::optional<uint32_t> slot = pairSlotOf(map->source, map->axis);
  if (!slot || !isFollowed(map->source) || !pairSlotOf(program.results(step)[0], map->axis)) {
    fixAll(map->source);
    return SlotState::fixed();
  }
  SlotState state = statesOf(map->source)[*slot];
  if (state.kind == SlotState::Paired)
    forbidLinear(state);
  if (state.isMoved())
    demand(state, AxisClasses::Complex);
  // Halves that are equal do not stay so.
  return state.isMoved() ? state : SlotState::fixed();
}

/// The carried values of all iterations are moved alike.
void AxisGroupEngine::runCarry(const Program::Step &step) {
  ValueId initial = program.operands(step)[0], carried = program.results(step)[0];
  const SpaceSlots &slots = slotsOf(carried);
  bool fits = isConstant(initial) ||
              (structure.spaceOf(initial) != ~0u &&
               &structure.resolve(structure.spaceOf(initial)) ==
                   &structure.resolve(structure.spaceOf(carried)));
  if (!fits) {
    fixAll(initial);
    setFixed(carried);
    return;
  }
  SmallVector<SlotState> own;
  ArrayRef<SlotState> before = statesOf(initial);
  for (unsigned i = 0; i < slots.size(); ++i) {
    SlotState state = {SlotState::Moved, false, classes.add(slots.slots[i].size)};
    SlotState first = isConstant(initial) ? constantState(initial) : before[i];
    if (first.kind == SlotState::Uniform)
      demand(state, AxisClasses::FixesConstant);
    if (first.kind == SlotState::Paired)
      forbidLinear(first);
    if (first.isMoved())
      tie(state, first);
    own.push_back(state);
  }
  setStates(carried, own);
}

void AxisGroupEngine::square(ValueId from, ValueId to) {
  forward(from, to);
  SmallVector<SlotState> own(statesOf(to));
  for (SlotState &state : own) {
    if (!state.isMoved())
      continue;
    if (state.kind == SlotState::Paired || classes.isTrivial(state.node)) {
      forbidLinear(state);
      continue;
    }
    // One matrix on both sides of a product of which only sums are read.
    classes.unify(state.node, state.node, true);
    state.kind = SlotState::Paired;
  }
  setStates(to, own);
}

void AxisGroupEngine::forward(ValueId from, ValueId to) {
  if (isConstant(from)) {
    setStates(to, SmallVector<SlotState>(slotsOf(to).size(), constantState(from)));
    return;
  }
  bool fits = isFollowed(from) && structure.spaceOf(from) != ~0u && structure.spaceOf(to) != ~0u &&
              llvm::equal(slotsOf(from).slots, slotsOf(to).slots,
                          [](const AxisSlot &a, const AxisSlot &b) {
                            return a.key == b.key && a.size == b.size;
                          });
  if (fits) {
    setStates(to, SmallVector<SlotState>(statesOf(from)));
    return;
  }
  fixAll(from);
  setFixed(to);
}

void AxisGroupEngine::tieNext(ValueId carried, ValueId yielded) {
  bool fits = isConstant(yielded) ||
              (structure.spaceOf(carried) != ~0u && structure.spaceOf(yielded) != ~0u &&
               isFollowed(carried) && isFollowed(yielded) &&
               llvm::equal(slotsOf(carried).slots, slotsOf(yielded).slots,
                           [](const AxisSlot &a, const AxisSlot &b) {
                             return a.key == b.key && a.atom == b.atom && a.size == b.size;
                           }));
  if (!fits) {
    fixAll(carried);
    fixAll(yielded);
    return;
  }
  ArrayRef<SlotState> before = statesOf(carried), after = statesOf(yielded);
  for (unsigned s = 0; s < before.size(); ++s) {
    SlotState last = isConstant(yielded) ? constantState(yielded) : after[s];
    if (last.kind == SlotState::Uniform)
      demand(before[s], AxisClasses::FixesConstant);
    if (last.kind == SlotState::Paired)
      forbidLinear(last);
    if (last.isMoved())
      tie(before[s], last);
  }
}

void AxisGroupEngine::runLoopTie(const Program::Step &step) {
  ArrayRef<ValueId> operands = program.operands(step);
  for (unsigned i = 0; i < step.numTied; ++i)
    tieNext(operands[i], operands[i + step.numTied]);
  // What decides how often a loop runs is the same for all parameters that are moved alike.
  for (ValueId condition : operands.drop_front(2 * step.numTied))
    fixAll(condition);
}

//===----------------------------------------------------------------------===//
// What an operation makes of an index
//===----------------------------------------------------------------------===//

OperandUse AxisGroupEngine::useOf(const Program::Step &step, unsigned operand,
                                  ValueId result) const {
  ValueId value = program.operands(step)[operand];
  // Numbers that are rounded are not linear in anything.
  if (!program.getValues()[value].isFloat || !program.getValues()[result].isFloat)
    return step.rule->use(operand) == OperandUse::Ordered ? OperandUse::Ordered
                                                          : OperandUse::Opaque;
  return step.rule->use(operand);
}

bool AxisGroupEngine::isRelated(const CompiledRule &rule, unsigned result, unsigned operand) {
  bool isDefined = false;
  for (const CompiledRule::Equation &equation : rule.equations) {
    if (equation.lhs != rule.numOperands + result || equation.terms.empty())
      continue;
    isDefined = true;
    if (llvm::any_of(equation.terms, [&](auto &term) { return term.first == operand; }))
      return true;
  }
  return !isDefined || rule.use(operand) == OperandUse::Opaque;
}

bool AxisGroupEngine::repeatsOperand(const Program::Step &step, unsigned result) const {
  const CompiledRule &rule = *step.rule;
  ArrayRef<ValueId> operands = program.operands(step);
  auto isFloat = [&](ValueId id) { return program.getValues()[id].isFloat; };
  if (llvm::any_of(operands, isFloat)) {
    auto source = llvm::find_if(operands, isFloat);
    return llvm::count_if(operands, isFloat) == 1 &&
           rule.use(source - operands.begin()) == OperandUse::Plus;
  }
  // Of numbers without a scale rules do not say how they are used: what is made of one tensor, has its
  // type and all of its indices, and no index of a kind that orders them, is a copy.
  if (operands.size() != 1)
    return false;
  auto typeOf = [&](ValueId id) { return program.getValues()[id].type; };
  mlir::RankedTensorType from = typeOf(operands[0]), to = typeOf(program.results(step)[result]);
  if (!from || !to || from.getElementType() != to.getElementType() || rule.frozen.any())
    return false;
  auto hasFactor = [&](CompiledRule::Factor factor) {
    return llvm::any_of(rule.tensors[rule.numOperands + result], [&](const CompiledRule::Dim &dim) {
      return llvm::any_of(dim.segments,
                          [&](auto &segment) { return llvm::is_contained(segment, factor); });
    });
  };
  return llvm::all_of(rule.tensors[0], [&](const CompiledRule::Dim &dim) {
    return llvm::all_of(dim.segments,
                        [&](auto &segment) { return llvm::all_of(segment, hasFactor); });
  });
}

static bool isAdditive(OperandUse use) {
  return use == OperandUse::Plus || use == OperandUse::Minus || use == OperandUse::Choice;
}

/// A result is a sum with one term for each of its equations: the product of its operands. (Where the
/// uses say that it is linear, an equation that an operand satisfies alone says that it is so without
/// a constant.)
struct AxisGroupEngine::Terms {
  unsigned numMoved = 0; // terms with operands that move
  bool isProduct = false; // there is one term
  bool addsConstant = false, addsInfinity = false;
  bool isZero = true; // all terms have a factor of zero
};

AxisGroupEngine::Terms AxisGroupEngine::termsOf(const Program::Step &step, const Column &column,
                                                unsigned result,
                                                const llvm::SmallBitVector &isMover) const {
  const CompiledRule &rule = *step.rule;
  ArrayRef<ValueId> operands = program.operands(step);
  auto entryOf = [&](unsigned operand) {
    return llvm::find_if(column.entries,
                         [&](const Entry &entry) { return entry.operand == operand; });
  };
  Terms terms;
  unsigned count = 0;
  for (const CompiledRule::Equation &equation : rule.equations) {
    auto mentions = [&](auto &term) { return term.first < operands.size() && isMover.test(term.first); };
    if (equation.lhs != rule.numOperands + result) {
      // A demand on an operand that moves: it is not known to enter by itself.
      terms.addsConstant |= (equation.lhs < operands.size() && isMover.test(equation.lhs)) ||
                            (!rule.isResult(equation.lhs) && llvm::any_of(equation.terms, mentions));
      continue;
    }
    if (column.isPiece && llvm::none_of(equation.terms, [&](auto &term) {
          return entryOf(term.first) != column.entries.end();
        }))
      continue;
    ++count;
    bool moves = false, isZero = false, isInfinite = false;
    for (auto &[operand, coefficient] : equation.terms) {
      if (operand >= operands.size()) // another result
        continue;
      bool isOwnMover = isMover.test(operand);
      // A power of what moves is not linear.
      terms.addsConstant |= isOwnMover && coefficient != Fraction(1);
      moves |= isOwnMover;
      auto entry = entryOf(operand);
      bool isZeroHere = this->isZero(operands[operand]) ||
                        (entry != column.entries.end() && entry->state.kind == SlotState::Zero);
      isZero |= isZeroHere && rule.use(operand) != OperandUse::Opaque &&
                rule.use(operand) != OperandUse::Ordered;
      const std::optional<double> &number = program.getValues()[operands[operand]].constant;
      isInfinite |= number && !std::isfinite(*number);
    }
    terms.numMoved += moves;
    terms.addsConstant |= !moves && !isZero;
    terms.addsInfinity |= isInfinite;
    terms.isZero &= isZero;
  }
  terms.isProduct = count == 1;
  terms.isZero &= count > 0;
  return terms;
}

SlotState AxisGroupEngine::combine(const Program::Step &step, const Column &column,
                                   unsigned result, bool hasIndex) {
  const CompiledRule &rule = *step.rule;
  ArrayRef<ValueId> operands = program.operands(step);
  ValueId resultValue = program.results(step)[result];

  struct Mover {
    SlotState state;
    OperandUse use;
  };
  SmallVector<Mover, 3> movers;
  llvm::SmallBitVector isMover(operands.size());
  bool any = false, isFixed = false;
  for (const Entry &entry : column.entries) {
    if (!isRelated(rule, result, entry.operand))
      continue;
    any = true;
    if (!entry.state.isMoved())
      continue;
    isFixed |= classes.isTrivial(entry.state.node);
    movers.push_back({entry.state, useOf(step, entry.operand, resultValue)});
    isMover.set(entry.operand);
  }
  if (!any && !hasIndex)
    return SlotState();
  // A new index: the result is constant along it if the operation only repeats its operand.
  if (!any && !repeatsOperand(step, result))
    return SlotState::fixed();
  Terms terms = termsOf(step, column, result, isMover);
  // What is zero stays so, whatever moves the other factors.
  if (terms.isZero)
    return {SlotState::Zero};
  if (movers.empty())
    return {SlotState::Uniform};

  auto tieAll = [&] {
    for (const Mover &mover : ArrayRef(movers).drop_front())
      tie(movers.front().state, mover.state);
  };
  // An operation that does not say how it treats an index it drops may order it; one that is linear
  // in the only operand that has the index (a convolution in its kernel's positions) may weigh it.
  unsigned numFactors = llvm::count_if(column.entries, [&](const Entry &entry) {
    return isRelated(rule, result, entry.operand) &&
           useOf(step, entry.operand, resultValue) == OperandUse::Factor;
  });
  bool isDropKnown = hasIndex || (column.isSummed && llvm::all_of(movers, [&](const Mover &mover) {
                                    return mover.use == OperandUse::Plus ||
                                           mover.use == OperandUse::Minus ||
                                           mover.use == OperandUse::Ordered ||
                                           (mover.use == OperandUse::Factor && numFactors == 2);
                                  }));
  if (isFixed || !isDropKnown) {
    for (const Mover &mover : movers)
      fix(mover.state);
    return SlotState::fixed();
  }

  SlotState first = movers.front().state;
  bool isLinear = llvm::all_of(movers, [](const Mover &mover) { return isAdditive(mover.use); }) ||
                  (movers.size() == 1 && movers.front().use == OperandUse::Factor);
  if (isLinear && !terms.addsInfinity) {
    tieAll();
    auto isPaired = [](const Mover &mover) { return mover.state.kind == SlotState::Paired; };
    if (llvm::any_of(movers, isPaired)) {
      if (!llvm::all_of(movers, isPaired)) {
        forbidLinear(first);
        first.kind = SlotState::Moved;
      }
      return first;
    }
    if (hasIndex && terms.addsConstant)
      demand(first, AxisClasses::FixesConstant);
    if (!hasIndex)
      demand(first, AxisClasses::FixesSum);
    return first;
  }
  bool isBilinear = movers.size() == 2 && terms.isProduct && terms.numMoved == 1 &&
                    !terms.addsConstant && !terms.addsInfinity &&
                    llvm::all_of(movers, [](const Mover &mover) {
                      return mover.use == OperandUse::Factor &&
                             mover.state.kind == SlotState::Moved;
                    });
  if (isBilinear) {
    SlotState second = movers[1].state;
    classes.unify(first.node, second.node, !(first.inverse ^ second.inverse));
    first.kind = SlotState::Paired;
    return first;
  }
  tieAll();
  forbidLinear(first);
  first.kind = SlotState::Moved;
  return first;
}

SlotState AxisGroupEngine::merge(SlotState a, SlotState b) {
  if (a == b || b.kind == SlotState::Zero)
    return a;
  if (a.kind == SlotState::Zero)
    return b;
  if (!a.isMoved() || !b.isMoved()) {
    SlotState moved = a.isMoved() ? a : b;
    if (moved.kind == SlotState::Moved && (a.isMoved() || b.isMoved()))
      demand(moved, AxisClasses::FixesConstant);
    return moved;
  }
  tie(a, b);
  if (a.kind != b.kind) {
    forbidLinear(a);
    a.kind = SlotState::Moved;
  }
  return a;
}

//===----------------------------------------------------------------------===//
// Matrices that vary along other indices
//===----------------------------------------------------------------------===//

void AxisGroupEngine::restrictVariation(size_t index, Variation &variation) {
  const Program::Step &step = program.getSteps()[index];
  if (step.kind != Program::StepKind::Rule || step.rule->isBarrier)
    return;
  auto variationOf = [&](SlotState state) -> SmallVector<AtomId, 2> * {
    if (!state.isMoved())
      return nullptr;
    auto it = variation.find(classes.find(state.node).root);
    return it == variation.end() || it->second.empty() ? nullptr : &it->second;
  };
  if (!rotaries.find(index) && llvm::none_of(program.operands(step), [&](ValueId id) {
        return llvm::any_of(statesOf(id), variationOf);
      }))
    return;
  // Halves vary along what both sides of a rotary map have.
  if (std::optional<RotaryMaps::Map> map = rotaries.find(index)) {
    ValueId result = program.results(step)[0];
    std::optional<uint32_t> from = pairSlotOf(map->source, map->axis),
                            to = pairSlotOf(result, map->axis);
    if (from && to && isFollowed(map->source))
      if (SmallVector<AtomId, 2> *atoms = variationOf(statesOf(map->source)[*from]))
        for (auto [value, slot] : {std::make_pair(map->source, *from), std::make_pair(result, *to)})
          llvm::erase_if(*atoms, [&, value = value, slot = slot](AtomId atom) {
            const std::vector<AxisSlot> &slots = slotsOf(value).slots;
            return llvm::count_if(slots, [&](const AxisSlot &other) {
                     return other.cell == slots[slot].cell && other.atom == atom;
                   }) != 1;
          });
  }
  forEachColumn(index, [&](const Column &column) {
    for (const Entry &entry : column.entries)
      if (SmallVector<AtomId, 2> *atoms = variationOf(entry.state)) {
        AxisClasses::Node root = classes.find(entry.state.node).root;
        llvm::erase_if(*atoms, [&](AtomId atom) { return !column.hasOther(atom, root); });
      }
  });
}
