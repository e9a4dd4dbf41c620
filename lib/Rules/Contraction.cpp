// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Contractions: sums of products over shared indices.

#include "Registry.h"

#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using namespace noether;
using namespace noether::rules;

namespace {

/// Whether all numbers are different and below `rank`.
bool areDimensions(ArrayRef<int64_t> first, ArrayRef<int64_t> second, int64_t rank) {
  llvm::SmallBitVector seen(rank);
  for (ArrayRef<int64_t> list : {first, second}) {
    for (int64_t dim : list) {
      if (dim < 0 || dim >= rank || seen.test(dim))
        return false;
      seen.set(dim);
    }
  }
  return true;
}

} // namespace

static Answer contraction(const Context &context, const DotDimensions &dims) {
  if (context.numOperands() != 2 || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  int64_t lhsRank = context.operandRank(0), rhsRank = context.operandRank(1);
  if (dims.lhsBatching.size() != dims.rhsBatching.size() ||
      dims.lhsContracting.size() != dims.rhsContracting.size() ||
      !areDimensions(dims.lhsBatching, dims.lhsContracting, lhsRank) ||
      !areDimensions(dims.rhsBatching, dims.rhsContracting, rhsRank))
    return Answer::malformed("dimension numbers out of range");

  RuleBuilder rule = context.builder();
  SmallVector<int64_t> lhs(lhsRank, -1), rhs(rhsRank, -1);
  Dims output;
  for (auto [l, r] : llvm::zip_equal(dims.lhsBatching, dims.rhsBatching)) {
    lhs[l] = rhs[r] = rule.factor();
    output.push_back(lhs[l]);
  }
  for (auto [l, r] : llvm::zip_equal(dims.lhsContracting, dims.rhsContracting)) {
    lhs[l] = rhs[r] = rule.factor();
    rule.sum(lhs[l]);
  }
  for (SmallVector<int64_t> *side : {&lhs, &rhs}) {
    for (int64_t &factor : *side) {
      if (factor != -1)
        continue;
      factor = rule.factor();
      output.push_back(factor);
    }
  }
  rule.operand(0, Dims(lhs.begin(), lhs.end())).operand(1, Dims(rhs.begin(), rhs.end()));
  rule.result(0, output);
  context.define(rule, 0, operand(0) + operand(1));
  return withUses(rule, context, {OperandUse::Factor, OperandUse::Factor});
}

static Answer dotGeneral(const Context &context) {
  // The name of the attribute is the same in stablehlo and mhlo.
  FailureOr<DotDimensions> dims = context.attributes.dot("dot_dimension_numbers");
  if (failed(dims))
    return Answer::malformed("attribute 'dot_dimension_numbers' is missing or cannot be read");
  return contraction(context, *dims);
}

static Answer dot(const Context &context) {
  if (context.numOperands() != 2)
    return context.wrongNumberOf("operands");
  DotDimensions dims;
  dims.lhsContracting = {context.operandRank(0) - 1};
  dims.rhsContracting = {0};
  return contraction(context, dims);
}

/// `ab,bc->ac`. An index that occurs twice in one tensor (a diagonal) has no rule.
static Answer einsum(const Context &context) {
  FailureOr<std::string> config = context.attributes.string("einsum_config");
  if (failed(config))
    return Answer::malformed("attribute 'einsum_config' is missing or is not a string");
  auto [inputs, output] = StringRef(*config).split("->");
  SmallVector<StringRef> tensors;
  inputs.split(tensors, ',');
  if (tensors.size() != context.numOperands() || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  if (StringRef(*config).contains('.'))
    return Answer::barrier("an ellipsis in its indices");

  RuleBuilder rule = context.builder();
  std::string letters;
  auto mapTensor = [&](StringRef text) -> FailureOr<Dims> {
    Dims dims;
    for (char letter : text) {
      if (letter == ' ')
        continue;
      if (text.count(letter) > 1)
        return failure();
      size_t position = letters.find(letter);
      if (position == std::string::npos) {
        position = letters.size();
        letters.push_back(letter);
        (void)rule.factor();
      }
      dims.push_back(static_cast<int64_t>(position));
    }
    return dims;
  };

  LogScale value;
  for (auto [index, text] : llvm::enumerate(tensors)) {
    FailureOr<Dims> dims = mapTensor(text);
    if (failed(dims))
      return Answer::barrier("a diagonal");
    rule.operand(index, *dims);
    value = value + operand(index);
  }
  size_t numInputLetters = letters.size();
  FailureOr<Dims> dims = mapTensor(output);
  if (failed(dims))
    return Answer::barrier("a diagonal");
  if (letters.size() != numInputLetters)
    return Answer::malformed("the result has an index that no operand has");
  rule.result(0, *dims);
  for (auto [position, letter] : llvm::enumerate(letters))
    if (!output.contains(letter))
      rule.sum(position);
  context.define(rule, 0, value);
  OperandUse use = tensors.size() == 1 ? OperandUse::Plus : OperandUse::Factor;
  return withUses(rule, context, SmallVector<OperandUse, 4>(tensors.size(), use));
}

void rules::addContractionRules(Registry &registry) {
  registry.rule("stablehlo.dot", dot);
  registry.rule("stablehlo.dot_general", dotGeneral, ReadsAttributes);
  registry.rule("stablehlo.einsum", einsum, ReadsAttributes);
  registry.rule("stablehlo.unary_einsum", einsum, ReadsAttributes);
}
