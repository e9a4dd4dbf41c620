// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The attributes' storage, canonical form and verifiers. Their text form is in RuleAssembly.cpp.

#include "noether/Dialect/Noether/IR/Noether.h"

#include "mlir/IR/DialectImplementation.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVectorExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#include <limits>
#include <numeric>

using namespace mlir;
using namespace noether;

//===----------------------------------------------------------------------===//
// Canonical form
//===----------------------------------------------------------------------===//

namespace noether::detail {

/// Values that no fraction can have are left for the verifier to refuse.
static void reduceToLowestTerms(int64_t &numerator, int64_t &denominator) {
  if (denominator <= 0 || numerator == std::numeric_limits<int64_t>::min())
    return;
  int64_t divisor = std::gcd(numerator, denominator);
  numerator /= divisor;
  denominator /= divisor;
}

/// The factors of a rule, renumbered in the order of their first use. Numbers without a factor are
/// left for the verifier to refuse.
struct CanonicalFactors {
  SmallVector<TensorMapAttr> operands, results;
  SmallVector<int64_t> sizes, sumFactors, frozenFactors;

  CanonicalFactors(MLIRContext *context, ArrayRef<TensorMapAttr> operands,
                   ArrayRef<TensorMapAttr> results, ArrayRef<int64_t> sizes,
                   ArrayRef<int64_t> sumFactors, ArrayRef<int64_t> frozenFactors)
      : context(context), oldSizes(sizes) {
    for (TensorMapAttr tensor : operands)
      this->operands.push_back(renumber(tensor));
    for (TensorMapAttr tensor : results)
      this->results.push_back(renumber(tensor));
    this->sumFactors = renumber(sumFactors);
    this->frozenFactors = renumber(frozenFactors);
  }

private:
  TensorMapAttr renumber(TensorMapAttr tensor) {
    SmallVector<DimMapAttr> dims;
    for (DimMapAttr dim : tensor.getDims()) {
      SmallVector<int64_t> factors;
      for (int64_t factor : dim.getFactors())
        factors.push_back(use(factor, /*alone=*/dim.isSingleFactor()));
      dims.push_back(DimMapAttr::get(context, factors, dim.getSegments()));
    }
    return TensorMapAttr::get(context, dims);
  }

  /// The new number of a factor in a tensor. Its size is worth keeping only if it is part of a
  /// dimension: otherwise every type it is applied to has it.
  int64_t use(int64_t factor, bool alone) {
    if (factor < 0 || factor >= static_cast<int64_t>(oldSizes.size()))
      return factor < 0 ? factor : std::numeric_limits<int64_t>::max();
    auto [entry, isNew] = numbers.try_emplace(factor, sizes.size());
    if (isNew)
      sizes.push_back(0);
    if (!alone)
      sizes[entry->second] = oldSizes[factor];
    return entry->second;
  }

  /// The new numbers of listed factors, sorted; -1 for a factor in no tensor.
  SmallVector<int64_t> renumber(ArrayRef<int64_t> factors) {
    SmallVector<int64_t> result;
    for (int64_t factor : factors) {
      auto entry = numbers.find(factor);
      result.push_back(entry == numbers.end() ? -1 : entry->second);
    }
    llvm::sort(result);
    return result;
  }

  MLIRContext *context;
  ArrayRef<int64_t> oldSizes;
  llvm::SmallDenseMap<int64_t, int64_t> numbers;
};

} // namespace noether::detail

#define GET_ATTRDEF_CLASSES
#include "noether/Dialect/Noether/IR/NoetherAttributes.cpp.inc"

void NoetherDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "noether/Dialect/Noether/IR/NoetherAttributes.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// DimMapAttr
//===----------------------------------------------------------------------===//

ArrayRef<int64_t> DimMapAttr::getSegmentFactors(unsigned segment) const {
  ArrayRef<int64_t> segments = getSegments();
  int64_t begin = std::accumulate(segments.begin(), segments.begin() + segment, int64_t(0));
  return getFactors().slice(begin, segments[segment]);
}

