// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tasks that wait for each other's results, run on the threads of a context.

#ifndef NOETHER_ANALYSIS_TASKGRAPH_H
#define NOETHER_ANALYSIS_TASKGRAPH_H

#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/LLVM.h"

#include <functional>
#include <vector>

namespace noether {

class TaskGraph {
public:
  using TaskId = size_t;
  using TaskFn = std::function<mlir::LogicalResult()>;

  /// Adds a task that runs once those of `after` have succeeded.
  TaskId add(TaskFn run, mlir::ArrayRef<TaskId> after = {});

  /// Runs all tasks whose predecessors succeed; in the order they were added where the context has
  /// no threads. Diagnostics come in that order in any case. Fails if a task does.
  mlir::LogicalResult run(mlir::MLIRContext *context);

private:
  struct Task {
    TaskFn run;
    mlir::SmallVector<TaskId, 4> successors;
    size_t numPredecessors;
  };
  std::vector<Task> tasks;
};

} // namespace noether

#endif // NOETHER_ANALYSIS_TASKGRAPH_H
