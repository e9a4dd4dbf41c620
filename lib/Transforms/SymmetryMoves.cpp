// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "SymmetryMoves.h"

#include "BlockPowers.h"
#include "BlockSums.h"
#include "StateGauges.h"

#include "noether/Dialect/Host/StablehloBuilder.h"

#include "mlir/IR/Remarks.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

double noether::toDouble(const Fraction &fraction) {
  return static_cast<double>(static_cast<int64_t>(fraction.num)) /
         static_cast<double>(static_cast<int64_t>(fraction.den));
}

/// Why nothing is moved along a symmetry; empty if it can be.
static std::string findObstacle(const StepRoles &roles, const Symmetry &symmetry) {
  if (symmetry.family != Family::Rescale)
    return "it changes the size of its parameters together";
  if (symmetry.undescribed)
    return "how its scales vary over the parameters cannot be told by axes";
  if (symmetry.traceless)
    return "its scales must average to one";
  func::FuncOp entry = roles.entry;
  llvm::BitVector isMember(roles.arguments.size());
  for (const SymmetryMember &member : symmetry.members) {
    const StepRoles::Argument &info = roles.arguments[member.argument];
    auto type = dyn_cast<RankedTensorType>(entry.getArgument(member.argument).getType());
    if (!type || !isa<FloatType>(type.getElementType()))
      return info.name + " is not a tensor of real numbers";
    if (!info.carriedTo)
      return info.name + " has no next value";
    if (member.axes.size() != symmetry.blockShape.size())
      return "the members have no block axes in common";
    if (!member.isWholeParameter() || isMember.test(member.argument))
      return "it moves a part of " + info.name + " only";
    isMember.set(member.argument);
    if (!slotsOfAxes(member.view, member.axes, type.getShape()))
      return "its blocks are not made of parts of the dimensions of " + info.name;
  }
  return "";
}

static SymmetryMove makeMove(func::FuncOp entry, const Symmetry &symmetry) {
  SymmetryMove move{symmetry.id, {}, {}};
  FloatType element = Float32Type::get(entry.getContext());
  for (const SymmetryMember &member : symmetry.members) {
    auto type = cast<RankedTensorType>(entry.getArgument(member.argument).getType());
    if (auto own = cast<FloatType>(type.getElementType()); own.getWidth() > element.getWidth())
      element = own;
    move.members.push_back({member.argument, member.exponent, member.view, member.axes,
                            *slotsOfAxes(member.view, member.axes, type.getShape())});
  }
  move.type = RankedTensorType::get(symmetry.blockShape, element);
  return move;
}

FailureOr<SymmetryMoves> SymmetryMoves::find(const StepAnalysis &analysis,
                                             ArrayRef<std::string> names, StringRef category) {
  func::FuncOp entry = analysis.roles.entry;
  for (const std::string &name : names)
    if (llvm::none_of(analysis.symmetries, [&](const Symmetry &s) { return s.id == name; }))
      return entry.emitOpError("has no symmetry '") << name << "'";
  SymmetryMoves result;
  for (const Symmetry &symmetry : analysis.symmetries) {
    if (!names.empty() && !llvm::is_contained(names, symmetry.id))
      continue;
    Location location = entry.getArgument(symmetry.members.front().argument).getLoc();
    auto options = [&](StringRef name) {
      return remark::RemarkOpts::name(name).category(category).function(entry.getName());
    };
    if (std::string obstacle = findObstacle(analysis.roles, symmetry); !obstacle.empty()) {
      remark::missed(location, options("NotMoved"))
          << remark::metric("symmetry", symmetry.id) << remark::reason("{0}", obstacle);
      continue;
    }
    result.moves.push_back(makeMove(entry, symmetry));
    remark::passed(location, options("Moved"))
        << remark::metric("symmetry", symmetry.id)
        << remark::metric("dimension", symmetry.dimension);
  }
  for (auto [number, move] : llvm::enumerate(result.moves))
    for (const SymmetryMove::Member &member : move.members)
      result.gauges[member.argument].add(
          GaugeTerm{static_cast<unsigned>(number), member.slots, Fraction(1)}, member.exponent);
  OperationFacts facts(entry.getContext(), 0);
  for (const auto &[argument, gauge] : findStateGauges(analysis.roles, result.gauges, facts))
    result.gauges[argument] = gauge;
  return result;
}

unsigned SymmetryMoves::getOverlap() const {
  llvm::DenseMap<unsigned, unsigned> count;
  unsigned most = 1;
  for (const SymmetryMove &move : moves)
    for (const SymmetryMove::Member &member : move.members)
      most = std::max(most, ++count[member.argument]);
  return most;
}

Value SymmetryMoves::createSum(OpBuilder &builder, Location loc, const SymmetryMove &move,
                               function_ref<Value(unsigned)> values,
                               function_ref<double(const Fraction &)> weigh) const {
  StablehloBuilder b(builder, loc);
  Value total;
  for (const SymmetryMove::Member &member : move.members) {
    double weight = weigh(member.exponent);
    if (weight == 0)
      continue;
    Value value = values(member.argument);
    Value sum = b.scale(createBlockSum(builder, loc, member.view, member.axes,
                                       move.type.getElementType(), value, value),
                        weight);
    total = total ? b.binary("stablehlo.add", total, sum) : sum;
  }
  return total ? total : b.splat(move.type, 0);
}

void SymmetryMoves::apply(OpBuilder &builder, Location loc, ArrayRef<Value> factors,
                          MutableArrayRef<Value> values) const {
  BlockPowers powers(factors, &*builder.getInsertionPoint());
  for (const auto &[argument, gauge] : gauges)
    values[argument] = powers.multiply(builder, loc, values[argument], gauge);
}
