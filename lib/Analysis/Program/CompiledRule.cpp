// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Program/CompiledRule.h"

using namespace noether;
using llvm::ArrayRef;

static CompiledRule::Tensor compile(TensorMapAttr map) {
  CompiledRule::Tensor tensor;
  for (DimMapAttr dim : map.getDims()) {
    CompiledRule::Dim &compiled = tensor.emplace_back();
    for (unsigned segment = 0, e = dim.getSegments().size(); segment != e; ++segment) {
      auto &factors = compiled.segments.emplace_back();
      for (int64_t factor : dim.getSegmentFactors(segment))
        factors.push_back(factor);
    }
  }
  return tensor;
}

CompiledRule CompiledRule::get(RuleAttr rule) {
  CompiledRule result;
  result.numOperands = rule.getOperands().size();
  for (TensorMapAttr map : rule.getOperands())
    result.tensors.push_back(compile(map));
  for (TensorMapAttr map : rule.getResults())
    result.tensors.push_back(compile(map));
  result.factorSizes.assign(rule.getFactorSizes().begin(), rule.getFactorSizes().end());
  result.sum.resize(result.numFactors());
  result.frozen.resize(result.numFactors());
  for (int64_t factor : rule.getSumFactors())
    result.sum.set(factor);
  for (int64_t factor : rule.getFrozenFactors())
    result.frozen.set(factor);
  for (EquationAttr equation : rule.getEquations()) {
    Equation &compiled = result.equations.emplace_back();
    compiled.lhs = equation.getLhs();
    for (auto [tensor, num, den] :
         llvm::zip(equation.getTensors(), equation.getNumerators(), equation.getDenominators()))
      compiled.terms.push_back({static_cast<unsigned>(tensor), Fraction(num, den)});
  }
  result.uses.assign(rule.getUses().begin(), rule.getUses().end());
  result.isBarrier = rule.getBarrier();
  result.finalize();
  return result;
}

CompiledRule CompiledRule::getEqual(ArrayRef<ArrayRef<int64_t>> operandShapes,
                                    ArrayRef<ArrayRef<int64_t>> resultShapes, unsigned numIgnored) {
  CompiledRule result;
  result.numOperands = operandShapes.size();
  ArrayRef<int64_t> shape = resultShapes.empty() ? operandShapes.front() : resultShapes.front();
  result.tensors.resize(numIgnored);
  auto addTensor = [&](ArrayRef<int64_t> own) {
    Tensor &tensor = result.tensors.emplace_back();
    for (auto [d, size] : llvm::enumerate(own)) {
      Dim &dim = tensor.emplace_back();
      Factor factor = d;
      if (own.size() != shape.size() || size != shape[d]) {
        factor = result.factorSizes.size();
        result.factorSizes.push_back(0);
        result.frozen.resize(factor + 1);
        result.frozen.set(factor);
      }
      dim.segments.push_back({factor});
    }
  };
  result.factorSizes.assign(shape.size(), 0);
  result.frozen.resize(shape.size());
  for (ArrayRef<int64_t> own : operandShapes.drop_front(numIgnored))
    addTensor(own);
  for (ArrayRef<int64_t> own : resultShapes)
    addTensor(own);
  result.sum.resize(result.numFactors());
  for (unsigned r = 0; r < resultShapes.size(); ++r)
    for (unsigned o = numIgnored; o < operandShapes.size(); ++o)
      result.equations.push_back({result.numOperands + r, {{o, Fraction(1)}}});
  if (resultShapes.empty())
    for (unsigned o = 1; o < operandShapes.size(); ++o)
      result.equations.push_back({0, {{o, Fraction(1)}}});
  // One of several alternatives, or a copy.
  OperandUse use = operandShapes.size() - numIgnored == 1 ? OperandUse::Plus : OperandUse::Choice;
  result.uses.assign(operandShapes.size(), use);
  std::fill_n(result.uses.begin(), numIgnored, OperandUse::Opaque);
  result.finalize();
  return result;
}

CompiledRule::Factor CompiledRule::addFactor(int64_t size) {
  factorSizes.push_back(size);
  sum.resize(factorSizes.size());
  frozen.resize(factorSizes.size());
  return factorSizes.size() - 1;
}

