// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Everything here is iterative: inputs nest and call as deeply as they like.

#include "noether/Analysis/Step/Slice.h"

#include "mlir/IR/BuiltinTypes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace noether;

bool noether::isScalarLike(Value value) {
  if (auto tensor = dyn_cast<RankedTensorType>(value.getType())) // nearly always
    return tensor.getRank() == 0;
  auto type = dyn_cast<ShapedType>(value.getType());
  return !type || (type.hasRank() && type.getRank() == 0);
}

//===----------------------------------------------------------------------===//
// CallGraph
//===----------------------------------------------------------------------===//

/// The symbol an operation calls, if it is a call.
static FlatSymbolRefAttr getCalleeName(Operation *op) {
  if (auto call = dyn_cast<func::CallOp>(op))
    return call.getCalleeAttr();
  return nullptr;
}

func::FuncOp CallGraph::getCallee(Operation *call) const {
  FlatSymbolRefAttr name = getCalleeName(call);
  return name ? functions.lookup(name.getAttr()) : func::FuncOp();
}

FailureOr<CallGraph> CallGraph::get(func::FuncOp entry, Check check) {
  CallGraph graph;
  if (auto module = entry->getParentOfType<ModuleOp>())
    for (auto function : module.getOps<func::FuncOp>())
      graph.functions[function.getSymNameAttr()] = function;

  // Depth-first search with a stack of our own. A function on the stack is being visited.
  enum class State { Visiting, Done };
  struct Frame {
    func::FuncOp function;
    SmallVector<Operation *> calls;
    size_t next = 0;
  };
  DenseMap<Operation *, State> states;
  SmallVector<Frame> stack;
  auto push = [&](func::FuncOp function) -> LogicalResult {
    states[function] = State::Visiting;
    Frame &frame = stack.emplace_back();
    frame.function = function;
    WalkResult result = function.walk([&](Operation *op) {
      ++graph.numOperations;
      if (isa<func::CallOp>(op))
        frame.calls.push_back(op);
      return check && failed(check(op)) ? WalkResult::interrupt() : WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  };
  if (failed(push(entry)))
    return failure();
  while (!stack.empty()) {
    Frame &frame = stack.back();
    if (frame.next == frame.calls.size()) {
      states[frame.function] = State::Done;
      graph.postOrder.push_back(frame.function);
      stack.pop_back();
      continue;
    }
    Operation *call = frame.calls[frame.next++];
    func::FuncOp callee = graph.getCallee(call);
    if (!callee || callee.isExternal()) {
      call->emitError("calls '")
          << getCalleeName(call).getValue() << "', which is not defined in this module";
      return failure();
    }
    if (callee.getArgumentTypes() != call->getOperandTypes() ||
        callee.getResultTypes() != call->getResultTypes()) {
      InFlightDiagnostic diagnostic =
          call->emitError("does not have the types of '") << callee.getName() << "'";
      diagnostic.attachNote(callee.getLoc()) << "'" << callee.getName() << "' is defined here";
      return failure();
    }
    auto state = states.find(callee);
    if (state == states.end()) {
      if (failed(push(callee)))
        return failure();
    } else if (state->second == State::Visiting) {
      InFlightDiagnostic diagnostic =
          call->emitError("calls '") << callee.getName() << "' recursively";
      diagnostic.attachNote(callee.getLoc()) << "'" << callee.getName() << "' is defined here";
      return failure();
    }
  }
  return graph;
}

//===----------------------------------------------------------------------===//
// The kinds of operations with regions
//===----------------------------------------------------------------------===//

namespace {
enum class ControlKind {
  /// Nothing is known: every result needs every operand and capture.
  Opaque,
  /// One region; its arguments are the operands, its terminator's operands the results.
  Body,
  /// Regions without arguments; their terminators' operands are the results. All operands choose.
  Branches,
  /// A condition, then a body; both take the carried values.
  While,
  /// Bounds and step, then the carried values; the body takes the index before them.
  For,
  /// A "before" region that yields a condition and forwards values, then a body.
  ScfWhile,
};
} // namespace

/// The terminator of a region of one block, if it has at least `size` operands.
static Operation *getTerminator(Region &region, size_t size) {
  if (!region.hasOneBlock() || region.front().empty())
    return nullptr;
  Operation &last = region.front().back();
  return last.getNumOperands() >= size ? &last : nullptr;
}

/// The kind of an operation that has regions. No verifier has seen the host dialects' operations:
/// malformed ones are opaque.
static ControlKind classify(Operation *op) {
  auto kind = llvm::StringSwitch<ControlKind>(op->getName().getStringRef())
                  .Cases({"sdy.manual_computation", "scf.execute_region"}, ControlKind::Body)
                  .Cases({"stablehlo.case", "stablehlo.if", "mhlo.case", "mhlo.if", "scf.if",
                          "scf.index_switch"},
                         ControlKind::Branches)
                  .Cases({"stablehlo.while", "mhlo.while"}, ControlKind::While)
                  .Case("scf.for", ControlKind::For)
                  .Case("scf.while", ControlKind::ScfWhile)
                  .Default(ControlKind::Opaque);
  unsigned results = op->getNumResults(), operands = op->getNumOperands();
  auto hasArguments = [&](unsigned region, size_t count) {
    return op->getRegion(region).hasOneBlock() && op->getRegion(region).getNumArguments() == count;
  };
  bool wellFormed = true;
  switch (kind) {
  case ControlKind::Opaque:
    break;
  case ControlKind::Body:
    wellFormed = op->getNumRegions() == 1 && hasArguments(0, operands) &&
                 getTerminator(op->getRegion(0), results);
    break;
  case ControlKind::Branches:
    wellFormed = llvm::all_of(op->getRegions(), [&](Region &region) {
      return (region.empty() && results == 0) ||
             (region.getNumArguments() == 0 && getTerminator(region, results));
    });
    break;
  case ControlKind::While:
    wellFormed = op->getNumRegions() == 2 && operands == results && hasArguments(0, operands) &&
                 hasArguments(1, operands) && getTerminator(op->getRegion(0), 1) &&
                 getTerminator(op->getRegion(1), results);
    break;
  case ControlKind::For:
    wellFormed = op->getNumRegions() == 1 && operands == results + 3 &&
                 hasArguments(0, results + 1) && getTerminator(op->getRegion(0), results);
    break;
  case ControlKind::ScfWhile:
    wellFormed = op->getNumRegions() == 2 && hasArguments(0, operands) &&
                 hasArguments(1, results) && getTerminator(op->getRegion(0), results + 1) &&
                 getTerminator(op->getRegion(1), operands);
    break;
  }
  return wellFormed ? kind : ControlKind::Opaque;
}

//===----------------------------------------------------------------------===//
// Dependence
//===----------------------------------------------------------------------===//

Dependence::Dependence(const CallGraph &calls, Filter carries)
    : calls(calls), carries(carries),
      barrierName("stablehlo.optimization_barrier", calls.getPostOrder().back()->getContext()) {
  for (func::FuncOp function : calls.getPostOrder().drop_back())
    summarize(function);
}

/// Visits the operands and everything the regions use from outside.
static void visitAll(Operation *op, function_ref<void(Value)> visit) {
  for (Value operand : op->getOperands())
    visit(operand);
  for (Region &region : op->getRegions())
    region.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (!region.isAncestor(operand.getParentRegion()))
          visit(operand);
    });
}

