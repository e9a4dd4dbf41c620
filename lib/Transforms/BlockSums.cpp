// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "BlockSums.h"

#include "noether/Dialect/Host/StablehloBuilder.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

Value noether::createBlockSum(OpBuilder &builder, Location loc, ArrayRef<int64_t> view,
                              ArrayRef<int64_t> axes, Type elementType, Value lhs, Value rhs) {
  StablehloBuilder b(builder, loc);
  auto see = [&](Value value) { return b.convert(b.reshape(value, view), elementType); };
  SmallVector<int64_t> summed, kept(axes), permutation;
  for (int64_t axis = 0, rank = view.size(); axis < rank; ++axis)
    if (!llvm::is_contained(axes, axis))
      summed.push_back(axis);
  Value left = see(lhs), right = lhs == rhs ? left : see(rhs);
  Value sum = b.reduceSum(b.binary("stablehlo.multiply", left, right), summed);
  llvm::sort(kept);
  for (int64_t axis : axes)
    permutation.push_back(llvm::find(kept, axis) - kept.begin());
  return b.transpose(sum, permutation);
}
