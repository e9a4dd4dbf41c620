// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Step/Roles.h"

#include "StepSignature.h"

#include "noether/Analysis/Step/Slice.h"
#include "noether/Dialect/Noether/IR/Noether.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

StringRef noether::stringifyRole(ArgumentRole role) {
  switch (role) {
  case ArgumentRole::Param:
    return "param";
  case ArgumentRole::State:
    return "state";
  case ArgumentRole::Batch:
    return "batch";
  case ArgumentRole::Hyper:
    return "hyper";
  case ArgumentRole::Rng:
    return "rng";
  }
  llvm_unreachable("unknown role");
}

StringRef noether::stringifyRole(ResultRole role) {
  switch (role) {
  case ResultRole::Loss:
    return "loss";
  case ResultRole::Param:
    return "param";
  case ResultRole::State:
    return "state";
  case ResultRole::Metric:
    return "metric";
  case ResultRole::Charge:
    return "charge";
  }
  llvm_unreachable("unknown role");
}

//===----------------------------------------------------------------------===//
// The entry function
//===----------------------------------------------------------------------===//

FailureOr<func::FuncOp> noether::findEntry(ModuleOp module) {
  SmallVector<func::FuncOp> marked, candidates;
  func::FuncOp main;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isExternal())
      continue;
    if (function->hasAttr("noether.entry"))
      marked.push_back(function);
    if (!function.isPublic())
      continue;
    candidates.push_back(function);
    if (function.getName() == "main")
      main = function;
  }
  if (marked.size() == 1)
    return marked.front();
  if (marked.size() > 1) {
    marked[1].emitError("is a second function marked 'noether.entry'");
    return failure();
  }
  if (main)
    return main;
  if (candidates.size() == 1)
    return candidates.front();
  if (candidates.empty())
    return module.emitError("has no public function with a body: not a training step");
  return module.emitError("has ") << candidates.size()
                                  << " public functions and none is @main; mark the training step "
                                     "with 'noether.entry'";
}

/// Whether an attribute contains elements whose text was left out when the module was printed.
static bool isElided(Attribute root, DenseSet<Attribute> &known) {
  SmallVector<Attribute> worklist{root};
  while (!worklist.empty()) {
    Attribute attribute = worklist.pop_back_val();
    if (auto resource = dyn_cast<DenseResourceElementsAttr>(attribute)) {
      if (!resource.getRawHandle().getBlob())
        return true;
    } else if (auto array = dyn_cast<ArrayAttr>(attribute)) {
      if (known.insert(array).second)
        worklist.append(array.begin(), array.end());
    } else if (auto dictionary = dyn_cast<DictionaryAttr>(attribute)) {
      if (known.insert(dictionary).second)
        for (NamedAttribute entry : dictionary)
          worklist.push_back(entry.getValue());
    }
  }
  return false;
}

static bool isDynamic(Type type) {
  auto shaped = dyn_cast<ShapedType>(type);
  return shaped && !shaped.hasStaticShape();
}

namespace {
/// What no operation of a step may have.
class OperationCheck {
public:
  LogicalResult operator()(Operation *op) {
    if (auto function = dyn_cast<func::FuncOp>(op))
      return checkArguments(function);
    for (Type type : op->getResultTypes()) {
      if (type == lastStatic)
        continue;
      if (isDynamic(type))
        return op->emitError("has a dynamic shape: ") << type;
      lastStatic = type;
    }
    // Registered operations keep elements in `value`; the others have all attributes in one
    // dictionary.
    Attribute properties;
    if (!op->isRegistered())
      properties = op->getPropertiesAsAttribute();
    else if (op->getNumOperands() == 0)
      properties = op->getInherentAttr("value").value_or(Attribute());
    if ((properties && isElided(properties, known)) ||
        isElided(op->getDiscardableAttrDictionary(), known))
      return op->emitError(
          "has a constant whose elements were elided; print the module with all elements");
    return success();
  }

private:
  static LogicalResult checkArguments(func::FuncOp function) {
    for (BlockArgument argument : function.getArguments())
      if (isDynamic(argument.getType()))
        return function.emitError("has a dynamic shape in argument ")
               << argument.getArgNumber() << ": " << argument.getType();
    return success();
  }

