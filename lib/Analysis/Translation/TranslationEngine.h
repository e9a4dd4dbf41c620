// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pushes shifts of parameters through a program.
//
// The shift of a value is a sum of terms: a shift map applied to an unknown function, placed at a
// component of the value's index space. Linear operations pass terms on; sums kill those that have
// zero mean along what is summed; maxima pass what is common to all their operands; any other
// operation demands that its operands have none. exp makes a factor of a shift and log a shift of a
// factor; factors are followed in the same way. What cancels by itself on the way (x - mean(x),
// x - max(x)) is annihilated: no layer is known by name. Where a shift meets a parameter that can take it
// up, the parameter gets an unknown for that (TranslationAbsorption.cpp).

#ifndef NOETHER_LIB_ANALYSIS_TRANSLATION_TRANSLATIONENGINE_H
#define NOETHER_LIB_ANALYSIS_TRANSLATION_TRANSLATIONENGINE_H

#include "RigidValues.h"
#include "ShiftMap.h"
#include "ValueRoots.h"
#include "noether/Analysis/Structure/Structure.h"

namespace noether {

/// One term of a shift: `map` of the unknown function `form`, at the component `key` of the value's
/// space; `legs` are the map's legs along the atoms that the component varies along, in order.
struct ShiftTerm {
  ShiftMapId map;
  uint64_t key;
  Legs legs;
  FormId form;
};
using Shift = llvm::SmallVector<ShiftTerm, 1>;

/// What a parameter takes up of other parameters' shifts: they have reached a sum of both through
/// nothing but products with parameters, and a shift of the one by minus that leaves the sum as it is.
struct Absorption {
  /// The function that is taken up, as an unknown of its own, numbered after those of parameters.
  UnknownId unknown;
  /// The component of the parameter that takes it up, by its unknown.
  UnknownId target;
  /// The shift is this map of the function; `legs` are its legs along the indices that the target
  /// varies along, in order.
  ShiftMapId map;
  Legs legs;
  /// What the function is to cancel.
  FormId form;
  /// Other steps read the parameter too, other pieces of it.
  bool isCut = false;
};

/// What the engine says of the unknowns.
class ShiftSink {
public:
  virtual ~ShiftSink() = default;
  /// A combination of unknown functions must vanish, says a step.
  virtual void vanish(FormId form, size_t step) = 0;
  /// The same, but for a constant that would have to move along.
  virtual void vanishUnlessMoves(double constant, FormId form, size_t step) = 0;
};

class TranslationEngine {
public:
  /// `steps` are those that are going to be run (kept as a reference), `moved` the parameters that get
  /// unknowns.
  TranslationEngine(const Program &program, const Structure &structure, FormPool &forms, ShiftSink &sink,
                    const llvm::BitVector &steps, llvm::ArrayRef<ValueId> moved);

  /// Gives a parameter's component an unknown function as shift; false if it cannot be followed.
  [[nodiscard]] bool addUnknown(ValueId value, uint64_t key, FormId form);
  void run(size_t step);
  /// Demands that a value is not shifted.
  void pin(ValueId value, size_t step);

  /// Once all steps have been run: takes back what cannot be taken up.
  void finishAbsorptions();
  llvm::ArrayRef<Absorption> getAbsorptions() const { return absorptions; }
  const ShiftMaps &getMaps() const { return maps; }
  const ValueRoots &getRoots() const { return roots; }
  const llvm::DenseSet<ValueId> &getMoved() const { return moved; }