CompiledRule CompiledRule::getSlice(ArrayRef<int64_t> shape, ArrayRef<int64_t> starts,
                                    ArrayRef<int64_t> sizes, unsigned numIgnored) {
  CompiledRule result;
  Tensor whole, part;
  for (auto [extent, start, size] : llvm::zip(shape, starts, sizes)) {
    Dim &from = whole.emplace_back(), &to = part.emplace_back();
    if (start > 0)
      from.segments.push_back({result.addFactor(start)});
    Factor kept = result.addFactor(size);
    from.segments.push_back({kept});
    to.segments.push_back({kept});
    if (start + size < extent)
      from.segments.push_back({result.addFactor(extent - start - size)});
  }
  result.tensors.push_back(whole);
  result.tensors.resize(1 + numIgnored);
  result.tensors.push_back(part);
  result.numOperands = 1 + numIgnored;
  result.equations.push_back({result.numOperands, {{0, Fraction(1)}}});
  result.uses.assign(result.numOperands, OperandUse::Opaque);
  result.uses[0] = OperandUse::Plus;
  result.finalize();
  return result;
}

CompiledRule CompiledRule::getUpdateSlice(ArrayRef<int64_t> shape, ArrayRef<int64_t> starts,
                                          ArrayRef<int64_t> sizes, unsigned numIgnored) {
  CompiledRule result;
  // Where one axis only is written in part, the rest of it keeps what it was; a part along several
  // axes is not a piece of each, so that all of them are followed as constants.
  unsigned numCut = 0;
  for (auto [extent, size] : llvm::zip(shape, sizes))
    numCut += extent != size;
  Tensor before, update, after;
  for (auto [extent, start, size] : llvm::zip(shape, starts, sizes)) {
    Dim &from = before.emplace_back(), &with = update.emplace_back(), &to = after.emplace_back();
    if (extent != size && numCut > 1) {
      for (auto [dim, length] : {std::make_pair(&from, extent), std::make_pair(&with, size),
                                 std::make_pair(&to, extent)}) {
        dim->segments.push_back({result.addFactor(length)});
        result.frozen.set(result.numFactors() - 1);
      }
      continue;
    }
    auto addKept = [&](int64_t length) {
      Factor kept = result.addFactor(length);
      from.segments.push_back({kept});
      to.segments.push_back({kept});
    };
    if (start > 0)
      addKept(start);
    Factor written = result.addFactor(size);
    if (extent == size && numCut > 0)
      from.segments.push_back({written}); // not cut along this axis
    else
      from.segments.push_back({result.addFactor(size)});
    with.segments.push_back({written});
    to.segments.push_back({written});
    if (start + size < extent)
      addKept(extent - start - size);
  }
  result.tensors = {before, update};
  result.tensors.resize(2 + numIgnored);
  result.tensors.push_back(after);
  result.numOperands = 2 + numIgnored;
  if (numCut > 0)
    result.equations.push_back({result.numOperands, {{0, Fraction(1)}}});
  result.equations.push_back({result.numOperands, {{1, Fraction(1)}}});
  // Pieces side by side are summands, each zero where the other is.
  result.uses.assign(result.numOperands, OperandUse::Opaque);
  result.uses[1] = numCut > 1 ? OperandUse::Choice : OperandUse::Plus;
  if (numCut > 0)
    result.uses[0] = result.uses[1];
  result.finalize();
  return result;
}

CompiledRule CompiledRule::getSplit(ArrayRef<int64_t> shape, unsigned dim, int64_t inner,
                                    bool joins) {
  CompiledRule result;
  Tensor whole, parts;
  for (auto [d, size] : llvm::enumerate(shape)) {
    Dim &from = whole.emplace_back();
    if (d != dim) {
      Factor factor = result.addFactor(size);
      from.segments.push_back({factor});
      parts.emplace_back().segments.push_back({factor});
      continue;
    }
    Factor leading = result.addFactor(size / inner), trailing = result.addFactor(inner);
    from.segments.push_back({leading, trailing});
    parts.emplace_back().segments.push_back({leading});
    parts.emplace_back().segments.push_back({trailing});
  }
  result.tensors = joins ? llvm::SmallVector<Tensor, 3>{parts, whole}
                         : llvm::SmallVector<Tensor, 3>{whole, parts};
  result.numOperands = 1;
  result.equations.push_back({1, {{0, Fraction(1)}}});
  result.uses = {OperandUse::Plus};
  result.finalize();
  return result;
}

