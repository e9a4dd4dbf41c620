// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the emitter can do. Functions may come from files: nothing about them is taken for granted.

#include "noether/Kernels/CpuKernel.h"

#include "KernelArithmetic.h"

#include "noether/Rules/ConstantFold.h"

#include "mlir/IR/TypeUtilities.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

static bool isReduction(Operation &op) { return op.getName().getStringRef() == "stablehlo.reduce"; }
static bool isSingleNumber(Value value) {
  return cast<RankedTensorType>(value.getType()).getNumElements() == 1;
}
static Type getElementType(Value value) { return getElementTypeOrSelf(value.getType()); }

/// A sum from zero, in a type that sums are handed on in.
static bool isKnownSum(Operation &op) {
  if (op.getNumOperands() != 2 || op.getNumResults() != 1 || op.getNumRegions() != 1 ||
      !op.getRegion(0).hasOneBlock() || traceSplat(op.getOperand(1)) != 0.0)
    return false;
  Block &body = op.getRegion(0).front();
  if (body.getNumArguments() != 2 || body.getOperations().size() != 2)
    return false;
  Operation &combine = body.front(), &end = body.back();
  Type stored = getElementType(op.getResult(0));
  return combine.getName().getStringRef() == "stablehlo.add" && combine.getNumOperands() == 2 &&
         combine.getOperand(0) != combine.getOperand(1) &&
         llvm::all_of(combine.getOperands(),
                      [&](Value v) { return v.getParentBlock() == &body; }) &&
         end.getNumOperands() == 1 && end.getOperand(0) == combine.getResult(0) &&
         (stored.isF32() || stored.isF64()) &&
         isa_and_nonnull<FloatType>(getComputeType(getElementType(op.getOperand(0))));
}

/// Whether the function's values are tensors of known size and it ends as functions do.
static bool hasStaticTensors(func::FuncOp kernel) {
  if (!kernel.getBody().hasOneBlock())
    return false;
  Block &body = kernel.getBody().front();
  auto isStatic = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.hasStaticShape() && tensor.getNumElements() > 0;
  };
  return isa<func::ReturnOp>(body.back()) && llvm::all_of(body.getArgumentTypes(), isStatic) &&
         llvm::all_of(body.without_terminator(),
                      [&](Operation &op) { return llvm::all_of(op.getResultTypes(), isStatic); });
}

bool noether::isCpuKernel(func::FuncOp kernel) {
  if (!hasStaticTensors(kernel))
    return false;
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    if (isReduction(op)) {
      if (!isKnownSum(op))
        return false;
    } else if (op.getNumOperands() == 0) {
      if (!splatConstant(&op) || !getComputeType(getElementType(op.getResult(0))))
        return false;
    } else if (!isKnownElementwise(op)) {
      return false;
    }
  }
  auto isFloat = [](Value v) {
    return isa_and_nonnull<FloatType>(getComputeType(getElementType(v)));
  };
  // A single predicate is one byte.
  auto isReadable = [&](Value v) {
    return isFloat(v) || (getElementType(v).isInteger(1) && isSingleNumber(v));
  };
  return llvm::all_of(kernel.getArguments(), isReadable) &&
         llvm::all_of(kernel.getBody().front().back().getOperands(), isFloat);
}
