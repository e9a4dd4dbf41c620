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
  explicit Chooser(const StepAnalysis &analysis)
      : roles(analysis.roles), taken(roles.arguments.size()) {}

  /// Appends the block of a symmetry, or says why it is not one.
  LogicalResult add(const Symmetry &symmetry, SmallVectorImpl<AdaptiveBlock> &blocks);

private:
  /// Why a symmetry cannot be fixed to unit spheres; empty if it can.
  std::string findObstacle(const Symmetry &symmetry);
  FailureOr<AdaptiveBlock> make(const Symmetry &symmetry);
  RankedTensorType typeOf(unsigned argument) {
    return dyn_cast<RankedTensorType>(entry().getArgument(argument).getType());
  }
  func::FuncOp entry() { return roles.entry; }

  const StepRoles &roles;
  llvm::BitVector taken; // parameters that are in a block
};

} // namespace

std::string Chooser::findObstacle(const Symmetry &symmetry) {
  if (symmetry.family != Family::Scale)
    return "a rescaling between parameters does not fix their norms";
  if (symmetry.traceless)
    return "its scales must average to one";
  for (const SymmetryMember &member : symmetry.members) {
    const std::string &name = roles.arguments[member.argument].name;
    if (member.exponent != Fraction(1))
      return "the exponent of " + name + " is not 1";
    if (!member.isWholeParameter())
      return "it moves a part of " + name + " only";
    RankedTensorType type = typeOf(member.argument);
    if (!type || !isa<FloatType>(type.getElementType()))
      return name + " is not a tensor of real numbers";
    if (type.getElementType().getIntOrFloatBitWidth() < 16)
      return name + " has too few bits for directions";
    if (!slotsOfAxes(member.view, member.axes, type.getShape()))
      return "its blocks are not made of parts of the dimensions of " + name;
    if (taken.test(member.argument))
      return name + " is in another block";
  }
  return "";
}

FailureOr<AdaptiveBlock> Chooser::make(const Symmetry &symmetry) {
  AdaptiveBlock block;
  block.symmetry = symmetry.id;
  Type elementType = Float32Type::get(entry().getContext());
  for (const SymmetryMember &member : symmetry.members) {
    std::optional<unsigned> next = roles.arguments[member.argument].carriedTo;
    if (!next || entry().getResultTypes()[*next] != typeOf(member.argument))
      return entry().emitOpError("returns no next value of ")
             << roles.arguments[member.argument].name << ": it cannot be put in adaptive form";
    taken.set(member.argument);
    RankedTensorType type = typeOf(member.argument);
    if (type.getElementTypeBitWidth() > elementType.getIntOrFloatBitWidth())
      elementType = type.getElementType();
    block.members.push_back({member.argument, *next, llvm::to_vector<6>(member.view),
                             llvm::to_vector<6>(member.axes),
                             *slotsOfAxes(member.view, member.axes, type.getShape())});
  }
  block.type = RankedTensorType::get(symmetry.blockShape, elementType);
  return block;
}

LogicalResult Chooser::add(const Symmetry &symmetry, SmallVectorImpl<AdaptiveBlock> &blocks) {
  Location location = entry().getArgument(symmetry.members.front().argument).getLoc();
  auto options = [&](StringRef name) {
    return remark::RemarkOpts::name(name).category("noether-adaptive").function(entry().getName());
  };
  if (std::string obstacle = findObstacle(symmetry); !obstacle.empty()) {
    remark::missed(location, options("NotAdapted"))
        << remark::metric("symmetry", symmetry.id) << remark::reason("{0}", obstacle);
    return success();
  }
  FailureOr<AdaptiveBlock> block = make(symmetry);
  if (failed(block))
    return failure();
  blocks.push_back(std::move(*block));
  if (auto remark = remark::passed(location, options("Adapted"))) {
    remark << remark::metric("symmetry", symmetry.id)
           << remark::metric("dimension", symmetry.dimension);
    for (const SymmetryMember &member : symmetry.members)
      remark << remark::metric("parameter", roles.arguments[member.argument].name);
  }
  return success();
}

FailureOr<SmallVector<AdaptiveBlock, 0>>
noether::chooseAdaptiveBlocks(const StepAnalysis &analysis, ArrayRef<std::string> names) {
  SmallVector<const Symmetry *> symmetries;
  for (const Symmetry &symmetry : analysis.symmetries)
    if (names.empty() || llvm::is_contained(names, symmetry.id))
      symmetries.push_back(&symmetry);
  for (const std::string &name : names)
    if (llvm::none_of(symmetries, [&](const Symmetry *s) { return s->id == name; })) {
      func::FuncOp entry = analysis.roles.entry;
      return entry.emitOpError("has no symmetry '") << name << "'";
    }
  llvm::stable_sort(symmetries, [](const Symmetry *a, const Symmetry *b) {
    return a->dimension > b->dimension;
  });

  Chooser chooser(analysis);
  SmallVector<AdaptiveBlock, 0> blocks;
  for (const Symmetry *symmetry : symmetries)
    if (failed(chooser.add(*symmetry, blocks)))
      return failure();
  // In the order of the analysis.
  llvm::DenseMap<StringRef, size_t> order;
  for (auto [position, symmetry] : llvm::enumerate(analysis.symmetries))
    order[symmetry.id] = position;
  llvm::sort(blocks, [&](const AdaptiveBlock &a, const AdaptiveBlock &b) {
    return order.lookup(a.symmetry) < order.lookup(b.symmetry);
  });
  return blocks;
}
