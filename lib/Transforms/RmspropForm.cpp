// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "RmspropForm.h"

#include "AdaptiveRadii.h"
#include "BlockPowers.h"

#include "noether/Dialect/Host/StablehloBuilder.h"

#include "mlir/IR/Remarks.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

/// Why a block has no such form; empty if `numbers` are its.
static std::string findNumbers(const StepAnalysis &analysis, RmspropGradients gradients,
                               const AdaptiveBlock &block, RmspropNumbers &numbers) {
  if (static_cast<int64_t>(block.parts.size()) < block.numPositions)
    return "only a part of its parameters is scale-invariant";
  const LinearMotion *common = nullptr;
  for (const AdaptiveBlock::Member &member : block.members) {
    const std::string &name = analysis.roles.arguments[member.argument].name;
    auto it = analysis.motions.find(member.argument);
    if (it == analysis.motions.end() || !analysis.gradients.contains(member.argument) ||
        it->second.drive != ParameterMotion::Drive::Gradient)
      return "the update of " + name + " is not linear in the gradient";
    if (!it->second.linearIsExact)
      return "the numbers in the update of " + name + " are no constants of the program";
    if (common && !(*common == *it->second.linear))
      return "its parameters are not moved by the same update";
    common = &*it->second.linear;
  }
  std::optional<double> rate = common->decayRate(), displacement = common->displacement();
  std::optional<double> coherent = common->coherentGrowth();
  if (!rate || !displacement || !coherent)
    return "its buffers do not forget";
  numbers.rate = *rate;
  numbers.displacement = *displacement;
  numbers.growth = gradients == RmspropGradients::Coherent ? *coherent : *displacement * *displacement;
  if (!(numbers.rate >= 0) || !(4 * numbers.rate < 1) || !(numbers.growth > 0))
    return "the decay is too strong for the momentum";
  return "";
}

SmallVector<RmspropNumbers>
noether::findRmspropNumbers(const StepAnalysis &analysis, RmspropGradients gradients,
                            SmallVectorImpl<AdaptiveBlock> &blocks) {
  SmallVector<RmspropNumbers> result;
  func::FuncOp entry = analysis.roles.entry;
  llvm::erase_if(blocks, [&](const AdaptiveBlock &block) {
    RmspropNumbers numbers;
    std::string obstacle = findNumbers(analysis, gradients, block, numbers);
    if (obstacle.empty()) {
      result.push_back(numbers);
      return false;
    }
    remark::missed(entry.getArgument(block.members.front().argument).getLoc(),
                   remark::RemarkOpts::name("NotAdapted")
                       .category("noether-adaptive")
                       .function(entry.getName()))
        << remark::metric("symmetry", block.parts.front().symmetry)
        << remark::reason("{0}", obstacle);
    return true;
  });
  return result;
}

SmallVector<Value> noether::createRmspropUpdate(OpBuilder &builder, Location loc,
                                                const AdaptiveBlock &block,
                                                const RmspropNumbers &numbers, Value radii,
                                                ValueRange directions, ValueRange gradients) {
  StablehloBuilder b(builder, loc);
  auto multiply = [&](Value value, Value factors, const AdaptiveBlock::Member &member) {
    BlockPowers powers(factors, &*builder.getInsertionPoint());
    return powers.multiply(builder, loc, value, Gauge(GaugeTerm{0, member.slots, Fraction(1)}));
  };
  Value square = b.binary("stablehlo.multiply", radii, radii);
  Value rate = b.binary("stablehlo.divide", b.splat(block.type, numbers.displacement), square);
  SmallVector<Value> moved;
  for (auto [member, direction, gradient] :
       llvm::zip_equal(block.members, directions, gradients))
    moved.push_back(b.binary("stablehlo.add", direction, multiply(gradient, rate, member)));

  // (r'/r)^4 = 1 - 4 rate + 2 growth |g|^2 / r^4, for what is on the unit sphere.
  Value size = createProduct(builder, loc, block, gradients, gradients);
  Value share =
      b.binary("stablehlo.divide", size, b.binary("stablehlo.multiply", square, square));
  Value fourth = b.binary("stablehlo.add", b.scale(share, 2 * numbers.growth),
                          b.splat(block.type, 1 - 4 * numbers.rate));
  Value ratio = b.unary("stablehlo.sqrt", b.unary("stablehlo.sqrt", fourth));
  ratio = b.binary("stablehlo.divide", ratio, createNorm(builder, loc, block, moved));
  for (auto [member, value] : llvm::zip_equal(block.members, moved))
    value = multiply(value, ratio, member);
  return moved;
}
