// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AdaptiveRadii.h"

#include "BlockSums.h"

#include "noether/Dialect/Host/StablehloBuilder.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

static Value createIsNonzero(StablehloBuilder &b, Value value) {
  return b.compare("NE", value, b.splat(cast<RankedTensorType>(value.getType()), 0));
}

Value noether::createIsInPart(OpBuilder &builder, Location loc, const AdaptiveBlock &block) {
  auto type =
      RankedTensorType::get(block.type.getShape(), IntegerType::get(block.type.getContext(), 1));
  SmallVector<bool> isInPart(block.type.getNumElements());
  for (const AdaptiveBlock::Part &part : block.parts) {
    int64_t size = part.type.getNumElements();
    std::fill_n(isInPart.begin() + part.position * size, size, true);
  }
  return StablehloBuilder(builder, loc)
      .create("stablehlo.constant", type, {},
              NamedAttribute("value", DenseElementsAttr::get(type, isInPart)));
}

Value noether::createProduct(OpBuilder &builder, Location loc, const AdaptiveBlock &block,
                             ValueRange lhs, ValueRange rhs) {
  StablehloBuilder b(builder, loc);
  Value product;
  for (auto [member, x, y] : llvm::zip_equal(block.members, lhs, rhs)) {
    Value sum = createBlockSum(builder, loc, member.view, member.axes,
                               block.type.getElementType(), x, y);
    product = product ? b.binary("stablehlo.add", product, sum) : sum;
  }
  return product;
}

Value noether::createNorm(OpBuilder &builder, Location loc, const AdaptiveBlock &block,
                          ValueRange members) {
  StablehloBuilder b(builder, loc);
  Value charge = createProduct(builder, loc, block, members, members);
  Value root = b.unary("stablehlo.sqrt", charge);
  Value hasNorm = createIsNonzero(b, charge);
  if (static_cast<int64_t>(block.parts.size()) < block.numPositions)
    hasNorm = b.binary("stablehlo.and", hasNorm, createIsInPart(builder, loc, block));
  return b.select(hasNorm, root, b.splat(block.type, 1));
}

/// The block with its positions as one leading dimension.
static SmallVector<int64_t> shapeByPosition(const AdaptiveBlock &block, int64_t numPositions) {
  SmallVector<int64_t> shape{numPositions};
  llvm::append_range(shape, block.parts.front().type.getShape());
  return shape;
}

SmallVector<Value> noether::splitRadii(OpBuilder &builder, Location loc, const AdaptiveBlock &block,
                                       Value radii) {
  StablehloBuilder b(builder, loc);
  Value byPosition = radii;
  if (block.numPositions > 1)
    byPosition = b.reshape(radii, shapeByPosition(block, block.numPositions));
  SmallVector<Value> parts;
  for (const AdaptiveBlock::Part &part : block.parts) {
    Value value = byPosition;
    if (block.numPositions > 1) {
      SmallVector<int64_t> sizes = shapeByPosition(block, 1), offsets(sizes.size(), 0);
      offsets[0] = part.position;
      value = b.slice(byPosition, offsets, sizes);
    }
    parts.push_back(b.reshape(value, part.type.getShape()));
  }
  return parts;
}

Value noether::joinRadii(OpBuilder &builder, Location loc, const AdaptiveBlock &block,
                         ValueRange parts) {
  StablehloBuilder b(builder, loc);
  if (block.numPositions == 1)
    return b.reshape(parts.front(), block.type.getShape());
  SmallVector<Value> pieces;
  int64_t next = 0;
  auto fillUpTo = [&](int64_t position) {
    if (next < position)
      pieces.push_back(b.splat(block.type.clone(shapeByPosition(block, position - next)), 1));
    next = position;
  };
  for (auto [part, value] : llvm::zip_equal(block.parts, parts)) {
    fillUpTo(part.position);
    pieces.push_back(b.reshape(value, shapeByPosition(block, 1)));
    ++next;
  }
  fillUpTo(block.numPositions);
  Value joined = b.create("stablehlo.concatenate",
                          block.type.clone(shapeByPosition(block, block.numPositions)), pieces,
                          builder.getNamedAttr("dimension", builder.getI64IntegerAttr(0)));
  return b.reshape(joined, block.type.getShape());
}

SmallVector<Value> noether::joinAllRadii(OpBuilder &builder, Location loc,
                                         ArrayRef<AdaptiveBlock> blocks, ValueRange parts) {
  SmallVector<Value> radii;
  for (const AdaptiveBlock &block : blocks) {
    radii.push_back(joinRadii(builder, loc, block, parts.take_front(block.parts.size())));
    parts = parts.drop_front(block.parts.size());
  }
  return radii;
}
