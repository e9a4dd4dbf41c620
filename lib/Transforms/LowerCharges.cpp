// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Dialect/Host/StablehloBuilder.h"
#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/STLExtras.h"

namespace noether {
#define GEN_PASS_DEF_LOWERCHARGES
#include "noether/Transforms/Passes.h.inc"
} // namespace noether

using namespace mlir;
using namespace noether;

namespace {

/// What each result sums: the products of two of the member's tensors (weight, gradient, next).
enum Tensor { Weight, Gradient, Next };
using Product = std::pair<Tensor, Tensor>;

SmallVector<Product, 4> getProducts(ChargeOp op) {
  SmallVector<Product, 4> products{{Weight, Weight}};
  if (op.getIdentity()) {
    products.push_back({Weight, Gradient});
    products.push_back({Gradient, Gradient});
  }
  if (op.getNextCharge())
    products.push_back({Next, Next});
  return products;
}

/// The tensors of a member; those the operation does not have are null.
std::array<Value, 3> getTensors(ChargeOp op, unsigned member) {
  std::array<Value, 3> tensors{op.getWeights()[member], nullptr, nullptr};
  if (!op.getGradients().empty())
    tensors[Gradient] = op.getGradients()[member];
  if (!op.getNextWeights().empty())
    tensors[Next] = op.getNextWeights()[member];
  return tensors;
}

double getExponent(MemberAttr member) {
  return double(member.getNumerator()) / double(member.getDenominator());
}

//===----------------------------------------------------------------------===//
// StableHLO
//===----------------------------------------------------------------------===//

/// From the axes that are left after a reduction, in their own order, to the member's order.
SmallVector<int64_t> getPermutationToBlock(ArrayRef<int64_t> axes) {
  SmallVector<int64_t> kept(axes);
  llvm::sort(kept);
  SmallVector<int64_t> permutation;
  for (int64_t axis : axes)
    permutation.push_back(llvm::find(kept, axis) - kept.begin());
  return permutation;
}

/// Takes the mean along every axis away.
Value removeMeans(StablehloBuilder &builder, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    SmallVector<int64_t> others = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
    others.erase(others.begin() + axis);
    Value mean = builder.scale(builder.reduceSum(value, axis), 1.0 / double(type.getDimSize(axis)));
    value = builder.binary("stablehlo.subtract", value,
                           builder.broadcast(mean, type.getShape(), others));
  }
  return value;
}

/// How the sums of a member are taken: over whole axes of its view first, then over what is cut out of the
/// sums. A tensor of which each part belongs to another symmetry (queries, keys and values in one) is then read
/// once for all of them, and not cut itself.
struct SummationOrder {
  /// The axes of the view that are summed over at once, whole.
  SmallVector<int64_t> whole;
  /// Of the axes that are left: where they are cut, and those that are summed over then.
  SmallVector<int64_t> offsets, sizes, rest;
  /// The sums would be about as many numbers as the tensor has: it is cut before.
  bool cutsFirst = false;
};

SummationOrder getSummationOrder(MemberAttr member) {
  /// Fewer times than tensors are read for a charge.
  constexpr int64_t kWorthwhile = 8;
  SummationOrder order;
  int64_t numElements = 1, numKept = 1;
  SmallVector<int64_t> kept;
  for (auto [axis, length] : llvm::enumerate(member.getView())) {
    numElements *= length;
    bool isBlockAxis = llvm::is_contained(member.getAxes(), int64_t(axis));
    if (!isBlockAxis && member.getSizes()[axis] == length) {
      order.whole.push_back(axis);
      continue;
    }
    if (!isBlockAxis)
      order.rest.push_back(kept.size());
    kept.push_back(axis);
    numKept *= length;
    order.offsets.push_back(member.getOffsets()[axis]);
    order.sizes.push_back(member.getSizes()[axis]);
  }
  order.cutsFirst = !member.isWhole() && numKept * kWorthwhile > numElements;
  return order;
}