  DenseSet<Attribute> known;
  Type lastStatic; // neighbours mostly have one type
};
} // namespace

static LogicalResult checkBody(func::FuncOp entry) {
  if (!entry.getBody().hasOneBlock())
    return entry.emitError("has branches between blocks, which are not supported");
  Block &block = entry.getBody().front();
  if (block.empty() || !isa<func::ReturnOp>(block.back()) ||
      block.back().getOperandTypes() != entry.getResultTypes())
    return entry.emitError("does not return its results");
  return success();
}

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

static bool isFloat(Type type) { return isa<FloatType>(getElementTypeOrSelf(type)); }

/// The non-carried scalar that is named so, else the first one.
static FailureOr<unsigned> findLoss(const StepSignature &signature, CarriedValues &carried) {
  std::optional<unsigned> named, mentioned, first, firstNotNearArgument;
  for (unsigned i = 0; i < signature.results.size(); ++i) {
    const StepSignature::Result &result = signature.results[i];
    Type type = signature.getEntry().getResultTypes()[i];
    if (result.role == ResultRole::Loss) {
      if (!isFloat(type) || !isScalarLike(signature.getValue(i)))
        return signature.getEntry().emitError("result ") << i << " is the loss but not a float scalar";
      return i;
    }
    if (result.role || carried.getArgument(i) || !isFloat(type) ||
        !isScalarLike(signature.getValue(i)))
      continue;
    auto remember = [&](std::optional<unsigned> &slot) {
      if (!slot)
        slot = i;
    };
    remember(first);
    if (!result.path.empty() && result.path.getComponents().back().key == "loss")
      remember(named);
    if (result.path.mentions("loss"))
      remember(mentioned);
    bool isNear = false;
    for (unsigned a = 0; a < signature.arguments.size() && !isNear; ++a)
      isNear = signature.getEntry().getArgumentTypes()[a] == type && carried.getDistance(a, i);
    if (!isNear)
      remember(firstNotNearArgument);
  }
  for (std::optional<unsigned> choice : {named, mentioned, firstNotNearArgument, first})
    if (choice)
      return *choice;
  return signature.getEntry().emitError("has no loss: no result is a float scalar that is not carried");
}

/// The key of a counter-based random number generator.
static bool isKeyType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getElementType().isUnsignedInteger(32) && tensor.getRank() >= 1 &&
         (tensor.getShape().back() == 2 || tensor.getShape().back() == 4) && tensor.getRank() == 1;
}

static StepRoles::Argument decideRole(const StepSignature &signature, const CarriedValues &carried,
                                      const llvm::BitVector &feedsLoss, unsigned number) {
  const StepSignature::Argument &given = signature.arguments[number];
  Type type = signature.getEntry().getArgumentTypes()[number];
  StepRoles::Argument argument;
  argument.name = given.name.empty() ? "arg" + std::to_string(number) : given.name.str();
  argument.carriedTo = carried.getResult(number);
  auto decide = [&](ArgumentRole role, StringRef by) {
    argument.role = role;
    argument.decidedBy = by.str();
  };

  if (given.role) {
    decide(*given.role, given.roleDecidedBy.empty() ? StringRef("caller") : given.roleDecidedBy);
    argument.dead = *given.role == ArgumentRole::Param && !feedsLoss.test(number);
  } else if (argument.carriedTo) {
    if (isFloat(type) && feedsLoss.test(number))
      decide(ArgumentRole::Param, "data flow");
    else
      decide(ArgumentRole::State, carried.getDecidedBy(number));
  } else if (!isFloat(type) && (given.path.mentions("key") || given.path.mentions("rng"))) {
    decide(ArgumentRole::Rng, "name");
  } else if (isKeyType(type)) {
    decide(ArgumentRole::Rng, "data flow");
  } else if (isScalarLike(signature.getEntry().getArgument(number))) {
    decide(ArgumentRole::Hyper, "data flow");
  } else {
    decide(ArgumentRole::Batch, "data flow");
  }
  return argument;
}

