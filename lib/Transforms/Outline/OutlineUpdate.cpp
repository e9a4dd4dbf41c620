// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cuts the update out of the step: each loop over elements becomes a function of its own.

#include "UpdateKernel.h"

#include "../InlineCallees.h"
#include "../InlineStep.h"
#include "../OperationFacts.h"

#include "noether/Analysis/Step/Gradient.h"
#include "noether/Rules/ConstantFold.h"
#include "noether/Transforms/Passes.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/SymbolTable.h"

#include "llvm/ADT/SmallVectorExtras.h"

namespace noether {
#define GEN_PASS_DEF_OUTLINEUPDATE
#include "noether/Transforms/Passes.h.inc"
} // namespace noether

using namespace mlir;
using namespace noether;

/// The operations of a block that any of the values is computed from.
static llvm::DenseSet<Operation *> findSlice(Block &block, ArrayRef<Value> values) {
  llvm::DenseSet<Operation *> slice;
  SmallVector<Operation *> worklist;
  auto add = [&](Value value) {
    Operation *def = value.getDefiningOp();
    if (def && def->getBlock() == &block && slice.insert(def).second)
      worklist.push_back(def);
  };
  llvm::for_each(values, add);
  while (!worklist.empty()) {
    Operation *op = worklist.pop_back_val();
    llvm::for_each(op->getOperands(), add);
    forEachCapture(*op, [&](OpOperand &operand) { add(operand.get()); });
  }
  return slice;
}

namespace {

/// Copies operations into a kernel's body and makes what they use.
class BodyBuilder {
public:
  BodyBuilder(Block &body, const UpdatePhases &phases, SmallVectorImpl<Value> &inputs)
      : body(body), builder(OpBuilder::atBlockEnd(&body)), phases(phases), inputs(inputs) {}

  void copy(Operation *op) {
    for (Value operand : op->getOperands())
      bring(operand);
    Operation *clone = builder.clone(*op, mapping);
    // What charges of several symmetries have in common is computed once.
    llvm::hash_code hash = OperationEquivalence::computeHash(
        clone, OperationEquivalence::directHashValue, OperationEquivalence::ignoreHashValue,
        OperationEquivalence::IgnoreLocations);
    SmallVector<Operation *, 1> &same = copies[hash];
    auto equal = llvm::find_if(same, [&](Operation *other) {
      return OperationEquivalence::isEquivalentTo(other, clone,
                                                  OperationEquivalence::exactValueMatch, nullptr,
                                                  OperationEquivalence::IgnoreLocations);
    });
    if (equal == same.end()) {
      same.push_back(clone);
      return;
    }
    mapping.map(op->getResult(0), (*equal)->getResult(0));
    clone->erase();
  }
  Value get(Value value) const { return mapping.lookup(value); }

private:
  /// A value that is the same everywhere is made here; others are arguments.
  void bring(Value value) {
    if (mapping.contains(value))
      return;
    Operation *def = value.getDefiningOp();
    if (phases.isUniform(value) || (def && splatConstant(def)))
      return copy(def);
    inputs.push_back(value);
    mapping.map(value, body.addArgument(value.getType(), value.getLoc()));
  }

  Block &body;
  OpBuilder builder;
  const UpdatePhases &phases;
  SmallVectorImpl<Value> &inputs;
  IRMapping mapping;
  llvm::DenseMap<size_t, SmallVector<Operation *, 1>> copies; // by what they compute
};

/// Makes the functions of kernels, and calls in the place of what they compute.
class Outliner {
public:
  Outliner(func::FuncOp entry, const UpdatePhases &phases)
      : entry(entry), phases(phases), symbols(entry->getParentOp()) {}

  LogicalResult outline(ArrayRef<UpdateKernel> kernels);
  size_t getNumFunctions() const { return functions.size(); }

private:
  /// What stands for the kernel's outputs, which are several names of few results.
  SmallVector<Value> createCall(const UpdateKernel &kernel);
  func::FuncOp build(const UpdateKernel &kernel, SmallVectorImpl<Value> &inputs,
                     SmallVectorImpl<unsigned> &resultOf);
  func::FuncOp findEqual(func::FuncOp function) const;

  func::FuncOp entry;
  const UpdatePhases &phases;
  SymbolTable symbols;
  SmallVector<func::FuncOp> functions;
};

} // namespace

/// Those of a kernel's operations that its outputs are computed from, in order.
static SmallVector<Operation *> findLive(const UpdateKernel &kernel) {
  llvm::DenseSet<Value> live(kernel.outputs.begin(), kernel.outputs.end());
  SmallVector<Operation *> operations;
  for (Operation *op : llvm::reverse(kernel.operations))
    if (live.contains(op->getResult(0))) {
      operations.push_back(op);
      live.insert_range(op->getOperands());
    }
  std::reverse(operations.begin(), operations.end());
  return operations;
}

func::FuncOp Outliner::build(const UpdateKernel &kernel, SmallVectorImpl<Value> &inputs,
                             SmallVectorImpl<unsigned> &resultOf) {
  MLIRContext *context = entry.getContext();
  auto function =
      func::FuncOp::create(entry.getLoc(), "update", FunctionType::get(context, {}, {}));
  function.setPrivate();
  function->setDiscardableAttr("noether.kernel", UnitAttr::get(context));
  Block &block = *function.addEntryBlock();
  BodyBuilder body(block, phases, inputs);
  for (Operation *op : findLive(kernel))
    body.copy(op);
  llvm::SetVector<Value> distinct;
  for (Value output : kernel.outputs) {
    distinct.insert(body.get(output));
    resultOf.push_back(llvm::find(distinct, body.get(output)) - distinct.begin());
  }
  ArrayRef<Value> results = distinct.getArrayRef();
  OpBuilder builder = OpBuilder::atBlockEnd(&block);
  func::ReturnOp::create(builder, entry.getLoc(), results);
  function.setFunctionType(
      FunctionType::get(context, block.getArgumentTypes(), ValueRange(results).getTypes()));
  return function;
}

