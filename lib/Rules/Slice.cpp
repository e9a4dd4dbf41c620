// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations that cut axes into pieces or join pieces: slices, concatenations, padding. Each piece
// is a factor of its own, so that each may have its own scale.

#include "DataMovement.h"

using namespace mlir;
using namespace noether;
using namespace noether::rules;

CutDims rules::frozenDims(RuleBuilder &rule) {
  int64_t whole = rule.factor(), piece = rule.factor();
  rule.frozen(whole).frozen(piece);
  return {whole, piece};
}

CutDims rules::cutDim(RuleBuilder &rule, int64_t low, int64_t size, int64_t high) {
  if (size == 0)
    return frozenDims(rule);
  SmallVector<Dim> pieces;
  if (low > 0)
    pieces.push_back(rule.factor(low));
  int64_t piece = rule.factor(size);
  pieces.push_back(piece);
  if (high > 0)
    pieces.push_back(rule.factor(high));
  return {Dim::concatenation(pieces), piece};
}

/// The slice of operand 0 between these dimensions; the other operands only say where.
static Answer sliceBetween(const Context &context, RuleBuilder &rule, const Dims &input,
                           const Dims &output) {
  rule.operand(0, input).result(0, output);
  for (unsigned i = 1; i < context.numOperands(); ++i)
    rule.operand(i, rule.factors(context.operandRank(i)));
  context.define(rule, 0, operand(0));
  return withUses(rule, context, {OperandUse::Plus});
}

Answer rules::sliceOf(const Context &context, ArrayRef<int64_t> offsets, ArrayRef<int64_t> sizes,
                      ArrayRef<int64_t> strides) {
  ArrayRef<int64_t> shape = context.operandShape(0);
  RuleBuilder rule = context.builder();
  Dims input, output;
  for (auto [whole, offset, size, stride] : llvm::zip_equal(shape, offsets, sizes, strides)) {
    // The last element taken must exist. None of these numbers is trusted: no product of them is
    // made.
    if (offset < 0 || size < 0 || stride < 1 || offset > whole ||
        (size > 0 && (offset >= whole || (whole - 1 - offset) / stride < size - 1)))
      return Answer::malformed("the slice is outside its operand");
    bool isContiguous = stride == 1 || size == 1;
    CutDims dims =
        isContiguous ? cutDim(rule, offset, size, whole - offset - size) : frozenDims(rule);
    input.push_back(dims.whole);
    output.push_back(dims.piece);
  }
  return sliceBetween(context, rule, input, output);
}

Answer rules::sliceSomewhere(const Context &context) {
  RuleBuilder rule = context.builder();
  Dims input, output;
  for (auto [whole, piece] : llvm::zip_equal(context.operandShape(0), context.resultShape(0))) {
    if (piece > whole)
      return Answer::malformed("the slice is larger than its operand");
    CutDims dims = whole == piece ? cutDim(rule, 0, whole, 0) : frozenDims(rule);
    input.push_back(dims.whole);
    output.push_back(dims.piece);
  }
  return sliceBetween(context, rule, input, output);
}