  llvm::ArrayRef<ShiftTerm> shiftOf(ValueId value) const { return pool[shifts[value]]; }
  bool isIdentity(ShiftMapId map) const { return maps.isIdentity(map); }
  /// The forms that a form stands for if it is that of a bundle of terms; nothing otherwise.
  llvm::ArrayRef<FormId> bundleOf(FormId form) const {
    UnknownId unknown = forms[form].empty() ? 0 : forms[form].front().unknown;
    return unknown < firstBundle || bundles.empty() ? llvm::ArrayRef<FormId>()
                                                    : bundles[unknown - firstBundle];
  }

private:
  using Part = ShiftMaps::Part;
  /// A term over the joint index of a rule application.
  struct LocalTerm {
    ShiftMapId map;
    FormId form;
    llvm::SmallVector<Part, 4> parts; // by joint axis
    /// Whether it varies along a dimension that the joint index does not follow, and how.
    bool isLost = false;
    llvm::SmallVector<uint64_t, 4> lost;
    Legs lostLegs;

    /// Whether two terms add up; of those that are not lost.
    bool hasSamePlace(const LocalTerm &other) const {
      return map == other.map && llvm::equal(parts, other.parts, [](const Part &a, const Part &b) {
               return a.digit == b.digit && a.legs == b.legs;
             });
    }
  };
  using LocalShift = llvm::SmallVector<LocalTerm, 2>;
  /// The joint index of a rule application.
  struct Joint {
    size_t index;
    const Program::Step *step;
    const CompiledRule *rule;
    bool isPointwise;
    ResolvedSpace own;
    const ResolvedSpace *space;
    /// By factor; -1 for one that is not followed.
    llvm::SmallVector<int, 8> axisOf;
    llvm::BitVector summed; // by joint axis
    /// Axes of results and those that are summed over.
    llvm::BitVector relevant;
    llvm::ArrayRef<ValueId> operands, results;
  };

  bool openJoint(size_t index, Joint &joint);
  LocalShift embed(const Joint &joint, unsigned operand, llvm::ArrayRef<ShiftTerm> terms);
  /// Appends a term, one for each of the pieces it lies in.
  void embedTerm(const Joint &joint, unsigned operand, const ShiftTerm &term, LocalShift &local);
  void runRule(const Joint &joint);
  void runSegmented(size_t index, const Structure::Binding &binding);
  void runLoopTie(size_t index);
  /// Exponentials, logarithms and powers; false if a step is none that is followed.
  bool runPowerLaw(size_t index);
  /// What becomes of the factors of a step's operands. What is not understood must vanish.
  void runFactors(size_t index);
  bool multiplyFactors(const Joint &joint, Shift &factors);
  bool passFactors(const Joint &joint, Shift &factors);
  bool addFactors(const Joint &joint, Shift &factors);
  void pinFactors(ValueId value, size_t step);

  /// The axes that a rule sums over and that an operand does not have: where it is a summand, it is added
  /// once (the first operand of a scatter, the initial value of a reduction).
  llvm::BitVector summedOutside(const Joint &joint, unsigned operand) const;
  /// Takes one term for all pieces of these axes; false for the others.
  static bool addOnce(const Joint &joint, const llvm::BitVector &outside, LocalTerm &term);
  /// The sum over the joint axes that the rule sums over; false if nothing is left.
  bool sumOver(const Joint &joint, const llvm::BitVector &axes, LocalTerm &term);
  bool sumOverAxis(const ResolvedAxis &axis, Part &part, LocalTerm &term);
  /// The product with another operand or its reciprocal. False if the term vanishes; nothing if
  /// the product is not followed.
  std::optional<bool> multiply(const Joint &joint, unsigned partner, int power, LocalTerm &term);
  /// The number that an operand holds in the piece of an axis that a term lies in.
  std::optional<double> constantWhere(const Joint &joint, unsigned operand,
                                      const LocalTerm &term) const;
  std::optional<bool> multiplyByConstant(double constant, int power, LocalTerm &term);
  /// A linear map of which only the axes that it leaves alone are known.
  void mapUnknown(const Joint &joint, unsigned operand, unsigned result, const LocalTerm &term,
                  Shift &shift);
  /// Adds a term that lies in the joint index to the shift of a result.
  void finish(const Joint &joint, unsigned result, const LocalTerm &term, Shift &shift);
  /// Terms that are the same at all indices that are summed over, without these; the rest must vanish.
  LocalShift alikeAlongSums(const Joint &joint, LocalShift terms);
  /// What all operands of a maximum or a choice have in common, without what is summed over; the
  /// rest must vanish.
  LocalShift common(const Joint &joint, llvm::ArrayRef<unsigned> operands, bool ofFactors = false);