LogicalResult DimMapAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> factors, ArrayRef<int64_t> segments) {
  if (segments.empty())
    return emitError() << "a dimension has at least one piece";
  size_t total = 0;
  for (int64_t segment : segments) {
    if (segment < 0 || segment > static_cast<int64_t>(factors.size()))
      return emitError() << "a piece of a dimension cannot have " << segment << " factors";
    total += segment;
  }
  if (total != factors.size())
    return emitError() << "the pieces of a dimension have " << total << " factors, but "
                       << factors.size() << " are given";
  if (llvm::any_of(factors, [](int64_t factor) { return factor < 0; }))
    return emitError() << "factors are numbered from 0";
  return success();
}

//===----------------------------------------------------------------------===//
// TensorMapAttr
//===----------------------------------------------------------------------===//

bool TensorMapAttr::contains(int64_t factor) const {
  return llvm::any_of(getDims(),
                      [&](DimMapAttr dim) { return llvm::is_contained(dim.getFactors(), factor); });
}

LogicalResult TensorMapAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                    ArrayRef<DimMapAttr> dims) {
  llvm::SmallDenseSet<int64_t> seen;
  for (DimMapAttr dim : dims) {
    if (!dim)
      return emitError() << "a dimension has no map";
    for (int64_t factor : dim.getFactors())
      if (!seen.insert(factor).second)
        return emitError() << "a factor is used twice in one tensor";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// EquationAttr
//===----------------------------------------------------------------------===//

LogicalResult EquationAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t lhs,
                                   ArrayRef<int64_t> tensors, ArrayRef<int64_t> numerators,
                                   ArrayRef<int64_t> denominators) {
  if (tensors.size() != numerators.size() || tensors.size() != denominators.size())
    return emitError() << "an equation has one coefficient per tensor";
  if (lhs < 0)
    return emitError() << "tensors are numbered from 0";
  llvm::SmallDenseSet<int64_t> seen;
  for (auto [tensor, numerator, denominator] : llvm::zip(tensors, numerators, denominators)) {
    if (tensor < 0)
      return emitError() << "tensors are numbered from 0";
    if (denominator <= 0)
      return emitError() << "the denominator of a coefficient must be positive";
    if (numerator == 0)
      return emitError() << "a coefficient is zero: leave the term out";
    if (numerator == std::numeric_limits<int64_t>::min())
      return emitError() << "a coefficient is too large";
    if (tensor == lhs)
      return emitError() << "the left-hand side of an equation occurs in its right-hand side";
    if (!seen.insert(tensor).second)
      return emitError() << "a tensor occurs twice in the right-hand side of an equation";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// MemberAttr
//===----------------------------------------------------------------------===//

bool MemberAttr::isWhole() const {
  return getSizes() == getView() && llvm::all_of(getOffsets(), [](int64_t o) { return o == 0; });
}

int64_t MemberAttr::getNumElements() const { return ShapedType::getNumElements(getView()); }

SmallVector<int64_t> MemberAttr::getBlockShape() const {
  return llvm::map_to_vector(getAxes(), [&](int64_t axis) { return getSizes()[axis]; });
}

LogicalResult MemberAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t numerator,
                                 int64_t denominator, ArrayRef<int64_t> view,
                                 ArrayRef<int64_t> axes, ArrayRef<int64_t> offsets,
                                 ArrayRef<int64_t> sizes) {
  if (denominator <= 0)
    return emitError() << "the denominator of an exponent must be positive";
  if (numerator == 0)
    return emitError() << "an exponent is zero: leave the member out";
  if (numerator == std::numeric_limits<int64_t>::min())
    return emitError() << "an exponent is too large";

  int64_t numElements = 1;
  for (int64_t size : view)
    if (size <= 0 || llvm::MulOverflow(numElements, size, numElements))
      return emitError() << "the sizes of a view must be positive, and their product must fit 64 bits";
  if (offsets.size() != view.size() || sizes.size() != view.size())
    return emitError() << "a member needs one offset and one size for each of the " << view.size()
                       << " axes of its view";
  for (auto [offset, size, whole] : llvm::zip(offsets, sizes, view))
    if (offset < 0 || size <= 0 || offset > whole || size > whole - offset)
      return emitError() << "the part at " << offset << " of size " << size
                         << " is not inside an axis of size " << whole;

  llvm::SmallDenseSet<int64_t> seen;
  for (int64_t axis : axes) {
    if (axis < 0 || axis >= static_cast<int64_t>(view.size()))
      return emitError() << "the view has no axis " << axis;
    if (!seen.insert(axis).second)
      return emitError() << "axis " << axis << " is listed twice";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// RuleAttr
//===----------------------------------------------------------------------===//

RuleAttr RuleAttr::getBarrierRule(MLIRContext *context) {
  return get(context, {}, {}, {}, {}, {}, {}, {}, /*barrier=*/true);
}

RuleAttr RuleAttr::withUses(ArrayRef<OperandUse> uses) const {
  return get(getContext(), getOperands(), getResults(), getFactorSizes(), getSumFactors(),
             getFrozenFactors(), getEquations(), uses, getBarrier());
}

TensorMapAttr RuleAttr::getTensor(unsigned tensor) const {
  return tensor < getNumOperands() ? getOperands()[tensor]
                                   : getResults()[tensor - getNumOperands()];
}

LogicalResult RuleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               ArrayRef<TensorMapAttr> operands, ArrayRef<TensorMapAttr> results,
                               ArrayRef<int64_t> factorSizes, ArrayRef<int64_t> sumFactors,
                               ArrayRef<int64_t> frozenFactors, ArrayRef<EquationAttr> equations,
                               ArrayRef<OperandUse> uses, bool barrier) {
  if (barrier) {
    if (!operands.empty() || !results.empty() || !equations.empty() || !uses.empty())
      return emitError() << "a barrier has neither tensors nor equations";
    return success();
  }
  if (!uses.empty() && uses.size() != operands.size())
    return emitError() << "a rule says one use for each of its " << operands.size()
                       << " operands, but " << uses.size() << " are given";

  // Where each factor is used. One that is a dimension of its own somewhere needs no size.
  int64_t numFactors = factorSizes.size();
  SmallVector<bool> hasOwnDimension(numFactors, false), isInOperand(numFactors, false),
      isInResult(numFactors, false);
  for (auto [index, tensor] :
       llvm::enumerate(llvm::concat<const TensorMapAttr>(operands, results)))
    for (DimMapAttr dim : tensor.getDims())
      for (int64_t factor : dim.getFactors()) {
        if (factor >= numFactors)
          return emitError() << "a tensor uses a factor that the rule does not have";
        (index < operands.size() ? isInOperand : isInResult)[factor] = true;
        if (dim.isSingleFactor())
          hasOwnDimension[factor] = true;
      }
  for (auto [factor, size] : llvm::enumerate(factorSizes)) {
    if (size < 0)
      return emitError() << "the size of a factor must be positive";
    if (size == 0 && !hasOwnDimension[factor])
      return emitError() << "a factor inside a product or a piece needs a size";
  }

  for (ArrayRef<int64_t> list : {sumFactors, frozenFactors}) {
    if (llvm::any_of(list, [&](int64_t f) { return f < 0 || f >= numFactors; }))
      return emitError() << "a sum or frozen factor is in no tensor";
    if (std::adjacent_find(list.begin(), list.end()) != list.end())
      return emitError() << "a factor is listed twice";
  }
  for (int64_t factor : sumFactors) {
    if (isInResult[factor])
      return emitError() << "a factor that is summed over is in a result";
    if (!isInOperand[factor])
      return emitError() << "a factor that is summed over is in no operand";
  }

  int64_t numTensors = operands.size() + results.size();
  SmallVector<bool> hasEquation(numTensors, false);
  for (EquationAttr equation : equations) {
    if (equation.getLhs() >= numTensors ||
        llvm::any_of(equation.getTensors(), [&](int64_t t) { return t >= numTensors; }))
      return emitError() << "an equation uses a tensor that the rule does not have";
    hasEquation[equation.getLhs()] = true;
  }
  for (size_t result = 0; result < results.size(); ++result)
    if (!hasEquation[operands.size() + result])
      return emitError() << "result r" << result << " has no equation";
  return success();
}
