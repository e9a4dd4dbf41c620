// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolutions. Channels are contracted and batches pass as in a product of matrices; space is
// mixed, so that fields are constant along it, except where the window does not move (a 1x1 kernel)
// or covers everything (a dense layer written as a convolution).

#include "Registry.h"

using namespace mlir;
using namespace noether;
using namespace noether::rules;

namespace {

/// The window of a convolution, by spatial dimension. The padding is empty if it is not known.
struct Window {
  Indices strides, padding, lhsDilation, rhsDilation, reversal;
};

FailureOr<Window> readWindow(const Context &context, unsigned numSpatial, bool hasStaticPadding) {
  const AttributeReader &attributes = context.attributes;
  Window window;
  auto read = [&](StringRef name, unsigned size, int64_t absent, Indices &values) {
    FailureOr<Indices> read = attributes.integersOr(name, Indices(size, absent));
    if (failed(read) || read->size() != size)
      return failure();
    values = *read;
    return success();
  };
  if (failed(read("window_strides", numSpatial, 1, window.strides)) ||
      failed(read("lhs_dilation", numSpatial, 1, window.lhsDilation)) ||
      failed(read("rhs_dilation", numSpatial, 1, window.rhsDilation)) ||
      failed(read("window_reversal", numSpatial, 0, window.reversal)) ||
      (hasStaticPadding && failed(read("padding", 2 * numSpatial, 0, window.padding))))
    return failure();
  return window;
}

/// A dimension of size `outer * inner` as the product of two factors.
struct GroupedDim {
  RuleBuilder &rule;
  int64_t group, groupSize;

  Dim with(int64_t factor, int64_t size) const {
    if (groupSize == 1)
      return factor;
    return size == 1 ? Dim(group) : Dim::product({group, factor});
  }
};

} // namespace

static Answer convolve(const Context &context, bool hasStaticPadding) {
  if (context.numOperands() != (hasStaticPadding ? 2 : 3) || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  FailureOr<ConvolutionDimensions> numbers = context.attributes.convolution("dimension_numbers");
  if (failed(numbers))
    return Answer::malformed("attribute 'dimension_numbers' is missing or cannot be read");
  ArrayRef<int64_t> input = context.operandShape(0), kernel = context.operandShape(1),
                    output = context.resultShape(0);
  unsigned numSpatial = numbers->inputSpatial.size();
  int64_t rank = input.size();
  if (numbers->inputRank != rank || numbers->kernelRank != rank || numbers->outputRank != rank ||
      static_cast<int64_t>(kernel.size()) != rank || static_cast<int64_t>(output.size()) != rank)
    return Answer::malformed("dimension numbers do not fit the ranks");
  if (numSpatial + 2 != input.size() || numbers->kernelSpatial.size() != numSpatial ||
      numbers->outputSpatial.size() != numSpatial)
    return Answer::barrier("unknown dimensions");
  FailureOr<Window> window = readWindow(context, numSpatial, hasStaticPadding);
  FailureOr<int64_t> featureGroups = context.attributes.integerOr("feature_group_count", 1);
  FailureOr<int64_t> batchGroups = context.attributes.integerOr("batch_group_count", 1);
  if (failed(window) || failed(featureGroups) || failed(batchGroups))
    return Answer::malformed("window attributes or group counts cannot be read");

  int64_t inputs = kernel[numbers->kernelInput], outputs = kernel[numbers->kernelOutput];
  int64_t batch = output[numbers->outputBatch];
  int64_t groups = std::max(*featureGroups, *batchGroups);
  if (*featureGroups < 1 || *batchGroups < 1 || (*featureGroups > 1 && *batchGroups > 1) ||
      outputs % groups != 0)
    return Answer::malformed("group counts do not fit the shapes");

  RuleBuilder rule = context.builder();
  // A group is the slow part of the input features (or of the batch) and of the output features.
  GroupedDim grouped{rule, rule.factor(groups), groups};
  int64_t n = rule.factor(batch), i = rule.factor(inputs), o = rule.factor(outputs / groups);
  Dims inputDims(rank), kernelDims(rank), outputDims(rank);
  outputDims[numbers->outputBatch] = n;
  inputDims[numbers->inputBatch] = *batchGroups > 1 ? grouped.with(n, batch) : Dim(n);
  inputDims[numbers->inputFeature] = *featureGroups > 1 ? grouped.with(i, inputs) : Dim(i);
  kernelDims[numbers->kernelInput] = i;
  kernelDims[numbers->kernelOutput] = grouped.with(o, outputs / groups);
  outputDims[numbers->outputFeature] = grouped.with(o, outputs / groups);
  rule.sum(i);

  for (unsigned d = 0; d < numSpatial; ++d) {
    int64_t y = numbers->inputSpatial[d], p = numbers->kernelSpatial[d],
            q = numbers->outputSpatial[d];
    bool isPlain = hasStaticPadding && window->padding[2 * d] == 0 &&
                   window->padding[2 * d + 1] == 0 && window->lhsDilation[d] == 1;
    if (isPlain && kernel[p] == 1 && window->strides[d] == 1) {
      inputDims[y] = outputDims[q] = rule.factor();
    } else if (isPlain && output[q] == 1 && kernel[p] == input[y] && !window->reversal[d] &&
               window->rhsDilation[d] == 1) {
      int64_t shared = rule.factor();
      inputDims[y] = kernelDims[p] = shared;
      rule.sum(shared);
    } else {
      int64_t in = rule.factor(), tap = rule.factor(), out = rule.factor();
      inputDims[y] = in;
      kernelDims[p] = tap;
      outputDims[q] = out;
      rule.frozen(in).sum(tap).frozen(out);
    }
  }
  rule.operand(0, inputDims).operand(1, kernelDims).result(0, outputDims);
  if (!hasStaticPadding)
    rule.operand(2, rule.factors(context.operandRank(2)));
  context.define(rule, 0, operand(0) + operand(1));
  return withUses(rule, context, {OperandUse::Factor, OperandUse::Factor});
}

static Answer convolution(const Context &context) {
  return convolve(context, /*hasStaticPadding=*/true);
}

static Answer dynamicConvolution(const Context &context) {
  return convolve(context, /*hasStaticPadding=*/false);
}

void rules::addConvolutionRules(Registry &registry) {
  constexpr StringLiteral space = "space is frozen where the window moves";
  registry.rule("stablehlo.convolution", convolution, ReadsAttributes | NeedsStaticShapes, space);
  registry.rule("stablehlo.dynamic_conv", dynamicConvolution, ReadsAttributes | NeedsStaticShapes,
                space);
}
