// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The backward pass and the optimizer are one graph, and no mark divides them. The gradient of a
// parameter is found from both sides.
//
// From the optimizer's side: all that the batch contributes to the parameter's next value (and to the
// next values of its optimizer states) passes through the gradient. Scalars are left aside, as a
// global norm depends on everything. So the gradient is among the *cuts*: the values that lie on every
// path from the batch to those results. There are few: the scaled, clipped and decayed gradients above
// it, and whatever the backward pass itself funnels through one value below it.
//
// From the loss' side: reverse-mode differentiation turns each use of the parameter into one term of
// the gradient, by a rule that depends on the operation (a contraction gives a contraction, a
// broadcast a sum, ...), and adds the terms. The topmost cut that is a sum of such terms, one for each
// use, is the gradient: learning rates, clipping and the optimizer's arithmetic are not of that form,
// and a gradient that was stopped on one of several ways misses a term. A weight decay that is added
// to the gradient would look like a term, had the loss a part that depends on parameters alone; so it
// belongs to the gradient exactly if the loss has such a part.
//
// What neither side settles stays unknown.

#include "noether/Analysis/Gradient.h"

#include "OpKind.h"

#include "noether/Analysis/Slice.h"
#include "noether/Rules/ConstantFold.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

#include <numeric>
#include <queue>
#include <tuple>

using namespace mlir;
using namespace noether;

namespace {

/// What a value of the entry's body depends on.
struct Sources {
  enum : uint8_t {
    // By way of tensors alone.
    Data = 1,
    OptimizerState = 2,
    Parameter = 4,
    ByTensors = Data | OptimizerState | Parameter,
    // By any way.
    AnyData = 8,
    AnyOptimizerState = 16,
    AnyParameter = 32,
    /// A parameter moved by something the batch has a say in: what follows is no longer the gradient
    /// of this loss at these parameters (a second forward pass at another point).
    MovedParameter = 64,
  };
  uint8_t bits = 0;
  /// Place of the defining operation in the entry's body; 0 for arguments.
  uint32_t order = 0;
  /// The scalar arguments, by number modulo 64.
  uint64_t scalars = 0;

  bool has(uint8_t mask) const { return bits & mask; }
  /// Adds what a value that depends on `from` has from it.
  void merge(const Sources &from, bool byTensor) {
    bits |= byTensor ? from.bits : from.bits & ~ByTensors;
    scalars |= from.scalars;
  }
};

/// The uses of a parameter, or the terms they become, counted by kind.
struct Terms {
  unsigned counts[unsigned(OpKind::Other) + 1] = {};
  unsigned &operator[](OpKind kind) { return counts[unsigned(kind)]; }
  unsigned total() const { return std::accumulate(std::begin(counts), std::end(counts), 0u); }
};

enum class Verdict {
  No,
  Yes,
  /// It may be part of the gradient or of the optimizer.
  Unclear,
};

class GradientFinder {
public:
  GradientFinder(const StepRoles &roles, const StepFlow &flow);

  Value find(unsigned parameter);

private:
  /// A product of a value with something that is the same everywhere.
  struct Scaled {
    Value value;
    Value factor;
  };

  void computeSources();
  void computeSources(Operation *op, uint32_t order);
  bool movesParameter(Operation *op);
  void findLossTerms();

  Sources get(Value value) const { return sources.lookup(value); }
  bool isData(Value value) const { return get(value).has(scalarParameter ? Sources::AnyData : Sources::Data); }
  bool isOptimizerState(Value value) const {
    return get(value).has(scalarParameter ? Sources::AnyOptimizerState : Sources::OptimizerState);
  }
  bool isInEntry(Value value) const { return value.getParentBlock() == entryBlock; }
  const Dependence &getFlow() const { return scalarParameter ? throughAll : throughTensors; }

  bool isUniform(Value value);
  std::optional<Scaled> asScaled(Value value);
  bool isAddedToUpdate(Value value);

  const void *getIdentity(Value value);
  void collectUses(unsigned parameter);
  bool isForwardedUse(Value value);
  bool isDerivative(Value value);
  bool isHeavy(Operation *op);
  bool hasOwnFactor(Operation *product);
  bool takeUse(Terms &left, Value term);
  Verdict matches(Value candidate);
  std::optional<unsigned> getLossFactor(Operation *product);

