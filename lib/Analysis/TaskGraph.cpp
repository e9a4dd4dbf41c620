// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/TaskGraph.h"

#include "mlir/IR/Diagnostics.h"

#include "llvm/Support/ThreadPool.h"

#include <atomic>

using namespace noether;

TaskGraph::TaskId TaskGraph::add(TaskFn run, mlir::ArrayRef<TaskId> after) {
  TaskId id = tasks.size();
  tasks.push_back({std::move(run), {}, after.size()});
  for (TaskId predecessor : after)
    tasks[predecessor].successors.push_back(id);
  return id;
}

mlir::LogicalResult TaskGraph::run(mlir::MLIRContext *context) {
  // How many predecessors have yet to succeed; those of a task that fails are never done.
  std::vector<std::atomic<size_t>> missing(tasks.size());
  for (auto [task, count] : llvm::zip_equal(tasks, missing))
    count = task.numPredecessors;
  std::atomic<bool> hasFailed = false;
  auto runTask = [&](TaskId id, llvm::function_ref<void(TaskId)> start) {
    if (failed(tasks[id].run())) {
      hasFailed = true;
      return;
    }
    for (TaskId successor : tasks[id].successors)
      if (--missing[successor] == 0)
        start(successor);
  };

  if (!context->isMultithreadingEnabled()) {
    for (TaskId id = 0; id < tasks.size(); ++id)
      if (missing[id] == 0)
        runTask(id, [](TaskId) {});
    return mlir::failure(hasFailed);
  }

  mlir::ParallelDiagnosticHandler diagnostics(context);
  llvm::ThreadPoolTaskGroup group(context->getThreadPool());
  std::function<void(TaskId)> start = [&](TaskId id) {
    group.async([&, id] {
      diagnostics.setOrderIDForThread(id);
      runTask(id, start);
      diagnostics.eraseOrderIDForThread();
    });
  };
  for (auto [id, task] : llvm::enumerate(tasks))
    if (task.numPredecessors == 0)
      start(id);
  group.wait();
  return mlir::failure(hasFailed);
}
