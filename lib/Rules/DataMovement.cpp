// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations that move elements and keep their values: broadcasts, reshapes, transposes, reversals.

#include "DataMovement.h"
#include "Elementwise.h"

#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using namespace noether;
using namespace noether::rules;

//===-- Reshapes ----------------------------------------------------------------------------===//

namespace {

/// Splits the product of one side's sizes at the boundaries of both: the sizes of the common
/// factors, if every dimension of both sides is a product of them.
std::optional<SmallVector<int64_t>> commonFactors(ArrayRef<int64_t> lhs, ArrayRef<int64_t> rhs) {
  SmallVector<int64_t> factors;
  size_t i = lhs.size(), j = rhs.size();
  int64_t restLhs = 1, restRhs = 1;
  while (i > 0 || j > 0 || restLhs > 1 || restRhs > 1) {
    if (restLhs == 1) {
      if (i == 0)
        return std::nullopt;
      restLhs = lhs[--i];
    }
    if (restRhs == 1) {
      if (j == 0)
        return std::nullopt;
      restRhs = rhs[--j];
    }
    int64_t factor = std::min(restLhs, restRhs);
    if (restLhs % factor != 0 || restRhs % factor != 0)
      return std::nullopt;
    factors.push_back(factor);
    restLhs /= factor;
    restRhs /= factor;
  }
  std::reverse(factors.begin(), factors.end());
  return factors;
}

/// The dimensions of sizes `sizes` (none is 1) as products of consecutive factors.
void assignProducts(ArrayRef<int64_t> positions, ArrayRef<int64_t> shape,
                    ArrayRef<int64_t> factorSizes, ArrayRef<int64_t> factors, Dims &dims) {
  size_t next = 0;
  for (int64_t position : positions) {
    SmallVector<int64_t> product;
    for (int64_t rest = shape[position]; rest > 1; rest /= factorSizes[next++])
      product.push_back(factors[next]);
    dims[position] = Dim::product(product);
  }
}

} // namespace

std::pair<Dims, Dims> rules::reshapeDims(RuleBuilder &rule, ArrayRef<int64_t> input,
                                         ArrayRef<int64_t> output) {
  Dims before(input.size()), after(output.size());
  // Without elements there is nothing to follow.
  if (llvm::is_contained(input, 0) || llvm::is_contained(output, 0))
    return {rule.factors(input.size()), rule.factors(output.size())};

  // Groups of dimensions with equal products, as small as possible; dimensions of size 1 belong to
  // none.
  size_t i = 0, j = 0;
  while (true) {
    SmallVector<int64_t> from, to;
    int64_t productFrom = 1, productTo = 1;
    auto take = [](size_t &next, ArrayRef<int64_t> shape, SmallVector<int64_t> &positions,
                   int64_t &product) {
      while (next < shape.size() && shape[next] == 1)
        ++next;
      if (next == shape.size())
        return false;
      positions.push_back(next);
      product *= shape[next++];
      return true;
    };
    bool tookFrom = take(i, input, from, productFrom), tookTo = take(j, output, to, productTo);
    if (!tookFrom && !tookTo)
      return {before, after};
    bool fits = tookFrom && tookTo;
    while (fits && productFrom != productTo)
      fits = productFrom < productTo ? take(i, input, from, productFrom)
                                     : take(j, output, to, productTo);
    // Numbers of elements differ: the rule will not fit the operation.
    if (!fits)
      return {rule.factors(input.size()), Dims(output.size())};

    SmallVector<int64_t> fromSizes, toSizes;
    for (int64_t position : from)
      fromSizes.push_back(input[position]);
    for (int64_t position : to)
      toSizes.push_back(output[position]);
    if (auto sizes = commonFactors(fromSizes, toSizes)) {
      SmallVector<int64_t> factors;
      for (int64_t size : *sizes)
        factors.push_back(rule.factor(size));
      assignProducts(from, input, *sizes, factors, before);
      assignProducts(to, output, *sizes, factors, after);
      continue;
    }
    // Dimensions that cut each other, such as [6, 4] and [4, 6].
    for (auto *side : {&from, &to}) {
      for (int64_t position : *side) {
        int64_t factor = rule.factor();
        rule.frozen(factor);
        (side == &from ? before : after)[position] = factor;
      }
    }
  }
}