  SmallVector<Value> getSinks(unsigned parameter);
  Value sweep(ArrayRef<Value> sinks, llvm::SmallSetVector<Value, 4> *states,
              function_ref<std::optional<Value>(Value)> judge);

  const StepRoles &roles;
  const CallGraph &calls;
  Dependence throughAll, throughTensors;
  Block *entryBlock;
  OpKinds kinds;
  DenseMap<Value, Sources> sources;
  const DenseSet<Value> &lossSlice;
  /// Parameters on which a term of the loss depends that no data enters.
  llvm::BitVector regularized;
  /// The constants the loss is multiplied by at its end (and their inverses).
  SmallVector<double> lossFactors;
  DenseMap<Operation *, bool> heavyFunctions;

  // Of the parameter at hand.
  unsigned current = 0;
  Type type;
  bool scalarParameter = false;
  Terms uses;
  /// What is the parameter up to additions and layout: their cotangents are its own.
  DenseSet<Value> aliases;
  /// Results of uses that are known by name only, and so may be needed by their transposes.
  DenseSet<Value> residuals;
  /// The other factors of products the parameter takes part in.
  DenseSet<const void *> factors;
  /// The other operands of its contractions, which their transposes have too.
  DenseSet<const void *> contractedWith;
};
} // namespace

static constexpr StringLiteral kManualComputation = "sdy.manual_computation";

/// The operand that a layout operation's result is, moved.
static unsigned getForwardedOperand(OpResult result) {
  Operation *op = result.getOwner();
  return op->getNumOperands() == op->getNumResults() ? result.getResultNumber() : 0;
}

static bool isTensor(Value value) { return !isScalarLike(value); }

GradientFinder::GradientFinder(const StepRoles &roles, const StepFlow &flow)
    : roles(roles), calls(flow.calls), throughAll(flow.calls), throughTensors(flow.calls, isTensor),
      entryBlock(&func::FuncOp(roles.entry).getBody().front()), lossSlice(flow.lossSlice),
      regularized(roles.arguments.size()) {
  computeSources();
  findLossTerms();
}

//===----------------------------------------------------------------------===//
// What values depend on
//===----------------------------------------------------------------------===//

void GradientFinder::computeSources() {
  bool hasBatch = llvm::any_of(roles.arguments, [](const StepRoles::Argument &argument) {
    return argument.role == ArgumentRole::Batch || argument.role == ArgumentRole::Rng;
  });
  for (BlockArgument argument : entryBlock->getArguments()) {
    Sources &own = sources[argument];
    bool isScalar = isScalarLike(argument);
    switch (roles.arguments[argument.getArgNumber()].role) {
    case ArgumentRole::Batch:
    case ArgumentRole::Rng:
      own.bits = Sources::Data | Sources::AnyData;
      break;
    case ArgumentRole::State:
      // States the loss needs belong to the model, and so to the backward pass.
      if (!lossSlice.contains(argument))
        own.bits = Sources::OptimizerState | Sources::AnyOptimizerState;
      break;
    case ArgumentRole::Param:
      own.bits = Sources::Parameter | Sources::AnyParameter;
      break;
    case ArgumentRole::Hyper:
      break;
    }
    if (isScalar && roles.arguments[argument.getArgNumber()].role != ArgumentRole::Param)
      own.scalars = uint64_t(1) << (argument.getArgNumber() % 64);
  }
  sources.reserve(calls.getNumOperations());
  for (auto [index, op] : llvm::enumerate(*entryBlock)) {
    computeSources(&op, index + 1);
    if (movesParameter(&op))
      sources[op.getResult(0)].bits |= Sources::MovedParameter;
    // Data that is written into the step.
    if (!hasBatch && op.getNumOperands() == 0 && op.getNumResults() == 1 &&
        isTensor(op.getResult(0)) && !traceSplat(op.getResult(0)))
      sources[op.getResult(0)].bits |= Sources::Data | Sources::AnyData;
  }
}

