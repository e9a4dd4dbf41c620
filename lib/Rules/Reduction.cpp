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
  // In every round an accumulated value and an element, or two accumulated values, are combined: all
  // have the scale of the elements.
  SmallVector<Form> arguments;
  SmallVector<LogScale> unknowns;
  for (unsigned argument = 0; argument < 2 * numReduced; ++argument)
    arguments.push_back(Form::unknown(argument % numReduced));
  for (unsigned i = 0; i < numReduced; ++i)
    unknowns.push_back(operand(i));
  std::optional<Payload> payload = composePayload(context.table, body, arguments);
  if (!payload || payload->yields.size() != numReduced)
    return false;
  for (unsigned i = 0; i < numReduced; ++i)
    if (context.isOperandScaled(i))
      payload->require(Form::unknown(i), payload->yields[i]);
  return addConstraints(rule, *payload, unknowns);
}

/// Whether the body is one product of its two arguments.
static bool isProduct(const Context &context, Region &body) {
  std::optional<Payload> payload =
      composePayload(context.table, body, {Form::unknown(0), Form::unknown(1)});
  if (!payload || !payload->constraints.empty() || payload->yields.size() != 1)
    return false;
  Form expected = Form::unknown(0);
  expected.add(Form::unknown(1), Form::Number(1));
  const Form &form = payload->yields[0];
  return !form.isAny() && form.getTerms() == expected.getTerms();
}

static Answer reduce(const Context &context) {
  unsigned numInputs = context.numOperands() / 2;
  if (context.numOperands() != 2 * numInputs || numInputs == 0 ||
      context.numResults() != numInputs)
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
    return rule.equate(result(0),
                       Coefficient{numReducedElements, 1} * operand(0) + operand(1));
  }
  for (unsigned i = 0; i < numInputs; ++i) {
    context.define(rule, i, operand(i));
    if (context.isResultScaled(i))
      rule.equate(result(i), operand(numInputs + i));
  }
  if (!addReductionEquations(rule, context, body, numInputs))
    return Answer::barrier("a body that is not made of scalar operations with rules");
  return rule;
}

/// The body maps scalars; its arguments are the operands.
static Answer map(const Context &context) {
  if (context.op->getNumRegions() != 1 || context.numResults() != 1)
    return context.wrongNumberOf("regions or results");
  std::optional<RuleBuilder> rule = elementwiseBuilder(context);
  if (!rule)
    return Answer::malformed("operand and result shapes do not fit");
  SmallVector<Form> arguments;
  SmallVector<LogScale> unknowns;
  for (unsigned i = 0; i < context.numOperands(); ++i) {
    arguments.push_back(Form::unknown(i));
    unknowns.push_back(operand(i));
  }
  std::optional<Payload> payload =
      composePayload(context.table, context.op->getRegion(0), arguments);
  if (!payload || payload->yields.size() != 1)
    return Answer::barrier("a body that is not made of scalar operations with rules");
  std::optional<LogScale> value = toLogScale(payload->yields[0], unknowns);
  if (!value || payload->yields[0].isAny())
    value = LogScale();
  context.define(*rule, 0, *value);
  if (!addConstraints(*rule, *payload, unknowns))
    return Answer::barrier("large exponents");
  return *rule;
}

void rules::addReductionRules(Registry &registry) {
  registry.rule("stablehlo.map", map, ReadsAttributes | ReadsRegions);
  registry.rule("stablehlo.reduce", reduce, ReadsAttributes | ReadsRegions,
                "the rules of the body's operations are composed; a product of n elements has n times "
                "their log-scale");
}
