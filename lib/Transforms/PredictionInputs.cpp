// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "PredictionInputs.h"

#include "noether/Dialect/Host/StablehloBuilder.h"

using namespace mlir;
using namespace noether;
using Drive = ParameterMotion::Drive;

static Operation *terminatorOf(const StepAnalysis &analysis) {
  func::FuncOp entry = analysis.roles.entry;
  return &entry.getBody().front().back();
}

SmallVector<Value> PredictionInputs::weights(const Symmetry &symmetry) const {
  func::FuncOp entry = analysis.roles.entry;
  return llvm::map_to_vector(symmetry.members, [&](const SymmetryMember &member) -> Value {
    return entry.getArgument(member.argument);
  });
}

Value PredictionInputs::next(unsigned argument) const {
  std::optional<unsigned> result = analysis.roles.arguments[argument].carriedTo;
  return result ? terminatorOf(analysis)->getOperand(*result) : Value();
}

/// Whether all members move by the same rule with the same numbers, at every step.
bool PredictionInputs::findMotion(const Symmetry &symmetry) {
  motions.clear();
  if (symmetry.undescribed || symmetry.family == Family::Affine)
    return false;
  for (const SymmetryMember &member : symmetry.members) {
    auto it = analysis.motions.find(member.argument);
    if (it == analysis.motions.end())
      return false;
    const ParameterMotion &motion = it->second;
    motions.push_back(&motion);
    const ParameterMotion &first = *motions.front();
    bool isGradient = motion.drive == Drive::Gradient;
    if (motion.drive != first.drive || motion.decay != first.decay ||
        (isGradient ? motion.key.empty() || motion.key != first.key
                    : motion.decayKey != first.decayKey || motion.firstMoment != first.firstMoment))
      return false;
  }
  return !motions.empty();
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Value PredictionInputs::emit(const MotionNumber &number, Type elementType) {
  StablehloBuilder b(*builder, terminatorOf(analysis)->getLoc());
  auto type = RankedTensorType::get({}, elementType);
  Value sum;
  for (const MotionNumber::Term &term : number.terms) {
    Value product = b.splat(type, term.number);
    for (const MotionNumber::Factor &factor : term.factors) {
      // It is one number everywhere.
      int64_t rank = cast<RankedTensorType>(factor.value.getType()).getRank();
      SmallVector<int64_t> zeros(rank, 0), ones(rank, 1);
      Value one = b.reshape(b.slice(factor.value, zeros, ones), {});
      one = factor.choice.empty()
                ? b.convert(one, elementType)
                : b.create("stablehlo.select", type,
                           {one, emit(factor.choice[0], elementType), emit(factor.choice[1], elementType)});
      for (int i = 0; i < std::abs(factor.power); ++i)
        product = b.binary(factor.power > 0 ? "stablehlo.multiply" : "stablehlo.divide", product, one);
    }
    sum = sum ? b.binary("stablehlo.add", sum, product) : product;
  }
  return sum ? sum : b.splat(type, 0);
}

ChargeOp PredictionInputs::sum(const Symmetry &symmetry, ArrayRef<MemberAttr> members,
                               RankedTensorType type, ValueRange left, ValueRange right) {
  return ChargeOp::create(*builder, terminatorOf(analysis)->getLoc(), type, symmetry.id, members, left,
                          right, ValueRange(), symmetry.traceless);
}

//===----------------------------------------------------------------------===//
// Recurrences
//===----------------------------------------------------------------------===//

/// x' = A x + b g: of a quadratic charge the inner products of parameter and buffers, and of the buffers with
/// the gradient; of a translation's the sums of the buffers.
bool PredictionInputs::addLinear(const Symmetry &symmetry, ArrayRef<MemberAttr> members,
                                 RankedTensorType type, SmallVectorImpl<Output> &outputs) {
  const ParameterMotion &first = *motions.front();
  size_t numBuffers = first.buffers.size();
  if (first.values.size() != (numBuffers + 1) * (numBuffers + 2))
    return false;
  func::FuncOp entry = analysis.roles.entry;
  SmallVector<SmallVector<Value>> tensors = {weights(symmetry)};
  SmallVector<Value> gradients;
  for (size_t i = 0; i < numBuffers; ++i)
    tensors.push_back(llvm::map_to_vector(motions, [&](const ParameterMotion *motion) -> Value {
      return entry.getArgument(motion->buffers[i]);
    }));
  for (const SymmetryMember &member : symmetry.members) {
    auto it = analysis.gradients.find(member.argument);
    if (it == analysis.gradients.end())
      return false;
    gradients.push_back(it->second);
  }

  StablehloBuilder b(*builder, terminatorOf(analysis)->getLoc());
  if (symmetry.family == Family::Translation) {
    auto addSum = [&](ValueRange of, const llvm::Twine &name) {
      SmallVector<Value> ones = llvm::map_to_vector(of, [&](Value value) {
        return b.splat(cast<RankedTensorType>(value.getType()), 1);
      });
      outputs.push_back({sum(symmetry, members, type, ones, of).getIdentity(), name.str()});
    };
    addSum(tensors[0], "charge");
    addSum(gradients, "identity");
    SmallVector<Value> after = llvm::map_to_vector(
        symmetry.members, [&](const SymmetryMember &member) { return next(member.argument); });
    addSum(after, "next_charge");
    for (size_t i = 1; i <= numBuffers; ++i)
      addSum(tensors[i], "sum_" + llvm::Twine(i));
  } else {
    for (size_t i = 1; i <= numBuffers; ++i) {
      ChargeOp own = sum(symmetry, members, type, tensors[i], gradients);
      outputs.push_back({own.getCharge(), ("gram_" + llvm::Twine(i) + "_" + llvm::Twine(i)).str()});
      outputs.push_back({own.getIdentity(), ("overlap_" + llvm::Twine(i)).str()});
      for (size_t j = 0; j < i; ++j)
        outputs.push_back({sum(symmetry, members, type, tensors[j], tensors[i]).getIdentity(),
                           ("gram_" + llvm::Twine(j) + "_" + llvm::Twine(i)).str()});
    }
  }
  SmallVector<Value> entries;
  for (const MotionNumber &number : first.values)
    entries.push_back(b.reshape(emit(number, type.getElementType()), {1}));
  auto flat = RankedTensorType::get({int64_t(entries.size())}, type.getElementType());
  Value all = b.create("stablehlo.concatenate", flat, entries,
                       builder->getNamedAttr("dimension", builder->getI64IntegerAttr(0)));
  outputs.push_back({b.reshape(all, {int64_t(numBuffers) + 1, int64_t(numBuffers) + 2}), "transition"});
  return true;
}

/// w' = a w + p, with p from one moving average divided entry by entry, or none: <w, p> and |p|^2, and what
/// p is multiplied by and keeps of itself from step to step.
bool PredictionInputs::addNormalized(const Symmetry &symmetry, ArrayRef<MemberAttr> members,
                                     RankedTensorType type, SmallVectorImpl<Output> &outputs) {
  const ParameterMotion &first = *motions.front();
  // Moves are orthogonal to the weight where all its entries are divided by about the same; of several members
  // each is divided by its own.
  if (symmetry.family != Family::Scale || symmetry.members.size() != 1 || first.decay == ParameterMotion::Decay::Normalized ||
      first.decay == ParameterMotion::Decay::Unknown || !first.keepsValue || !first.stepValue)
    return false;
  if (!first.directionMemory)
    return false;
  StablehloBuilder b(*builder, terminatorOf(analysis)->getLoc());
  Value keeps = emit(*first.keepsValue, type.getElementType());
  SmallVector<Value> before = weights(symmetry), moves;
  for (auto [weight, member] : llvm::zip(before, symmetry.members)) {
    auto own = cast<RankedTensorType>(weight.getType());
    RankedTensorType wide = own.clone(type.getElementType());
    Value kept = b.binary("stablehlo.multiply", b.convert(weight, type.getElementType()),
                          b.broadcast(keeps, own.getShape(), {}));
    moves.push_back(b.binary("stablehlo.subtract",
                             b.convert(next(member.argument), wide.getElementType()), kept));
  }
  ChargeOp move = sum(symmetry, members, type, moves, before);
  outputs.push_back({move.getCharge(), "move_norm"});
  outputs.push_back({move.getIdentity(), "move_overlap"});
  outputs.push_back({keeps, "keeps"});
  outputs.push_back({emit(*first.stepValue, type.getElementType()), "step"});
  outputs.push_back(
      {b.splat(RankedTensorType::get({}, type.getElementType()), *first.directionMemory), "memory"});
  return true;
}

std::optional<PredictionLabel> PredictionInputs::add(const Symmetry &symmetry,
                                                     ArrayRef<MemberAttr> members,
                                                     RankedTensorType type,
                                                     SmallVectorImpl<Output> &outputs) {
  builder.emplace(terminatorOf(analysis));
  if (!findMotion(symmetry) || llvm::any_of(symmetry.members, [&](const SymmetryMember &member) {
        return !next(member.argument);
      }))
    return std::nullopt;
  if (motions.front()->drive == Drive::Gradient && addLinear(symmetry, members, type, outputs))
    return symmetry.isExact() ? PredictionLabel::Exact : PredictionLabel::LeadingOrder;
  if (motions.front()->drive == Drive::Normalized &&
      addNormalized(symmetry, members, type, outputs))
    return PredictionLabel::LeadingOrder;
  return std::nullopt;
}