void GradientFinder::computeSources(Operation *op, uint32_t order) {
  auto merge = [&](Sources &into, Value from) {
    auto it = sources.find(from);
    if (it != sources.end())
      into.merge(it->second, isTensor(from));
  };
  if (op->getNumRegions() == 0 && !isa<func::CallOp>(op)) {
    Sources all;
    all.order = order;
    for (Value operand : op->getOperands())
      merge(all, operand);
    if (all.bits || all.scalars)
      for (Value result : op->getResults())
        sources[result] = all;
    return;
  }
  // Each result on its own. Scalars inside of the operation are left aside like those outside.
  for (OpResult result : op->getResults()) {
    Sources own, byTensors;
    own.order = order;
    throughAll.forEachOutside(result, [&](Value from) { merge(own, from); });
    throughTensors.forEachOutside(result, [&](Value from) { merge(byTensors, from); });
    own.bits = (own.bits & ~Sources::ByTensors) | (byTensors.bits & Sources::ByTensors);
    if (own.bits || own.scalars)
      sources[result] = own;
  }
}

/// Whether an operation outside of the loss adds something that depends on data to a bare parameter.
bool GradientFinder::movesParameter(Operation *op) {
  OpKind kind = kinds.get(op);
  if ((kind != OpKind::Add && kind != OpKind::Subtract) || op->getNumOperands() != 2 ||
      op->getNumResults() != 1 || lossSlice.contains(op->getResult(0)))
    return false;
  for (unsigned i : {0, 1}) {
    Value value = op->getOperand(i);
    while (Operation *layout = value.getDefiningOp()) {
      if (kinds.get(layout) != OpKind::Layout || layout->getNumOperands() != 1)
        break;
      value = layout->getOperand(0);
    }
    auto argument = dyn_cast<BlockArgument>(value);
    if (argument && argument.getOwner() == entryBlock &&
        roles.arguments[argument.getArgNumber()].role == ArgumentRole::Param &&
        get(op->getOperand(1 - i)).has(Sources::AnyData))
      return true;
  }
  return false;
}

/// Takes the loss apart into its terms, as far as it is linear in them.
void GradientFinder::findLossTerms() {
  constexpr size_t kMaxTerms = 256;
  SmallVector<Value> worklist{entryBlock->back().getOperand(roles.loss)};
  DenseSet<Value> seen(worklist.begin(), worklist.end());
  bool isOnlyTerm = true; // until the first sum: a factor here scales all of the loss
  while (!worklist.empty() && seen.size() < kMaxTerms) {
    Value value = worklist.pop_back_val();
    bool dependsOnData;
    if (isInEntry(value)) {
      dependsOnData = get(value).has(Sources::AnyData);
    } else {
      llvm::BitVector arguments = throughAll.argumentsOf(value);
      dependsOnData = llvm::any_of(arguments.set_bits(), [&](unsigned number) {
        return get(entryBlock->getArgument(number)).has(Sources::AnyData);
      });
    }
    if (!dependsOnData) {
      llvm::BitVector arguments = throughAll.argumentsOf(value);
      arguments.resize(regularized.size());
      regularized |= arguments;
      continue;
    }
    auto result = dyn_cast<OpResult>(value);
    if (!result)
      continue;
    Operation *op = result.getOwner();
    auto push = [&](Value from) {
      if (seen.insert(from).second)
        worklist.push_back(from);
    };
    auto pushScaled = [&](Value from, Value factor) {
      std::optional<double> constant = traceSplat(factor);
      if (isOnlyTerm && constant && *constant != 0) {
        lossFactors.push_back(*constant);
        lossFactors.push_back(1 / *constant);
      }
      push(from);
    };
    switch (kinds.get(op)) {
    case OpKind::Layout:
    case OpKind::Sum:
    case OpKind::Broadcast:
      push(op->getOperand(getForwardedOperand(result)));
      break;
    case OpKind::Add:
    case OpKind::Subtract:
      isOnlyTerm = false;
      for (Value operand : op->getOperands())
        push(operand);
      break;
    case OpKind::Multiply:
      for (unsigned i : {0, 1})
        if (isUniform(op->getOperand(i)) && !isUniform(op->getOperand(1 - i)))
          pushScaled(op->getOperand(1 - i), op->getOperand(i));
      break;
    case OpKind::Divide:
      if (isUniform(op->getOperand(1)))
        pushScaled(op->getOperand(0), op->getOperand(1));
      break;
    case OpKind::Other:
      if (op->getName().getStringRef() == kManualComputation)
        throughAll.forEachDirect(value, push);
      break;
    default:
      break;
    }
  }
}

//===----------------------------------------------------------------------===//
// Shapes of expressions
//===----------------------------------------------------------------------===//