static Answer slice(const Context &context) {
  if (context.numOperands() != 1 || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  FailureOr<Indices> starts = context.attributes.integers("start_indices"),
                     limits = context.attributes.integers("limit_indices"),
                     strides = context.attributes.integersOr("strides",
                                                             Indices(context.operandRank(0), 1));
  size_t rank = context.operandRank(0);
  if (failed(starts) || failed(limits) || failed(strides) || starts->size() != rank ||
      limits->size() != rank || strides->size() != rank)
    return Answer::malformed("slice indices are missing or do not fit the operand");
  Indices sizes;
  for (auto [whole, start, limit, stride] :
       llvm::zip_equal(context.operandShape(0), *starts, *limits, *strides)) {
    if (start < 0 || limit < start || limit > whole || stride < 1)
      return Answer::malformed("the slice is outside its operand");
    sizes.push_back(start == limit ? 0 : (limit - start - 1) / stride + 1);
  }
  return sliceOf(context, *starts, sizes, *strides);
}

/// Bounds are operands.
static Answer realDynamicSlice(const Context &context) {
  if (context.numOperands() != 4 || context.numResults() != 1 ||
      context.operandRank(0) != context.resultRank(0))
    return context.wrongNumberOf("operands, results or dimensions");
  return sliceSomewhere(context);
}

Answer rules::padOf(const Context &context, unsigned value, ArrayRef<int64_t> low,
                    ArrayRef<int64_t> high, ArrayRef<int64_t> interior) {
  RuleBuilder rule = context.builder();
  Dims input, output;
  bool usesValue = false, isMixed = false;
  constexpr int64_t limit = int64_t(1) << 48;
  for (auto [size, before, after, between] :
       llvm::zip_equal(context.operandShape(0), low, high, interior)) {
    if (std::min(before, after) < -limit || std::max({before, after, between}) > limit ||
        between < 0)
      return Answer::malformed("padding is out of range");
    int64_t cutBefore = std::max<int64_t>(-before, 0), cutAfter = std::max<int64_t>(-after, 0);
    int64_t kept = size - cutBefore - cutAfter;
    bool isSpread = between > 0 && size > 1;
    usesValue |= before > 0 || after > 0 || isSpread || kept <= 0;
    if (isSpread || kept <= 0) {
      isMixed = true;
      CutDims dims = frozenDims(rule);
      input.push_back(dims.whole);
      output.push_back(dims.piece);
      continue;
    }
    int64_t piece = rule.factor(kept);
    auto join = [&](int64_t first, int64_t last) {
      SmallVector<Dim> pieces;
      if (first > 0)
        pieces.push_back(rule.factor(first));
      pieces.push_back(piece);
      if (last > 0)
        pieces.push_back(rule.factor(last));
      return Dim::concatenation(pieces);
    };
    input.push_back(join(cutBefore, cutAfter));
    output.push_back(join(std::max<int64_t>(before, 0), std::max<int64_t>(after, 0)));
  }
  rule.operand(0, input).result(0, output);
  context.define(rule, 0, operand(0));
  // Between spread elements one or the other shows; elsewhere each has pieces of its own.
  OperandUse use = isMixed ? OperandUse::Choice : OperandUse::Plus;
  SmallVector<OperandUse, 4> uses(context.numOperands(), OperandUse::Opaque);
  uses[0] = use;
  if (usesValue && context.isResultScaled(0)) {
    rule.equate(result(0), operand(value));
    uses[value] = use;
  }
  return withUses(rule, context, uses);
}

static Answer pad(const Context &context) {
  if (context.numOperands() != 2 || context.numResults() != 1 || context.operandRank(1) != 0)
    return context.wrongNumberOf("operands, results or dimensions");
  FailureOr<Indices> low = context.attributes.integers("edge_padding_low"),
                     high = context.attributes.integers("edge_padding_high"),
                     interior = context.attributes.integers("interior_padding");
  size_t rank = context.operandRank(0);
  if (failed(low) || failed(high) || failed(interior) || low->size() != rank ||
      high->size() != rank || interior->size() != rank)
    return Answer::malformed("padding is missing or does not fit the operand");
  return padOf(context, 1, *low, *high, *interior);
}

/// Amounts are operands.
static Answer dynamicPad(const Context &context) {
  if (context.numOperands() != 5 || context.numResults() != 1 ||
      context.operandRank(0) != context.resultRank(0) || context.operandRank(1) != 0)
    return context.wrongNumberOf("operands, results or dimensions");
  RuleBuilder rule = context.builder();
  Dims input, output;
  for (int64_t i = 0; i < context.operandRank(0); ++i) {
    CutDims dims = frozenDims(rule);
    input.push_back(dims.whole);
    output.push_back(dims.piece);
  }
  rule.operand(0, input).result(0, output);
  for (unsigned i = 2; i < context.numOperands(); ++i)
    rule.operand(i, rule.factors(context.operandRank(i)));
  context.define(rule, 0, operand(0));
  if (context.isResultScaled(0))
    rule.equate(result(0), operand(1));
  return withUses(rule, context, {OperandUse::Choice, OperandUse::Choice});
}

Answer rules::concatenateAlong(const Context &context, int64_t dimension) {
  if (context.numOperands() < 1 || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  int64_t rank = context.resultRank(0);
  if (dimension < 0 || dimension >= rank)
    return Answer::malformed("the dimension does not fit the result");
  RuleBuilder rule = context.builder();
  Dims output = rule.factors(rank);
  SmallVector<Dim> pieces;
  for (unsigned i = 0; i < context.numOperands(); ++i) {
    if (context.operandRank(i) != rank)
      return Answer::malformed("operand " + Twine(i) + " has another rank than the result");
    Dims input = output;
    int64_t size = context.operandShape(i)[dimension];
    int64_t piece = rule.factor(size);
    input[dimension] = piece;
    rule.operand(i, input);
    // An operand without elements says nothing.
    if (size == 0)
      continue;
    pieces.push_back(piece);
    context.define(rule, 0, operand(i));
  }
  if (pieces.empty())
    return Answer::barrier("no elements");
  output[dimension] = Dim::concatenation(pieces);
  rule.result(0, output);
  return withUses(rule, context,
                  SmallVector<OperandUse, 4>(context.numOperands(), OperandUse::Plus));
}

static Answer concatenate(const Context &context) {
  FailureOr<int64_t> dimension = context.attributes.integer("dimension");
  if (failed(dimension))
    return Answer::malformed("attribute 'dimension' is missing or cannot be read");
  return concatenateAlong(context, *dimension);
}

void rules::addSliceRules(Registry &registry) {
  registry.rule("stablehlo.concatenate", concatenate, ReadsAttributes | NeedsStaticShapes);
  registry.rule("stablehlo.dynamic_pad", dynamicPad, NeedsStaticShapes,
                "the amounts are not known: all dimensions are frozen");
  registry.rule("stablehlo.pad", pad, ReadsAttributes | NeedsStaticShapes,
                "interior padding freezes its dimension; negative padding cuts pieces off");
  registry.rule("stablehlo.real_dynamic_slice", realDynamicSlice, NeedsStaticShapes,
                "the bounds are not known: dimensions that change their size are frozen");
  registry.rule("stablehlo.slice", slice, ReadsAttributes | NeedsStaticShapes,
                "each piece is a factor of its own; strides freeze their dimension");
}