SmallVector<Value> lowerToStablehlo(ChargeOp op, OpBuilder &b) {
  StablehloBuilder builder(b, op.getLoc());
  SmallVector<Product, 4> products = getProducts(op);
  SmallVector<Value> sums(products.size());
  for (unsigned m = 0; m < op.getNumMembers(); ++m) {
    MemberAttr member = op.getMember(m);
    SummationOrder order = getSummationOrder(member);
    std::array<Value, 3> tensors = getTensors(op, m);
    for (Value &tensor : tensors) {
      if (!tensor)
        continue;
      tensor = builder.reshape(tensor, member.getView());
      if (order.cutsFirst)
        tensor = builder.slice(tensor, member.getOffsets(), member.getSizes());
      tensor = builder.convert(tensor, op.getChargeType().getElementType());
    }
    for (auto [product, sum] : llvm::zip(products, sums)) {
      Value term = builder.binary("stablehlo.multiply", tensors[product.first],
                                  tensors[product.second]);
      term = builder.reduceSum(term, order.whole);
      if (!order.cutsFirst)
        term = builder.slice(term, order.offsets, order.sizes);
      term = builder.reduceSum(term, order.rest);
      term = builder.transpose(term, getPermutationToBlock(member.getAxes()));
      term = builder.scale(term, getExponent(member));
      sum = sum ? builder.binary("stablehlo.add", sum, term) : term;
    }
  }
  if (op.getTraceless())
    for (Value &sum : sums)
      sum = removeMeans(builder, sum);
  return sums;
}

//===----------------------------------------------------------------------===//
// Linalg
//===----------------------------------------------------------------------===//

/// Any static shape to any other with as many elements.
Value reshapeTensor(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getShape() == shape)
    return value;
  RankedTensorType target = type.clone(shape);
  if (auto groups = getReassociationIndicesForReshape(type, target)) {
    if (target.getRank() > type.getRank())
      return tensor::ExpandShapeOp::create(builder, loc, target, value, *groups);
    return tensor::CollapseShapeOp::create(builder, loc, target, value, *groups);
  }
  auto allOf = [](int64_t rank) {
    SmallVector<ReassociationIndices> groups;
    if (rank > 0)
      groups.emplace_back(llvm::to_vector<2>(llvm::seq<int64_t>(0, rank)));
    return groups;
  };
  Value flat = value;
  if (type.getRank() != 1)
    flat = tensor::CollapseShapeOp::create(builder, loc, type.clone({type.getNumElements()}), value,
                                           allOf(type.getRank()));
  if (target.getRank() == 1)
    return flat;
  return tensor::ExpandShapeOp::create(builder, loc, target, flat, allOf(target.getRank()));
}

Value cutTensor(OpBuilder &builder, Location loc, Value value, MemberAttr member) {
  value = reshapeTensor(builder, loc, value, member.getView());
  if (member.isWhole())
    return value;
  auto type = cast<RankedTensorType>(value.getType());
  auto attrs = [&](ArrayRef<int64_t> values) { return getAsIndexOpFoldResult(builder.getContext(), values); };
  SmallVector<OpFoldResult> strides(member.getView().size(), builder.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(builder, loc, type.clone(member.getSizes()), value,
                                        attrs(member.getOffsets()), attrs(member.getSizes()), strides);
}

/// The float `value` in the element type of the sums, which is never narrower in practice but may be.
Value castFloat(OpBuilder &builder, Location loc, Value value, Type type) {
  unsigned from = value.getType().getIntOrFloatBitWidth(), to = type.getIntOrFloatBitWidth();
  if (value.getType() == type)
    return value;
  if (from < to)
    return arith::ExtFOp::create(builder, loc, type, value);
  if (from > to)
    return arith::TruncFOp::create(builder, loc, type, value);
  // Two formats of one width: by way of a wider one.
  Value wide = arith::ExtFOp::create(builder, loc, builder.getF64Type(), value);
  return arith::TruncFOp::create(builder, loc, type, wide);
}

/// A tensor of the given type that is `number` everywhere.
Value fillTensor(OpBuilder &builder, Location loc, ArrayRef<int64_t> shape, Type elementType,
                 double number) {
  Value value = arith::ConstantOp::create(builder, loc, builder.getFloatAttr(elementType, number));
  Value empty = tensor::EmptyOp::create(builder, loc, shape, elementType);
  return linalg::FillOp::create(builder, loc, value, empty).getResult(0);
}

/// Takes the mean along every axis away.
Value removeMeans(OpBuilder &builder, Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  Type elementType = type.getElementType();
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    SmallVector<int64_t> shape(type.getShape());
    shape.erase(shape.begin() + axis);
    SmallVector<AffineExpr> kept;
    SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
    iterators[axis] = utils::IteratorType::reduction;
    for (int64_t other = 0; other < type.getRank(); ++other)
      if (other != axis)
        kept.push_back(builder.getAffineDimExpr(other));
    AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
    AffineMap reduced = AffineMap::get(type.getRank(), 0, kept, builder.getContext());
    Value init = fillTensor(builder, loc, shape, elementType, 0);
    Value sum = linalg::GenericOp::create(
                    builder, loc, init.getType(), value, init, {identity, reduced}, iterators,
                    [](OpBuilder &body, Location loc, ValueRange arguments) {
                      Value added = arith::AddFOp::create(body, loc, arguments[1], arguments[0]);
                      linalg::YieldOp::create(body, loc, added);
                    })
                    .getResult(0);
    iterators[axis] = utils::IteratorType::parallel;
    double count = double(type.getDimSize(axis));
    Value empty = tensor::EmptyOp::create(builder, loc, type.getShape(), elementType);
    value = linalg::GenericOp::create(
                builder, loc, type, ValueRange{value, sum}, empty, {identity, reduced, identity},
                iterators,
                [&](OpBuilder &body, Location loc, ValueRange arguments) {
                  Value size = arith::ConstantOp::create(body, loc,
                                                         body.getFloatAttr(elementType, count));
                  Value mean = arith::DivFOp::create(body, loc, arguments[1], size);
                  Value rest = arith::SubFOp::create(body, loc, arguments[0], mean);
                  linalg::YieldOp::create(body, loc, rest);
                })
                .getResult(0);
  }
  return value;
}

