// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AdaptiveBlocks.h"

#include "mlir/IR/Remarks.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

namespace {

class Chooser {
public:
  Chooser(const StepAnalysis &analysis, StringRef category)
      : roles(analysis.roles), category(category), isTaken(roles.arguments.size()) {}

  /// Adds the block of a symmetry, or adds it to a block, or says why it is in none.
  LogicalResult add(const Symmetry &symmetry);
  SmallVector<AdaptiveBlock, 0> take() { return std::move(blocks); }

private:
  /// Why a symmetry cannot be fixed to unit spheres; empty if it can.
  std::string findObstacle(const Symmetry &symmetry);
  /// The block that a symmetry is all or a part of.
  AdaptiveBlock make(const Symmetry &symmetry);
  LogicalResult findNextValues(AdaptiveBlock &block);
  RankedTensorType typeOf(unsigned argument) {
    return dyn_cast<RankedTensorType>(entry().getArgument(argument).getType());
  }
  const std::string &nameOf(unsigned argument) { return roles.arguments[argument].name; }
  func::FuncOp entry() { return roles.entry; }

  const StepRoles &roles;
  StringRef category; // of remarks
  SmallVector<AdaptiveBlock, 0> blocks;
  llvm::BitVector isTaken; // parameters that are in a block
};

/// The axes along which a member is one index, and this index.
struct Position {
  SmallVector<int64_t, 2> axes;
  int64_t index = 0, size = 1;
};

} // namespace

/// Nothing if the member is another part of the parameter than all of it at one position.
static std::optional<Position> positionOf(const SymmetryMember &member) {
  Position position;
  for (auto [axis, size] : llvm::enumerate(member.view)) {
    if (member.sizes[axis] == size)
      continue;
    if (member.sizes[axis] != 1)
      return std::nullopt;
    position.axes.push_back(axis);
    position.index = position.index * size + member.offsets[axis];
    position.size *= size;
  }
  return position;
}

/// Position axes first, then the symmetry's own.
static SmallVector<int64_t, 6> blockAxesOf(const SymmetryMember &member, const Position &position) {
  SmallVector<int64_t, 6> axes(position.axes.begin(), position.axes.end());
  llvm::append_range(axes, member.axes);
  return axes;
}

std::string Chooser::findObstacle(const Symmetry &symmetry) {
  if (symmetry.family != Family::Scale)
    return "a rescaling between parameters does not fix their norms";
  if (symmetry.undescribed)
    return "how its scales vary over the parameters cannot be told by axes";
  if (symmetry.traceless)
    return "its scales must average to one";
  std::optional<Position> common;
  llvm::BitVector isMember(roles.arguments.size());
  for (const SymmetryMember &member : symmetry.members) {
    const std::string &name = nameOf(member.argument);
    if (member.exponent != Fraction(1))
      return "the exponent of " + name + " is not 1";
    RankedTensorType type = typeOf(member.argument);
    if (!type || !isa<FloatType>(type.getElementType()))
      return name + " is not a tensor of real numbers";
    if (type.getElementTypeBitWidth() < 16)
      return name + " has too few bits for directions";
    std::optional<Position> position = positionOf(member);
    if (!position || isMember.test(member.argument))
      return "it moves a part of " + name + " only";
    isMember.set(member.argument);
    if (!common)
      common = position;
    ArrayRef<int64_t> sizes = symmetry.members.front().view;
    if (common->index != position->index || common->axes.size() != position->axes.size() ||
        !llvm::equal(common->axes, position->axes,
                     [&](int64_t a, int64_t b) { return sizes[a] == member.view[b]; }))
      return "it moves different parts of its parameters";
    if (!slotsOfAxes(member.view, blockAxesOf(member, *position), type.getShape()))
      return "its blocks are not made of parts of the dimensions of " + name;
  }
  return "";
}

