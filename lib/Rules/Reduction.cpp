// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reductions. The body decides: one that keeps a common scale of its arguments (add, max, the
// compare-and-select of an arg-max) passes it, a product multiplies the degree by the number of
// elements, and whatever else the rules of the body's operations say.

#include "Reduction.h"
#include "Elementwise.h"

#include "llvm/ADT/SmallBitVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace noether;
using namespace noether::rules;

bool rules::addReductionEquations(RuleBuilder &rule, const Context &context, Region &body,
                                  unsigned numReduced) {
  // In every round an accumulated value and an element, or two accumulated values, are combined:
  // all have the scale of the elements.
  SmallVector<unsigned> unknowns;
  SmallVector<UnknownTensors> tensors;
  for (unsigned argument = 0; argument < 2 * numReduced; ++argument)
    unknowns.push_back(argument % numReduced);
  for (unsigned i = 0; i < numReduced; ++i)
    tensors.push_back({operand(i), result(i)});
  std::optional<Payload> payload = composePayload(context.table, body, unknowns);
  if (!payload || payload->yields.size() != numReduced)
    return false;
  for (unsigned i = 0; i < numReduced; ++i)
    if (context.isOperandScaled(i))
      payload->require(payload->yields[i], Form::unknown(i));
  return addConstraints(rule, *payload, tensors);
}

/// Whether the body is one product of its two arguments.
static bool isProduct(const Context &context, Region &body) {
  std::optional<Payload> payload = composePayload(context.table, body, {0, 1});
  Form product = Form::unknown(0);
  product.add(Form::unknown(1), Form::Number(1));
  return payload && payload->constraints.empty() && payload->yields.size() == 1 &&
         payload->yields[0].size() == 1 && payload->yields[0][0] == product;
}

static Answer reduce(const Context &context) {
  unsigned numInputs = context.numOperands() / 2;
  if (context.numOperands() != 2 * numInputs || numInputs == 0 || context.numResults() != numInputs)
    return context.wrongNumberOf("operands or results");
  if (context.op->getNumRegions() != 1)
    return context.wrongNumberOf("regions");
  FailureOr<Indices> dimensions = context.attributes.integers("dimensions");
  if (failed(dimensions))
    return Answer::malformed("attribute 'dimensions' is missing or cannot be read");
  int64_t rank = context.operandRank(0);
  llvm::SmallBitVector reduced(rank);
  for (int64_t dimension : *dimensions) {
    if (dimension < 0 || dimension >= rank || reduced.test(dimension))
      return Answer::malformed("attribute 'dimensions' does not fit the operand");
    reduced.set(dimension);
  }

  RuleBuilder rule = context.builder();
  Dims input, output;
  int64_t numReducedElements = 1;
  bool overflow = false;
  for (auto [position, size] : llvm::enumerate(context.operandShape(0))) {
    int64_t factor = rule.factor();
    input.push_back(factor);
    if (!reduced.test(position)) {
      output.push_back(factor);
      continue;
    }
    rule.sum(factor);
    overflow |= ShapedType::isDynamic(size) ||
                llvm::MulOverflow(numReducedElements, size, numReducedElements);
  }
  for (unsigned i = 0; i < numInputs; ++i)
    rule.operand(i, input).result(i, output);

  Region &body = context.op->getRegion(0);
  constexpr int64_t largestProduct = 1 << 20;
  if (numInputs == 1 && context.isOperandScaled(0) && isProduct(context, body)) {
    if (overflow || numReducedElements > largestProduct)
      return Answer::barrier("a product of very many elements");
    return rule.equate(result(0), Coefficient{numReducedElements, 1} * operand(0) + operand(1));
  }
  for (unsigned i = 0; i < numInputs; ++i) {
    context.define(rule, i, operand(i));
    if (context.isResultScaled(i))
      rule.equate(result(i), operand(numInputs + i));
  }
  if (!addReductionEquations(rule, context, body, numInputs))
    return Answer::barrier("a body that is not made of scalar operations with rules");
  return withUses(rule, context,
                  SmallVector<OperandUse>(2 * numInputs, reductionUse(context, body, numInputs)));
}

/// The body maps scalars; its arguments are the operands.
static Answer map(const Context &context) {
  if (context.op->getNumRegions() != 1 || context.numResults() != 1)
    return context.wrongNumberOf("regions or results");
  std::optional<RuleBuilder> rule = elementwiseBuilder(context);
  if (!rule)
    return Answer::malformed("operand and result shapes do not fit");
  SmallVector<unsigned> unknowns;
  SmallVector<LogScale> scales;
  SmallVector<UnknownTensors> tensors;
  for (unsigned i = 0; i < context.numOperands(); ++i) {
    unknowns.push_back(i);
    scales.push_back(operand(i));
    tensors.push_back({operand(i), std::nullopt});
  }
  std::optional<Payload> payload =
      composePayload(context.table, context.op->getRegion(0), unknowns);
  if (!payload || payload->yields.size() != 1)
    return Answer::barrier("a body that is not made of scalar operations with rules");
  // A body that yields a constant zero says nothing of the result.
  if (!context.isResultScaled(0) || payload->yields[0].empty())
    rule->vanish(result(0));
  else
    for (const Form &form : payload->yields[0]) {
      std::optional<LogScale> value = toLogScale(form, scales);
      if (!value)
        return Answer::barrier("large exponents");
      rule->equate(result(0), *value);
    }
  if (!addConstraints(*rule, *payload, tensors))
    return Answer::barrier("large exponents");
  SmallVector<OperandUse> uses;
  auto yields = composeDependences(context.table, context.op->getRegion(0));
  if (yields && yields->size() == 1)
    llvm::transform((*yields)[0], std::back_inserter(uses), toUse);
  return withUses(*rule, context, uses);
}

void rules::addReductionRules(Registry &registry) {
  registry.rule("stablehlo.map", map, ReadsAttributes | ReadsRegions);
  registry.rule(
      "stablehlo.reduce", reduce, ReadsAttributes | ReadsRegions,
      "the rules of the body's operations are composed; a product of n elements has n times "
      "their log-scale");
}
