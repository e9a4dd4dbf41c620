// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bodies of linalg operations, followed operation by operation.

#include "ProgramBuilder.h"

#include "noether/Rules/ConstantFold.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <cmath>

using namespace mlir;
using namespace noether;

/// Whether a body without reductions may be read as operations on tensors over all loops.
static bool isPointwiseBody(linalg::LinalgOp op) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!op.hasPureTensorSemantics() || op.getNumLoops() != op.getNumParallelLoops() ||
      maps.size() != op->getNumOperands() ||
      llvm::any_of(op.getStaticLoopRanges(), ShapedType::isDynamic))
    return false;
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = maps[operand.getOperandNumber()];
    if (!map.isProjectedPermutation() || (op.isDpsInit(&operand) && !map.isPermutation()))
      return false;
  }
  return true;
}

/// Whether a number that is not zero stands in a body: the only case that its rule says less of, as
/// it cannot say that an epsilon scales along.
static bool hasNumbers(Block &body) {
  return llvm::any_of(body, [](Operation &inner) {
    return llvm::any_of(inner.getOperands(), [](mlir::Value operand) {
      std::optional<double> number = traceSplat(operand);
      return number && *number != 0 && std::isfinite(*number);
    });
  });
}

bool ProgramBuilder::expandBody(Operation &op, Frame &frame) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(&op);
  if (!linalgOp || !isPointwiseBody(linalgOp))
    return false;
  Block &body = *linalgOp.getBlock();
  auto isNumber = [](mlir::Value value) {
    return value.getType().isIntOrIndexOrFloat() || isa<ComplexType>(value.getType());
  };
  if (!hasNumbers(body) || capturesValues(op) || !llvm::all_of(body.getArguments(), isNumber) ||
      !llvm::all_of(body.without_terminator(), [&](Operation &inner) {
        return inner.getNumRegions() == 0 && inner.getNumResults() == 1 &&
               isNumber(inner.getResult(0)) && !table.find(&inner).isMalformed();
      }))
    return false;

  SmallVector<int64_t> shape = linalgOp.getStaticLoopRanges();
  SmallVector<AffineMap> maps = linalgOp.getIndexingMapsArray();
  auto overLoops = [&](Type type) { return RankedTensorType::get(shape, type); };
  Frame inner;
  // Constants are new at each use, as outside of bodies after their broadcast.
  auto use = [&](mlir::Value value) {
    std::optional<double> number = traceSplat(value);
    return number ? addConstant(overLoops(value.getType()), *number) : inner.lookup(value);
  };

  for (auto [argument, operand, map] : llvm::zip(body.getArguments(), op.getOperands(), maps)) {
    ValueId whole = get(frame, operand);
    if (map.isIdentity()) {
      inner[argument] = whole;
    } else if (std::optional<double> number = program.values[whole].constant) {
      inner[argument] = addConstant(overLoops(argument.getType()), *number);
    } else {
      ValueId id = inner[argument] = addValue(overLoops(argument.getType()));
      addStep(&op, Program::StepKind::Rule, own(CompiledRule::getBroadcast(map)), {whole}, {id});
    }
  }
  for (Operation &step : body.without_terminator()) {
    mlir::Value result = step.getResult(0);
    if (traceSplat(result))
      continue;
    Ids operands;
    for (mlir::Value operand : step.getOperands())
      operands.push_back(use(operand));
    if (classify(step.getName()) == Handling::Select && operands.size() == 3)
      if (std::optional<double> predicate = program.values[operands.front()].constant) {
        inner[result] = operands[*predicate != 0 ? 1 : 2];
        continue;
      }
    RuleOutcome outcome = table.find(&step);
    if (!outcome.rule && unknownNames.insert(step.getName()).second)
      program.unknownOperations.push_back(&step);
    ValueId id = inner[result] = addValue(overLoops(result.getType()));
    bool isKnown = outcome.rule && !outcome.rule.getBarrier();
    addStep(&step, Program::StepKind::Rule,
            own(isKnown ? CompiledRule::getElementwise(outcome.rule, shape.size())
                        : CompiledRule::getBarrier(operands.size(), 1)),
            operands, {id});
  }
  for (auto [result, yielded] : llvm::zip(op.getResults(), body.getTerminator()->getOperands())) {
    AffineMap map = maps[linalgOp.getNumDpsInputs() + result.getResultNumber()];
    ValueId id = use(yielded);
    if (!map.isIdentity()) {
      ValueId transposed = addValue(result.getType());
      addStep(&op, Program::StepKind::Rule,
              own(CompiledRule::getBroadcast(inversePermutation(map))), {id}, {transposed});
      id = transposed;
    }
    frame[result] = id;
  }
  return true;
}
