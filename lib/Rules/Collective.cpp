// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Communication between devices. Each device holds the same program and the same fields. A
// dimension that is joined of the devices' pieces has the field of one of them over and over. (What
// they hold differs, so they are no copies: the results have their operand as a factor.)

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

/// A dimension that is `ways` times as long on one side: devices side by side, each with a piece.
struct DeviceDims {
  Dim joined, piece;
};

static DeviceDims deviceDims(RuleBuilder &rule, int64_t joined, int64_t piece) {
  if (joined == piece) {
    int64_t factor = rule.factor();
    return {factor, factor};
  }
  if (ShapedType::isDynamic(joined) || ShapedType::isDynamic(piece) || piece <= 0 ||
      joined % piece) {
    CutDims dims = frozenDims(rule);
    return {dims.whole, dims.piece};
  }
  int64_t device = rule.factor(joined / piece), own = rule.factor(piece);
  return {Dim::product({device, own}), own};
}

/// rN = oN for every operand, where the devices' pieces of the dimension `joining` are put together
/// and the dimension `splitting` is dealt out to them.
static FailureOr<RuleBuilder> passAcross(const Context &context, std::optional<int64_t> joining,
                                         std::optional<int64_t> splitting) {
  RuleBuilder rule = context.builder();
  for (unsigned i = 0; i < context.numOperands(); ++i) {
    int64_t rank = context.operandRank(i);
    if (context.resultRank(i) != rank)
      return failure();
    for (std::optional<int64_t> dimension : {joining, splitting})
      if (dimension && (*dimension < 0 || *dimension >= rank))
        return failure();
    Dims input = rule.factors(rank), output = input;
    if (joining && splitting == joining) {
      CutDims dims = frozenDims(rule);
      input[*joining] = dims.whole;
      output[*joining] = dims.piece;
    } else {
      if (joining) {
        DeviceDims dims =
            deviceDims(rule, context.resultShape(i)[*joining], context.operandShape(i)[*joining]);
        output[*joining] = dims.joined;
        input[*joining] = dims.piece;
      }
      if (splitting) {
        DeviceDims dims = deviceDims(rule, context.operandShape(i)[*splitting],
                                     context.resultShape(i)[*splitting]);
        input[*splitting] = dims.joined;
        output[*splitting] = dims.piece;
      }
    }
    rule.operand(i, input).result(i, output);
    context.define(rule, i, operand(i));
  }
  return rule;
}

/// The names of the attributes that hold the dimensions; none where there is no such dimension.
struct DimensionNames {
  StringRef joining, splitting;
};

static Answer collective(const Context &context, DimensionNames names) {
  if (context.numOperands() == 0 || context.numOperands() != context.numResults())
    return context.wrongNumberOf("operands or results");
  std::optional<int64_t> joining, splitting;
  for (auto [name, dimension] :
       {std::pair(names.joining, &joining), {names.splitting, &splitting}}) {
    if (name.empty())
      continue;
    FailureOr<int64_t> read = context.attributes.integer(name);
    if (failed(read))
      return Answer::malformed("attribute '" + name + "' is missing or cannot be read");
    *dimension = *read;
  }
  FailureOr<RuleBuilder> rule = passAcross(context, joining, splitting);
  if (failed(rule))
    return Answer::malformed("dimensions do not fit the operands");
  if (context.op->getNumRegions() == 1 && !addBody(*rule, context, context.op->getRegion(0)))
    return Answer::barrier("a body that is not made of scalar operations with rules");
  return *rule;
}

/// Each entry of the result is one of some device's operand. (Not a summand: what moves on one
/// device may move otherwise on another.)
static Answer moved(const Context &context, DimensionNames names) {
  return withUses(collective(context, names), context,
                  SmallVector<OperandUse, 4>(context.numOperands(), OperandUse::Factor));
}

/// A reduction over a group of devices, whose number the rule does not know.
static Answer reduced(const Context &context, DimensionNames names) {
  if (context.op->getNumRegions() != 1)
    return context.wrongNumberOf("regions");
  Answer answer = collective(context, names);
  if (context.numOperands() != 1)
    return answer;
  OperandUse use = reductionUse(context, context.op->getRegion(0), 1);
  return withUses(answer, context, {use == OperandUse::Plus ? OperandUse::Factor : use});
}

static Answer allGather(const Context &context) { return moved(context, {"all_gather_dim", ""}); }

static Answer allReduce(const Context &context) { return reduced(context, {"", ""}); }

static Answer allToAll(const Context &context) {
  return moved(context, {"concat_dimension", "split_dimension"});
}

static Answer reduceScatter(const Context &context) {
  return reduced(context, {"", "scatter_dimension"});
}

void rules::addCollectiveRules(Registry &registry) {
  constexpr StringLiteral joined =
      "a joined dimension has the field of a device's piece, over and over";
  registry.rule("stablehlo.all_gather", allGather, ReadsAttributes, joined);
  registry.rule("stablehlo.all_reduce", allReduce, ReadsRegions);
  registry.rule("stablehlo.all_to_all", allToAll, ReadsAttributes, joined);
  registry.rule("stablehlo.collective_broadcast", allUsed<passEach, OperandUse::Factor>, ReadsTypes,
                "devices outside the groups get zeros, which have every scale");
  registry.rule("stablehlo.collective_permute", allUsed<passEach, OperandUse::Factor>, ReadsTypes,
                "devices without a source get zeros, which have every scale");
  registry.rule("stablehlo.cross-replica-sum", allUsed<passEach, OperandUse::Factor>);
  registry.rule("stablehlo.partition_id", scaleFree);
  registry.rule("stablehlo.reduce_scatter", reduceScatter, ReadsAttributes | ReadsRegions, joined);
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