FailureOr<CallGraph> noether::checkStep(ModuleOp module) {
  FailureOr<func::FuncOp> entry = findEntry(module);
  if (failed(entry) || failed(checkBody(*entry)))
    return failure();
  OperationCheck check;
  return CallGraph::get(*entry, check);
}

FailureOr<StepRoles> noether::inferRoles(ModuleOp module, StepFlow *flow) {
  FailureOr<CallGraph> calls = checkStep(module);
  if (failed(calls))
    return failure();
  StepFlow local;
  StepFlow &own = flow ? *flow : local;
  own.calls = std::move(*calls);
  return inferRoles(own);
}

FailureOr<StepRoles> noether::inferRoles(StepFlow &flow) {
  const CallGraph &calls = flow.calls;
  func::FuncOp entry = calls.getPostOrder().back();
  FailureOr<StepSignature> signature = StepSignature::get(entry);
  if (failed(signature))
    return failure();

  Dependence dependence(calls);
  CarriedValues carried(*signature, dependence);
  carried.pairByName();
  FailureOr<unsigned> loss = findLoss(*signature, carried);
  if (failed(loss))
    return failure();
  DenseSet<Value> &lossSlice = flow.lossSlice;
  lossSlice.reserve(calls.getNumOperations() / 2);
  llvm::BitVector feedsLoss = dependence.argumentsOf(signature->getValue(*loss), &lossSlice);
  feedsLoss.resize(signature->arguments.size());
  carried.pairByDataFlow(*loss, lossSlice);

  StepRoles roles;
  roles.entry = entry;
  roles.loss = *loss;
  for (unsigned i = 0; i < signature->arguments.size(); ++i)
    roles.arguments.push_back(decideRole(*signature, carried, feedsLoss, i));
  for (auto [i, given] : llvm::enumerate(signature->results)) {
    StepRoles::Result &result = roles.results.emplace_back();
    result.name = given.name.empty() ? "result" + std::to_string(i) : given.name.str();
    if (i == *loss)
      result.role = ResultRole::Loss;
    else if (given.role && *given.role != ResultRole::Loss)
      result.role = *given.role;
    else if (std::optional<unsigned> argument = carried.getArgument(i))
      result.role = roles.arguments[*argument].role == ArgumentRole::Param ? ResultRole::Param
                                                                          : ResultRole::State;
    else
      result.role = ResultRole::Metric;
  }
  if (llvm::none_of(roles.arguments, [](const StepRoles::Argument &argument) {
        return argument.role == ArgumentRole::Param;
      }))
    return entry.emitError("has no parameters: the loss depends on no argument of which some "
                            "result is the next value");
  return roles;
}

void noether::annotateRoles(const StepRoles &roles) {
  func::FuncOp entry = roles.entry;
  Builder builder(entry.getContext());
  auto string = [&](StringRef text) { return builder.getStringAttr(text); };
  // All at once: one argument at a time rebuilds the list of all.
  SmallVector<DictionaryAttr> argumentAttributes, resultAttributes;
  for (auto [i, argument] : llvm::enumerate(roles.arguments)) {
    NamedAttrList attributes(entry.getArgAttrDict(i));
    attributes.set(NoetherDialect::kRoleAttrName, string(stringifyRole(argument.role)));
    attributes.set(NoetherDialect::kNameAttrName, string(argument.name));
    attributes.set(NoetherDialect::kRoleDecidedByAttrName, string(argument.decidedBy));
    if (argument.carriedTo)
      attributes.set(NoetherDialect::kCarriedToAttrName,
                     builder.getI64IntegerAttr(*argument.carriedTo));
    argumentAttributes.push_back(attributes.getDictionary(builder.getContext()));
  }
  for (auto [i, result] : llvm::enumerate(roles.results)) {
    NamedAttrList attributes(entry.getResultAttrDict(i));
    attributes.set(NoetherDialect::kRoleAttrName, string(stringifyRole(result.role)));
    attributes.set(NoetherDialect::kNameAttrName, string(result.name));
    resultAttributes.push_back(attributes.getDictionary(builder.getContext()));
  }
  entry.setAllArgAttrs(argumentAttributes);
  entry.setAllResultAttrs(resultAttributes);
}
