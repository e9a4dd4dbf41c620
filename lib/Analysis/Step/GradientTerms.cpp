// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The gradient from the side of the loss: each use of a parameter becomes one term.

#include "GradientFinder.h"

#include "noether/Rules/ConstantFold.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

//===----------------------------------------------------------------------===//
// Uses and terms
//===----------------------------------------------------------------------===//

OpKind GradientFinder::kindOf(Operation *op) {
  OpKind kind = kinds.get(op);
  if (kind != OpKind::Broadcast && kind != OpKind::Sum)
    return kind;
  auto numElements = [](Value value) -> int64_t {
    auto type = dyn_cast<ShapedType>(value.getType());
    if (!type)
      return 1;
    return type.hasStaticShape() ? type.getNumElements() : ShapedType::kDynamic;
  };
  if (op->getNumOperands() == 0 || op->getNumResults() != 1)
    return kind;
  int64_t from = numElements(op->getOperand(0)), to = numElements(op->getResult(0));
  return from == to && from != ShapedType::kDynamic ? OpKind::Layout : kind;
}

/// What a factor is, up to how it is spread out: equal for values that were computed, or written
/// down, more than once.
const void *GradientFinder::getIdentity(Value value) {
  while (auto result = dyn_cast<OpResult>(value)) {
    Operation *op = result.getOwner();
    OpKind kind = kindOf(op);
    if ((kind != OpKind::Layout && kind != OpKind::Broadcast) || op->getNumOperands() == 0)
      break;
    value = op->getOperand(getForwardedOperand(result));
  }
  Operation *op = value.getDefiningOp();
  if (op && op->getNumOperands() == 0 && op->getNumRegions() == 0)
    if (Attribute constant = op->getAttr("value"))
      if (auto elements = dyn_cast<ElementsAttr>(constant))
        return elements.isSplat() ? elements.getSplatValue<Attribute>().getAsOpaquePointer()
                                  : constant.getAsOpaquePointer();
  return value.getAsOpaquePointer();
}

/// Collects the uses of a parameter in the loss.
void GradientFinder::collectUses(unsigned parameter) {
  constexpr unsigned kMaxUses = 1 << 14;
  uses = GradientTerms();
  aliases.clear();
  residuals.clear();
  factors.clear();
  contractedWith.clear();
  SmallVector<Value> worklist{entryBlock->getArgument(parameter)};
  aliases.insert(worklist.front());
  auto follow = [&](Value value) {
    if (lossSlice.contains(value) && aliases.insert(value).second)
      worklist.push_back(value);
  };
  unsigned visited = 0;
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    for (OpOperand &use : value.getUses()) {
      Operation *op = use.getOwner();
      unsigned number = use.getOperandNumber();
      if (++visited > kMaxUses) {
        uses = GradientTerms();
        return;
      }
      if (op->hasTrait<OpTrait::IsTerminator>() || op->getNumResults() == 0) {
        // Out of a region whose results are its terminator's operands.
        Operation *parent = op->getParentOp();
        if (parent && parent->getName().getStringRef() == kManualComputation &&
            number < parent->getNumResults())
          follow(parent->getResult(number));
        continue;
      }
      if (llvm::none_of(op->getResults(), [&](Value result) { return lossSlice.contains(result); }))
        continue;
      OpKind kind = kindOf(op);
      switch (kind) {
      case OpKind::Layout:
        follow(op->getResult(op->getNumOperands() == op->getNumResults() ? number : 0));
        break;
      case OpKind::Add:
      case OpKind::Subtract:
        follow(op->getResult(0));
        break;
      case OpKind::Multiply:
      case OpKind::Divide: {
        Value other = op->getOperand(1 - number);
        if (getIdentity(other) == getIdentity(value) || (kind == OpKind::Divide && number == 1))
          ++uses[OpKind::Pointwise];
        else
          ++uses[kind];
        factors.insert(getIdentity(other));
        break;
      }
      case OpKind::Select:
        uses[OpKind::Pointwise] += number != 0;
        break;
      case OpKind::Discrete:
        break;
      case OpKind::Other:
        if (op->getName().getStringRef() == kManualComputation && op->getNumRegions() == 1 &&
            op->getRegion(0).hasOneBlock() &&
            op->getRegion(0).getNumArguments() == op->getNumOperands()) {
          follow(op->getRegion(0).getArgument(number));
          break;
        }
        residuals.insert(op->result_begin(), op->result_end());
        ++uses[isHeavy(op) ? OpKind::Other : OpKind::Pointwise];
        break;
      case OpKind::Contraction:
        for (OpOperand &operand : op->getOpOperands())
          if (operand.getOperandNumber() != number)
            contractedWith.insert(getIdentity(operand.get()));
        ++uses[kind];
        break;
      default:
        ++uses[kind];
        break;
      }
    }
  }
}