AdaptiveBlock Chooser::make(const Symmetry &symmetry) {
  AdaptiveBlock block;
  Type elementType = Float32Type::get(entry().getContext());
  for (const SymmetryMember &member : symmetry.members) {
    RankedTensorType type = typeOf(member.argument);
    if (type.getElementTypeBitWidth() > elementType.getIntOrFloatBitWidth())
      elementType = type.getElementType();
    auto axes = blockAxesOf(member, *positionOf(member));
    block.members.push_back({member.argument, 0, llvm::to_vector<6>(member.view), axes,
                             *slotsOfAxes(member.view, axes, type.getShape())});
  }
  const SymmetryMember &first = symmetry.members.front();
  Position position = *positionOf(first);
  SmallVector<int64_t> shape;
  for (int64_t axis : position.axes)
    shape.push_back(first.view[axis]);
  llvm::append_range(shape, symmetry.blockShape);
  block.numPositions = position.size;
  block.type = RankedTensorType::get(shape, elementType);
  block.parts.push_back(
      {symmetry.id, position.index, RankedTensorType::get(symmetry.blockShape, elementType)});
  return block;
}

LogicalResult Chooser::findNextValues(AdaptiveBlock &block) {
  for (AdaptiveBlock::Member &member : block.members) {
    std::optional<unsigned> next = roles.arguments[member.argument].carriedTo;
    if (!next || entry().getResultTypes()[*next] != typeOf(member.argument))
      return entry().emitOpError("returns no next value of ")
             << nameOf(member.argument) << ": it cannot be put in adaptive form";
    member.result = *next;
  }
  return success();
}

LogicalResult Chooser::add(const Symmetry &symmetry) {
  Location location = entry().getArgument(symmetry.members.front().argument).getLoc();
  auto options = [&](StringRef name) {
    return remark::RemarkOpts::name(name).category(category).function(entry().getName());
  };
  auto leave = [&](const std::string &obstacle) {
    remark::missed(location, options("NotAdapted"))
        << remark::metric("symmetry", symmetry.id) << remark::reason("{0}", obstacle);
    return success();
  };
  if (std::string obstacle = findObstacle(symmetry); !obstacle.empty())
    return leave(obstacle);

  AdaptiveBlock block = make(symmetry);
  const AdaptiveBlock::Part &part = block.parts.front();
  auto same = llvm::find_if(blocks, [&](const AdaptiveBlock &other) {
    return other.members == block.members && other.type == block.type &&
           llvm::none_of(other.parts, [&](const auto &p) { return p.position == part.position; });
  });
  if (same != blocks.end()) {
    same->parts.push_back(part);
  } else {
    for (const AdaptiveBlock::Member &member : block.members)
      if (isTaken.test(member.argument))
        return leave(nameOf(member.argument) + " is in another block");
    if (failed(findNextValues(block)))
      return failure();
    for (const AdaptiveBlock::Member &member : block.members)
      isTaken.set(member.argument);
    blocks.push_back(std::move(block));
  }
  if (auto remark = remark::passed(location, options("Adapted"))) {
    remark << remark::metric("symmetry", symmetry.id)
           << remark::metric("dimension", symmetry.dimension);
    for (const SymmetryMember &member : symmetry.members)
      remark << remark::metric("parameter", nameOf(member.argument));
  }
  return success();
}

FailureOr<SmallVector<AdaptiveBlock, 0>>
noether::chooseAdaptiveBlocks(const StepAnalysis &analysis, ArrayRef<std::string> names,
                              StringRef category) {
  SmallVector<const Symmetry *> symmetries;
  llvm::DenseMap<StringRef, size_t> order;
  for (auto [number, symmetry] : llvm::enumerate(analysis.symmetries)) {
    order[symmetry.id] = number;
    if (names.empty() || llvm::is_contained(names, symmetry.id))
      symmetries.push_back(&symmetry);
  }
  for (const std::string &name : names)
    if (!order.contains(name)) {
      func::FuncOp entry = analysis.roles.entry;
      return entry.emitOpError("has no symmetry '") << name << "'";
    }
  llvm::stable_sort(
      symmetries, [](const Symmetry *a, const Symmetry *b) { return a->dimension > b->dimension; });

  Chooser chooser(analysis, category);
  for (const Symmetry *symmetry : symmetries)
    if (failed(chooser.add(*symmetry)))
      return failure();
  SmallVector<AdaptiveBlock, 0> blocks = chooser.take();
  for (AdaptiveBlock &block : blocks)
    llvm::sort(block.parts, [](const AdaptiveBlock::Part &a, const AdaptiveBlock::Part &b) {
      return a.position < b.position;
    });
  // In the order of the analysis.
  llvm::sort(blocks, [&](const AdaptiveBlock &a, const AdaptiveBlock &b) {
    return order.lookup(a.parts.front().symmetry) < order.lookup(b.parts.front().symmetry);
  });
  return blocks;
}
