// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Dialect/Noether/IR/Noether.h"

#include "mlir/IR/Builders.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVectorExtras.h"

using namespace mlir;
using namespace noether;

#include "noether/Dialect/Noether/IR/NoetherInterfaces.cpp.inc"

#define GET_OP_CLASSES
#include "noether/Dialect/Noether/IR/NoetherOps.cpp.inc"

void NoetherDialect::registerOperations() {
  addOperations<
#define GET_OP_LIST
#include "noether/Dialect/Noether/IR/NoetherOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// ChargeOp
//===----------------------------------------------------------------------===//

static unsigned getNumCharges(bool hasGradients, bool hasNextWeights) {
  return 1 + (hasGradients ? 2 : 0) + (hasNextWeights ? 1 : 0);
}

void ChargeOp::build(OpBuilder &builder, OperationState &state, RankedTensorType type,
                     StringRef symmetry, ArrayRef<MemberAttr> members, ValueRange weights,
                     ValueRange gradients, ValueRange nextWeights, bool traceless) {
  SmallVector<Type> types(getNumCharges(!gradients.empty(), !nextWeights.empty()), type);
  SmallVector<Attribute> memberAttrs(members.begin(), members.end());
  build(builder, state, types, builder.getStringAttr(symmetry), builder.getArrayAttr(memberAttrs),
        traceless, weights, gradients, nextWeights);
}

void ChargeOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getCharge(), "charge");
  if (Value identity = getIdentity())
    setName(identity, "identity");
  if (Value gradientNorm = getGradientNorm())
    setName(gradientNorm, "gradient_norm");
  if (Value nextCharge = getNextCharge())
    setName(nextCharge, "next_charge");
}

/// Checks one weight, and the gradient or the next value that goes with it, against its member.
static LogicalResult verifyMember(ChargeOp op, unsigned index, RankedTensorType chargeType) {
  auto emitError = [&] { return op.emitOpError() << "member " << index << " "; };
  MemberAttr member = op.getMember(index);

  auto weightType = cast<RankedTensorType>(op.getWeights()[index].getType());
  if (!isa<FloatType>(weightType.getElementType()) || !weightType.hasStaticShape())
    return emitError() << "needs a weight of static shape with a float element type, but has "
                       << weightType;
  if (weightType.getNumElements() != member.getNumElements())
    return emitError() << "has a view of " << member.getNumElements() << " values, but a weight of "
                       << weightType.getNumElements();
  for (OperandRange others : {op.getGradients(), op.getNextWeights()}) {
    if (others.empty())
      continue;
    auto type = cast<RankedTensorType>(others[index].getType());
    if (type.getShape() != weightType.getShape() || !isa<FloatType>(type.getElementType()))
      return emitError() << "has a weight of type " << weightType
                         << ", but a gradient or next value of type " << type;
  }
  if (ArrayRef<int64_t>(member.getBlockShape()) != chargeType.getShape())
    return emitError() << "has a block of shape [" << member.getBlockShape()
                       << "], but the charge has type " << chargeType;
  return success();
}

LogicalResult ChargeOp::verify() {
  size_t numWeights = getWeights().size();
  if (numWeights == 0)
    return emitOpError() << "needs at least one weight";
  if (getNumMembers() != numWeights)
    return emitOpError() << "has " << getNumMembers() << " members, but " << numWeights
                         << " weights";
  if (!getGradients().empty() && getGradients().size() != numWeights)
    return emitOpError() << "has " << getGradients().size() << " gradients, but " << numWeights
                         << " weights";
  if (!getNextWeights().empty() && getNextWeights().size() != numWeights)
    return emitOpError() << "has " << getNextWeights().size() << " next values, but " << numWeights
                         << " weights";

  size_t numCharges = getNumCharges(!getGradients().empty(), !getNextWeights().empty());
  if (getCharges().size() != numCharges)
    return emitOpError() << "has " << getCharges().size() << " results, but its operands give "
                         << numCharges;
  RankedTensorType chargeType = getChargeType();
  if (!llvm::all_equal(getCharges().getTypes()))
    return emitOpError() << "needs results of one type";
  if (!isa<FloatType>(chargeType.getElementType()) || !chargeType.hasStaticShape())
    return emitOpError() << "needs results of static shape with a float element type, but has "
                         << chargeType;

  for (unsigned index = 0; index < numWeights; ++index)
    if (failed(verifyMember(*this, index, chargeType)))
      return failure();
  return success();
}

/// The results are quadratic, and sums over all axes but those of the block. Members that reshape or
/// cut their weight have no rule; nor have differences to a mean.
RuleAttr ChargeOp::getNoetherRule() {
  if (getTraceless())
    return {};
  MLIRContext *context = getContext();
  unsigned numMembers = getNumMembers();
  unsigned blockRank = getChargeType().getRank();
  auto makeDim = [&](int64_t factor) { return DimMapAttr::get(context, {factor}, {1}); };

  // The factors of the block come first, and are common to all members.
  int64_t numFactors = blockRank;
  SmallVector<int64_t> sumFactors;
  SmallVector<TensorMapAttr> weights;
  for (unsigned index = 0; index < numMembers; ++index) {
    MemberAttr member = getMember(index);
    auto type = cast<RankedTensorType>(getWeights()[index].getType());
    if (!member.isWhole() || member.getView() != type.getShape())
      return {};
    SmallVector<int64_t> factors(type.getRank(), -1);
    for (auto [blockAxis, axis] : llvm::enumerate(member.getAxes()))
      factors[axis] = blockAxis;
    for (int64_t &factor : factors)
      if (factor < 0)
        sumFactors.push_back(factor = numFactors++);
    weights.push_back(TensorMapAttr::get(context, llvm::map_to_vector(factors, makeDim)));
  }
  auto block = TensorMapAttr::get(
      context, llvm::map_to_vector(llvm::seq<int64_t>(0, blockRank), makeDim));

  // Operands are the weights, the gradients and the next values, member by member.
  SmallVector<TensorMapAttr> operands;
  while (operands.size() < getNumOperands())
    llvm::append_range(operands, weights);
  SmallVector<TensorMapAttr> results(getNumResults(), block);

  SmallVector<EquationAttr> equations;
  auto addProduct = [&](unsigned result, unsigned lhs, unsigned rhs) {
    SmallVector<int64_t> tensors = {lhs}, numerators = {2};
    if (lhs != rhs) {
      tensors.push_back(rhs);
      numerators = {1, 1};
    }
    equations.push_back(EquationAttr::get(context, getNumOperands() + result, tensors, numerators,
                                          SmallVector<int64_t>(tensors.size(), 1)));
  };
  unsigned gradients = numMembers, nextWeights = numMembers + getGradients().size();
  for (unsigned index = 0; index < numMembers; ++index) {
    addProduct(0, index, index);
    if (!getGradients().empty()) {
      addProduct(1, index, gradients + index);
      addProduct(2, gradients + index, gradients + index);
    }
    if (!getNextWeights().empty())
      addProduct(getNumResults() - 1, nextWeights + index, nextWeights + index);
  }
  return RuleAttr::get(context, operands, results, SmallVector<int64_t>(numFactors, 0), sumFactors,
                       {}, equations);
}
