// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pushes log-scale fields through a program, one rule application at a time, and hands every
// equation that is not trivially true to a sink.

#ifndef NOETHER_ANALYSIS_TORUS_FIELDENGINE_H
#define NOETHER_ANALYSIS_TORUS_FIELDENGINE_H

#include "noether/Analysis/Torus/Field.h"
#include "noether/Analysis/Structure/Structure.h"

#include "llvm/ADT/DenseSet.h"

#include <map>
#include <memory>

namespace noether {

/// What becomes of the equations.
class EquationSink {
public:
  virtual ~EquationSink() = default;
  /// Two log-scales must be equal, says a step.
  virtual void equate(FormId a, FormId b, size_t step) = 0;
  /// A constant stands where it must have the log-scale `form`.
  virtual void relateConstant(double constant, FormId form, size_t step) = 0;
  /// Whether a constant may be promoted to a spurion.
  virtual bool mayPromote(double constant) const = 0;
  /// A new unknown for a component of a value's field.
  virtual FormId addUnknown(ValueId value, uint64_t key, int64_t dimension) = 0;
  /// A form to go on with in the place of a long one.
  virtual FormId abbreviate(FormId form, size_t step) { return form; }
};

class FieldEngine {
public:
  FieldEngine(const Program &program, const Structure &structure, FormPool &forms, EquationSink &sink);

  void run(size_t step);

  /// Sends the equations elsewhere for a while.
  class SinkScope {
  public:
    SinkScope(FieldEngine &engine, EquationSink &sink) : engine(engine), previous(engine.sink) {
      engine.sink = &sink;
    }
    ~SinkScope() { engine.sink = previous; }

  private:
    FieldEngine &engine;
    EquationSink *previous;
  };

  FieldId fieldOf(ValueId value) const { return fields[value]; }
  llvm::ArrayRef<Component> componentsOf(ValueId value) const { return pool[fields[value]]; }
  bool isAnyScale(ValueId value) const { return fields[value] == FieldPool::any; }
  void setField(ValueId value, FieldId field) { fields[value] = field; }
  FieldId intern(Field field) { return pool.intern(std::move(field)); }
  /// Gives `value` one unknown per component, of the pieces that are used (all, without `isUsed`):
  /// it is asked with their constant components.
  void makeUnknown(ValueId value, llvm::function_ref<bool(uint64_t)> isUsed = nullptr);
  /// Adds to `read` those of `cells`, constant components of an operand's pieces, that a step reads; a
  /// slice does not read what it leaves out.
  void collectReadCells(size_t step, unsigned operand, llvm::ArrayRef<uint64_t> cells,
                        llvm::DenseSet<uint64_t> &read);

private:
  using Equation = CompiledRule::Equation;

  /// An index space that a value has besides its own dimensions: rows that data picked. Its index
  /// is a function of where one is along the dimensions it is placed at.
  struct PickedAxis {
    const ResolvedAxis *axis;
    uint32_t tag;
    /// Part of a dimension, in row-major order: every `inner`-th index, `size` of them.
    struct Place {
      unsigned dim;
      int64_t inner, size;
      bool operator==(const Place &other) const {
        return dim == other.dim && inner == other.inner && size == other.size;
      }
    };
    llvm::SmallVector<Place, 2> places;
  };
  struct Picked {
    llvm::SmallVector<PickedAxis, 1> axes;
    /// The dimensions' axes, which number components as without the picked ones, then those.
    ResolvedSpace space;
  };
  /// A rule with the tensors it is applied to. Picked axes are further dimensions, with factors of
  /// their own.
  struct Application {
    size_t step;
    const CompiledRule &rule;
    const Structure::Binding *binding;                  // null: pointwise
    llvm::SmallVector<const ResolvedSpace *, 4> spaces; // by tensor; null where nothing scales
    llvm::SmallVector<const ResolvedAxis *, 8> axes;    // by factor; null where it is not followed
  };
  Application makeApplication(size_t step, const CompiledRule &rule,
                              const Structure::Binding *binding);

  void runPointwise(size_t step);
  void runGeneral(const Application &application);
  void runSegmented(const Application &application);
  void runBarrier(size_t step);
  void runLoopTie(size_t step);
  /// Whether a step picks rows of what varies along them, or is applied to what was picked.
  bool involvesPicked(size_t step) const;
  void runPicked(size_t step);
  /// Without picked axes: what varies along them must not.
  FieldId dropPicked(ValueId value, size_t step);
  const ResolvedSpace &spaceOf(ValueId value) const;

  /// The equations of a rule over fields in one common space: `embedded` holds the field of each
  /// operand, `finish` turns the value of a result's equation into a field of the result.
  void applyEquations(size_t step, llvm::ArrayRef<FieldId> embedded, const ResolvedSpace &space,
                      llvm::function_ref<FieldId(unsigned, FieldId)> finish);
  Field addScaled(llvm::ArrayRef<Component> a, const Fraction &factor,
                  llvm::ArrayRef<Component> b, llvm::SmallDenseSet<uint64_t, 4> &any);
  FieldId combine(llvm::ArrayRef<std::pair<unsigned, Fraction>> terms,
                  llvm::ArrayRef<FieldId> operands, const ResolvedSpace &space, size_t step);
  /// Equates two fields of one space; returns what is known of both.
  FieldId equate(FieldId a, FieldId b, const ResolvedSpace &space, size_t step);
  /// Demands that a field be constant along the marked axes; returns it with their digits 0.
  FieldId constantAlong(FieldId field, const ResolvedSpace &space, const llvm::BitVector &axes,
                        size_t step);
  /// Where two axes are one index (a matrix added to its transpose), f(i, j) and f(j, i) are the same
  /// component, f taking its arguments in the order of the axes. Demands that nothing vary along two
  /// such axes if `tensor` has its factors in another order than the rule's.
  FieldId keepOrder(FieldId field, const ResolvedSpace &space, const CompiledRule::Tensor &tensor,
                    size_t step);
  using Segments = std::optional<AxisResolver::SegmentMap>;
  bool scalesNothing(const Program::Step &step) const;
  void pinToZero(FieldId field, size_t step);
  FieldId operandField(ValueId value) const;
  bool isSpurion(ValueId value, const CompiledRule &rule, const Equation &equation) const;
  void relateSpurions(llvm::ArrayRef<double> constants, FieldId field, size_t step);
  FieldId embed(const Application &application, unsigned operand, const ResolvedSpace &joint,
                llvm::ArrayRef<int> jointAxis);

  const Program &program;
  const Structure &structure;
  FormPool &forms;
  EquationSink *sink;
  FieldPool pool;
  std::vector<FieldId> fields; // by value
  llvm::DenseMap<ValueId, std::unique_ptr<Picked>> picked;
  /// Combinations of one or two fields that have been made: each field with the number of its
  /// coefficient.
  llvm::DenseMap<std::pair<uint64_t, uint64_t>, FieldId> combined;
};

} // namespace noether

#endif // NOETHER_ANALYSIS_TORUS_FIELDENGINE_H
