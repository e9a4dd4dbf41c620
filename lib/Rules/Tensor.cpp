// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tensor dialect. Its operations are read through their classes: the dialect is always linked.

#include "DataMovement.h"
#include "Elementwise.h"
#include "noether/Rules/ConstantFold.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace noether;
using namespace noether::rules;

/// Own factors for the remaining (integer) operands.
static void addIndexOperands(RuleBuilder &rule, const Context &context, unsigned first) {
  for (unsigned i = first; i < context.numOperands(); ++i)
    rule.operand(i, rule.factors(context.operandRank(i)));
}

/// One dimension of a slice: `size` elements of `whole` from `offset` on, or frozen if the numbers
/// are not known or the elements are not neighbours.
static CutDims sliceDim(RuleBuilder &rule, int64_t whole, int64_t offset, int64_t size,
                        int64_t stride) {
  bool isKnown = !ShapedType::isDynamic(offset) && !ShapedType::isDynamic(size) &&
                 !ShapedType::isDynamic(stride);
  if (!isKnown || (stride != 1 && size != 1) || offset < 0 || size < 0 || offset > whole - size)
    return frozenDims(rule);
  return cutDim(rule, offset, size, whole - offset - size);
}

/// The dimensions of the whole and the piece of a slice operation; `pieceRank` may be smaller by
/// dropped dimensions of size 1.
template <typename SliceOp>
static std::pair<Dims, Dims> sliceDims(RuleBuilder &rule, SliceOp op, ArrayRef<int64_t> whole) {
  std::pair<Dims, Dims> dims;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  for (auto [d, size] : llvm::enumerate(whole)) {
    // A dimension that is dropped cannot say which piece of the whole it was.
    CutDims cut = dropped.test(d) && size != 1
                      ? frozenDims(rule)
                      : sliceDim(rule, size, op.getStaticOffsets()[d], op.getStaticSizes()[d],
                                 op.getStaticStrides()[d]);
    dims.first.push_back(cut.whole);
    if (!dropped.test(d))
      dims.second.push_back(cut.piece);
  }
  return dims;
}

static Answer cast(const Context &context) { return copiedEach(context); }

static Answer concat(const Context &context) {
  auto op = llvm::cast<tensor::ConcatOp>(context.op);
  return concatenateAlong(context, op.getDim());
}

/// A number per index: the field is constant along what is indexed.
static Answer extract(const Context &context) {
  RuleBuilder rule = context.builder();
  Dims dims;
  for (int64_t d = 0; d < context.operandRank(0); ++d) {
    int64_t factor = rule.factor();
    rule.frozen(factor);
    dims.push_back(factor);
  }
  rule.operand(0, dims);
  addIndexOperands(rule, context, 1);
  context.define(rule, 0, operand(0));
  return withUses(rule, context, {OperandUse::Plus});
}

static Answer extractSlice(const Context &context) {
  auto op = llvm::cast<tensor::ExtractSliceOp>(context.op);
  RuleBuilder rule = context.builder();
  auto [whole, piece] = sliceDims(rule, op, context.operandShape(0));
  rule.operand(0, whole).result(0, piece);
  addIndexOperands(rule, context, 1);
  context.define(rule, 0, operand(0));
  return withUses(rule, context, {OperandUse::Plus});
}

static Answer fromElements(const Context &context) {
  RuleBuilder rule = context.builder();
  rule.result(0, rule.factors(context.resultRank(0)));
  if (!context.isResultScaled(0) || context.numOperands() == 0)
    rule.vanish(result(0));
  else
    for (unsigned i = 0; i < context.numOperands(); ++i)
      rule.equate(result(0), operand(i));
  return withUses(rule, context,
                  SmallVector<OperandUse, 4>(context.numOperands(), OperandUse::Choice));
}

static Answer insert(const Context &context) {
  RuleBuilder rule = context.builder();
  Dims dims;
  for (int64_t d = 0; d < context.operandRank(1); ++d) {
    int64_t factor = rule.factor();
    rule.frozen(factor);
    dims.push_back(factor);
  }
  rule.operand(1, dims).result(0, dims);
  addIndexOperands(rule, context, 2);
  context.define(rule, 0, operand(0));
  context.define(rule, 0, operand(1));
  return withUses(rule, context, {OperandUse::Choice, OperandUse::Choice});
}