/// What an argument of a block in `op`'s regions comes from.
static void visitArgument(BlockArgument argument, Operation *op, function_ref<void(Value)> visit) {
  unsigned number = argument.getArgNumber();
  switch (classify(op)) {
  case ControlKind::Opaque:
    visitAll(op, visit);
    return;
  case ControlKind::Body:
    visit(op->getOperand(number));
    return;
  case ControlKind::Branches:
    return;
  case ControlKind::While:
    visit(op->getOperand(number));
    visit(op->getRegion(1).front().back().getOperand(number));
    return;
  case ControlKind::For:
    if (number == 0) {
      for (Value bound : op->getOperands().take_front(3))
        visit(bound);
      return;
    }
    visit(op->getOperand(number + 2));
    visit(op->getRegion(0).front().back().getOperand(number - 1));
    return;
  case ControlKind::ScfWhile:
    if (argument.getOwner()->getParent() == &op->getRegion(0)) {
      visit(op->getOperand(number));
      visit(op->getRegion(1).front().back().getOperand(number));
    } else {
      visit(op->getRegion(0).front().back().getOperand(number + 1));
    }
    return;
  }
}

void Dependence::forEachDirect(Value value, function_ref<void(Value)> visitValue) const {
  auto visit = [&](Value from) {
    if (passes(from))
      visitValue(from);
  };
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (parent && !isa<func::FuncOp>(parent))
      visitArgument(argument, parent, visit);
    return;
  }

  auto result = cast<OpResult>(value);
  Operation *op = result.getOwner();
  unsigned number = result.getResultNumber();
  if (op->getNumRegions() == 0) {
    if (isa<func::CallOp>(op)) {
      auto summary = summaries.find(calls.getCallee(op));
      if (summary != summaries.end()) {
        for (unsigned argument : summary->second[number].set_bits())
          visit(op->getOperand(argument));
        return;
      }
    } else if (op->getName() == barrierName && op->getNumOperands() == op->getNumResults()) {
      visit(op->getOperand(number));
      return;
    }
    for (Value operand : op->getOperands())
      visit(operand);
    return;
  }

  switch (classify(op)) {
  case ControlKind::Opaque:
    visitAll(op, visit);
    return;
  case ControlKind::Body:
    visit(op->getRegion(0).front().back().getOperand(number));
    return;
  case ControlKind::Branches:
    for (Value operand : op->getOperands())
      visit(operand);
    for (Region &region : op->getRegions())
      visit(region.front().back().getOperand(number));
    return;
  case ControlKind::While:
    visit(op->getOperand(number));
    visit(op->getRegion(1).front().back().getOperand(number));
    visit(op->getRegion(0).front().back().getOperand(0));
    return;
  case ControlKind::For:
    for (Value bound : op->getOperands().take_front(3))
      visit(bound);
    visit(op->getOperand(number + 3));
    visit(op->getRegion(0).front().back().getOperand(number));
    return;
  case ControlKind::ScfWhile:
    visit(op->getRegion(0).front().back().getOperand(0));
    visit(op->getRegion(0).front().back().getOperand(number + 1));
    return;
  }
}