func::FuncOp Outliner::findEqual(func::FuncOp function) const {
  for (func::FuncOp other : functions)
    if (other.getFunctionType() == function.getFunctionType() &&
        OperationEquivalence::isRegionEquivalentTo(&other.getBody(), &function.getBody(),
                                                   OperationEquivalence::IgnoreLocations))
      return other;
  return nullptr;
}

SmallVector<Value> Outliner::createCall(const UpdateKernel &kernel) {
  SmallVector<Value> inputs;
  SmallVector<unsigned> resultOf;
  func::FuncOp function = build(kernel, inputs, resultOf);
  if (func::FuncOp other = findEqual(function)) {
    function.erase();
    function = other;
  } else {
    symbols.insert(function); // under a name that is free
    functions.push_back(function);
  }
  OpBuilder builder(&entry.getBody().front().back());
  auto call = func::CallOp::create(builder, kernel.operations.front()->getLoc(), function, inputs);
  call->setDiscardableAttr("noether.phase", builder.getI64IntegerAttr(kernel.phase));
  return llvm::map_to_vector(resultOf,
                             [&](unsigned number) -> Value { return call.getResult(number); });
}

LogicalResult Outliner::outline(ArrayRef<UpdateKernel> kernels) {
  SmallVector<SmallVector<Value>> results;
  for (const UpdateKernel &kernel : kernels)
    results.push_back(createCall(kernel));
  for (auto [kernel, values] : llvm::zip_equal(kernels, results))
    for (auto [output, result] : llvm::zip_equal(kernel.outputs, values))
      Value(output).replaceAllUsesWith(result);
  llvm::DenseSet<unsigned> groups;
  for (const UpdateKernel &kernel : kernels)
    groups.insert(kernel.group);
  for (Operation *op : llvm::reverse(phases.getOperations()))
    if (groups.contains(phases.getGroup(op)))
      op->erase();
  Block &block = entry.getBody().front();
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (op.use_empty() && op.getNumResults() == 1 && phases.isUniform(op.getResult(0)))
      op.erase();
  // A call stands after all that any user of its results waits for; nothing else moves behind
  // another.
  return success(sortTopologically(&block));
}

namespace {
struct OutlineUpdate : noether::impl::OutlineUpdateBase<OutlineUpdate> {
  void runOnOperation() override;
};
} // namespace

void OutlineUpdate::runOnOperation() {
  if (failed(inlineStep(getOperation())))
    return signalPassFailure();
  StepFlow flow;
  FailureOr<StepRoles> roles = inferRoles(getOperation(), &flow);
  if (failed(roles))
    return signalPassFailure();
  llvm::MapVector<unsigned, Value> gradients = findGradients(*roles, flow);
  annotateRoles(*roles);
  func::FuncOp entry = roles->entry;
  Block &block = entry.getBody().front();

  // What comes before the update: the loss, and the gradients as far as they can be told.
  SmallVector<Value> before{block.back().getOperand(roles->loss)};
  for (const auto &[argument, gradient] : gradients)
    before.push_back(gradient);
  llvm::DenseSet<Operation *> rest = findSlice(block, before);
  auto findUpdate = [&](bool metrics) {
    SmallVector<Value> after;
    for (auto [result, value] : llvm::zip_equal(roles->results, block.back().getOperands()))
      if (result.role != ResultRole::Loss && (metrics || result.role != ResultRole::Metric))
        after.push_back(value);
    return findSlice(block, after);
  };
  inlineCallees(entry, [&, update = findUpdate(/*metrics=*/false)](func::CallOp call) {
    return update.contains(call) && !rest.contains(call);
  });
  llvm::DenseSet<Operation *> update = findUpdate(/*metrics=*/false);
  llvm::DenseSet<Operation *> all = findUpdate(/*metrics=*/true);
  UpdatePhases phases(block,
                      [&](Operation &op) { return all.contains(&op) && !rest.contains(&op); });
  SmallVector<UpdateKernel, 0> kernels = makeKernels(phases);
  // A metric (the norm of a gradient) may ride along, but not have loops of its own.
  llvm::DenseSet<unsigned> groups;
  for (Operation *op : phases.getOperations())
    if (update.contains(op))
      groups.insert(phases.getGroup(op));
  llvm::erase_if(kernels,
                 [&](const UpdateKernel &kernel) { return !groups.contains(kernel.group); });
  Outliner outliner(entry, phases);
  if (failed(outliner.outline(kernels))) {
    entry.emitError("the loops of the update depend on each other"); // cannot be, by their phases
    return signalPassFailure();
  }

  unsigned numPhases = kernels.empty() ? 0 : kernels.back().phase + 1;
  remark::passed(entry.getLoc(), remark::RemarkOpts::name("UpdateOutlined")
                                     .category("noether-kernels")
                                     .function(entry.getName()))
      << remark::metric("functions", outliner.getNumFunctions())
      << remark::metric("calls", kernels.size()) << remark::metric("phases", numPhases);
}