/// Whether an operation that is not known by name does more than arithmetic on elements: a call, a
/// branch or a loop around contractions, gathers and the like.
bool GradientFinder::isHeavy(Operation *root) {
  auto isHeavyKind = [&](Operation *op) {
    switch (kindOf(op)) {
    case OpKind::Contraction:
    case OpKind::Pick:
    case OpKind::Place:
      return true;
    case OpKind::Other: {
      StringRef name = op->getName().stripDialect();
      return name == "while" || name == "for" || name == "custom_call" ||
             name == "select_and_scatter" || name == "reduce_window" || name == "sort";
    }
    default:
      return false;
    }
  };
  if (heavyFunctions.empty())
    for (func::FuncOp function : calls.getPostOrder()) {
      bool &heavy = heavyFunctions[function];
      function.walk([&](Operation *op) {
        func::FuncOp callee = calls.getCallee(op);
        if (isHeavyKind(op) || (callee && heavyFunctions.lookup(callee))) {
          heavy = true;
          return WalkResult::interrupt();
        }
        return WalkResult::advance();
      });
    }
  return root
      ->walk([&](Operation *op) {
        func::FuncOp callee = calls.getCallee(op);
        return isHeavyKind(op) || (callee && heavyFunctions.lookup(callee))
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Whether a value is what the parameter is used as, moved or not.
bool GradientFinder::isForwardedUse(Value value) {
  while (!aliases.contains(value) && !residuals.contains(value)) {
    auto result = dyn_cast<OpResult>(value);
    if (!result || result.getOwner()->getNumOperands() == 0 ||
        (kindOf(result.getOwner()) != OpKind::Layout &&
         kindOf(result.getOwner()) != OpKind::Broadcast))
      return false;
    value = result.getOwner()->getOperand(getForwardedOperand(result));
  }
  return true;
}

/// Whether a value can be the derivative of an elementwise use: computed, element by element, from
/// what the parameter is used as, and from nothing of the backward pass. Derivatives are taken
/// along the forward pass; a function of the parameter that comes later belongs to the optimizer.
bool GradientFinder::isDerivative(Value root) {
  constexpr size_t kMaxValues = 64; // derivatives are short expressions
  uint32_t lossOrder = get(entryBlock->back().getOperand(roles.loss)).order;
  if (isInEntry(root) && get(root).order > lossOrder && !isForwardedUse(root))
    return false;
  SmallVector<Value> worklist{root};
  DenseSet<Value> seen(worklist.begin(), worklist.end());
  bool found = false;
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (aliases.contains(value) || residuals.contains(value)) {
      found = true;
      continue;
    }
    Operation *op = value.getDefiningOp();
    if (!op)
      continue;
    bool isElementwise = true;
    switch (kindOf(op)) {
    case OpKind::Sum:
    case OpKind::Contraction:
    case OpKind::Pick:
    case OpKind::Place:
      isElementwise = false;
      break;
    case OpKind::Other:
      isElementwise = !isHeavy(op);
      break;
    default:
      break;
    }
    if (!isElementwise) {
      if (!lossSlice.contains(value))
        return false;
      continue;
    }
    for (Value operand : op->getOperands())
      if (seen.insert(operand).second)
        worklist.push_back(operand);
    if (seen.size() > kMaxValues)
      return false;
  }
  return found;
}

/// Whether a product or quotient has a factor that the derivative of a use has. A number for all
/// elements is none (a clipped norm, a trust ratio), unless the parameter is multiplied by it.
bool GradientFinder::hasOwnFactor(Operation *product) {
  return llvm::any_of(product->getOperands(), [&](Value operand) {
    return factors.contains(getIdentity(operand)) ||
           ((scalarParameter || !isUniform(operand)) && isDerivative(operand));
  });
}

/// Takes the use that `term` can come from out of those that are left. Fails if there is none.
bool GradientFinder::takeUse(GradientTerms &left, Value term) {
  auto take = [&](std::initializer_list<OpKind> choices) {
    for (OpKind kind : choices)
      if (left[kind] > 0) {
        // The derivative of an elementwise function may have several terms.
        left[kind] -= kind != OpKind::Pointwise;
        return true;
      }
    return false;
  };
  Operation *op = term.getDefiningOp();
  switch (kindOf(op)) {
  case OpKind::Contraction:
    if (llvm::any_of(
            op->getOperands(),
            [&](Value operand) { return contractedWith.contains(getIdentity(operand)); }) &&
        take({OpKind::Contraction}))
      return true;
    return take({OpKind::Other});
  case OpKind::Sum:
    return take({OpKind::Broadcast, OpKind::Contraction, OpKind::Other});
  case OpKind::Place:
    return take({OpKind::Pick, OpKind::Other});
  case OpKind::Pick:
    return take({OpKind::Place, OpKind::Other});
  case OpKind::Broadcast:
    return take({OpKind::Sum, OpKind::Other});
  case OpKind::Multiply:
    return hasOwnFactor(op) && take({OpKind::Multiply, OpKind::Pointwise});
  case OpKind::Divide:
    return hasOwnFactor(op) && take({OpKind::Divide, OpKind::Pointwise});
  case OpKind::Select:
    return isDerivative(op->getOperand(0)) && take({OpKind::Pointwise});
  case OpKind::Other: {
    // A transpose by a name of its own takes what it is the transpose of: the parameter, or what
    // the forward operation saved.
    bool takesUse = false;
    throughAll.forEachOutside(cast<OpResult>(term),
                              [&](Value operand) { takesUse |= isForwardedUse(operand); });
    return takesUse && take({isHeavy(op) ? OpKind::Other : OpKind::Pointwise});
  }
  default:
    return false;
  }
}

/// Whether `candidate` is a sum of one term for each use.
GradientVerdict GradientFinder::matches(Value candidate) {
  constexpr unsigned kMaxTerms = 1 << 12;
  GradientTerms left = uses;
  unsigned visited = 0, termsWithoutData = 0, termsWithData = 0;
  bool seenPointwise = false;
  SmallVector<Value> worklist{candidate};
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (++visited > kMaxTerms)
      return GradientVerdict::No;
    if (isInEntry(value)) {
      if (isOptimizerState(value))
        return GradientVerdict::No;
      // What data enters through a number only (the inner product in the derivative of a norm) is a
      // term like any other.
      if (!isData(value) && !get(value).has(ValueSources::AnyData)) {
        std::optional<double> constant = traceSplat(value);
        termsWithoutData += !(constant && *constant == 0);
        continue;
      }
    }
    auto result = dyn_cast<OpResult>(value);
    if (!result)
      return GradientVerdict::No;
    Operation *op = result.getOwner();
    switch (kindOf(op)) {
    case OpKind::Layout:
      worklist.push_back(op->getOperand(getForwardedOperand(result)));
      continue;
    case OpKind::Add:
    case OpKind::Subtract:
      worklist.append(op->operand_begin(), op->operand_end());
      continue;
    case OpKind::Divide:
      // A mean over devices or microbatches.
      if (traceSplat(op->getOperand(1)) && !factors.contains(getIdentity(op->getOperand(1)))) {
        worklist.push_back(op->getOperand(0));
        continue;
      }
      break;
    case OpKind::Multiply:
      // The same, where the loss has that factor too.
      if (std::optional<unsigned> factor = getLossFactor(op)) {
        worklist.push_back(op->getOperand(1 - *factor));
        continue;
      }
      break;
    case OpKind::Other:
      if (op->getName().getStringRef() == kManualComputation) {
        throughAll.forEachDirect(value, [&](Value from) { worklist.push_back(from); });
        continue;
      }
      break;
    default:
      break;
    }
    GradientTerms before = left;
    if (!takeUse(left, value))
      return GradientVerdict::No;
    seenPointwise |= before.total() == left.total(); // uses of this kind are not counted down
    ++termsWithData;
  }
  if (termsWithData == 0)
    return GradientVerdict::No;
  if (regularized.test(current))
    return termsWithoutData == 1 ? GradientVerdict::Yes : GradientVerdict::Unclear;
  // Elementwise uses have any number of terms, but if none is seen this may be a part of the sum.
  if (left[OpKind::Pointwise] > 0 && !seenPointwise)
    return GradientVerdict::Unclear;
  left[OpKind::Pointwise] = 0;
  return termsWithoutData == 0 && left.total() == 0 ? GradientVerdict::Yes : GradientVerdict::No;
}

/// The operand of a product or quotient that is a factor of the whole loss.
std::optional<unsigned> GradientFinder::getLossFactor(Operation *product) {
  for (unsigned i : {0, 1}) {
    if (i == 0 && kindOf(product) == OpKind::Divide)
      continue;
    std::optional<double> factor = traceSplat(product->getOperand(i));
    if (factor && llvm::is_contained(lossFactors, *factor) &&
        !factors.contains(getIdentity(product->getOperand(i))))
      return i;
  }
  return std::nullopt;
}
