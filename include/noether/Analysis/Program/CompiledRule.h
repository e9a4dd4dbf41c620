// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A rule in the form the analysis runs over: plain data, made once per distinct rule.

#ifndef NOETHER_ANALYSIS_PROGRAM_COMPILEDRULE_H
#define NOETHER_ANALYSIS_PROGRAM_COMPILEDRULE_H

#include "noether/Analysis/Solver/Form.h"
#include "noether/Dialect/Noether/IR/Noether.h"

#include "mlir/IR/AffineMap.h"

#include "llvm/ADT/BitVector.h"

namespace noether {

struct CompiledRule {
  using Factor = unsigned;
  struct Dim {
    /// One product of factors; several where the axis is cut into pieces.
    llvm::SmallVector<llvm::SmallVector<Factor, 1>, 1> segments;
    bool isSingle() const { return segments.size() == 1 && segments.front().size() == 1; }
    bool isSegmented() const { return segments.size() > 1; }
  };
  using Tensor = llvm::SmallVector<Dim, 4>;
  struct Equation {
    unsigned lhs;
    llvm::SmallVector<std::pair<unsigned, Fraction>, 2> terms;
    /// `lhs = tensor`, nothing else: an equality.
    bool isEquality() const { return terms.size() == 1 && terms.front().second == Fraction(1); }
  };

  /// Operands first, then results.
  llvm::SmallVector<Tensor, 3> tensors;
  unsigned numOperands = 0;
  llvm::SmallVector<int64_t, 4> factorSizes; // 0: from the types
  llvm::BitVector sum, frozen;
  llvm::SmallVector<Equation, 2> equations;
  /// How each operand enters the results; empty if nothing is known of any.
  llvm::SmallVector<OperandUse, 3> uses;
  bool isBarrier = false;
  /// Every tensor has the same dims, each a factor of its own.
  bool isPointwise = false;
  bool isSegmented = false;

  unsigned numFactors() const { return factorSizes.size(); }
  OperandUse use(unsigned operand) const {
    return uses.empty() ? OperandUse::Opaque : uses[operand];
  }
  bool isResult(unsigned tensor) const { return tensor >= numOperands; }

  /// The equations as the rule's attribute prints them: "r0 = o0 + o1".
  std::string describeEquations() const;

  static CompiledRule get(RuleAttr rule);
  /// All results equal all operands but the first `numIgnored`, index by index; dims of unequal sizes
  /// are frozen.
  static CompiledRule getEqual(llvm::ArrayRef<llvm::ArrayRef<int64_t>> operandShapes,
                               llvm::ArrayRef<llvm::ArrayRef<int64_t>> resultShapes,
                               unsigned numIgnored = 0);
  /// A slice of `sizes` at `starts`.
  static CompiledRule getSlice(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> starts,
                               llvm::ArrayRef<int64_t> sizes, unsigned numIgnored);
  /// The second operand written over a part of the first.
  static CompiledRule getUpdateSlice(llvm::ArrayRef<int64_t> shape,
                                     llvm::ArrayRef<int64_t> starts,
                                     llvm::ArrayRef<int64_t> sizes, unsigned numIgnored);
  /// Dimension `dim` of `shape` taken apart, its trailing part of size `inner`; or put together.
  static CompiledRule getSplit(llvm::ArrayRef<int64_t> shape, unsigned dim, int64_t inner,
                               bool joins);
  /// Operands of these shapes one after the other along `dim`.
  static CompiledRule getConcatenation(llvm::ArrayRef<llvm::ArrayRef<int64_t>> shapes, unsigned dim);
  /// One operand whose dims are the results of `map`, a projected permutation of the result's dims.
  static CompiledRule getBroadcast(mlir::AffineMap map);
  /// The rule of an operation on scalars, applied to each element of tensors of `rank`.
  static CompiledRule getElementwise(RuleAttr scalarRule, unsigned rank);
  static CompiledRule getBarrier(unsigned numOperands, unsigned numResults);

private:
  Factor addFactor(int64_t size);
  void finalize();
};

} // namespace noether

#endif // NOETHER_ANALYSIS_PROGRAM_COMPILEDRULE_H
