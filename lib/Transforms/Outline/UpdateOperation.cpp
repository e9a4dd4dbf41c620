// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "UpdateOperation.h"

#include "noether/Rules/AttributeReader.h"
#include "noether/Rules/ConstantFold.h"

#include "mlir/IR/BuiltinTypes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace noether;

std::optional<int64_t> noether::countElements(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.hasStaticShape())
    return std::nullopt;
  return type.getNumElements();
}

bool noether::isSingleNumber(Value value) { return countElements(value) == 1; }

/// Operations of the host dialects whose result's elements each depend on the operands' elements in
/// the same place.
static bool isElementwise(StringRef name) {
  static const llvm::StringSet<> names = {
      "stablehlo.abs",          "stablehlo.add",         "stablehlo.and",
      "stablehlo.cbrt",         "stablehlo.ceil",        "stablehlo.clamp",
      "stablehlo.compare",      "stablehlo.convert",     "stablehlo.cosine",
      "stablehlo.divide",       "stablehlo.exponential", "stablehlo.exponential_minus_one",
      "stablehlo.floor",        "stablehlo.is_finite",   "stablehlo.log",
      "stablehlo.log_plus_one", "stablehlo.logistic",    "stablehlo.maximum",
      "stablehlo.minimum",      "stablehlo.multiply",    "stablehlo.negate",
      "stablehlo.not",          "stablehlo.or",          "stablehlo.power",
      "stablehlo.rsqrt",        "stablehlo.select",      "stablehlo.sign",
      "stablehlo.sine",         "stablehlo.sqrt",        "stablehlo.subtract",
      "stablehlo.tanh",         "stablehlo.xor",         "chlo.square"};
  return names.contains(name);
}

/// Whether the operand's axes become axes of the result in their order.
static bool keepsOrder(Operation &op) {
  FailureOr<Indices> dimensions = AttributeReader(&op).integers("broadcast_dimensions");
  return succeeded(dimensions) && llvm::is_sorted(*dimensions);
}

/// A reduction of one tensor by one operation of which the init value is the neutral element or any
/// other known number.
static bool isPlainReduction(Operation &op) {
  if (op.getNumOperands() != 2 || op.getNumResults() != 1 || op.getNumRegions() != 1 ||
      !op.getRegion(0).hasOneBlock() || !traceSplat(op.getOperand(1)) ||
      failed(AttributeReader(&op).integers("dimensions")))
    return false;
  Block &body = op.getRegion(0).front();
  if (body.getNumArguments() != 2 || body.getOperations().size() != 2)
    return false;
  Operation &combine = body.front(), &end = body.back();
  StringRef name = combine.getName().getStringRef();
  return llvm::is_contained({"stablehlo.add", "stablehlo.maximum", "stablehlo.minimum"}, name) &&
         combine.getNumResults() == 1 && combine.getNumOperands() == 2 &&
         end.getNumOperands() == 1 && end.getOperand(0) == combine.getResult(0) &&
         llvm::is_contained(body.getArguments(), combine.getOperand(0)) &&
         llvm::is_contained(body.getArguments(), combine.getOperand(1)) &&
         combine.getOperand(0) != combine.getOperand(1);
}

UpdateOperation noether::classifyForUpdate(Operation &op) {
  if (op.getNumResults() != 1 || op.getNumSuccessors() != 0)
    return UpdateOperation::Other;
  Value result = op.getResult(0);
  std::optional<int64_t> elements = countElements(result);
  if (!elements || llvm::any_of(op.getOperands(), [](Value v) { return !countElements(v); }))
    return UpdateOperation::Other;
  StringRef name = op.getName().getStringRef();
  if (op.getNumOperands() == 0)
    return splatConstant(&op) ? UpdateOperation::Uniform : UpdateOperation::Other;
  if (name == "stablehlo.reduce")
    return *countElements(op.getOperand(0)) > 1 && isPlainReduction(op) ? UpdateOperation::Reduction
                                                                        : UpdateOperation::Other;
  if (op.getNumRegions() != 0)
    return UpdateOperation::Other;

  auto type = cast<RankedTensorType>(result.getType());
  if (isElementwise(name)) {
    // A predicate or a bound may be one number.
    for (Value operand : op.getOperands())
      if (cast<RankedTensorType>(operand.getType()).getShape() != type.getShape() &&
          !isSingleNumber(operand))
        return UpdateOperation::Other;
    return *elements == 1 ? UpdateOperation::Scalar : UpdateOperation::Pointwise;
  }
  if (op.getNumOperands() != 1)
    return UpdateOperation::Other;
  bool isSingle = isSingleNumber(op.getOperand(0));
  if (name == "stablehlo.reshape")
    return isSingle ? UpdateOperation::Scalar : UpdateOperation::Pointwise;
  if (name == "stablehlo.broadcast_in_dim") {
    if (isSingle)
      return *elements == 1 ? UpdateOperation::Scalar : UpdateOperation::Uniform;
    if (!keepsOrder(op))
      return UpdateOperation::Other;
    return countElements(op.getOperand(0)) == elements ? UpdateOperation::Pointwise
                                                       : UpdateOperation::Spread;
  }
  return UpdateOperation::Other;
}
