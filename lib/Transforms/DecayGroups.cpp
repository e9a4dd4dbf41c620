// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "DecayGroups.h"

#include "mlir/IR/Remarks.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace noether;

static constexpr llvm::StringLiteral kCategory = "noether-eliminate-decay";

DecayGroup::DecayGroup(const LinearMotion &motion, double factor, ArrayRef<double> mode)
    : motion(motion), factor(factor), mode(mode) {}

/// Why the decay of a parameter stays; empty if it can go.
static std::string findObstacle(const StepAnalysis &analysis, unsigned argument) {
  const std::string &name = analysis.roles.arguments[argument].name;
  auto it = analysis.motions.find(argument);
  if (it == analysis.motions.end() || !analysis.gradients.contains(argument))
    return "the update of " + name + " is not known";
  const ParameterMotion &motion = it->second;
  if (motion.drive != ParameterMotion::Drive::Gradient)
    return "the update of " + name + " is not linear in the gradient";
  if (!motion.linearIsExact)
    return "the numbers in the update of " + name + " are no constants of the program";
  if (!motion.isDecayed())
    return name + " does not decay";
  func::FuncOp entry = analysis.roles.entry;
  auto type = cast<RankedTensorType>(entry.getArgument(argument).getType());
  for (unsigned state : motion.buffers) {
    auto buffer = dyn_cast<RankedTensorType>(entry.getArgument(state).getType());
    if (!buffer || buffer.getShape() != type.getShape() ||
        !isa<FloatType>(buffer.getElementType()))
      return analysis.roles.arguments[state].name + " is not of the shape of " + name;
  }
  return "";
}

static const LinearMotion &motionOf(const StepAnalysis &analysis, unsigned argument) {
  return *analysis.motions.find(argument)->second.linear;
}

/// Why a block stays as it is.
static std::string findObstacle(const StepAnalysis &analysis, const AdaptiveBlock &block) {
  if (static_cast<int64_t>(block.parts.size()) < block.numPositions)
    return "only a part of its parameters is scale-invariant";
  for (const AdaptiveBlock::Member &member : block.members)
    if (std::string obstacle = findObstacle(analysis, member.argument); !obstacle.empty())
      return obstacle;
  const LinearMotion &first = motionOf(analysis, block.members.front().argument);
  for (const AdaptiveBlock::Member &member : block.members)
    if (!(motionOf(analysis, member.argument) == first))
      return "its parameters are not moved by the same update";
  std::optional<double> factor = first.decayFactor();
  if (!factor || !(*factor > 0) || !(*factor < 1))
    return "the decay is too strong for the momentum";
  std::optional<SmallVector<double>> mode = first.decayMode(*factor);
  if (!mode)
    return "the decay cannot be told from the momentum";
  // Numbers that are nearly degenerate would amplify rounding.
  double kept = first.at(0, 0);
  for (size_t i = 0; i < mode->size(); ++i)
    kept += first.at(0, i + 1) * (*mode)[i];
  if (std::abs(kept - *factor) > 1e-13)
    return "the decay cannot be told from the momentum";
  return "";
}

static void addBlock(const StepAnalysis &analysis, const AdaptiveBlock &block,
                     SmallVectorImpl<DecayGroup> &groups) {
  const LinearMotion &motion = motionOf(analysis, block.members.front().argument);
  auto *group = llvm::find_if(groups, [&](const DecayGroup &g) { return g.motion == motion; });
  if (group == groups.end()) {
    double factor = *motion.decayFactor();
    groups.emplace_back(motion, factor, *motion.decayMode(factor));
    group = &groups.back();
    group->type = cast<FloatType>(block.type.getElementType());
  }
  if (auto type = cast<FloatType>(block.type.getElementType());
      type.getWidth() > group->type.getWidth())
    group->type = type;
  for (const AdaptiveBlock::Member &member : block.members) {
    DecayGroup::Member added{member.argument, member.result, {}, {},
                             analysis.gradients.lookup(member.argument)};
    for (unsigned state : analysis.motions.find(member.argument)->second.buffers) {
      added.buffers.push_back(state);
      added.bufferResults.push_back(*analysis.roles.arguments[state].carriedTo);
    }
    group->members.push_back(std::move(added));
  }
}

FailureOr<SmallVector<DecayGroup, 0>> noether::findDecayGroups(const StepAnalysis &analysis,
                                                               ArrayRef<std::string> names) {
  auto blocks = chooseAdaptiveBlocks(analysis, names, kCategory);
  if (failed(blocks))
    return failure();
  SmallVector<DecayGroup, 0> groups;
  func::FuncOp entry = analysis.roles.entry;
  for (const AdaptiveBlock &block : *blocks) {
    Location location = entry.getArgument(block.members.front().argument).getLoc();
    std::string obstacle = findObstacle(analysis, block);
    if (obstacle.empty()) {
      addBlock(analysis, block, groups);
      continue;
    }
    remark::missed(location, remark::RemarkOpts::name("DecayKept")
                                 .category(kCategory)
                                 .function(entry.getName()))
        << remark::metric("symmetry", block.parts.front().symmetry)
        << remark::reason("{0}", obstacle);
  }
  for (const DecayGroup &group : groups)
    for (const DecayGroup::Member &member : group.members)
      remark::passed(entry.getArgument(member.argument).getLoc(),
                     remark::RemarkOpts::name("DecayEliminated")
                         .category(kCategory)
                         .function(entry.getName()))
          << remark::metric("parameter", analysis.roles.arguments[member.argument].name)
          << remark::metric("factor", llvm::formatv("{0:f17}", group.factor).str());
  return groups;
}