/// One pass over each member's tensors computes all sums.
SmallVector<Value> lowerToLinalg(ChargeOp op, OpBuilder &builder) {
  Location loc = op.getLoc();
  Type elementType = op.getChargeType().getElementType();
  SmallVector<Product, 4> products = getProducts(op);

  Value init = fillTensor(builder, loc, op.getChargeType().getShape(), elementType, 0);
  SmallVector<Value> sums(products.size(), init);

  for (unsigned m = 0; m < op.getNumMembers(); ++m) {
    MemberAttr member = op.getMember(m);
    std::array<Value, 3> tensors = getTensors(op, m);
    SmallVector<Value> inputs;
    std::array<unsigned, 3> position{};
    for (auto [tensor, number] : llvm::zip(tensors, position))
      if (tensor) {
        number = inputs.size();
        inputs.push_back(cutTensor(builder, loc, tensor, member));
      }

    unsigned rank = member.getView().size();
    AffineMap identity = builder.getMultiDimIdentityMap(rank);
    SmallVector<AffineExpr> kept;
    SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::reduction);
    for (int64_t axis : member.getAxes()) {
      kept.push_back(builder.getAffineDimExpr(axis));
      iterators[axis] = utils::IteratorType::parallel;
    }
    SmallVector<AffineMap> maps(inputs.size(), identity);
    maps.append(sums.size(), AffineMap::get(rank, 0, kept, builder.getContext()));

    auto generic = linalg::GenericOp::create(
        builder, loc, TypeRange(ValueRange(sums)), inputs, sums, maps, iterators,
        [&](OpBuilder &body, Location loc, ValueRange arguments) {
          double exponent = getExponent(member);
          SmallVector<Value> wide, results;
          for (Value argument : arguments.take_front(inputs.size()))
            wide.push_back(castFloat(body, loc, argument, elementType));
          Value factor;
          if (exponent != 1)
            factor = arith::ConstantOp::create(body, loc, body.getFloatAttr(elementType, exponent));
          for (auto [i, product] : llvm::enumerate(products)) {
            Value term = arith::MulFOp::create(body, loc, wide[position[product.first]],
                                               wide[position[product.second]]);
            if (factor)
              term = arith::MulFOp::create(body, loc, term, factor);
            results.push_back(
                arith::AddFOp::create(body, loc, arguments[inputs.size() + i], term));
          }
          linalg::YieldOp::create(body, loc, results);
        });
    sums.assign(generic.result_begin(), generic.result_end());
  }
  if (op.getTraceless())
    for (Value &sum : sums)
      sum = removeMeans(builder, loc, sum);
  return sums;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

bool isStablehlo(ModuleOp module) {
  return module
      .walk([](Operation *op) {
        StringRef dialect = op->getName().getDialectNamespace();
        return dialect == "stablehlo" || dialect == "chlo" ? WalkResult::interrupt()
                                                           : WalkResult::advance();
      })
      .wasInterrupted();
}

struct LowerCharges : noether::impl::LowerChargesBase<LowerCharges> {
  void runOnOperation() override {
    SmallVector<ChargeOp> ops;
    getOperation().walk([&](ChargeOp op) { ops.push_back(op); });
    if (ops.empty())
      return markAllAnalysesPreserved();
    bool stablehlo = isStablehlo(getOperation());
    for (ChargeOp op : ops) {
      OpBuilder builder(op);
      op.replaceAllUsesWith(stablehlo ? lowerToStablehlo(op, builder) : lowerToLinalg(op, builder));
      op.erase();
    }
  }
};
} // namespace