/// Whether a value is one number in every element.
bool GradientFinder::isUniform(Value value) {
  while (true) {
    if (isScalarLike(value) || traceSplat(value))
      return true;
    auto result = dyn_cast<OpResult>(value);
    if (!result)
      return false;
    OpKind kind = kinds.get(result.getOwner());
    if ((kind != OpKind::Layout && kind != OpKind::Broadcast) ||
        result.getOwner()->getNumOperands() == 0)
      return false;
    value = result.getOwner()->getOperand(0);
  }
}

/// A value times, or over, a number on which neither data nor parameters have any bearing.
std::optional<GradientFinder::Scaled> GradientFinder::asScaled(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumOperands() != 2)
    return std::nullopt;
  OpKind kind = kinds.get(op);
  for (unsigned i : {0, 1}) {
    if (kind != OpKind::Multiply && (kind != OpKind::Divide || i == 0))
      continue;
    Value factor = op->getOperand(i);
    if (isUniform(factor) && !get(factor).has(Sources::AnyData | Sources::AnyParameter) &&
        op->getOperand(1 - i).getType() == type)
      return Scaled{op->getOperand(1 - i), factor};
  }
  return std::nullopt;
}

/// Whether a value is added to the parameter, or to an optimizer state, perhaps scaled further: its
/// factor can then be a learning rate, or the weight of an average.
bool GradientFinder::isAddedToUpdate(Value value) {
  constexpr size_t kMaxValues = 16;
  SmallVector<Value> worklist{value};
  for (size_t next = 0; next < worklist.size() && next < kMaxValues; ++next)
    for (OpOperand &use : worklist[next].getUses()) {
      Operation *op = use.getOwner();
      OpKind kind = kinds.get(op);
      if (op->getNumOperands() != 2)
        continue;
      Value other = op->getOperand(1 - use.getOperandNumber());
      if (kind == OpKind::Add || kind == OpKind::Subtract) {
        bool isParameter =
            get(other).has(scalarParameter ? Sources::AnyParameter : Sources::Parameter);
        if ((isParameter || isOptimizerState(other)) && !isData(other))
          return true;
      } else if ((kind == OpKind::Multiply ||
                  (kind == OpKind::Divide && use.getOperandNumber() == 0)) &&
                 isUniform(other)) {
        worklist.push_back(op->getResult(0));
      }
    }
  return false;
}

//===----------------------------------------------------------------------===//
// Uses and terms
//===----------------------------------------------------------------------===//

