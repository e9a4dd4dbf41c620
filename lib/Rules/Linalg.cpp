// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Structured operations of linalg, named and generic alike: the loops are the factors, the indexing
// maps say which dimension is which loop, and the rules of the body's operations are composed.

#include "Elementwise.h"
#include "Payload.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace noether;
using namespace noether::rules;

bool rules::isStructuredOperation(Operation *op) { return isa<linalg::LinalgOp>(op); }

/// The dimensions of an operand: loops where the map names one, else frozen. Nothing if one loop is
/// two dimensions (a diagonal).
static std::optional<Dims> mapDims(RuleBuilder &rule, AffineMap map, ArrayRef<int64_t> loops) {
  Dims dims;
  llvm::SmallBitVector seen(loops.size());
  for (AffineExpr expr : map.getResults()) {
    if (auto loop = dyn_cast<AffineDimExpr>(expr)) {
      if (seen.test(loop.getPosition()))
        return std::nullopt;
      seen.set(loop.getPosition());
      dims.push_back(loops[loop.getPosition()]);
      continue;
    }
    // The moving window of a convolution, or a fixed place.
    int64_t factor = rule.factor();
    rule.frozen(factor);
    dims.push_back(factor);
  }
  return dims;
}

/// Whether every reduction loop is a dimension of the operand, and every dimension one loop: each
/// round then takes another entry.
static bool hasEveryReductionLoop(linalg::LinalgOp op, AffineMap map) {
  llvm::SmallBitVector seen(op.getNumLoops());
  for (AffineExpr expr : map.getResults()) {
    auto loop = dyn_cast<AffineDimExpr>(expr);
    if (!loop)
      return false;
    seen.set(loop.getPosition());
  }
  SmallVector<unsigned> reductions;
  op.getReductionDims(reductions);
  return llvm::all_of(reductions, [&](unsigned loop) { return seen.test(loop); });
}

/// How an operation with one result uses its operands. Sums over loops need the result to be a
/// summand.
static SmallVector<OperandUse> structuredUses(const Context &context, linalg::LinalgOp op) {
  Region &body = context.op->getRegion(0);
  auto yields = composeDependences(context.table, body);
  if (context.numResults() != 1 || !yields || yields->size() != 1 ||
      (*yields)[0].size() != context.numOperands())
    return {};
  ArrayRef<Dependence> dependences = (*yields)[0];
  SmallVector<OperandUse> uses;
  llvm::SmallBitVector moved(context.numOperands());
  for (auto [index, dependence] : llvm::enumerate(dependences))
    if (dependence != Dependence::None && context.isOperandScaled(index))
      moved.set(index);
  if (composeOrder(context.table, body, moved) == llvm::SmallBitVector(1, true) &&
      moved.count() > 1) {
    for (unsigned i = 0; i < context.numOperands(); ++i)
      uses.push_back(moved.test(i) ? OperandUse::Ordered : OperandUse::Opaque);
    return uses;
  }
  if (op.getNumReductionLoops() != 0 && dependences.back() != Dependence::Plus)
    return {};
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  for (auto [index, dependence] : llvm::enumerate(dependences)) {
    OperandUse use = toUse(dependence);
    bool isOutput = index + 1 == dependences.size();
    if (use != OperandUse::Opaque && !isOutput && !hasEveryReductionLoop(op, maps[index]))
      use = OperandUse::Factor;
    uses.push_back(use);
  }
  return uses;
}

