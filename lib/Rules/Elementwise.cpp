// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elementwise.h"
#include "noether/Rules/ConstantFold.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace noether;
using namespace noether::rules;

static Answer wrongShapes() { return Answer::malformed("operand and result shapes do not fit"); }

std::optional<RuleBuilder> rules::elementwiseBuilder(const Context &context) {
  RuleBuilder rule = context.builder();
  int64_t rank = context.numResults()    ? context.resultRank(0)
                 : context.numOperands() ? context.operandRank(0)
                                         : 0;
  Dims dims = rule.factors(rank);
  for (unsigned i = 0; i < context.numOperands(); ++i) {
    if (context.operandRank(i) == rank)
      rule.operand(i, dims);
    else if (context.operandRank(i) != 0)
      return std::nullopt;
  }
  for (unsigned i = 0; i < context.numResults(); ++i) {
    if (context.resultRank(i) != rank)
      return std::nullopt;
    rule.result(i, dims);
  }
  return rule;
}

/// Results of log-scale 0 only.
static void vanishResults(RuleBuilder &rule, const Context &context) {
  for (unsigned i = 0; i < context.numResults(); ++i)
    rule.vanish(result(i));
}

Answer rules::equal(const Context &context) {
  if (context.numOperands() < 1 || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  auto rule = elementwiseBuilder(context);
  if (!rule)
    return wrongShapes();
  if (!context.isResultScaled(0))
    return rule->vanish(result(0));
  for (unsigned i = 0; i < context.numOperands(); ++i)
    if (context.isOperandScaled(i))
      rule->equate(result(0), operand(i));
  return *rule;
}

Answer rules::pass(const Context &context) {
  if (context.numOperands() < 1 || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  auto rule = elementwiseBuilder(context);
  if (!rule)
    return wrongShapes();
  context.define(*rule, 0, operand(0));
  return *rule;
}

Answer rules::passEach(const Context &context) {
  if (context.numOperands() != context.numResults())
    return context.wrongNumberOf("operands or results");
  RuleBuilder rule = context.builder();
  for (unsigned i = 0; i < context.numOperands(); ++i) {
    Dims dims = rule.factors(context.operandRank(i));
    rule.operand(i, dims).result(i, dims);
    context.define(rule, i, operand(i));
  }
  return rule;
}

Answer rules::dimensionless(const Context &context) {
  auto rule = elementwiseBuilder(context);
  if (!rule)
    return wrongShapes();
  for (unsigned i = 0; i < context.numOperands(); ++i)
    if (context.isOperandScaled(i))
      rule->vanish(operand(i));
  vanishResults(*rule, context);
  return *rule;
}

Answer rules::scaleFree(const Context &context) {
  auto rule = elementwiseBuilder(context);
  if (!rule)
    return wrongShapes();
  vanishResults(*rule, context);
  return *rule;
}

Answer rules::independent(const Context &context) {
  RuleBuilder rule = context.builder();
  for (unsigned i = 0; i < context.numOperands(); ++i)
    rule.operand(i, rule.factors(context.operandRank(i)));
  for (unsigned i = 0; i < context.numResults(); ++i)
    rule.result(i, rule.factors(context.resultRank(i))).vanish(result(i));
  return rule;
}

Answer rules::ofRatio(const Context &context) {
  if (context.numOperands() != 2 || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  auto rule = elementwiseBuilder(context);
  if (!rule)
    return wrongShapes();
  if (context.isOperandScaled(0) && context.isOperandScaled(1))
    rule->equate(operand(0), operand(1));
  return rule->vanish(result(0));
}

Answer rules::compared(const Context &context) {
  return allUsed<ofRatio, OperandUse::Ordered>(context);
}

static Answer combined(const Context &context, const LogScale &value, unsigned numOperands) {
  if (context.numOperands() != numOperands || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  auto rule = elementwiseBuilder(context);
  if (!rule)
    return wrongShapes();
  context.define(*rule, 0, value);
  return *rule;
}

Answer rules::product(const Context &context) {
  return withUses(combined(context, operand(0) + operand(1), 2), context,
                  {OperandUse::Factor, OperandUse::Factor});
}

Answer rules::quotient(const Context &context) {
  return withUses(combined(context, operand(0) - operand(1), 2), context, {OperandUse::Factor});
}

Answer rules::powerOf(const Context &context, Coefficient exponent) {
  return combined(context, exponent * operand(0), 1);
}

Answer rules::fusedMultiplyAdd(const Context &context) {
  if (context.numOperands() != 3 || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  auto rule = elementwiseBuilder(context);
  if (!rule)
    return wrongShapes();
  rule->equate(result(0), operand(0) + operand(1)).equate(result(0), operand(2));
  return withUses(*rule, context, {OperandUse::Factor, OperandUse::Factor, OperandUse::Plus});
}

Answer rules::select(const Context &context) {
  if (context.numOperands() != 3 || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  auto rule = elementwiseBuilder(context);
  if (!rule)
    return wrongShapes();
  if (!context.isResultScaled(0))
    return rule->vanish(result(0));
  rule->equate(result(0), operand(1)).equate(result(0), operand(2));
  return withUses(*rule, context, {OperandUse::Opaque, OperandUse::Choice, OperandUse::Choice});
}

Answer rules::convert(const Context &context) {
  if (context.numOperands() != 1 || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  if (context.isResultScaled(0))
    return context.isOperandScaled(0) ? copied(context) : scaleFree(context);
  // A conversion to a boolean tests against zero, which has every scale.
  if (getElementTypeOrSelf(context.op->getResult(0).getType()).isInteger(1))
    return scaleFree(context);
  return dimensionless(context);
}

/// Rounds at random, by the bits of operand 1.
static Answer stochasticConvert(const Context &context) {
  return context.numResults() == 1 && context.isResultScaled(0) ? pass(context)
                                                                : dimensionless(context);
}

std::optional<Coefficient> rules::smallRational(double value, Type elementType) {
  constexpr int64_t largestDenominator = 12, largestValue = 64;
  if (!std::isfinite(value) || std::fabs(value) > largestValue)
    return std::nullopt;
  for (int64_t denominator = 1; denominator <= largestDenominator; ++denominator) {
    int64_t numerator = std::llround(value * denominator);
    double rational = static_cast<double>(numerator) / denominator;
    if (roundToType(rational, elementType) == value)
      return Coefficient{numerator, denominator};
  }
  return std::nullopt;
}

Answer rules::power(const Context &context) {
  if (context.numOperands() != 2 || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  Value exponent = context.op->getOperand(1);
  std::optional<double> number = traceSplat(exponent);
  std::optional<Coefficient> coefficient =
      number ? smallRational(*number, getElementTypeOrSelf(exponent.getType())) : std::nullopt;
  if (!coefficient || !context.isResultScaled(0))
    return dimensionless(context);
  auto rule = elementwiseBuilder(context);
  if (!rule)
    return wrongShapes();
  return rule->equate(result(0), *coefficient * operand(0)).vanish(operand(1));
}

void rules::addElementwiseRules(Registry &registry) {
  constexpr StringLiteral integers = "on integers, which have no scale, r0 = 0";
  registry.rule("stablehlo.abs", pass);
  registry.rule("stablehlo.add", added, ReadsTypes, integers);
  registry.rule("stablehlo.and", equal);
  registry.rule("stablehlo.atan2", ofRatio, ReadsTypes, "an angle depends on the ratio only");
  registry.rule("stablehlo.cbrt", fixedPower<1, 3>);
  registry.rule("stablehlo.ceil", dimensionless);
  registry.rule("stablehlo.clamp", ordered);
  registry.rule("stablehlo.compare", compared);
  registry.rule("stablehlo.complex", equal);
  registry.rule(
      "stablehlo.convert", convert, ReadsTypes,
      "float to float passes the scale; float to boolean is a test against zero; float to "
      "integer needs log-scale 0");
  registry.rule("stablehlo.cosine", dimensionless);
  registry.rule("stablehlo.count_leading_zeros", dimensionless);
  registry.rule("stablehlo.divide", quotient);
  registry.rule("stablehlo.exponential", dimensionless);
  registry.rule("stablehlo.exponential_minus_one", dimensionless);
  registry.rule("stablehlo.floor", dimensionless);
  registry.rule("stablehlo.imag", transformed);
  registry.rule("stablehlo.is_finite", scaleFree);
  registry.rule("stablehlo.log", dimensionless);
  registry.rule("stablehlo.log_plus_one", dimensionless);
  registry.rule("stablehlo.logistic", dimensionless);
  registry.rule("stablehlo.maximum", ordered);
  registry.rule("stablehlo.minimum", ordered);
  registry.rule("stablehlo.multiply", product);
  registry.rule("stablehlo.negate", negated);
  registry.rule("stablehlo.not", pass);
  registry.rule("stablehlo.optimization_barrier", copiedEach);
  registry.rule("stablehlo.or", equal);
  registry.rule("stablehlo.popcnt", dimensionless);
  registry.rule(
      "stablehlo.power", power, ReadsConstants,
      "an exponent that is a constant p with a small denominator gives r0 = p o0; any other "
      "power has no scale");
  registry.rule("stablehlo.real", transformed);
  registry.rule("stablehlo.reduce_precision", copied);
  registry.rule("stablehlo.remainder", equal);
  registry.rule("stablehlo.round_nearest_afz", dimensionless);
  registry.rule("stablehlo.round_nearest_even", dimensionless);
  registry.rule("stablehlo.rsqrt", fixedPower<-1, 2>);
  registry.rule("stablehlo.select", select);
  registry.rule("stablehlo.shift_left", equal);
  registry.rule("stablehlo.shift_right_arithmetic", equal);
  registry.rule("stablehlo.shift_right_logical", equal);
  registry.rule("stablehlo.sign", scaleFree);
  registry.rule("stablehlo.sine", dimensionless);
  registry.rule("stablehlo.sqrt", fixedPower<1, 2>);
  registry.rule("stablehlo.subtract", subtracted);
  registry.rule("stablehlo.tan", dimensionless);
  registry.rule("stablehlo.tanh", dimensionless);
  registry.rule("stablehlo.xor", equal);

  registry.rule("mhlo.acos", dimensionless);
  registry.rule("mhlo.acosh", dimensionless);
  registry.rule("mhlo.asin", dimensionless);
  registry.rule("mhlo.asinh", dimensionless);
  registry.rule("mhlo.atan", dimensionless);
  registry.rule("mhlo.atanh", dimensionless);
  registry.rule("mhlo.copy", copied);
  registry.rule("mhlo.cosh", dimensionless);
  registry.rule("mhlo.erf", dimensionless);
  registry.rule("mhlo.sinh", dimensionless);
  registry.rule("mhlo.stochastic_convert", stochasticConvert);
}
