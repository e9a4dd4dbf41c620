// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Slices whose places are operands.

#include "ProgramBuilder.h"

#include <algorithm>

using namespace mlir;
using namespace noether;

/// With known start indices, as in a loop that is followed, a slice is a piece like any other.
LogicalResult ProgramBuilder::visitDynamicSlice(Operation &op, Frame &frame, unsigned numTensors) {
  Ids operands = getAll(frame, op.getOperands());
  if (op.getNumResults() != 1 || operands.size() < numTensors)
    return visitByRule(op, frame);
  auto whole = dyn_cast<RankedTensorType>(op.getOperand(0).getType());
  auto part = dyn_cast<RankedTensorType>(numTensors == 1 ? op.getResult(0).getType()
                                                         : op.getOperand(1).getType());
  if (!whole || !part || whole.getRank() != part.getRank() ||
      static_cast<int64_t>(operands.size()) != numTensors + whole.getRank() ||
      (numTensors == 2 && op.getResult(0).getType() != whole))
    return visitByRule(op, frame);
  SmallVector<int64_t> starts;
  for (auto [axis, index] : llvm::enumerate(ArrayRef<ValueId>(operands).drop_front(numTensors))) {
    int64_t room = whole.getDimSize(axis) - part.getDimSize(axis);
    std::optional<double> start = program.values[index].constant;
    if (room < 0 || (!start && room > 0))
      return visitByRule(op, frame);
    // As the operation does: the slice is moved inside.
    starts.push_back(room == 0 ? 0 : std::clamp<int64_t>(*start, 0, room));
  }
  if (foldIfConstant(op, operands, frame))
    return success();
  ValueId result = frame[op.getResult(0)] = addValue(op.getResult(0).getType());
  unsigned numIndices = whole.getRank();
  addStep(&op, Program::StepKind::Rule,
          own(numTensors == 1
                  ? CompiledRule::getSlice(whole.getShape(), starts, part.getShape(), numIndices)
                  : CompiledRule::getUpdateSlice(whole.getShape(), starts, part.getShape(),
                                                 numIndices)),
          operands, {result});
  return success();
}
