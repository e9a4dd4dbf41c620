// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values that no shift may reach. An operation that takes its operand in full (exp, a square root)
// forbids all shifts of it, and what shows in full in a value with no shifts has none itself. One
// pass backward finds them, so that nothing has to be followed where nothing can come of it.

#ifndef NOETHER_LIB_ANALYSIS_TRANSLATION_RIGIDVALUES_H
#define NOETHER_LIB_ANALYSIS_TRANSLATION_RIGIDVALUES_H

#include "ValueRoots.h"

#include "llvm/ADT/BitVector.h"

namespace noether {

/// Functions of one value that take sums to products, products to sums, or products to products.
struct PowerLaw {
  enum Kind : uint8_t { None, Exponential, Logarithm, Power } kind = None;
  Fraction exponent = Fraction(1); // of a power
};
class PowerLaws {
public:
  const PowerLaw &get(mlir::Operation *op);

private:
  llvm::DenseMap<mlir::OperationName, PowerLaw> byName;
};

class RigidValues {
public:
  /// `steps` are those that count, `moved` the values that are shifted to begin with.
  RigidValues(const Program &program, ValueRoots &roots, PowerLaws &laws,
              const llvm::BitVector &steps, llvm::ArrayRef<ValueId> moved);

  /// The step that forbids all shifts of a value, if one does.
  std::optional<size_t> forbiddenBy(ValueId value) const {
    return obstacles[value] == kNone ? std::nullopt : std::optional<size_t>(obstacles[value]);
  }

private:
  static constexpr uint32_t kNone = ~0u;

  /// What moves if anything does, and what is forbidden to by an operation itself.
  void read(const llvm::BitVector &steps);
  /// An exponential whose result is not only multiplied, summed and the like takes its operand in full.
  void readExponentials(const Program::Step &step, uint32_t index);
  void forbid(ValueId value, uint32_t obstacle);
  /// Forbids what a step hands on in full to its result, which is rigid.
  void goBack(const Program::Step &step);
  void goBackThroughLoop(const Program::Step &step);
  void goBackThroughPieces(const Program::Step &step, uint32_t obstacle);
  /// Where one operand alone may be shifted: the sum of several can be 0, and waits for the others.
  void goBackThroughSum(const Program::Step &step, uint32_t obstacle);
  /// A sum over dimensions hands on what has no zero mean along them, such as products with a value
  /// that varies along them.
  void goBackThroughReduction(const Program::Step &step, unsigned operand, uint32_t obstacle);
  /// Whether each shift of a factor shows in the product.
  bool showsInProduct(const Program::Step &step, unsigned operand);
  /// Whether no piece of a factor is known to be zero.
  bool mayHideNothing(ValueId factor) const;
  bool canMove(ValueId value) const {
    return mayMove.test(value) && obstacles[value] == kNone;
  }

  const Program &program;
  ValueRoots &roots;
  PowerLaws &laws;
  std::vector<uint32_t> obstacles; // by value
  llvm::BitVector isExponential;   // by value
  llvm::BitVector mayMove;         // by value
  llvm::SmallVector<ValueId> worklist;
  /// Steps to go back through once a value is rigid, besides its definition.
  llvm::DenseMap<ValueId, llvm::SmallVector<const Program::Step *, 1>> waiting;
};

/// Whether a result of a rule depends on an operand by its equations.
bool isTied(const CompiledRule &rule, unsigned operand, unsigned result);
/// Whether a step is the product of its operand with itself, index by index.
bool isSquare(const Program::Step &step);
/// Whether a step tests numbers for being finite: all are taken to be.
bool isTestOfFiniteness(mlir::Operation *op);
/// Whether a predicate is such a test.
bool isAssumedTrue(const Program &program, const ValueRoots &roots, ValueId predicate);

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_TRANSLATION_RIGIDVALUES_H