/// What a factor is, up to how it is spread out: equal for values that were computed, or written down,
/// more than once.
const void *GradientFinder::getIdentity(Value value) {
  while (auto result = dyn_cast<OpResult>(value)) {
    Operation *op = result.getOwner();
    OpKind kind = kinds.get(op);
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
  uses = Terms();
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
        uses = Terms();
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
      OpKind kind = kinds.get(op);
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
    switch (kinds.get(op)) {
    case OpKind::Contraction:
    case OpKind::Pick:
    case OpKind::Place:
      return true;
    case OpKind::Other: {
      StringRef name = op->getName().stripDialect();
      return name == "while" || name == "for" || name == "custom_call" || name == "select_and_scatter" ||
             name == "reduce_window" || name == "sort";
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
        return isHeavyKind(op) || (callee && heavyFunctions.lookup(callee)) ? WalkResult::interrupt()
                                                                            : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Whether a value is what the parameter is used as, moved or not.
bool GradientFinder::isForwardedUse(Value value) {
  while (!aliases.contains(value) && !residuals.contains(value)) {
    auto result = dyn_cast<OpResult>(value);
    if (!result || result.getOwner()->getNumOperands() == 0 ||
        (kinds.get(result.getOwner()) != OpKind::Layout &&
         kinds.get(result.getOwner()) != OpKind::Broadcast))
      return false;
    value = result.getOwner()->getOperand(getForwardedOperand(result));
  }
  return true;
}

/// Whether a value can be the derivative of an elementwise use: computed, element by element, from what
/// the parameter is used as, and from nothing of the backward pass. Derivatives are taken along the
/// forward pass; a function of the parameter that comes later belongs to the optimizer.
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
    switch (kinds.get(op)) {
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

/// Whether a product or quotient has a factor that the derivative of a use has. A number for all elements
/// is none (a clipped norm, a trust ratio), unless the parameter is multiplied by it.
bool GradientFinder::hasOwnFactor(Operation *product) {
  return llvm::any_of(product->getOperands(), [&](Value operand) {
    return factors.contains(getIdentity(operand)) ||
           ((scalarParameter || !isUniform(operand)) && isDerivative(operand));
  });
}

/// Takes the use that `term` can come from out of those that are left. Fails if there is none.
bool GradientFinder::takeUse(Terms &left, Value term) {
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
  switch (kinds.get(op)) {
  case OpKind::Contraction:
    if (llvm::any_of(op->getOperands(), [&](Value operand) {
          return contractedWith.contains(getIdentity(operand));
        }) &&
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
    // A transpose by a name of its own takes what it is the transpose of: the parameter, or what the
    // forward operation saved.
    bool takesUse = false;
    throughAll.forEachOutside(cast<OpResult>(term), [&](Value operand) {
      takesUse |= isForwardedUse(operand);
    });
    return takesUse && take({isHeavy(op) ? OpKind::Other : OpKind::Pointwise});
  }
  default:
    return false;
  }
}

/// Whether `candidate` is a sum of one term for each use.
Verdict GradientFinder::matches(Value candidate) {
  constexpr unsigned kMaxTerms = 1 << 12;
  Terms left = uses;
  unsigned visited = 0, termsWithoutData = 0, termsWithData = 0;
  bool seenPointwise = false;
  SmallVector<Value> worklist{candidate};
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (++visited > kMaxTerms)
      return Verdict::No;
    if (isInEntry(value)) {
      if (isOptimizerState(value))
        return Verdict::No;
      // What data enters through a number only (the inner product in the derivative of a norm) is a term
      // like any other.
      if (!isData(value) && !get(value).has(Sources::AnyData)) {
        std::optional<double> constant = traceSplat(value);
        termsWithoutData += !(constant && *constant == 0);
        continue;
      }
    }
    auto result = dyn_cast<OpResult>(value);
    if (!result)
      return Verdict::No;
    Operation *op = result.getOwner();
    switch (kinds.get(op)) {
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
    Terms before = left;
    if (!takeUse(left, value))
      return Verdict::No;
    seenPointwise |= before.total() == left.total(); // uses of this kind are not counted down
    ++termsWithData;
  }
  if (termsWithData == 0)
    return Verdict::No;
  if (regularized.test(current))
    return termsWithoutData == 1 ? Verdict::Yes : Verdict::Unclear;
  // Elementwise uses have any number of terms, but if none is seen this may be a part of the sum.
  if (left[OpKind::Pointwise] > 0 && !seenPointwise)
    return Verdict::Unclear;
  left[OpKind::Pointwise] = 0;
  return termsWithoutData == 0 && left.total() == 0 ? Verdict::Yes : Verdict::No;
}

/// The operand of a product or quotient that is a factor of the whole loss.
std::optional<unsigned> GradientFinder::getLossFactor(Operation *product) {
  for (unsigned i : {0, 1}) {
    if (i == 0 && kinds.get(product) == OpKind::Divide)
      continue;
    std::optional<double> factor = traceSplat(product->getOperand(i));
    if (factor && llvm::is_contained(lossFactors, *factor) &&
        !factors.contains(getIdentity(product->getOperand(i))))
      return i;
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Cuts
//===----------------------------------------------------------------------===//

/// Goes back from `sinks` and calls `judge` on every cut, the nearest first, until it returns a value
/// (null: nothing will be found). Collects the states that are met where `states` is given.
Value GradientFinder::sweep(ArrayRef<Value> sinks, llvm::SmallSetVector<Value, 4> *states,
                            function_ref<std::optional<Value>(Value)> judge) {
  constexpr size_t kMaxVisits = 1 << 13; // an optimizer is a short expression
  // By the place of the operation, then of the result.
  struct Place {
    uint32_t order, result;
    Value value;
    bool operator<(const Place &other) const {
      return std::tie(order, result) < std::tie(other.order, other.result);
    }
  };
  std::priority_queue<Place> open;
  DenseSet<Value> seen;
  SmallVector<Value> side; // values without data: walked only to find states
  auto add = [&](Value value) {
    if (!seen.insert(value).second)
      return;
    if (isData(value) && value.getDefiningOp())
      open.push({get(value).order, cast<OpResult>(value).getResultNumber(), value});
    else
      side.push_back(value);
  };
  for (Value sink : sinks)
    add(sink);
  while (!open.empty() && seen.size() < kMaxVisits) {
    Value value = open.top().value;
    open.pop();
    if (open.empty() && value.getType() == type && !llvm::is_contained(sinks, value) &&
        !isOptimizerState(value) && !get(value).has(Sources::MovedParameter))
      if (std::optional<Value> verdict = judge(value))
        return *verdict;
    auto visit = [&](Value from) {
      if (scalarParameter || isTensor(from))
        add(from);
    };
    Operation *op = value.getDefiningOp();
    if (op->getNumRegions() == 0 && !isa<func::CallOp>(op))
      llvm::for_each(op->getOperands(), visit);
    else
      getFlow().forEachOutside(cast<OpResult>(value), visit);
    while (states && !side.empty() && seen.size() < kMaxVisits) {
      Value other = side.pop_back_val();
      if (auto result = dyn_cast<OpResult>(other)) {
        getFlow().forEachOutside(result, visit);
      } else {
        unsigned number = cast<BlockArgument>(other).getArgNumber();
        if (roles.arguments[number].role == ArgumentRole::State && other.getType() == type)
          states->insert(other);
      }
    }
  }
  return nullptr;
}

/// The parameter's next value, and those of the states of its type that it is computed from.
SmallVector<Value> GradientFinder::getSinks(unsigned parameter) {
  std::optional<unsigned> next = roles.arguments[parameter].carriedTo;
  if (!next)
    return {};
  SmallVector<Value> sinks{entryBlock->back().getOperand(*next)};
  if (!isInEntry(sinks.front()) || !sinks.front().getDefiningOp())
    return {};
  // The states are met before the gradient is: look as far as the first cut that needs none.
  llvm::SmallSetVector<Value, 4> states;
  sweep(sinks, &states, [](Value) { return Value(); });
  for (Value state : states)
    if (std::optional<unsigned> result =
            roles.arguments[cast<BlockArgument>(state).getArgNumber()].carriedTo)
      if (Value value = entryBlock->back().getOperand(*result); value.getDefiningOp())
        sinks.push_back(value);
  return sinks;
}

Value GradientFinder::find(unsigned parameter) {
  current = parameter;
  type = entryBlock->getArgument(parameter).getType();
  scalarParameter = isScalarLike(entryBlock->getArgument(parameter));
  SmallVector<Value> sinks = getSinks(parameter);
  if (sinks.empty())
    return nullptr;
  collectUses(parameter);
  if (uses.total() == 0)
    return nullptr;

  // One constant factor is the learning rate (or a weight of an average). A second one may belong to the
  // loss: loss scaling, a mean over microbatches.
  unsigned constantFactors = 0;
  bool isScaleKnown = true;
  return sweep(sinks, nullptr, [&](Value cut) -> std::optional<Value> {
    Verdict verdict = matches(cut);
    if (verdict == Verdict::Unclear)
      return Value();
    std::optional<Scaled> scaled = asScaled(cut);
    if (verdict == Verdict::Yes) {
      bool isInnerToo = scaled && matches(scaled->value) == Verdict::Yes;
      if (!isInnerToo || getLossFactor(cut.getDefiningOp()))
        return isScaleKnown && constantFactors <= 1 ? cut : Value();
    }
    if (scaled) {
      std::optional<double> constant = traceSplat(scaled->factor);
      if (constant)
        constantFactors += std::abs(*constant) != 1;
      else
        isScaleKnown &= !(get(scaled->factor).scalars & get(scaled->value).scalars);
      // Both are of the right form, and nothing says that the factor is the optimizer's.
      if (verdict == Verdict::Yes && !isAddedToUpdate(cut))
        return Value();
      isScaleKnown &= !constant || std::abs(*constant) == 1 || isAddedToUpdate(cut);
    }
    return std::nullopt;
  });
}

llvm::MapVector<unsigned, Value> noether::findGradients(const StepRoles &roles,
                                                        const StepFlow &flow) {
  llvm::MapVector<unsigned, Value> gradients;
  GradientFinder finder(roles, flow);
  for (auto [i, argument] : llvm::enumerate(roles.arguments))
    if (argument.role == ArgumentRole::Param)
      if (Value gradient = finder.find(i))
        gradients[i] = gradient;
  return gradients;
}
