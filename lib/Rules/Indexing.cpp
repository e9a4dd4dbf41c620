// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations whose positions are data. A dimension that is taken whole passes; along an indexed one
// the field is constant: pulled back along the index it would be a function of the data.

#include "DataMovement.h"
#include "Payload.h"

#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using namespace noether;
using namespace noether::rules;

namespace {

/// A set of dimensions below `rank`; nothing if some is out of range or occurs twice.
std::optional<llvm::SmallBitVector> dimensionSet(ArrayRef<int64_t> dimensions, int64_t rank) {
  llvm::SmallBitVector set(rank);
  for (int64_t dimension : dimensions) {
    if (dimension < 0 || dimension >= rank || set.test(dimension))
      return std::nullopt;
    set.set(dimension);
  }
  return set;
}

bool overlap(const llvm::SmallBitVector &a, const llvm::SmallBitVector &b) {
  return a.anyCommon(b);
}

Answer outOfRange() { return Answer::malformed("dimension numbers do not fit the operands"); }

/// The factors of an operand of positions and of the dimensions they are looked up by: one for each
/// dimension but that of the index vector, in order.
struct PositionDims {
  Dims operand;
  SmallVector<int64_t> batch;
  /// For each dimension of the operand, its place among the batch dimensions, or -1.
  SmallVector<int64_t> place;
};

std::optional<PositionDims> positionDims(RuleBuilder &rule, int64_t rank, int64_t indexVector) {
  if (indexVector < 0 || indexVector > rank)
    return std::nullopt;
  PositionDims dims;
  for (int64_t d = 0; d < rank; ++d) {
    int64_t factor = rule.factor();
    dims.operand.push_back(factor);
    dims.place.push_back(d == indexVector ? -1 : static_cast<int64_t>(dims.batch.size()));
    if (d != indexVector)
      dims.batch.push_back(factor);
  }
  return dims;
}

} // namespace

//===-- Gather ------------------------------------------------------------------------------===//