CompiledRule CompiledRule::getConcatenation(ArrayRef<ArrayRef<int64_t>> shapes, unsigned dim) {
  CompiledRule result;
  Tensor common;
  for (auto [d, size] : llvm::enumerate(shapes.front())) {
    common.emplace_back();
    if (d != dim)
      common.back().segments.push_back({result.addFactor(size)});
  }
  result.numOperands = shapes.size();
  Tensor whole = common;
  for (ArrayRef<int64_t> shape : shapes) {
    Factor piece = result.addFactor(shape[dim]);
    whole[dim].segments.push_back({piece});
    Tensor part = common;
    part[dim].segments.push_back({piece});
    result.tensors.push_back(std::move(part));
  }
  result.tensors.push_back(std::move(whole));
  for (unsigned o = 0; o < result.numOperands; ++o)
    result.equations.push_back({result.numOperands, {{o, Fraction(1)}}});
  result.uses.assign(result.numOperands, OperandUse::Plus);
  result.finalize();
  return result;
}

/// Dims 0, 1, ...: a factor each.
static CompiledRule::Tensor singleFactors(unsigned rank) {
  CompiledRule::Tensor tensor(rank);
  for (auto [d, dim] : llvm::enumerate(tensor))
    dim.segments.push_back({static_cast<CompiledRule::Factor>(d)});
  return tensor;
}

CompiledRule CompiledRule::getBroadcast(mlir::AffineMap map) {
  CompiledRule result;
  for (unsigned d = 0; d < map.getNumDims(); ++d)
    result.addFactor(0);
  Tensor &operand = result.tensors.emplace_back();
  for (unsigned i = 0; i < map.getNumResults(); ++i)
    operand.emplace_back().segments.push_back({map.getDimPosition(i)});
  result.tensors.push_back(singleFactors(map.getNumDims()));
  result.numOperands = 1;
  result.equations.push_back({1, {{0, Fraction(1)}}});
  result.uses = {OperandUse::Plus};
  result.finalize();
  return result;
}

CompiledRule CompiledRule::getElementwise(RuleAttr scalarRule, unsigned rank) {
  CompiledRule result = get(scalarRule);
  for (unsigned d = 0; d < rank; ++d)
    result.addFactor(0);
  for (Tensor &tensor : result.tensors)
    tensor = singleFactors(rank);
  result.isPointwise = result.isSegmented = false;
  result.finalize();
  return result;
}

CompiledRule CompiledRule::getBarrier(unsigned numOperands, unsigned numResults) {
  CompiledRule result;
  result.numOperands = numOperands;
  result.tensors.resize(numOperands + numResults);
  result.isBarrier = true;
  return result;
}

void CompiledRule::finalize() {
  isPointwise = !isBarrier && frozen.none() && sum.none() && !tensors.empty();
  for (const Tensor &tensor : tensors) {
    if (tensor.size() != tensors.front().size())
      isPointwise = false;
    for (auto [d, dim] : llvm::enumerate(tensor)) {
      isSegmented |= dim.isSegmented();
      if (!dim.isSingle() || dim.segments[0][0] != d)
        isPointwise = false;
    }
  }
}

std::string CompiledRule::describeEquations() const {
  if (isBarrier)
    return "all operands and results = 0";
  std::string text;
  llvm::raw_string_ostream os(text);
  auto printTensor = [&](llvm::raw_ostream &os, unsigned tensor) {
    os << (isResult(tensor) ? "r" : "o") << (isResult(tensor) ? tensor - numOperands : tensor);
  };
  for (auto [index, equation] : llvm::enumerate(equations)) {
    if (index)
      os << ", ";
    printTensor(os, equation.lhs);
    os << " = ";
    Form form;
    for (auto &[tensor, coefficient] : equation.terms)
      form.push_back({tensor, coefficient});
    printForm(os, form, printTensor);
  }
  return text;
}