static Answer structured(const Context &context) {
  auto op = dyn_cast<linalg::LinalgOp>(context.op);
  if (!op || !op.hasPureTensorSemantics())
    return Answer::barrier("memory is not followed");
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  unsigned numInputs = op.getNumDpsInputs(), numResults = context.numResults();
  if (maps.size() != context.numOperands() || numInputs + numResults != maps.size())
    return Answer::barrier("operands without an indexing map");

  RuleBuilder rule = context.builder();
  SmallVector<int64_t> loops;
  for (int64_t size : op.getStaticLoopRanges())
    loops.push_back(rule.factor(ShapedType::isDynamic(size) ? 0 : size));
  llvm::SmallBitVector isOutput(loops.size());
  for (auto [index, map] : llvm::enumerate(maps)) {
    if (static_cast<int64_t>(map.getNumResults()) != context.operandRank(index))
      return Answer::barrier("an indexing map that does not fit its operand");
    std::optional<Dims> dims = mapDims(rule, map, loops);
    if (!dims || (index >= numInputs && !map.isProjectedPermutation()))
      return Answer::barrier("an indexing map with a diagonal, or outputs at computed places");
    rule.operand(index, *dims);
    if (index < numInputs)
      continue;
    rule.result(index - numInputs, *dims);
    for (AffineExpr expr : map.getResults())
      isOutput.set(cast<AffineDimExpr>(expr).getPosition());
  }
  for (auto [loop, factor] : llvm::enumerate(loops))
    if (!isOutput.test(loop))
      rule.sum(factor);

  SmallVector<unsigned> unknowns;
  SmallVector<LogScale> scales;
  SmallVector<UnknownTensors> tensors;
  auto accumulates = [&](unsigned index) {
    return index >= numInputs && op.getNumReductionLoops() != 0 &&
           op.payloadUsesValueFromOperand(&context.op->getOpOperand(index));
  };
  for (unsigned i = 0; i < context.numOperands(); ++i) {
    unknowns.push_back(i);
    scales.push_back(operand(i));
    tensors.push_back({operand(i), std::nullopt});
    if (accumulates(i))
      tensors.back().result = result(i - numInputs);
  }
  std::optional<Payload> payload =
      composePayload(context.table, context.op->getRegion(0), unknowns);
  if (!payload || payload->yields.size() != numResults)
    return Answer::barrier("a body that is not made of scalar operations with rules");
  for (unsigned i = 0; i < numResults; ++i) {
    const Forms &forms = payload->yields[i];
    // A body that yields a constant zero says nothing of the result.
    if (!context.isResultScaled(i) || forms.empty()) {
      rule.vanish(result(i));
      continue;
    }
    if (accumulates(numInputs + i)) {
      rule.equate(result(i), operand(numInputs + i));
      payload->require(forms, Form::unknown(numInputs + i));
      continue;
    }
    for (const Form &form : forms) {
      std::optional<LogScale> value = toLogScale(form, scales);
      if (!value)
        return Answer::barrier("large exponents");
      rule.equate(result(i), *value);
    }
  }
  if (!addConstraints(rule, *payload, tensors))
    return Answer::barrier("a body whose results constrain one another");
  return withUses(rule, context, structuredUses(context, op));
}

/// Exponentials over their sum: operand 1 is where the result is written.
static Answer softmax(const Context &context) {
  std::optional<RuleBuilder> rule = elementwiseBuilder(context);
  if (!rule || context.numOperands() != 2 || context.numResults() != 1)
    return Answer::barrier("memory is not followed");
  return rule->vanish(operand(0)).vanish(result(0));
}

void rules::addLinalgRules(Registry &registry) {
  constexpr StringLiteral winograd = "the transforms of a Winograd convolution are not followed",
                          layout = "packed layouts are not followed";
  registry.rule(
      "linalg.generic", structured, ReadsAttributes | ReadsRegions | NeedsStaticShapes,
      "so are all other structured operations of the dialect (matmul, conv_2d_nhwc_hwcf, "
      "reduce, map, ...); the rules of the body's operations are composed, and dimensions that "
      "are not one loop are frozen");
  registry.rule("linalg.index", scaleFree);
  registry.barrier("linalg.pack", layout);
  registry.rule("linalg.softmax", softmax);
  registry.barrier("linalg.unpack", layout);
  registry.barrier("linalg.winograd_filter_transform", winograd);
  registry.barrier("linalg.winograd_input_transform", winograd);
  registry.barrier("linalg.winograd_output_transform", winograd);
}
