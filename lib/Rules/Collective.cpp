// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Communication between devices. Each device holds the same program and the same fields; dimensions
// that are gathered or scattered mix the devices' pieces and are frozen.

#include "DataMovement.h"
#include "Elementwise.h"
#include "Payload.h"

using namespace mlir;
using namespace noether;
using namespace noether::rules;

/// Requires the body, applied to two values of one scale, to return this scale, for every operand.
/// False if the body is not made of scalar operations with rules.
static bool addBody(RuleBuilder &rule, const Context &context, Region &body) {
  for (unsigned i = 0; i < context.numOperands(); ++i) {
    if (!context.isOperandScaled(i))
      continue;
    std::optional<Payload> payload = composePayload(context.table, body, {0, 0});
    if (!payload || payload->yields.size() != 1)
      return false;
    payload->require(payload->yields[0], Form::unknown(0));
    if (!addConstraints(rule, *payload, {UnknownTensors{operand(i), result(i)}}))
      return false;
  }
  return true;
}

/// rN = oN for every operand; `frozen` dimensions do not correspond.
static FailureOr<RuleBuilder> passExcept(const Context &context, ArrayRef<int64_t> frozen) {
  RuleBuilder rule = context.builder();
  for (unsigned i = 0; i < context.numOperands(); ++i) {
    int64_t rank = context.operandRank(i);
    if (context.resultRank(i) != rank)
      return failure();
    Dims input = rule.factors(rank), output = input;
    for (int64_t dimension : frozen) {
      if (dimension < 0 || dimension >= rank)
        return failure();
      CutDims dims = frozenDims(rule);
      input[dimension] = dims.whole;
      output[dimension] = dims.piece;
    }
    rule.operand(i, input).result(i, output);
    context.define(rule, i, operand(i));
  }
  return rule;
}

static Answer collective(const Context &context, ArrayRef<StringRef> dimensionNames) {
  if (context.numOperands() == 0 || context.numOperands() != context.numResults())
    return context.wrongNumberOf("operands or results");
  SmallVector<int64_t> frozen;
  for (StringRef name : dimensionNames) {
    FailureOr<int64_t> dimension = context.attributes.integer(name);
    if (failed(dimension))
      return Answer::malformed("attribute '" + name + "' is missing or cannot be read");
    frozen.push_back(*dimension);
  }
  FailureOr<RuleBuilder> rule = passExcept(context, frozen);
  if (failed(rule))
    return Answer::malformed("dimensions do not fit the operands");
  if (context.op->getNumRegions() == 1 && !addBody(*rule, context, context.op->getRegion(0)))
    return Answer::barrier("a body that is not made of scalar operations with rules");
  return *rule;
}

/// Each entry of the result is one of some device's operand. (Not a summand: what moves on one device
/// may move otherwise on another.)
static Answer moved(const Context &context, ArrayRef<StringRef> dimensionNames) {
  return withUses(collective(context, dimensionNames), context,
                  SmallVector<OperandUse, 4>(context.numOperands(), OperandUse::Factor));
}

/// A reduction over a group of devices, whose number the rule does not know.
static Answer reduced(const Context &context, ArrayRef<StringRef> dimensionNames) {
  if (context.op->getNumRegions() != 1)
    return context.wrongNumberOf("regions");
  Answer answer = collective(context, dimensionNames);
  if (context.numOperands() != 1)
    return answer;
  OperandUse use = reductionUse(context, context.op->getRegion(0), 1);
  return withUses(answer, context, {use == OperandUse::Plus ? OperandUse::Factor : use});
}

static Answer allGather(const Context &context) { return moved(context, {"all_gather_dim"}); }

static Answer allReduce(const Context &context) { return reduced(context, {}); }

static Answer allToAll(const Context &context) {
  return moved(context, {"split_dimension", "concat_dimension"});
}

static Answer reduceScatter(const Context &context) {
  return reduced(context, {"scatter_dimension"});
}

void rules::addCollectiveRules(Registry &registry) {
  constexpr StringLiteral frozen = "frozen along the dimensions that are split or joined";
  registry.rule("stablehlo.all_gather", allGather, ReadsAttributes, frozen);
  registry.rule("stablehlo.all_reduce", allReduce, ReadsRegions);
  registry.rule("stablehlo.all_to_all", allToAll, ReadsAttributes, frozen);
  registry.rule("stablehlo.collective_broadcast", allUsed<passEach, OperandUse::Factor>, ReadsTypes,
                "devices outside the groups get zeros, which have every scale");
  registry.rule("stablehlo.collective_permute", allUsed<passEach, OperandUse::Factor>, ReadsTypes,
                "devices without a source get zeros, which have every scale");
  registry.rule("stablehlo.cross-replica-sum", allUsed<passEach, OperandUse::Factor>);
  registry.rule("stablehlo.partition_id", scaleFree);
  registry.rule("stablehlo.reduce_scatter", reduceScatter, ReadsAttributes | ReadsRegions, frozen);
  registry.rule("stablehlo.replica_id", scaleFree);

  // Operations on tensors as all devices see them together: how they are laid out does not matter.
  registry.rule("sdy.all_gather", copied);
  registry.rule("sdy.all_reduce", pass);
  registry.rule("sdy.all_slice", copied);
  registry.rule("sdy.all_to_all", copied);
  registry.rule("sdy.collective_permute", copied);
  registry.rule("sdy.constant", scaleFree);
  registry.rule("sdy.data_flow_edge", copied);
  registry.rule("sdy.propagation_barrier", copied);
  registry.rule("sdy.reduce_scatter", pass);
  registry.rule("sdy.reshard", copied);
  registry.rule("sdy.sharding_constraint", copied);
  registry.rule("sdy.sharding_group", scaleFree);
}
