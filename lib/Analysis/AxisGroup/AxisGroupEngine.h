// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How matrices that act on the axes of parameters pass through a program. Every slot of every value
// is constant, moved by the matrix of a class, or not to be touched; every operation says what it
// demands of the classes it meets.

#ifndef NOETHER_LIB_ANALYSIS_AXISGROUP_AXISGROUPENGINE_H
#define NOETHER_LIB_ANALYSIS_AXISGROUP_AXISGROUPENGINE_H

#include "AxisClasses.h"
#include "AxisSlots.h"
#include "RotaryMaps.h"

namespace noether {

struct SlotState {
  enum Kind : uint8_t {
    Zero,    // the value is zero
    Uniform, // the value does not depend on this index
    Moved,   // the matrix of a class acts on this index
    /// The entries are products of two factors that are moved by M and by its inverse transpose: only
    /// their sum over this index is invariant under linear maps.
    Paired,
  };
  Kind kind = Uniform;
  bool inverse = false;
  AxisClasses::Node node = AxisClasses::trivial;

  bool isMoved() const { return kind == Moved || kind == Paired; }
  static SlotState fixed() { return {Moved, false, AxisClasses::trivial}; }
  bool operator==(const SlotState &other) const = default;
};

class AxisGroupEngine {
public:
  AxisGroupEngine(const Program &program, const Structure &structure, const llvm::BitVector &slice,
                  ValueId loss);

  /// Gives the slots of a parameter in the cells that are used a class each.
  void addParameter(ValueId value, llvm::function_ref<bool(uint64_t)> isUsed);
  void run(size_t step);
  /// Nothing may move the loss.
  void finish(ValueId loss) { fixAll(loss); }

  /// Drops from the atoms that a class may vary along those that this step does not follow.
  using Variation = llvm::DenseMap<AxisClasses::Node, llvm::SmallVector<AtomId, 2>>;
  void restrictVariation(size_t step, Variation &variation);

  const AxisClasses &getClasses() const { return classes; }
  AxisClasses &getClasses() { return classes; }
  /// Takes `to` for a copy of `from`.
  void forward(ValueId from, ValueId to);
  /// Demands that two values be moved alike, as what a step is given and what it gives back.
  void tieNext(ValueId carried, ValueId yielded);
  const SpaceSlots &slotsOf(ValueId value);
  llvm::ArrayRef<SlotState> statesOf(ValueId value) const;

private:
  struct Entry {
    unsigned operand;
    SlotState state;
  };
  /// One index of the joint index of a step, in one choice of pieces.
  struct Column {
    llvm::SmallVector<Entry, 3> entries;
    /// Results that have this index, with its slot; nothing where the result does not follow it.
    llvm::SmallVector<std::pair<unsigned, std::optional<uint32_t>>, 1> results;
    /// The rule says that it is summed over.
    bool isSummed = false;
    /// Only the operands that have this index have a part in it.
    bool isPiece = false;
    /// Whether another index of the step has this atom, only one, and all tensors have it that have
    /// this one and are moved by the class.
    llvm::function_ref<bool(AtomId, AxisClasses::Node)> hasOther;
  };
  using ColumnFn = llvm::function_ref<void(const Column &)>;

  void forEachColumn(size_t step, ColumnFn fn);
  void forEachPointwiseColumn(const Program::Step &step, ColumnFn fn);
  void forEachGeneralColumn(const Program::Step &step, const Structure::Binding &binding,
                            ColumnFn fn);
  void forEachSegmentedColumn(size_t index, const Structure::Binding &binding, ColumnFn fn);
  void runLoopTie(const Program::Step &step);
  void runCarry(const Program::Step &step);

  /// Whether what a result has along an index that no operand has are copies.
  bool repeatsOperand(const Program::Step &step, unsigned result) const;
  struct Terms;
  Terms termsOf(const Program::Step &step, const Column &column, unsigned result,
                const llvm::SmallBitVector &isMover) const;
  /// Takes `to` for the entries of `from` times themselves.
  void square(ValueId from, ValueId to);
  /// The state of the halves of what a step puts together.
  SlotState joinedHalves(size_t step);
  std::optional<uint32_t> pairSlotOf(ValueId value, unsigned axis);
  /// What an operation makes of one index in a result, or of one that the result does not have.
  SlotState combine(const Program::Step &step, const Column &column, unsigned result, bool hasIndex);
  /// Two contributions to one slot of a result.
  SlotState merge(SlotState a, SlotState b);

  /// The state of an axis as a whole where its slots are not followed one by one: they are fixed,
  /// if not constant.
  SlotState summarize(ValueId value, unsigned axis);
  OperandUse useOf(const Program::Step &step, unsigned operand, ValueId result) const;
  /// Whether a result depends on an operand, as far as the rule says.
  static bool isRelated(const CompiledRule &rule, unsigned result, unsigned operand);
  /// Whether operations of this kind treat all indices of an axis that is not frozen alike.
  static bool treatsIndicesAlike(const Program::Step &step);
  bool isZero(ValueId value) const;
  bool isFollowed(ValueId value) const { return firstState[value] != kNoStates; }
  bool isConstant(ValueId value) const { return program.getValues()[value].constant.has_value(); }
  SlotState constantState(ValueId value) const;

  void fix(SlotState state);
  void fixAll(ValueId value);
  void forbidLinear(SlotState state);
  void demand(SlotState state, AxisClasses::Demand demand);
  void tie(SlotState a, SlotState b) { classes.unify(a.node, b.node, a.inverse ^ b.inverse); }
  void setStates(ValueId value, llvm::ArrayRef<SlotState> own);
  /// All slots fixed.
  void setFixed(ValueId value);

  static constexpr uint32_t kNoStates = ~0u;
  const Program &program;
  const Structure &structure;
  SlotTable table;
  RotaryMaps rotaries;
  AxisClasses classes;
  std::vector<SlotState> states;
  std::vector<uint32_t> firstState; // by value
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_AXISGROUP_AXISGROUPENGINE_H
