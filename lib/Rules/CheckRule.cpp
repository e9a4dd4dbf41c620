// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whether a rule fits the operation it is for.

#include "noether/Rules/RuleTable.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"

#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace noether;

namespace {

class RuleChecker {
public:
  RuleChecker(RuleAttr rule, Operation *op) : rule(rule), op(op), sizes(rule.getFactorSizes()) {}

  std::optional<std::string> run();

private:
  std::optional<std::string> checkTensors(ArrayRef<TensorMapAttr> maps, TypeRange types,
                                          StringRef what, bool readSizes);
  std::optional<std::string> checkDim(DimMapAttr dim, int64_t size, const Twine &where);

  RuleAttr rule;
  Operation *op;
  /// The sizes of factors, 0 while unknown.
  SmallVector<int64_t> sizes;
};

std::optional<std::string> error(const Twine &message) { return message.str(); }

} // namespace

std::optional<std::string> RuleChecker::checkTensors(ArrayRef<TensorMapAttr> maps, TypeRange types,
                                                     StringRef what, bool readSizes) {
  if (maps.size() != types.size())
    return error("the rule has " + Twine(maps.size()) + " " + what + "s, the operation " +
                 Twine(types.size()));
  for (auto [index, map, type] : llvm::enumerate(maps, types)) {
    auto shaped = dyn_cast<ShapedType>(type);
    if (shaped && !shaped.hasRank())
      return error(what + " " + Twine(index) + " has no rank");
    ArrayRef<int64_t> shape = shaped ? shaped.getShape() : ArrayRef<int64_t>();
    if (map.getDims().size() != shape.size())
      return error(what + " " + Twine(index) + " has rank " + Twine(shape.size()) + " where rank " +
                   Twine(map.getDims().size()) + " is expected");
    for (auto [position, dim, size] : llvm::enumerate(map.getDims(), shape)) {
      if (ShapedType::isDynamic(size))
        continue;
      if (dim.isSingleFactor()) {
        int64_t &known = sizes[dim.getFactors()[0]];
        if (known == 0)
          known = size;
        if (known != size)
          return error(what + " " + Twine(index) + " has size " + Twine(size) + " in dimension " +
                       Twine(position) + " where " + Twine(known) + " is expected");
      } else if (!readSizes) {
        if (auto message =
                checkDim(dim, size, what + " " + Twine(index) + ", dimension " + Twine(position)))
          return message;
      }
    }
  }
  return std::nullopt;
}

std::optional<std::string> RuleChecker::checkDim(DimMapAttr dim, int64_t size, const Twine &where) {
  int64_t total = 0;
  for (unsigned segment = 0, e = dim.getSegments().size(); segment < e; ++segment) {
    int64_t product = 1;
    for (int64_t factor : dim.getSegmentFactors(segment)) {
      if (sizes[factor] == 0)
        return error(where + ": the size of a factor is unknown or zero");
      if (llvm::MulOverflow(product, sizes[factor], product))
        return error(where + ": sizes of factors are too large");
    }
    if (llvm::AddOverflow(total, product, total))
      return error(where + ": sizes of factors are too large");
  }
  if (total != size)
    return error(where + ": size " + Twine(size) + " where " + Twine(total) + " is expected");
  return std::nullopt;
}

std::optional<std::string> RuleChecker::run() {
  if (rule.isBarrier())
    return std::nullopt;
  // Sizes of factors that are dimensions first, then the dimensions made of several factors.
  for (bool readSizes : {true, false}) {
    if (auto message =
            checkTensors(rule.getOperands(), op->getOperandTypes(), "operand", readSizes))
      return message;
    if (auto message = checkTensors(rule.getResults(), op->getResultTypes(), "result", readSizes))
      return message;
  }
  return std::nullopt;
}

std::optional<std::string> noether::checkRule(RuleAttr rule, Operation *op) {
  return RuleChecker(rule, op).run();
}

LogicalResult noether::verifyAgainst(RuleAttr rule, Operation *op) {
  if (std::optional<std::string> message = checkRule(rule, op))
    return op->emitOpError("does not fit its rule: ") << *message;
  return success();
}