  /// Lets a parameter that is an operand of a sum take up what the other one is shifted by.
  void absorb(const Joint &joint, Shift &shift);
  enum class Readers : uint8_t { One, Pieces, Several };
  /// The parameter that a value is made of, if all that reads it is on the way to the value; or reads
  /// another piece of it.
  struct Source {
    ValueId parameter;
    /// It and what is made of it, up to the value.
    llvm::SmallVector<ValueId, 4> chain;
    Readers readers = Readers::One;
  };
  std::optional<Source> soleSourceOf(ValueId value);
  /// `own` is the shift of the source in the sum, `target` the term of it that lies where `term` does.
  void absorbInto(const Source &source, const Shift &own, const ShiftTerm &term,
                  const ShiftTerm &target, Shift &shift);
  Readers readersOf(ValueId value);
  /// A step that cuts its operand has taken a component of a parameter.
  void noteTaken(const ShiftTerm &term);
  /// Whether a map is made of products with views of parameters.
  bool isOfParameters(ShiftMapId map);
  /// Whether a value is equal to itself plus any number.
  bool takesAnyShift(ValueId value) const;
  bool isLargeMask(ValueId value) const;

  void pinForm(FormId form, size_t step);
  void vanishUnlessMoves(double constant, FormId form, size_t step);
  void pinOperand(size_t index, unsigned operand);
  /// Form without the unknowns that are known to vanish.
  FormId live(FormId form);
  /// Joins equal terms, drops zeros, and sets the value's shift.
  void setShift(ValueId value, Shift shift, size_t step);
  void setFactors(ValueId value, Shift terms, size_t step);
  /// Puts terms into the pool, as far as they are followed.
  uint32_t store(Shift terms, std::optional<size_t> obstacle, size_t step);
  llvm::ArrayRef<ShiftTerm> factorsOf(ValueId value) const { return pool[factors[value]]; }
  bool isMoved(ValueId value) const { return shifts[value] || factors[value]; }
  void add(Shift &shift, ShiftTerm term);
  void joinEqualTerms(Shift &shift);
  /// Makes one term of many that run along the same axes: what a residual stream has gathered. It
  /// vanishes as a whole, or not at all.
  void bundleTerms(Shift &shift);

  const Program &program;
  const Structure &structure;
  FormPool &forms;
  ShiftSink &sink;
  const llvm::BitVector &steps;
  llvm::DenseSet<ValueId> moved;
  std::vector<ValueId> owners; // the parameters, by unknown
  std::vector<Absorption> absorptions;
  llvm::DenseMap<ShiftMapId, bool> ofParameters;
  /// By value, once they are asked for: how many steps read it, and how many of them a piece of it.
  std::vector<std::pair<uint16_t, uint16_t>> readers;
  /// By unknown: components that a slice has taken, and those that two have.
  llvm::BitVector taken, takenTwice;
  ShiftMaps maps;
  ValueRoots roots;
  PowerLaws laws;
  RigidValues rigid;
  std::vector<uint32_t> shifts; // by value, into the pool
  /// The same for factors: a value is multiplied by exp of its terms, besides being shifted.
  std::vector<uint32_t> factors;
  std::deque<Shift> pool;
  llvm::BitVector vanished; // by unknown
  /// Forms of the terms of bundles. A bundle has an unknown of its own, numbered after the others.
  std::vector<llvm::SmallVector<FormId, 0>> bundles;
  llvm::DenseMap<ShiftMapId, FormId> bundleForms;
  UnknownId firstBundle = 0;
  uint64_t budget; // terms that may yet be followed
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_TRANSLATION_TRANSLATIONENGINE_H