void Dependence::forEachOutside(OpResult result, function_ref<void(Value)> visit) const {
  Operation *op = result.getOwner();
  if (op->getNumRegions() == 0) {
    forEachDirect(result, visit);
    return;
  }
  DenseSet<Value> seen;
  SmallVector<Value> worklist{result};
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    forEachDirect(value, [&](Value from) {
      if (!seen.insert(from).second)
        return;
      if (op->isAncestor(from.getParentBlock()->getParentOp()))
        worklist.push_back(from);
      else
        visit(from);
    });
  }
}

llvm::BitVector Dependence::argumentsOf(ArrayRef<Value> roots, DenseSet<Value> *slice) const {
  DenseSet<Value> local;
  DenseSet<Value> &seen = slice ? *slice : local;
  SmallVector<Value> worklist;
  llvm::BitVector arguments;
  auto add = [&](Value value) {
    if (seen.insert(value).second)
      worklist.push_back(value);
  };
  for (Value root : roots)
    if (passes(root))
      add(root);
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (auto argument = dyn_cast<BlockArgument>(value))
      if (isa_and_nonnull<func::FuncOp>(argument.getOwner()->getParentOp())) {
        if (arguments.size() <= argument.getArgNumber())
          arguments.resize(argument.getArgNumber() + 1);
        arguments.set(argument.getArgNumber());
        continue;
      }
    forEachDirect(value, add);
  }
  return arguments;
}

/// Each result has a slice of its own while that is cheap; else all share one, which says more
/// dependences than there are.
void Dependence::summarize(func::FuncOp function) {
  constexpr size_t kMaxVisits = 1 << 22;
  Operation *terminator = getTerminator(function.getBody(), function.getNumResults());
  SmallVector<llvm::BitVector, 1> summary;
  if (!terminator) {
    // Several blocks, or nothing at the end: any result may need any argument.
    summary.assign(function.getNumResults(), llvm::BitVector(function.getNumArguments(), true));
  } else {
    size_t visits = 0;
    for (Value operand : terminator->getOperands()) {
      DenseSet<Value> slice;
      if (visits > kMaxVisits) {
        SmallVector<Value> roots(terminator->getOperands());
        summary.assign(function.getNumResults(), argumentsOf(roots));
        break;
      }
      summary.push_back(argumentsOf(operand, &slice));
      visits += slice.size();
    }
  }
  for (auto [i, arguments] : llvm::enumerate(summary))
    arguments.resize(function.getNumArguments());
  summaries[function] = std::move(summary);
}