Answer rules::reshape(const Context &context) {
  // Dynamic forms have the shape as a further operand.
  if (context.numOperands() < 1 || context.numOperands() > 2 || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  auto product = [](ArrayRef<int64_t> shape) {
    // In floating point: hostile shapes may overflow.
    double product = 1;
    for (int64_t size : shape)
      product *= static_cast<double>(size);
    return product;
  };
  double elements = product(context.operandShape(0));
  if (elements != product(context.resultShape(0)) || elements > 0x1p53)
    return Answer::malformed("operand and result have different numbers of elements");
  RuleBuilder rule = context.builder();
  auto [input, output] = reshapeDims(rule, context.operandShape(0), context.resultShape(0));
  rule.operand(0, input).result(0, output);
  if (context.numOperands() == 2)
    rule.operand(1, rule.factors(context.operandRank(1)));
  context.define(rule, 0, operand(0));
  return withUses(rule, context, {OperandUse::Plus});
}

//===-- Broadcasts --------------------------------------------------------------------------===//

Answer rules::broadcastAlong(const Context &context, ArrayRef<int64_t> dimensions) {
  ArrayRef<int64_t> input = context.operandShape(0), output = context.resultShape(0);
  int64_t rank = output.size();
  if (dimensions.size() != input.size())
    return Answer::malformed("broadcast dimensions do not fit the operand");
  RuleBuilder rule = context.builder();
  Dims after = rule.factors(rank), before(input.size());
  llvm::SmallBitVector seen(rank);
  for (auto [position, dimension] : llvm::enumerate(dimensions)) {
    if (dimension < 0 || dimension >= rank || seen.test(dimension))
      return Answer::malformed("broadcast dimensions do not fit the result");
    seen.set(dimension);
    if (input[position] == output[dimension])
      before[position] = after[dimension];
    else if (input[position] != 1)
      return Answer::malformed("operand size " + Twine(input[position]) +
                               " cannot be broadcast to size " + Twine(output[dimension]));
  }
  rule.operand(0, before).result(0, after);
  for (unsigned i = 1; i < context.numOperands(); ++i)
    rule.operand(i, rule.factors(context.operandRank(i)));
  context.define(rule, 0, operand(0));
  return withUses(rule, context, {OperandUse::Plus});
}

static Answer broadcastInDim(const Context &context) {
  // The dynamic form has the result's shape as a further operand.
  if (context.numOperands() < 1 || context.numOperands() > 2 || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  FailureOr<Indices> dimensions = context.attributes.integers("broadcast_dimensions");
  if (failed(dimensions))
    return Answer::malformed("attribute 'broadcast_dimensions' is missing or cannot be read");
  return broadcastAlong(context, *dimensions);
}

/// New dimensions in front.
static Answer broadcast(const Context &context) {
  if (context.numOperands() != 1 || context.numResults() != 1 ||
      context.operandRank(0) > context.resultRank(0))
    return context.wrongNumberOf("operands, results or dimensions");
  Indices dimensions;
  int64_t numNew = context.resultRank(0) - context.operandRank(0);
  for (int64_t i = numNew; i < context.resultRank(0); ++i)
    dimensions.push_back(i);
  return broadcastAlong(context, dimensions);
}

//===-- Permutations ------------------------------------------------------------------------===//

static Answer transpose(const Context &context) {
  if (context.numOperands() != 1 || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  FailureOr<Indices> permutation = context.attributes.integers("permutation");
  int64_t rank = context.operandRank(0);
  if (failed(permutation) || static_cast<int64_t>(permutation->size()) != rank)
    return Answer::malformed("attribute 'permutation' is missing or does not fit the operand");
  RuleBuilder rule = context.builder();
  Dims input = rule.factors(rank), output;
  llvm::SmallBitVector seen(rank);
  for (int64_t dimension : *permutation) {
    if (dimension < 0 || dimension >= rank || seen.test(dimension))
      return Answer::malformed("attribute 'permutation' is not a permutation");
    seen.set(dimension);
    output.push_back(input[dimension]);
  }
  rule.operand(0, input).result(0, output);
  context.define(rule, 0, operand(0));
  return withUses(rule, context, {OperandUse::Plus});
}

/// Index i becomes n - 1 - i, which is not the same function of the index.
static Answer reverse(const Context &context) {
  if (context.numOperands() != 1 || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  FailureOr<Indices> dimensions = context.attributes.integers("dimensions");
  if (failed(dimensions))
    return Answer::malformed("attribute 'dimensions' is missing or cannot be read");
  int64_t rank = context.operandRank(0);
  RuleBuilder rule = context.builder();
  Dims input = rule.factors(rank), output = input;
  llvm::SmallBitVector seen(rank);
  for (int64_t dimension : *dimensions) {
    if (dimension < 0 || dimension >= rank || seen.test(dimension))
      return Answer::malformed("attribute 'dimensions' does not fit the operand");
    seen.set(dimension);
    if (context.operandShape(0)[dimension] == 1)
      continue;
    int64_t before = rule.factor(), after = rule.factor();
    input[dimension] = before;
    output[dimension] = after;
    rule.frozen(before).frozen(after);
  }
  rule.operand(0, input).result(0, output);
  context.define(rule, 0, operand(0));
  return withUses(rule, context, {OperandUse::Plus});
}

void rules::addDataMovementRules(Registry &registry) {
  registry.rule("stablehlo.broadcast", broadcast, NeedsStaticShapes);
  registry.rule("stablehlo.broadcast_in_dim", broadcastInDim, ReadsAttributes | NeedsStaticShapes);
  registry.rule(
      "stablehlo.constant", scaleFree, ReadsTypes,
      "the analysis gives zeros and infinities any scale, and may promote small constants");
  registry.rule("stablehlo.dynamic_broadcast_in_dim", broadcastInDim,
                ReadsAttributes | NeedsStaticShapes);
  registry.rule("stablehlo.dynamic_iota", independent);
  registry.rule("stablehlo.dynamic_reshape", reshape, NeedsStaticShapes);
  registry.rule("stablehlo.iota", scaleFree);
  registry.rule("stablehlo.reshape", reshape, NeedsStaticShapes,
                "axes are split into common factors; axes that cut each other are frozen");
  registry.rule("stablehlo.reverse", reverse, ReadsAttributes);
  registry.rule("stablehlo.transpose", transpose, ReadsAttributes);
}
