// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reductions over windows, scatters to the selected element of a window, and sorting. Fields are
// constant along the dimensions in which elements meet.

#include "Reduction.h"

using namespace mlir;
using namespace noether;
using namespace noether::rules;

namespace {

/// The window of a pooling operation. Attributes that are absent have their neutral value.
struct PoolingWindow {
  Indices sizes, strides, baseDilations, windowDilations, padding;

  bool moves(unsigned dimension) const {
    return sizes[dimension] != 1 || strides[dimension] != 1 || baseDilations[dimension] != 1 ||
           padding[2 * dimension] != 0 || padding[2 * dimension + 1] != 0;
  }
};

FailureOr<PoolingWindow> readPoolingWindow(const Context &context, unsigned rank) {
  PoolingWindow window;
  auto read = [&](StringRef name, unsigned size, int64_t absent, Indices &values) {
    FailureOr<Indices> read = context.attributes.integersOr(name, Indices(size, absent));
    if (failed(read) || read->size() != size)
      return failure();
    values = *read;
    return success();
  };
  if (failed(read("window_dimensions", rank, 1, window.sizes)) ||
      failed(read("window_strides", rank, 1, window.strides)) ||
      failed(read("base_dilations", rank, 1, window.baseDilations)) ||
      failed(read("window_dilations", rank, 1, window.windowDilations)) ||
      failed(read("padding", 2 * rank, 0, window.padding)))
    return failure();
  return window;
}

/// Dimensions before and after: one factor where nothing moves, else a frozen factor on either
/// side.
std::pair<Dims, Dims> windowDims(RuleBuilder &rule, const PoolingWindow &window, unsigned rank) {
  std::pair<Dims, Dims> dims;
  for (unsigned d = 0; d < rank; ++d) {
    int64_t before = rule.factor(), after = before;
    if (window.moves(d)) {
      after = rule.factor();
      rule.frozen(before).frozen(after);
    }
    dims.first.push_back(before);
    dims.second.push_back(after);
  }
  return dims;
}

constexpr StringLiteral kUnknownBody = "a body that is not made of scalar operations with rules";

} // namespace

static Answer reduceWindow(const Context &context) {
  unsigned numInputs = context.numOperands() / 2;
  if (context.numOperands() != 2 * numInputs || numInputs == 0 ||
      context.numResults() != numInputs || context.op->getNumRegions() != 1)
    return context.wrongNumberOf("operands, results or regions");
  unsigned rank = context.operandRank(0);
  FailureOr<PoolingWindow> window = readPoolingWindow(context, rank);
  if (failed(window))
    return Answer::malformed("window attributes cannot be read or do not fit the operand");

  RuleBuilder rule = context.builder();
  auto [input, output] = windowDims(rule, *window, rank);
  for (unsigned i = 0; i < numInputs; ++i) {
    rule.operand(i, input).result(i, output);
    context.define(rule, i, operand(i));
    if (context.isResultScaled(i))
      rule.equate(result(i), operand(numInputs + i));
  }
  Region &body = context.op->getRegion(0);
  if (!addReductionEquations(rule, context, body, numInputs))
    return Answer::barrier(kUnknownBody);
  // How many elements meet in a window depends on where it is: sums are linear, no more.
  switch (reductionUse(context, body, numInputs)) {
  case OperandUse::Plus:
    return withUses(rule, context, {OperandUse::Factor});
  case OperandUse::Ordered:
    return withUses(rule, context, SmallVector<OperandUse>(2 * numInputs, OperandUse::Ordered));
  default:
    return rule;
  }
}

