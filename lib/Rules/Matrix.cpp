// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Factorisations, solves and transforms of matrices, homogeneous in each matrix as a whole.

#include "DataMovement.h"

using namespace mlir;
using namespace noether;
using namespace noether::rules;

/// A = L L^T: scaling A by c scales L by the root of c.
static Answer cholesky(const Context &context) {
  if (context.numOperands() != 1 || context.numResults() != 1 || context.operandRank(0) < 2)
    return context.wrongNumberOf("operands, results or dimensions");
  RuleBuilder rule = context.builder();
  int64_t rank = context.operandRank(0);
  Dims dims;
  for (int64_t d = 0; d < rank; ++d) {
    int64_t factor = rule.factor();
    dims.push_back(factor);
    if (d >= rank - 2)
      rule.frozen(factor);
  }
  rule.operand(0, dims).result(0, dims);
  context.define(rule, 0, Coefficient{1, 2} * operand(0));
  return rule;
}

/// Solves A X = B, or X A = B. The columns (rows) of B are systems of their own.
static Answer triangularSolve(const Context &context) {
  if (context.numOperands() != 2 || context.numResults() != 1 || context.operandRank(0) < 2 ||
      context.operandRank(0) != context.operandRank(1) ||
      context.operandRank(0) != context.resultRank(0))
    return context.wrongNumberOf("operands, results or dimensions");
  FailureOr<bool> leftSide = context.attributes.boolean("left_side"),
                  unitDiagonal = context.attributes.booleanOr("unit_diagonal", false);
  if (failed(leftSide) || failed(unitDiagonal))
    return Answer::malformed("attributes 'left_side' and 'unit_diagonal' cannot be read");
  RuleBuilder rule = context.builder();
  int64_t rank = context.operandRank(0);
  Dims matrix = rule.factors(rank - 2), sides = matrix;
  for (int64_t d = 0; d < 2; ++d) {
    int64_t a = rule.factor(), b = rule.factor();
    matrix.push_back(a);
    sides.push_back(b);
    rule.frozen(a);
    bool isSolved = (d == 0) == *leftSide;
    if (isSolved)
      rule.frozen(b);
  }
  rule.operand(0, matrix).operand(1, sides).result(0, sides);
  // A diagonal that is taken to be one has no scale, so neither has the matrix.
  if (*unitDiagonal) {
    rule.vanish(operand(0));
    context.define(rule, 0, operand(1));
  } else {
    context.define(rule, 0, operand(1) - operand(0));
  }
  return withUses(rule, context, {OperandUse::Opaque, OperandUse::Factor});
}

static Answer fft(const Context &context) {
  if (context.numOperands() != 1 || context.numResults() != 1 ||
      context.operandRank(0) != context.resultRank(0))
    return context.wrongNumberOf("operands, results or dimensions");
  FailureOr<Indices> lengths = context.attributes.integers("fft_length");
  int64_t rank = context.operandRank(0);
  if (failed(lengths) || static_cast<int64_t>(lengths->size()) > rank)
    return Answer::malformed("attribute 'fft_length' is missing or does not fit the operand");
  RuleBuilder rule = context.builder();
  int64_t numPassing = rank - static_cast<int64_t>(lengths->size());
  Dims input = rule.factors(numPassing), output = input;
  for (int64_t d = numPassing; d < rank; ++d) {
    CutDims dims = frozenDims(rule);
    input.push_back(dims.whole);
    output.push_back(dims.piece);
  }
  rule.operand(0, input).result(0, output);
  context.define(rule, 0, operand(0));
  return withUses(rule, context, {OperandUse::Factor});
}

void rules::addMatrixRules(Registry &registry) {
  registry.rule("stablehlo.cholesky", cholesky, ReadsTypes, "frozen along the matrix dimensions");
  registry.rule("stablehlo.fft", fft, ReadsAttributes, "frozen along the transformed dimensions");
  registry.rule("stablehlo.triangular_solve", triangularSolve, ReadsAttributes,
                "frozen along the matrix's dimensions; right-hand sides are independent");
}
