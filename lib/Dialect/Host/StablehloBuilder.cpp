// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Dialect/Host/StablehloBuilder.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/BuiltinAttributes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVectorExtras.h"

using namespace mlir;
using namespace noether;

static RankedTensorType getType(Value value) { return cast<RankedTensorType>(value.getType()); }

NamedAttribute StablehloBuilder::integers(StringRef name, ArrayRef<int64_t> values) {
  return builder.getNamedAttr(name, builder.getDenseI64ArrayAttr(values));
}

Value StablehloBuilder::create(StringRef name, Type type, ValueRange operands,
                               ArrayRef<NamedAttribute> attributes) {
  OperationState state(loc, name, operands, type);
  if (!attributes.empty())
    state.propertiesAttr = builder.getDictionaryAttr(attributes);
  return builder.create(state)->getResult(0);
}

Value StablehloBuilder::splat(RankedTensorType type, double value) {
  Attribute number = builder.getFloatAttr(type.getElementType(), value);
  return create("stablehlo.constant", type, {},
                builder.getNamedAttr("value", DenseElementsAttr::get(type, number)));
}

Value StablehloBuilder::unary(StringRef name, Value operand) {
  return create(name, operand.getType(), operand);
}

Value StablehloBuilder::binary(StringRef name, Value lhs, Value rhs) {
  return create(name, lhs.getType(), {lhs, rhs});
}

Value StablehloBuilder::scale(Value operand, double factor) {
  if (factor == 1)
    return operand;
  if (factor == -1)
    return unary("stablehlo.negate", operand);
  return binary("stablehlo.multiply", operand, splat(getType(operand), factor));
}

Value StablehloBuilder::compare(StringRef direction, Value lhs, Value rhs) {
  RankedTensorType type = getType(lhs);
  MLIRContext *context = type.getContext();
  StringRef kind = isa<FloatType>(type.getElementType()) ? "FLOAT" : "SIGNED";
  auto parse = [&](StringRef name, StringRef value) {
    return parseAttribute(("#stablehlo<" + name + " " + value + ">").str(), context);
  };
  return create("stablehlo.compare", type.clone(IntegerType::get(context, 1)), {lhs, rhs},
                {builder.getNamedAttr("comparison_direction", parse("comparison_direction", direction)),
                 builder.getNamedAttr("compare_type", parse("comparison_type", kind))});
}

Value StablehloBuilder::select(Value predicate, Value onTrue, Value onFalse) {
  return create("stablehlo.select", onTrue.getType(), {predicate, onTrue, onFalse});
}

Value StablehloBuilder::convert(Value operand, Type elementType) {
  RankedTensorType type = getType(operand);
  if (type.getElementType() == elementType)
    return operand;
  return create("stablehlo.convert", type.clone(elementType), operand);
}

Value StablehloBuilder::reshape(Value operand, ArrayRef<int64_t> shape) {
  RankedTensorType type = getType(operand);
  if (type.getShape() == shape)
    return operand;
  return create("stablehlo.reshape", type.clone(shape), operand);
}

Value StablehloBuilder::slice(Value operand, ArrayRef<int64_t> offsets, ArrayRef<int64_t> sizes) {
  RankedTensorType type = getType(operand);
  if (type.getShape() == sizes)
    return operand;
  SmallVector<int64_t> limits = llvm::map_to_vector(
      llvm::zip(offsets, sizes), [](auto pair) { return std::get<0>(pair) + std::get<1>(pair); });
  SmallVector<int64_t> strides(sizes.size(), 1);
  return create("stablehlo.slice", type.clone(sizes), operand,
                {integers("start_indices", offsets), integers("limit_indices", limits),
                 integers("strides", strides)});
}

Value StablehloBuilder::transpose(Value operand, ArrayRef<int64_t> permutation) {
  RankedTensorType type = getType(operand);
  if (llvm::equal(permutation, llvm::seq<int64_t>(0, type.getRank())))
    return operand;
  SmallVector<int64_t> shape =
      llvm::map_to_vector(permutation, [&](int64_t axis) { return type.getDimSize(axis); });
  return create("stablehlo.transpose", type.clone(shape), operand,
                integers("permutation", permutation));
}

Value StablehloBuilder::broadcast(Value operand, ArrayRef<int64_t> shape,
                                  ArrayRef<int64_t> dimensions) {
  RankedTensorType type = getType(operand);
  if (type.getShape() == shape && llvm::equal(dimensions, llvm::seq<int64_t>(0, type.getRank())))
    return operand;
  return create("stablehlo.broadcast_in_dim", type.clone(shape), operand,
                integers("broadcast_dimensions", dimensions));
}

Value StablehloBuilder::reduceSum(Value operand, ArrayRef<int64_t> dimensions) {
  if (dimensions.empty())
    return operand;
  RankedTensorType type = getType(operand);
  SmallVector<int64_t> shape;
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    if (!llvm::is_contained(dimensions, axis))
      shape.push_back(type.getDimSize(axis));
  auto scalar = RankedTensorType::get({}, type.getElementType());
  Value zero = splat(scalar, 0);

  OperationState state(loc, "stablehlo.reduce", {operand, zero}, type.clone(shape));
  state.propertiesAttr = builder.getDictionaryAttr(integers("dimensions", dimensions));
  Region *body = state.addRegion();
  Operation *reduce = builder.create(state);
  body = &reduce->getRegion(0);
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(body, {}, {scalar, scalar}, {loc, loc});
  Value sum = create("stablehlo.add", scalar, block->getArguments());
  builder.create(OperationState(loc, "stablehlo.return", sum, TypeRange()));
  return reduce->getResult(0);
}
