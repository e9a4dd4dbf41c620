// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Kernels/KernelSpace.h"

#include "noether/Rules/AttributeReader.h"

#include "mlir/IR/BuiltinTypes.h"

#include "llvm/ADT/STLExtras.h"

#include <set>

using namespace mlir;
using namespace noether;

static ArrayRef<int64_t> getShape(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

static int64_t countElements(Value value) {
  return cast<RankedTensorType>(value.getType()).getNumElements();
}

int64_t KernelSpace::getNumElements() const { return llvm::product_of(sizes, int64_t(1)); }

int64_t KernelSpace::getNumKept(unsigned mask) const {
  int64_t result = 1;
  for (auto [d, size] : llvm::enumerate(sizes))
    if (mask >> d & 1)
      result *= size;
  return result;
}

namespace {

/// Cuts of the flat index: an axis boundary lies where the product of the sizes behind it is.
class SpaceFinder {
public:
  explicit SpaceFinder(func::FuncOp kernel) : kernel(kernel) {}

  FailureOr<KernelSpace> find();

private:
  /// An operation that tells axes apart, the shape it sees, and the axes it keeps.
  struct Use {
    Operation *op;
    SmallVector<int64_t> shape;
    SmallVector<bool> keeps;
  };

  LogicalResult collect();
  bool fits(Operation &op) const;
  LogicalResult findFinest(int64_t elements);
  FailureOr<unsigned> getMask(const Use &use) const;

  func::FuncOp kernel;
  SmallVector<Use> uses;
  int64_t elements = 0;
  /// Sizes of the finest dimensions, outermost first.
  SmallVector<int64_t> finest;
};

} // namespace

LogicalResult SpaceFinder::collect() {
  Block &body = kernel.getBody().front();
  for (Operation &op : body.without_terminator()) {
    StringRef name = op.getName().getStringRef();
    if (name == "stablehlo.reduce") {
      FailureOr<Indices> dimensions = AttributeReader(&op).integers("dimensions");
      if (failed(dimensions))
        return failure();
      Use use{&op, SmallVector<int64_t>(getShape(op.getOperand(0))), {}};
      for (int64_t axis = 0; axis < int64_t(use.shape.size()); ++axis)
        use.keeps.push_back(!llvm::is_contained(*dimensions, axis));
      uses.push_back(std::move(use));
    } else if (name == "stablehlo.broadcast_in_dim" && countElements(op.getOperand(0)) > 1 &&
               countElements(op.getOperand(0)) < countElements(op.getResult(0))) {
      FailureOr<Indices> dimensions = AttributeReader(&op).integers("broadcast_dimensions");
      if (failed(dimensions))
        return failure();
      Use use{&op, SmallVector<int64_t>(getShape(op.getResult(0))), {}};
      use.keeps.assign(use.shape.size(), false);
      for (auto [size, axis] : llvm::zip_equal(getShape(op.getOperand(0)), *dimensions))
        use.keeps[axis] = size == use.shape[axis];
      uses.push_back(std::move(use));
    }
  }
  // Everything but sums and operands of spreads has as many elements.
  for (Operation &op : body.without_terminator())
    for (Value result : op.getResults())
      if (op.getName().getStringRef() != "stablehlo.reduce")
        elements = std::max(elements, countElements(result));
  for (const Use &use : uses)
    elements = std::max(elements, llvm::product_of(use.shape, int64_t(1)));
  for (const Use &use : uses)
    if (llvm::product_of(use.shape, int64_t(1)) != elements)
      return failure();
  return success(elements > 0 &&
                 llvm::all_of(body.getOperations(), [&](Operation &op) { return fits(op); }));
}

/// Whether an operation sees nothing but single numbers, values of the whole space, and what is
/// spread over it; sums are only returned.
bool SpaceFinder::fits(Operation &op) const {
  bool isEnd = &op == &op.getBlock()->back();
  bool isReduction = op.getName().getStringRef() == "stablehlo.reduce";
  bool isSpread = llvm::any_of(uses, [&](const Use &use) { return use.op == &op; }) && !isReduction;
  for (Value operand : op.getOperands()) {
    Operation *def = operand.getDefiningOp();
    bool isSum = def && def->getName().getStringRef() == "stablehlo.reduce";
    int64_t count = countElements(operand);
    // What is spread has to be in memory.
    if (isSum ? !isEnd : isSpread ? def && count > 1 : count != 1 && count != elements)
      return false;
  }
  return true;
}

/// Every axis of every use is a product of the finest dimensions.
LogicalResult SpaceFinder::findFinest(int64_t elements) {
  std::set<int64_t> behind{1, elements}; // products of what lies behind a boundary
  for (const Use &use : uses) {
    int64_t product = 1;
    for (int64_t size : llvm::reverse(use.shape))
      behind.insert(product *= size);
  }
  int64_t before = 0;
  for (int64_t product : llvm::reverse(behind)) {
    if (before && before % product)
      return failure();
    if (before)
      finest.push_back(before / product);
    before = product;
  }
  return success();
}

FailureOr<unsigned> SpaceFinder::getMask(const Use &use) const {
  unsigned mask = 0;
  size_t next = 0;
  for (auto [size, keeps] : llvm::zip_equal(use.shape, use.keeps)) {
    int64_t product = 1;
    while (product < size) {
      if (next == finest.size())
        return failure();
      product *= finest[next];
      if (keeps)
        mask |= 1u << next;
      ++next;
    }
    if (product != size)
      return failure();
  }
  return mask;
}

FailureOr<KernelSpace> SpaceFinder::find() {
  if (failed(collect()) || failed(findFinest(elements)) || finest.size() > 8)
    return failure();
  SmallVector<unsigned> masks;
  for (const Use &use : uses) {
    FailureOr<unsigned> mask = getMask(use);
    if (failed(mask))
      return failure();
    masks.push_back(*mask);
  }
  // Neighbours that nobody tells apart are one.
  KernelSpace space;
  SmallVector<unsigned> dimension; // of each finest one
  for (auto [d, size] : llvm::enumerate(finest)) {
    bool isNew = d == 0 || llvm::any_of(masks, [&](unsigned mask) {
                   return (mask >> d & 1) != (mask >> (d - 1) & 1);
                 });
    if (isNew)
      space.sizes.push_back(size);
    else
      space.sizes.back() *= size;
    dimension.push_back(space.sizes.size() - 1);
  }
  if (space.sizes.empty())
    space.sizes.push_back(1);
  for (auto [use, mask] : llvm::zip_equal(uses, masks)) {
    unsigned &kept = space.kept[use.op];
    for (auto [d, merged] : llvm::enumerate(dimension))
      if (mask >> d & 1)
        kept |= 1u << merged;
  }
  return space;
}

FailureOr<KernelSpace> noether::getKernelSpace(func::FuncOp kernel) {
  return SpaceFinder(kernel).find();
}
