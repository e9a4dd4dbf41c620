// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Rules/RuleBuilder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVectorExtras.h"

#include <cassert>
#include <numeric>

using namespace mlir;
using namespace noether;

//===-- Dim ---------------------------------------------------------------------------------===//

Dim Dim::product(ArrayRef<int64_t> factors) {
  Dim dim;
  dim.segments[0].assign(factors.begin(), factors.end());
  return dim;
}

Dim Dim::concatenation(ArrayRef<Dim> pieces) {
  if (pieces.empty())
    return Dim();
  Dim dim;
  dim.segments.clear();
  for (const Dim &piece : pieces)
    dim.segments.append(piece.segments.begin(), piece.segments.end());
  return dim;
}

DimMapAttr Dim::getAttr(MLIRContext *context) const {
  SmallVector<int64_t> factors, lengths;
  for (const Segment &segment : segments) {
    llvm::append_range(factors, segment);
    lengths.push_back(segment.size());
  }
  return DimMapAttr::get(context, factors, lengths);
}

//===-- LogScale ----------------------------------------------------------------------------===//

namespace noether {

LogScale operator+(LogScale lhs, const LogScale &rhs) {
  lhs.terms.append(rhs.terms.begin(), rhs.terms.end());
  return lhs;
}

LogScale operator-(LogScale lhs, const LogScale &rhs) {
  return std::move(lhs) + Coefficient{-1, 1} * rhs;
}

LogScale operator*(Coefficient coefficient, LogScale scale) {
  if (coefficient.numerator == 0)
    return LogScale();
  for (LogScale::Term &term : scale.terms) {
    int64_t numerator = coefficient.numerator * term.coefficient.numerator;
    int64_t denominator = coefficient.denominator * term.coefficient.denominator;
    int64_t divisor = std::gcd(numerator, denominator);
    term.coefficient = {numerator / divisor, denominator / divisor};
  }
  return scale;
}

} // namespace noether

//===-- RuleBuilder -------------------------------------------------------------------------===//

RuleBuilder::RuleBuilder(MLIRContext *context, unsigned numOperands, unsigned numResults)
    : context(context), numOperands(numOperands), tensors(numOperands + numResults),
      uses(numOperands, OperandUse::Opaque) {}

int64_t RuleBuilder::factor(int64_t size) {
  sizes.push_back(size);
  return sizes.size() - 1;
}

Dims RuleBuilder::factors(unsigned rank) {
  Dims dims;
  for (unsigned i = 0; i < rank; ++i)
    dims.push_back(factor());
  return dims;
}

RuleBuilder &RuleBuilder::operand(unsigned index, ArrayRef<Dim> dims) {
  tensors[index].assign(dims.begin(), dims.end());
  return *this;
}

RuleBuilder &RuleBuilder::result(unsigned index, ArrayRef<Dim> dims) {
  tensors[numOperands + index].assign(dims.begin(), dims.end());
  return *this;
}

RuleBuilder &RuleBuilder::sum(int64_t factor) {
  sumFactors.push_back(factor);
  return *this;
}

RuleBuilder &RuleBuilder::frozen(int64_t factor) {
  frozenFactors.push_back(factor);
  return *this;
}

RuleBuilder &RuleBuilder::use(unsigned index, OperandUse use) {
  uses[index] = use;
  return *this;
}

int64_t RuleBuilder::numberOf(const LogScale::Term &term) const {
  return term.index + (term.isResult ? numOperands : 0);
}

RuleBuilder &RuleBuilder::equate(const LogScale &lhs, const LogScale &rhs) {
  assert(lhs.getTerms().size() == 1 && lhs.getTerms()[0].coefficient.numerator == 1 &&
         lhs.getTerms()[0].coefficient.denominator == 1 && "one tensor on the left");
  SmallVector<int64_t> numbers, numerators, denominators;
  for (const LogScale::Term &term : rhs.getTerms()) {
    numbers.push_back(numberOf(term));
    numerators.push_back(term.coefficient.numerator);
    denominators.push_back(term.coefficient.denominator);
  }
  auto equation =
      EquationAttr::get(context, numberOf(lhs.getTerms()[0]), numbers, numerators, denominators);
  if (!llvm::is_contained(equations, equation))
    equations.push_back(equation);
  return *this;
}

RuleAttr RuleBuilder::build() const {
  SmallVector<TensorMapAttr> operands, results;
  for (auto [number, dims] : llvm::enumerate(tensors)) {
    SmallVector<DimMapAttr> attrs;
    for (const Dim &dim : dims)
      attrs.push_back(dim.getAttr(context));
    (number < numOperands ? operands : results).push_back(TensorMapAttr::get(context, attrs));
  }
  // A factor that no tensor kept, such as one of a dropped dimension, is not listed either.
  auto isUsed = [&](int64_t factor) {
    auto contains = [&](TensorMapAttr tensor) { return tensor.contains(factor); };
    return llvm::any_of(operands, contains) || llvm::any_of(results, contains);
  };
  auto sums = llvm::filter_to_vector(sumFactors, isUsed);
  auto frozen = llvm::filter_to_vector(frozenFactors, isUsed);
  return RuleAttr::get(context, operands, results, sizes, sums, frozen, equations, uses);
}
