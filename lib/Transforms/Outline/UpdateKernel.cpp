// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "UpdateKernel.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

/// Reading a tensor costs one pass over it; writing it and reading it back costs at least two.
static constexpr unsigned kMaxReadAgain = 2;

namespace {

class KernelMaker {
public:
  explicit KernelMaker(const UpdatePhases &phases) : phases(phases) {}

  SmallVector<UpdateKernel, 0> make();

private:
  void findStored();
  void fill(UpdateKernel &kernel);
  /// The tensors a value is computed from where it is computed again: stored ones, and those from
  /// outside of the group's loops. Adds the operations on the way to `chain`.
  void findSources(Value value, const UpdateKernel &kernel, llvm::SetVector<Value> &sources,
                   llvm::SetVector<Operation *> &chain) const;
  bool isComputedBefore(Value value, const UpdateKernel &kernel) const;

  const UpdatePhases &phases;
  llvm::DenseMap<Operation *, unsigned> position;
  /// Values that are written by the kernel that computes them first.
  llvm::SetVector<Value> stored;
};

} // namespace

/// Whether the value is of the kernel's group, from an earlier phase, and not a sum.
bool KernelMaker::isComputedBefore(Value value, const UpdateKernel &kernel) const {
  Operation *def = value.getDefiningOp();
  return def && phases.isInLoop(def) && phases.getGroup(def) == kernel.group &&
         phases.getPhase(def) < kernel.phase && phases.getKind(def) != UpdateOperation::Reduction;
}

/// What anything but loops of the same group reads.
void KernelMaker::findStored() {
  for (Operation *op : phases.getOperations()) {
    Value result = op->getResult(0);
    bool isRead = llvm::any_of(result.getUsers(), [&](Operation *user) {
      return !phases.isInLoop(user) || phases.getGroup(user) != phases.getGroup(op);
    });
    // A sum is never made in the loop that reads it.
    if (isRead || (phases.getKind(op) == UpdateOperation::Reduction && !result.use_empty()))
      stored.insert(result);
  }
}

void KernelMaker::findSources(Value value, const UpdateKernel &kernel,
                              llvm::SetVector<Value> &sources,
                              llvm::SetVector<Operation *> &chain) const {
  SmallVector<Value> worklist{value};
  while (!worklist.empty()) {
    Value next = worklist.pop_back_val();
    if (phases.isUniform(next) || isSingleNumber(next))
      continue;
    if (!isComputedBefore(next, kernel) || stored.contains(next)) {
      sources.insert(next);
      continue;
    }
    if (chain.insert(next.getDefiningOp()))
      llvm::append_range(worklist, next.getDefiningOp()->getOperands());
  }
}

void KernelMaker::fill(UpdateKernel &kernel) {
  llvm::SetVector<Value> read;
  SmallVector<Value> needed;
  for (Operation *op : kernel.operations)
    for (Value operand : op->getOperands()) {
      if (isComputedBefore(operand, kernel) && !stored.contains(operand))
        needed.push_back(operand);
      else if (!phases.isUniform(operand) && !isSingleNumber(operand))
        read.insert(operand);
    }
  llvm::SetVector<Operation *> again;
  for (Value value : needed) {
    llvm::SetVector<Value> sources;
    llvm::SetVector<Operation *> chain;
    findSources(value, kernel, sources, chain);
    unsigned more = llvm::count_if(sources, [&](Value v) { return !read.contains(v); });
    if (more > kMaxReadAgain) {
      stored.insert(value);
      read.insert(value);
      continue;
    }
    read.insert_range(sources);
    again.insert_range(chain);
  }
  // A value that is stored after all ends the chains that go through it.
  kernel.operations.append(again.begin(), again.end());
  llvm::sort(kernel.operations,
             [&](Operation *a, Operation *b) { return position.lookup(a) < position.lookup(b); });
}

SmallVector<UpdateKernel, 0> KernelMaker::make() {
  llvm::MapVector<std::pair<unsigned, unsigned>, UpdateKernel> kernels; // by phase and group
  for (auto [i, op] : llvm::enumerate(phases.getOperations())) {
    position[op] = i;
    unsigned phase = phases.getPhase(op), group = phases.getGroup(op);
    UpdateKernel &kernel = kernels[{phase, group}];
    kernel.group = group;
    kernel.phase = phase;
    kernel.operations.push_back(op);
  }
  SmallVector<UpdateKernel, 0> result;
  for (auto &[key, kernel] : kernels)
    result.push_back(std::move(kernel));
  llvm::stable_sort(result,
                    [](const UpdateKernel &a, const UpdateKernel &b) { return a.phase < b.phase; });
  findStored();
  for (UpdateKernel &kernel : result)
    fill(kernel);
  for (UpdateKernel &kernel : result)
    for (Operation *op : kernel.operations)
      if (phases.getPhase(op) == kernel.phase && stored.contains(op->getResult(0)))
        kernel.outputs.push_back(op->getResult(0));
  llvm::erase_if(result, [](const UpdateKernel &kernel) { return kernel.outputs.empty(); });
  return result;
}

SmallVector<UpdateKernel, 0> noether::makeKernels(const UpdatePhases &phases) {
  return KernelMaker(phases).make();
}
