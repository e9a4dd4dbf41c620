// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a step adds up to make the next value of one parameter: linear forms, entry by entry, in the
// parameter, its gradient, its states, and what is not linear in them.

#ifndef NOETHER_LIB_ANALYSIS_MOTION_UPDATEFORM_H
#define NOETHER_LIB_ANALYSIS_MOTION_UPDATEFORM_H

#include "../Kinetics/UpdateGraph.h"
#include "UpdateNumber.h"

namespace noether {

/// A tensor of the parameter's shape that forms are made of: a value of the program, or a product of
/// two of them.
using AtomId = uint32_t;

struct UpdateForm {
  llvm::SmallVector<std::pair<AtomId, UpdateNumber>, 3> terms;

  /// The coefficient; zero if the atom is not there.
  UpdateNumber operator[](AtomId atom) const;
  /// Adds `number` times `other`; false if that becomes too long.
  bool add(const UpdateNumber &number, const UpdateForm &other);
  bool isSingle() const { return terms.size() == 1; }
};

/// What an operation does with numbers, as far as updates are made of it.
enum class Arithmetic : uint8_t {
  Other, Same, Broadcast, Add, Subtract, Negate, Multiply, Divide, Sqrt, Rsqrt, Square, Power, Sign,
  Select,
  Pointwise, // any other function of entries
};

class UpdateForms {
public:
  /// Numbers that are given from outside, by entry argument.
  using GivenNumbers = llvm::DenseMap<unsigned, double>;

  /// Fails (`isValid` is false) if the parameter is not carried, or its update is too long.
  UpdateForms(const UpdateGraph &graph, unsigned parameter, const GivenNumbers &given);

  bool isValid() const { return valid; }

  static constexpr AtomId kOne = ~0u - 2; // a number that is added
  AtomId parameterAtom() const { return program.getArguments()[parameter]; }
  std::optional<AtomId> gradientAtom() const { return gradient; }
  /// The state (entry argument) that an atom is, if any.
  std::optional<unsigned> stateOf(AtomId atom) const;
  /// States of the parameter's shape that the update reads, in the order of arguments.
  llvm::ArrayRef<unsigned> getStates() const { return states; }
  /// All arguments that the update carries along, whatever their shape.
  llvm::ArrayRef<unsigned> getCarriedStates() const { return carriedStates; }

  const UpdateForm *nextParameter() const;
  const UpdateForm *nextState(unsigned argument) const;
  const UpdateForm *formOf(ValueId value) const;
  /// The form; the value itself where it has none.
  UpdateForm asForm(ValueId value) const;
  /// What an atom is the square of.
  const UpdateForm *squareBase(AtomId atom) const;
  /// The two atoms that an atom is the product of.
  std::optional<std::pair<AtomId, AtomId>> factorsOf(AtomId atom) const;
  /// The step that defines an atom that is a value; null for arguments and products.
  const Program::Step *stepOf(AtomId atom) const;
  static Arithmetic arithmeticOf(mlir::Operation *op);

  const SymbolTable &getSymbols() const { return symbols; }
  std::optional<double> evaluate(const UpdateNumber &number) const {
    return symbols.evaluate(number);
  }
  /// The operation where the parameter first gets a factor: its decay.
  mlir::Operation *getDecayOperation() const { return decay; }
  /// The value that several parameters have a say in (a global norm) which a symbol is, or is chosen by.
  std::optional<ValueId> findShared(SymbolId symbol) const;
  /// Of a number of one term: the shared symbols in it, with their powers. Nothing if terms differ in them.
  using SharedFactor = llvm::SmallVector<std::pair<SymbolId, int>, 2>;
  std::optional<SharedFactor> sharedFactor(const UpdateNumber &number) const;
  /// Counts shared symbols as 1: whatever they multiply is taken in units of them.
  void absorb(const SharedFactor &factor) {
    for (auto [symbol, power] : factor)
      symbols.setLimit(symbol, 1.0);
  }

private:
  void collectSteps(llvm::SmallVectorImpl<size_t> &steps);
  void addArguments();
  void addStep(size_t index);
  UpdateNumber numberOf(const Program::Step &step, ValueId result);
  std::optional<UpdateForm> computeForm(const Program::Step &step, ValueId result);
  std::optional<UpdateForm> productOf(ValueId a, ValueId b);
  std::optional<UpdateNumber> inverseOf(const UpdateNumber &number, ValueId value);
  const UpdateNumber *number(ValueId value) const;
  bool isTransient(ValueId base, ValueId exponent) const;
  bool growsWithSteps(ValueId value) const;
  bool isCounter(unsigned argument) const;
  bool isRaised(ValueId value, ValueId count) const;
  std::optional<unsigned> choiceOfCounts(const Program::Step &step) const;
  AtomId product(AtomId a, AtomId b);
  void noteDecay(const Program::Step &step, const UpdateForm &form);

  const UpdateGraph &graph;
  const Program &program;
  unsigned parameter;
  std::optional<ValueId> gradient;
  const GivenNumbers &given;
  bool valid = false;
  /// The parameter is one number: values that are made of it, its gradient or its states are in `own`.
  bool isOneElement = false;
  llvm::DenseSet<ValueId> own;
  llvm::SmallVector<unsigned> states, carriedStates;
  SymbolTable symbols;
  llvm::DenseMap<ValueId, UpdateNumber> numbers;
  llvm::DenseMap<ValueId, UpdateForm> forms;
  llvm::DenseMap<std::pair<AtomId, AtomId>, AtomId> products;
  llvm::DenseMap<AtomId, std::pair<AtomId, AtomId>> factors; // of products
  llvm::DenseMap<AtomId, UpdateForm> squares;
  AtomId nextProduct;
  mlir::Operation *decay = nullptr;
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_MOTION_UPDATEFORM_H