static Answer gather(const Context &context) {
  if (context.numOperands() != 2 || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  FailureOr<GatherDimensions> numbers = context.attributes.gather("dimension_numbers");
  FailureOr<Indices> sizes = context.attributes.integers("slice_sizes");
  if (failed(numbers) || failed(sizes))
    return Answer::malformed(
        "attribute 'dimension_numbers' or 'slice_sizes' is missing or cannot be read");
  ArrayRef<int64_t> shape = context.operandShape(0);
  int64_t rank = shape.size(), resultRank = context.resultRank(0);
  auto collapsed = dimensionSet(numbers->collapsed, rank),
       batching = dimensionSet(numbers->operandBatching, rank),
       indicesBatching = dimensionSet(numbers->indicesBatching, context.operandRank(1)),
       offset = dimensionSet(numbers->offset, resultRank),
       indexed = dimensionSet(numbers->startIndexMap, rank);
  if (static_cast<int64_t>(sizes->size()) != rank || !collapsed || !batching || !indicesBatching ||
      !offset || !indexed || overlap(*collapsed, *batching) ||
      numbers->operandBatching.size() != numbers->indicesBatching.size())
    return outOfRange();

  RuleBuilder rule = context.builder();
  std::optional<PositionDims> positions =
      positionDims(rule, context.operandRank(1), numbers->indexVector);
  if (!positions)
    return outOfRange();

  // The result: offset dimensions in the order of the operand's, batch dimensions between them.
  Dims input(rank), output(resultRank);
  Indices offsets = numbers->offset, batches;
  llvm::sort(offsets);
  for (int64_t d = 0; d < resultRank; ++d)
    if (!offset->test(d))
      batches.push_back(d);
  if (batches.size() != positions->batch.size())
    return outOfRange();
  for (auto [d, factor] : llvm::zip_equal(batches, positions->batch))
    output[d] = factor;

  for (auto [operandDim, indicesDim] :
       llvm::zip_equal(numbers->operandBatching, numbers->indicesBatching)) {
    int64_t place = positions->place[indicesDim];
    if (place < 0)
      return outOfRange();
    input[operandDim] = positions->batch[place];
  }
  size_t nextOffset = 0;
  for (int64_t d = 0; d < rank; ++d) {
    if (batching->test(d))
      continue;
    int64_t size = (*sizes)[d];
    if (size < 0 || size > shape[d])
      return outOfRange();
    // Positions are clamped, so that a slice of full size starts at 0.
    int64_t before = rule.factor();
    input[d] = before;
    bool isWhole = size == shape[d];
    if (!isWhole)
      rule.frozen(before);
    if (collapsed->test(d)) {
      if (size > 1)
        return outOfRange();
      continue;
    }
    if (nextOffset == offsets.size())
      return outOfRange();
    int64_t after = isWhole ? before : rule.factor();
    output[offsets[nextOffset++]] = after;
    if (!isWhole)
      rule.frozen(after);
  }
  if (nextOffset != offsets.size())
    return outOfRange();
  rule.operand(0, input).operand(1, positions->operand).result(0, output);
  context.define(rule, 0, operand(0));
  return withUses(rule, context, {OperandUse::Plus});
}

/// The slice sizes are an operand: nothing is known to be whole.
static Answer dynamicGather(const Context &context) {
  if (context.numOperands() != 3 || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  RuleBuilder rule = context.builder();
  for (unsigned i = 0; i < 3; ++i) {
    Dims dims;
    for (int64_t d = 0; d < context.operandRank(i); ++d) {
      int64_t factor = rule.factor();
      dims.push_back(factor);
      if (i == 0)
        rule.frozen(factor);
    }
    rule.operand(i, dims);
  }
  rule.result(0, rule.factors(context.resultRank(0)));
  context.define(rule, 0, operand(0));
  return withUses(rule, context, {OperandUse::Plus});
}

/// Along one dimension, elements are picked by position.
static Answer torchIndexSelect(const Context &context) {
  FailureOr<int64_t> dimension = context.attributes.integer("dim"),
                     batchDims = context.attributes.integerOr("batch_dims", 0);
  if (context.numOperands() != 2 || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  int64_t rank = context.operandRank(0), indexRank = context.operandRank(1);
  if (failed(dimension) || failed(batchDims))
    return Answer::malformed("attributes 'dim' and 'batch_dims' cannot be read");
  int64_t d = *dimension < 0 ? *dimension + rank : *dimension;
  int64_t batch = *batchDims < 0 ? *batchDims + indexRank : *batchDims;
  if (d < 0 || d >= rank || batch < 0 || batch > d || batch > indexRank)
    return outOfRange();
  RuleBuilder rule = context.builder();
  Dims input = rule.factors(rank), index(input.begin(), input.begin() + batch), output;
  Dims more = rule.factors(indexRank - batch);
  index.append(more.begin(), more.end());
  output.append(input.begin(), input.begin() + d);
  output.append(more.begin(), more.end());
  output.append(input.begin() + d + 1, input.end());
  int64_t picked = rule.factor();
  input[d] = picked;
  rule.frozen(picked).operand(0, input).operand(1, index).result(0, output);
  context.define(rule, 0, operand(0));
  return withUses(rule, context, {OperandUse::Plus});
}

//===-- Scatter -----------------------------------------------------------------------------===//

/// How a scatter of one tensor uses its operands. How many updates meet in one place is data.
static SmallVector<OperandUse> scatterUses(const Context &context) {
  Region &body = context.op->getRegion(0);
  if (context.numResults() != 1 || body.getNumArguments() != 2)
    return {};
  auto yields = composeDependences(context.table, body);
  if (!yields || yields->size() != 1)
    return {};
  Dependence input = (*yields)[0][0], update = (*yields)[0][1];
  if (input == Dependence::None && update == Dependence::Plus)
    return {OperandUse::Choice, OperandUse::Opaque, OperandUse::Choice};
  if (input == Dependence::Plus && update != Dependence::None && update != Dependence::Other)
    return {OperandUse::Plus, OperandUse::Opaque, OperandUse::Factor};
  if (composeOrder(context.table, body, llvm::SmallBitVector(2, true)) ==
      llvm::SmallBitVector(1, true))
    return {OperandUse::Ordered, OperandUse::Opaque, OperandUse::Ordered};
  return {};
}

static Answer scatter(const Context &context) {
  unsigned numInputs = context.numResults();
  if (numInputs == 0 || context.numOperands() != 2 * numInputs + 1 ||
      context.op->getNumRegions() != 1)
    return context.wrongNumberOf("operands, results or regions");
  FailureOr<ScatterDimensions> numbers = context.attributes.scatter("scatter_dimension_numbers");
  if (failed(numbers))
    return Answer::malformed("attribute 'scatter_dimension_numbers' is missing or cannot be read");
  unsigned indices = numInputs, firstUpdate = numInputs + 1;
  ArrayRef<int64_t> shape = context.operandShape(0), update = context.operandShape(firstUpdate);
  int64_t rank = shape.size(), updateRank = update.size();
  auto inserted = dimensionSet(numbers->insertedWindow, rank),
       batching = dimensionSet(numbers->inputBatching, rank),
       indicesBatching = dimensionSet(numbers->indicesBatching, context.operandRank(indices)),
       window = dimensionSet(numbers->updateWindow, updateRank),
       indexed = dimensionSet(numbers->scatterToOperand, rank);
  if (!inserted || !batching || !indicesBatching || !window || !indexed ||
      overlap(*inserted, *batching) ||
      numbers->inputBatching.size() != numbers->indicesBatching.size())
    return outOfRange();

  RuleBuilder rule = context.builder();
  std::optional<PositionDims> positions =
      positionDims(rule, context.operandRank(indices), numbers->indexVector);
  if (!positions)
    return outOfRange();
  Dims input(rank), updates(updateRank);
  Indices windows = numbers->updateWindow, batches;
  llvm::sort(windows);
  for (int64_t d = 0; d < updateRank; ++d)
    if (!window->test(d))
      batches.push_back(d);
  if (batches.size() != positions->batch.size())
    return outOfRange();
  for (auto [d, factor] : llvm::zip_equal(batches, positions->batch))
    updates[d] = factor;
  llvm::SmallBitVector isBatching(batches.size());
  for (auto [inputDim, indicesDim] :
       llvm::zip_equal(numbers->inputBatching, numbers->indicesBatching)) {
    int64_t place = positions->place[indicesDim];
    if (place < 0)
      return outOfRange();
    input[inputDim] = positions->batch[place];
    isBatching.set(place);
  }
  // Updates at one place are summed.
  for (auto [place, factor] : llvm::enumerate(positions->batch))
    if (!isBatching.test(place))
      rule.sum(factor);
  size_t nextWindow = 0;
  for (int64_t d = 0; d < rank; ++d) {
    if (batching->test(d))
      continue;
    int64_t factor = rule.factor();
    input[d] = factor;
    if (inserted->test(d)) {
      if (shape[d] != 1)
        rule.frozen(factor);
      continue;
    }
    if (nextWindow == windows.size())
      return outOfRange();
    int64_t updateDim = windows[nextWindow++];
    // Updates out of bounds are dropped, not clamped: a window of full size may still be moved.
    if (update[updateDim] == shape[d] && (!indexed->test(d) || shape[d] == 1)) {
      updates[updateDim] = factor;
    } else {
      int64_t piece = rule.factor();
      updates[updateDim] = piece;
      rule.frozen(factor).frozen(piece);
    }
  }
  if (nextWindow != windows.size())
    return outOfRange();

  // The body combines an element of the input with one of the update; the result keeps the input's
  // scale, as elements that are not updated do.
  rule.operand(indices, positions->operand);
  SmallVector<unsigned> unknowns;
  SmallVector<UnknownTensors> tensors;
  for (unsigned i = 0; i < numInputs; ++i) {
    rule.operand(i, input).operand(firstUpdate + i, updates).result(i, input);
    context.define(rule, i, operand(i));
    tensors.push_back({std::nullopt, result(i)});
  }
  for (unsigned i = 0; i < numInputs; ++i)
    tensors.push_back({operand(firstUpdate + i), std::nullopt});
  for (unsigned argument = 0; argument < 2 * numInputs; ++argument)
    unknowns.push_back(argument);
  std::optional<Payload> payload =
      composePayload(context.table, context.op->getRegion(0), unknowns);
  if (!payload || payload->yields.size() != numInputs)
    return Answer::barrier("a body that is not made of scalar operations with rules");
  for (unsigned i = 0; i < numInputs; ++i)
    if (context.isResultScaled(i))
      payload->require(payload->yields[i], Form::unknown(i));
  if (!addConstraints(rule, *payload, tensors))
    return Answer::barrier("large exponents");
  return withUses(rule, context, scatterUses(context));
}

//===-- Slices at positions that are data ---------------------------------------------------===//

static Answer dynamicSlice(const Context &context) {
  if (context.numOperands() < 1 || context.numResults() != 1 ||
      context.operandRank(0) != context.resultRank(0))
    return context.wrongNumberOf("operands, results or dimensions");
  return sliceSomewhere(context);
}

static Answer dynamicUpdateSlice(const Context &context) {
  if (context.numOperands() < 2 || context.numResults() != 1 ||
      context.operandRank(0) != context.operandRank(1) ||
      context.operandRank(0) != context.resultRank(0))
    return context.wrongNumberOf("operands, results or dimensions");
  RuleBuilder rule = context.builder();
  Dims input, update;
  bool isWhole = true;
  for (auto [whole, piece] : llvm::zip_equal(context.operandShape(0), context.operandShape(1))) {
    if (piece > whole)
      return Answer::malformed("the update is larger than its operand");
    CutDims dims = whole == piece ? cutDim(rule, 0, whole, 0) : frozenDims(rule);
    isWhole &= whole == piece;
    input.push_back(dims.whole);
    update.push_back(dims.piece);
  }
  rule.operand(0, input).operand(1, update).result(0, input);
  for (unsigned i = 2; i < context.numOperands(); ++i)
    rule.operand(i, rule.factors(context.operandRank(i)));
  // An update of full size leaves nothing of the operand.
  if (!isWhole)
    context.define(rule, 0, operand(0));
  context.define(rule, 0, operand(1));
  if (isWhole)
    return withUses(rule, context, {OperandUse::Opaque, OperandUse::Plus});
  return withUses(rule, context, {OperandUse::Choice, OperandUse::Choice});
}

void rules::addIndexingRules(Registry &registry) {
  constexpr StringLiteral frozen = "frozen along the indexed dimensions";
  registry.rule("stablehlo.dynamic_gather", dynamicGather, NeedsStaticShapes,
                "the slice sizes are not known: all dimensions are frozen");
  registry.rule("stablehlo.dynamic_slice", dynamicSlice, NeedsStaticShapes, frozen);
  registry.rule("stablehlo.dynamic_update_slice", dynamicUpdateSlice, NeedsStaticShapes, frozen);
  registry.rule("stablehlo.gather", gather, ReadsAttributes | NeedsStaticShapes, frozen);
  registry.rule("stablehlo.scatter", scatter, ReadsAttributes | ReadsRegions | NeedsStaticShapes,
                frozen);
  registry.rule("stablehlo.torch_index_select", torchIndexSelect,
                ReadsAttributes | NeedsStaticShapes, frozen);
}
