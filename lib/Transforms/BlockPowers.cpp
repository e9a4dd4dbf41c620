// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "BlockPowers.h"

#include "noether/Dialect/Host/StablehloBuilder.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

Value BlockPowers::getPower(unsigned block, const Fraction &exponent) {
  if (exponent == Fraction(1))
    return bases[block];
  for (const auto &[known, power] : powers[block])
    if (known == exponent)
      return power;

  Value base = bases[block];
  auto type = cast<RankedTensorType>(base.getType());
  OpBuilder at(before);
  StablehloBuilder b(at, base.getLoc());
  Value power;
  if (exponent < Fraction(0)) {
    power = b.binary("stablehlo.divide", b.splat(type, 1), getPower(block, Fraction(0) - exponent));
  } else if (exponent.den == 2) {
    power = b.unary("stablehlo.sqrt", getPower(block, exponent * Fraction(2)));
  } else if (exponent.den == 1 && exponent.num <= 16) {
    // Halves of the exponent: few operations, all of them shared.
    Fraction half(llvm::floorDiv(exponent.num, llvm::DynamicAPInt(2)));
    Value lower = getPower(block, half);
    power = b.binary("stablehlo.multiply", lower, getPower(block, exponent - half));
  } else {
    double value = static_cast<double>(static_cast<int64_t>(exponent.num)) /
                   static_cast<double>(static_cast<int64_t>(exponent.den));
    power = b.binary("stablehlo.power", base, b.splat(type, value));
  }
  powers[block].push_back({exponent, power});
  return power;
}

/// The type products are made in: that of the value, but f32 for what is narrower.
static Type getProductType(Type elementType) {
  if (auto type = dyn_cast<FloatType>(elementType); type && type.getWidth() < 32)
    return Float32Type::get(elementType.getContext());
  return elementType;
}

/// A tensor of the sizes of the slots, row-major in their order, as a tensor of a shape.
static Value expand(StablehloBuilder &b, Value value, ArrayRef<Slot> slots,
                    ArrayRef<int64_t> shape) {
  auto order = llvm::to_vector(llvm::seq<int64_t>(0, slots.size()));
  llvm::sort(order, [&](int64_t x, int64_t y) {
    return std::make_pair(slots[x].position, -slots[x].inner) <
           std::make_pair(slots[y].position, -slots[y].inner);
  });
  value = b.transpose(value, order);
  // The shape with every dimension cut at the boundaries of its slots.
  SmallVector<int64_t> view, dimensions;
  auto next = order.begin();
  for (auto [dim, size] : llvm::enumerate(shape)) {
    int64_t rest = size;
    bool isCut = false;
    for (; next != order.end() && slots[*next].position == static_cast<int64_t>(dim); ++next) {
      const Slot &slot = slots[*next];
      if (int64_t outer = rest / (slot.inner * slot.size); outer > 1)
        view.push_back(outer);
      dimensions.push_back(view.size());
      view.push_back(slot.size);
      rest = slot.inner;
      isCut = true;
    }
    if (!isCut || rest > 1)
      view.push_back(rest);
  }
  return b.reshape(b.broadcast(value, view, dimensions), shape);
}

static SmallVector<int64_t> sizesOf(ArrayRef<Slot> slots) {
  return llvm::map_to_vector(slots, [](const Slot &slot) { return slot.size; });
}

Value BlockPowers::multiply(OpBuilder &builder, Location loc, Value value, const Gauge &gauge,
                            bool divides) {
  StablehloBuilder b(builder, loc);
  auto type = cast<RankedTensorType>(value.getType());
  Type productType = getProductType(type.getElementType());
  Value product = b.convert(value, productType);
  for (const GaugeTerm &term : gauge.getTerms()) {
    bool isDivided = divides && term.exponent < Fraction(0);
    Fraction exponent = isDivided ? Fraction(0) - term.exponent : term.exponent;
    Value power = b.reshape(getPower(term.block, exponent), sizesOf(term.slots));
    power = expand(b, b.convert(power, productType), term.slots, type.getShape());
    product = b.binary(isDivided ? "stablehlo.divide" : "stablehlo.multiply", product, power);
  }
  return b.convert(product, type.getElementType());
}

Value BlockPowers::multiplyScalar(OpBuilder &builder, Location loc, Value scalar,
                                  RankedTensorType type, const GaugeTerm &term) {
  StablehloBuilder b(builder, loc);
  SmallVector<int64_t> sizes = sizesOf(term.slots);
  Type productType = getProductType(type.getElementType());
  Value power = b.reshape(getPower(term.block, term.exponent), sizes);
  Value product = b.binary("stablehlo.multiply",
                           b.broadcast(b.convert(b.reshape(scalar, {}), productType), sizes, {}),
                           b.convert(power, productType));
  product = b.convert(product, type.getElementType());
  return expand(b, product, term.slots, type.getShape());
}