static Answer selectAndScatter(const Context &context) {
  if (context.numOperands() != 3 || context.numResults() != 1 || context.op->getNumRegions() != 2)
    return context.wrongNumberOf("operands, results or regions");
  unsigned rank = context.operandRank(0);
  FailureOr<PoolingWindow> window = readPoolingWindow(context, rank);
  if (failed(window))
    return Answer::malformed("window attributes cannot be read or do not fit the operand");

  // The operand decides where elements of the source go; it gives the result no scale.
  RuleBuilder rule = context.builder();
  auto [input, source] = windowDims(rule, *window, rank);
  rule.operand(0, input).operand(1, source).result(0, input);
  if (!context.isResultScaled(0))
    rule.vanish(result(0));
  else
    rule.equate(result(0), operand(1)).equate(result(0), operand(2));

  std::optional<Payload> select = composePayload(context.table, context.op->getRegion(0), {0, 0});
  std::optional<Payload> scatter = composePayload(context.table, context.op->getRegion(1), {0, 0});
  if (!select || !scatter || scatter->yields.size() != 1)
    return Answer::barrier(kUnknownBody);
  if (context.isResultScaled(0))
    scatter->require(scatter->yields[0], Form::unknown(0));
  if (!addConstraints(rule, *select, {UnknownTensors{operand(0), std::nullopt}}) ||
      !addConstraints(rule, *scatter, {UnknownTensors{operand(1), result(0)}}))
    return Answer::barrier(kUnknownBody);
  auto yields = composeDependences(context.table, context.op->getRegion(1));
  bool isSum = yields && yields->size() == 1 &&
               llvm::all_of((*yields)[0], [](Dependence d) { return d == Dependence::Plus; });
  if (!isSum)
    return rule;
  return withUses(rule, context, {OperandUse::Opaque, OperandUse::Factor, OperandUse::Plus});
}

/// Operands that are compared are in order, the others follow them.
static SmallVector<OperandUse> sortUses(const Context &context) {
  Region &body = context.op->getRegion(0);
  auto yields = composeDependences(context.table, body);
  if (!yields || yields->size() != 1 || (*yields)[0].size() != 2 * context.numOperands())
    return {};
  SmallVector<OperandUse> uses(context.numOperands(), OperandUse::Choice);
  llvm::SmallBitVector moved(2 * context.numOperands());
  for (unsigned i = 0; i < context.numOperands(); ++i) {
    bool isCompared = (*yields)[0][2 * i] != Dependence::None ||
                      (*yields)[0][2 * i + 1] != Dependence::None;
    if (!isCompared)
      continue;
    uses[i] = OperandUse::Ordered;
    if (context.isOperandScaled(i))
      moved.set(2 * i).set(2 * i + 1);
  }
  if (composeOrder(context.table, body, moved) != llvm::SmallBitVector(1))
    return {};
  return uses;
}

static Answer sort(const Context &context) {
  if (context.numOperands() != context.numResults() || context.numOperands() == 0 ||
      context.op->getNumRegions() != 1)
    return context.wrongNumberOf("operands, results or regions");
  int64_t rank = context.operandRank(0);
  FailureOr<int64_t> dimension = context.attributes.integerOr("dimension", -1);
  if (failed(dimension) || *dimension < -rank || *dimension >= rank)
    return Answer::malformed("attribute 'dimension' does not fit the operand");
  int64_t sorted = *dimension < 0 ? *dimension + rank : *dimension;

  RuleBuilder rule = context.builder();
  Dims input = rule.factors(rank), output = input;
  int64_t before = rule.factor(), after = rule.factor();
  input[sorted] = before;
  output[sorted] = after;
  rule.frozen(before).frozen(after);
  SmallVector<unsigned> unknowns;
  SmallVector<UnknownTensors> tensors;
  for (unsigned i = 0; i < context.numOperands(); ++i) {
    rule.operand(i, input).result(i, output);
    context.define(rule, i, operand(i));
    unknowns.append(2, i);
    tensors.push_back({operand(i), std::nullopt});
  }
  std::optional<Payload> payload =
      composePayload(context.table, context.op->getRegion(0), unknowns);
  if (!payload || !addConstraints(rule, *payload, tensors))
    return Answer::barrier(kUnknownBody);
  return withUses(rule, context, sortUses(context));
}

void rules::addWindowRules(Registry &registry) {
  constexpr StringLiteral frozen = "frozen along the dimensions in which the window moves";
  registry.rule("stablehlo.reduce_window", reduceWindow, ReadsAttributes | ReadsRegions, frozen);
  registry.rule("stablehlo.select_and_scatter", selectAndScatter, ReadsAttributes | ReadsRegions,
                frozen);
  registry.rule("stablehlo.sort", sort, ReadsAttributes | ReadsRegions,
                "frozen along the sorted dimension");
}
