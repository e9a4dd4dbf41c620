// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Batch normalisation as one operation. Its epsilon is an attribute: unless it is zero, what it is
// added to has log-scale 0. (Normalisation written out keeps its symmetries: there epsilon is a
// value of its own that the analysis can let scale.)

#include "Registry.h"

using namespace mlir;
using namespace noether;
using namespace noether::rules;

namespace {

struct BatchNorm {
  bool hasEpsilon;
  Dims tensor, feature;
};

FailureOr<BatchNorm> readBatchNorm(const Context &context, RuleBuilder &rule) {
  FailureOr<double> epsilon = context.attributes.real("epsilon");
  FailureOr<int64_t> feature = context.attributes.integer("feature_index");
  int64_t rank = context.operandRank(0);
  if (failed(epsilon) || failed(feature) || *feature < 0 || *feature >= rank)
    return failure();
  BatchNorm norm{*epsilon != 0, rule.factors(rank), {}};
  norm.feature.push_back(norm.tensor[*feature]);
  return norm;
}

Answer unreadable() {
  return Answer::malformed(
      "attribute 'epsilon' or 'feature_index' is missing or does not fit the operand");
}

/// Fields of the tensor depend on the feature only: an equation with a copy of it that has no other
/// dimension. Batches are summed over.
void sumOverBatch(RuleBuilder &rule, const Context &context) {
  FailureOr<int64_t> feature = context.attributes.integer("feature_index");
  for (int64_t d = 0; d < context.operandRank(0); ++d)
    if (d != *feature)
      rule.frozen(d); // Factors were made in the order of the dimensions.
}

} // namespace

/// (operand, scale, offset) -> (output, mean, variance).
static Answer training(const Context &context) {
  if (context.numOperands() != 3 || context.numResults() != 3)
    return context.wrongNumberOf("operands or results");
  RuleBuilder rule = context.builder();
  FailureOr<BatchNorm> norm = readBatchNorm(context, rule);
  if (failed(norm))
    return unreadable();
  rule.operand(0, norm->tensor).operand(1, norm->feature).operand(2, norm->feature);
  rule.result(0, norm->tensor).result(1, norm->feature).result(2, norm->feature);
  sumOverBatch(rule, context);
  if (norm->hasEpsilon)
    rule.vanish(operand(0));
  rule.equate(result(0), operand(1)).equate(result(0), operand(2));
  rule.equate(result(1), operand(0)).equate(result(2), Coefficient{2, 1} * operand(0));
  return withUses(rule, context, {OperandUse::Opaque, OperandUse::Factor, OperandUse::Plus});
}

/// (operand, scale, offset, mean, variance) -> output.
static Answer inference(const Context &context) {
  if (context.numOperands() != 5 || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  RuleBuilder rule = context.builder();
  FailureOr<BatchNorm> norm = readBatchNorm(context, rule);
  if (failed(norm))
    return unreadable();
  rule.operand(0, norm->tensor).result(0, norm->tensor);
  for (unsigned i = 1; i < 5; ++i)
    rule.operand(i, norm->feature);
  rule.equate(operand(0), operand(3));
  // An operand that is zero leaves the mean, and the other way round.
  for (unsigned centered : {0u, 3u}) {
    LogScale scaled = operand(centered) + operand(1);
    rule.equate(result(0), norm->hasEpsilon ? scaled : scaled - Coefficient{1, 2} * operand(4));
  }
  if (norm->hasEpsilon)
    rule.vanish(operand(4));
  rule.equate(result(0), operand(2));
  return withUses(rule, context, {OperandUse::Opaque, OperandUse::Factor, OperandUse::Plus});
}

/// (operand, scale, mean, variance, grad_output) -> (grad_operand, grad_scale, grad_offset).
static Answer gradient(const Context &context) {
  if (context.numOperands() != 5 || context.numResults() != 3)
    return context.wrongNumberOf("operands or results");
  RuleBuilder rule = context.builder();
  FailureOr<BatchNorm> norm = readBatchNorm(context, rule);
  if (failed(norm))
    return unreadable();
  for (unsigned tensor : {0u, 4u})
    rule.operand(tensor, norm->tensor);
  for (unsigned tensor : {1u, 2u, 3u})
    rule.operand(tensor, norm->feature);
  rule.result(0, norm->tensor).result(1, norm->feature).result(2, norm->feature);
  sumOverBatch(rule, context);
  // The normalised operand must have log-scale 0 by itself: it is multiplied by its own mean.
  if (norm->hasEpsilon) {
    rule.vanish(operand(0)).vanish(operand(2)).vanish(operand(3));
    rule.equate(result(0), operand(1) + operand(4));
  } else {
    rule.equate(operand(2), operand(0));
    for (unsigned centered : {0u, 2u})
      rule.equate(operand(3), Coefficient{2, 1} * operand(centered));
    rule.equate(result(0), operand(1) + operand(4) - Coefficient{1, 2} * operand(3));
  }
  rule.equate(result(1), operand(4)).equate(result(2), operand(4));
  return rule;
}

void rules::addNormalizationRules(Registry &registry) {
  constexpr StringLiteral epsilon = "its epsilon pins what it is added to";
  registry.rule("stablehlo.batch_norm_grad", gradient, ReadsAttributes, epsilon);
  registry.rule("stablehlo.batch_norm_inference", inference, ReadsAttributes, epsilon);
  registry.rule("stablehlo.batch_norm_training", training, ReadsAttributes, epsilon);
}