static Answer insertSlice(const Context &context) {
  auto op = llvm::cast<tensor::InsertSliceOp>(context.op);
  RuleBuilder rule = context.builder();
  auto dims = sliceDims(rule, op, context.operandShape(1));
  Dims whole = dims.first;
  bool isWhole = true;
  for (auto [d, size] : llvm::enumerate(context.operandShape(1))) {
    // Outside the piece the destination shows.
    bool coversDim = op.getStaticOffsets()[d] == 0 && op.getStaticSizes()[d] == size &&
                     op.getStaticStrides()[d] == 1;
    isWhole &= coversDim;
  }
  rule.operand(0, dims.second).operand(1, whole).result(0, whole);
  addIndexOperands(rule, context, 2);
  if (!isWhole)
    context.define(rule, 0, operand(1));
  context.define(rule, 0, operand(0));
  return withUses(rule, context, {OperandUse::Choice, OperandUse::Choice});
}

static Answer pad(const Context &context) {
  auto op = llvm::cast<tensor::PadOp>(context.op);
  Value padding = op.getConstantPaddingValue();
  std::optional<double> number = padding ? traceSplat(padding) : std::nullopt;
  // Only zeros and infinities have any scale; another constant has none.
  if (!padding || !number)
    return Answer::barrier("padding that is not a constant");
  bool isFree = *number == 0 || !std::isfinite(*number), isMixed = false;
  RuleBuilder rule = context.builder();
  Dims before, after;
  for (auto [size, low, high] :
       llvm::zip_equal(context.operandShape(0), op.getStaticLow(), op.getStaticHigh())) {
    bool isFrozen =
        ShapedType::isDynamic(low) || ShapedType::isDynamic(high) || low < 0 || high < 0 || size == 0;
    isMixed |= isFrozen;
    CutDims dims = isFrozen ? frozenDims(rule) : cutDim(rule, low, size, high);
    before.push_back(dims.piece);
    after.push_back(dims.whole);
  }
  rule.operand(0, before).result(0, after);
  addIndexOperands(rule, context, 1);
  context.define(rule, 0, operand(0));
  if (!isFree)
    rule.vanish(result(0));
  // Other numbers than zero are added.
  if (*number != 0)
    return rule;
  return withUses(rule, context, {isMixed ? OperandUse::Factor : OperandUse::Plus});
}

/// expand_shape and collapse_shape; dimensions as operands are integers.
static Answer regroup(const Context &context) {
  RuleBuilder rule = context.builder();
  auto [input, output] = reshapeDims(rule, context.operandShape(0), context.resultShape(0));
  rule.operand(0, input).result(0, output);
  addIndexOperands(rule, context, 1);
  context.define(rule, 0, operand(0));
  return withUses(rule, context, {OperandUse::Plus});
}

static Answer splat(const Context &context) {
  RuleBuilder rule = context.builder();
  rule.result(0, rule.factors(context.resultRank(0)));
  addIndexOperands(rule, context, 1);
  context.define(rule, 0, operand(0));
  return withUses(rule, context, {OperandUse::Plus});
}

void rules::addTensorRules(Registry &registry) {
  constexpr StringLiteral indexed = "frozen along the indexed dimensions";
  registry.barrier("tensor.bitcast", "bit patterns have no scale");
  registry.rule("tensor.cast", ::cast);
  registry.rule("tensor.collapse_shape", regroup, NeedsStaticShapes);
  registry.rule("tensor.concat", concat, ReadsAttributes | NeedsStaticShapes);
  registry.rule("tensor.dim", independent);
  registry.rule("tensor.empty", independent);
  registry.rule("tensor.expand_shape", regroup, NeedsStaticShapes);
  registry.rule("tensor.extract", extract, ReadsTypes, indexed);
  registry.rule("tensor.extract_slice", extractSlice, ReadsAttributes | NeedsStaticShapes,
                "each piece is a factor of its own; strides freeze their dimension");
  registry.rule("tensor.from_elements", fromElements);
  registry.barrier("tensor.gather", "its positions are data and its dimensions are not followed");
  registry.barrier("tensor.generate", "its body is not mapped");
  registry.rule("tensor.insert", insert, ReadsTypes, indexed);
  registry.rule("tensor.insert_slice", insertSlice, ReadsAttributes | NeedsStaticShapes);
  registry.rule("tensor.pad", pad, ReadsAttributes | ReadsRegions | NeedsStaticShapes,
                "padding with zeros or infinities has any scale, with other constants none");
  registry.rule("tensor.rank", independent);
  registry.rule("tensor.reshape", used<reshape, OperandUse::Plus>, NeedsStaticShapes);
  registry.barrier("tensor.scatter", "its positions are data and its dimensions are not followed");
  registry.rule("tensor.splat", splat);
}
