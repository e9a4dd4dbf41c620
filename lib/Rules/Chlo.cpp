// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The chlo dialect: functions that StableHLO composes of others, and elementwise operations with
// implicit broadcasts.

#include "DataMovement.h"
#include "Elementwise.h"

using namespace mlir;
using namespace noether;
using namespace noether::rules;

namespace {

enum class Meaning { Equal, Product, Quotient, Ratio, Dimensionless, Select };

/// The dimensions of an operand that is broadcast to the result: aligned at the last dimension, or
/// as `alignment` says. Dimensions of size 1 are repeated.
FailureOr<Dims> broadcastDims(ArrayRef<int64_t> shape, ArrayRef<int64_t> resultShape,
                              ArrayRef<Dim> resultDims, ArrayRef<int64_t> alignment) {
  if (shape.size() > resultShape.size())
    return failure();
  Dims dims;
  for (auto [position, size] : llvm::enumerate(shape)) {
    int64_t target = resultShape.size() - shape.size() + position;
    if (alignment.size() == shape.size())
      target = alignment[position];
    if (target < 0 || target >= static_cast<int64_t>(resultShape.size()) ||
        (size != resultShape[target] && size != 1))
      return failure();
    dims.push_back(size == resultShape[target] ? resultDims[target] : Dim());
  }
  return dims;
}

template <Meaning meaning>
Answer broadcasting(const Context &context) {
  unsigned numOperands = meaning == Meaning::Select ? 3 : 2;
  if (context.numOperands() != numOperands || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  FailureOr<Indices> alignment = context.attributes.integersOr("broadcast_dimensions", {});
  if (failed(alignment))
    return Answer::malformed("attribute 'broadcast_dimensions' cannot be read");
  RuleBuilder rule = context.builder();
  Dims output = rule.factors(context.resultRank(0));
  rule.result(0, output);
  for (unsigned i = 0; i < numOperands; ++i) {
    FailureOr<Dims> dims =
        broadcastDims(context.operandShape(i), context.resultShape(0), output, *alignment);
    if (failed(dims))
      return Answer::malformed("operand " + Twine(i) + " cannot be broadcast to the result");
    rule.operand(i, *dims);
  }
  bool isScaled = context.isOperandScaled(numOperands - 1);
  if (!isScaled)
    return rule.vanish(result(0));
  switch (meaning) {
  case Meaning::Equal:
    return rule.equate(result(0), operand(0)).equate(result(0), operand(1));
  case Meaning::Product:
    return rule.equate(result(0), operand(0) + operand(1));
  case Meaning::Quotient:
    return rule.equate(result(0), operand(0) - operand(1));
  case Meaning::Ratio:
    return rule.equate(operand(0), operand(1)).vanish(result(0));
  case Meaning::Dimensionless:
    return rule.vanish(operand(0)).vanish(operand(1)).vanish(result(0));
  case Meaning::Select:
    return rule.equate(result(0), operand(1)).equate(result(0), operand(2));
  }
}

/// The largest k elements of the last dimension and their positions.
Answer topK(const Context &context) {
  if (context.numOperands() != 1 || context.numResults() != 2 || context.operandRank(0) < 1)
    return context.wrongNumberOf("operands or results");
  RuleBuilder rule = context.builder();
  Dims input = rule.factors(context.operandRank(0) - 1), output = input;
  CutDims dims = frozenDims(rule);
  input.push_back(dims.whole);
  output.push_back(dims.piece);
  rule.operand(0, input).result(0, output).result(1, output);
  for (unsigned i = 0; i < 2; ++i)
    context.define(rule, i, operand(0));
  return rule;
}

} // namespace

void rules::addChloRules(Registry &registry) {
  auto broadcast = [&](StringRef name, RuleFunction function) {
    registry.rule(name, function, ReadsAttributes | NeedsStaticShapes);
  };
  registry.rule("chlo._asin_acos_kernel", dimensionless);
  registry.rule("chlo.acos", dimensionless);
  registry.rule("chlo.acosh", dimensionless);
  registry.rule("chlo.asin", dimensionless);
  registry.rule("chlo.asinh", dimensionless);
  registry.rule("chlo.atan", dimensionless);
  registry.rule("chlo.atanh", dimensionless);
  registry.rule("chlo.bessel_i1e", dimensionless);
  broadcast("chlo.broadcast_add", used<broadcasting<Meaning::Equal>, OperandUse::Plus, OperandUse::Plus>);
  broadcast("chlo.broadcast_and", broadcasting<Meaning::Equal>);
  broadcast("chlo.broadcast_atan2", broadcasting<Meaning::Ratio>);
  broadcast("chlo.broadcast_compare", allUsed<broadcasting<Meaning::Ratio>, OperandUse::Ordered>);
  broadcast("chlo.broadcast_complex", broadcasting<Meaning::Equal>);
  broadcast("chlo.broadcast_divide", used<broadcasting<Meaning::Quotient>, OperandUse::Factor>);
  broadcast("chlo.broadcast_maximum", allUsed<broadcasting<Meaning::Equal>, OperandUse::Ordered>);
  broadcast("chlo.broadcast_minimum", allUsed<broadcasting<Meaning::Equal>, OperandUse::Ordered>);
  broadcast("chlo.broadcast_multiply", allUsed<broadcasting<Meaning::Product>, OperandUse::Factor>);
  broadcast("chlo.broadcast_next_after", broadcasting<Meaning::Dimensionless>);
  broadcast("chlo.broadcast_or", broadcasting<Meaning::Equal>);
  broadcast("chlo.broadcast_polygamma", broadcasting<Meaning::Dimensionless>);
  broadcast("chlo.broadcast_power", broadcasting<Meaning::Dimensionless>);
  broadcast("chlo.broadcast_remainder", broadcasting<Meaning::Equal>);
  broadcast("chlo.broadcast_select", used<broadcasting<Meaning::Select>, OperandUse::Opaque, OperandUse::Choice, OperandUse::Choice>);
  broadcast("chlo.broadcast_shift_left", broadcasting<Meaning::Equal>);
  broadcast("chlo.broadcast_shift_right_arithmetic", broadcasting<Meaning::Equal>);
  broadcast("chlo.broadcast_shift_right_logical", broadcasting<Meaning::Equal>);
  broadcast("chlo.broadcast_subtract", used<broadcasting<Meaning::Equal>, OperandUse::Plus, OperandUse::Minus>);
  broadcast("chlo.broadcast_xor", broadcasting<Meaning::Equal>);
  broadcast("chlo.broadcast_zeta", broadcasting<Meaning::Dimensionless>);
  registry.rule("chlo.conj", transformed);
  registry.rule("chlo.constant", scaleFree);
  registry.rule("chlo.constant_like", scaleFree);
  registry.rule("chlo.cosh", dimensionless);
  registry.rule("chlo.digamma", dimensionless);
  registry.rule("chlo.dynamic_reshape", used<reshape, OperandUse::Plus>, NeedsStaticShapes);
  registry.rule("chlo.erf", dimensionless);
  registry.rule("chlo.erf_inv", dimensionless);
  registry.rule("chlo.erfc", dimensionless);
  registry.rule("chlo.is_inf", scaleFree);
  registry.rule("chlo.is_neg_inf", scaleFree);
  registry.rule("chlo.is_pos_inf", scaleFree);
  registry.rule("chlo.lgamma", dimensionless);
  registry.barrier("chlo.minimum_broadcast_shapes", "shapes are values");
  registry.rule("chlo.next_after", dimensionless);
  registry.rule("chlo.polygamma", dimensionless);
  registry.barrier("chlo.ragged_dot", "which rows meet which matrices is data");
  registry.barrier("chlo.rank_specialization_cluster", "shapes are values");
  registry.structural("chlo.rank_specialization_cluster_yield", "terminator");
  registry.barrier("chlo.scan", "its body is not mapped");
  registry.rule("chlo.sinh", dimensionless);
  registry.rule("chlo.square", fixedPower<2>);
  registry.rule("chlo.tan", dimensionless);
  registry.rule("chlo.top_k", used<topK, OperandUse::Ordered>, ReadsTypes, "frozen along the last dimension");
  registry.rule("chlo.zeta", dimensionless);
}
