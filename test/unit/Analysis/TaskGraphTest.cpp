// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/TaskGraph.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Diagnostics.h"

#include "llvm/Support/ThreadPool.h"

#include "gtest/gtest.h"

#include <atomic>
#include <mutex>
#include <thread>

using namespace noether;
using mlir::failure;
using mlir::success;

namespace {
class TaskGraphTest : public testing::TestWithParam<bool> {
protected:
  TaskGraphTest() {
    if (GetParam())
      context.setThreadPool(pool);
  }
  /// A task that notes that it ran.
  TaskGraph::TaskFn noting(int name, bool succeeds = true) {
    return [this, name, succeeds] {
      std::lock_guard<std::mutex> lock(mutex);
      ran.push_back(name);
      return success(succeeds);
    };
  }
  size_t placeOf(int name) const { return llvm::find(ran, name) - ran.begin(); }

  // Two threads on any machine.
  llvm::DefaultThreadPool pool{llvm::hardware_concurrency(2)};
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  std::mutex mutex;
  std::vector<int> ran;
};
} // namespace

TEST_P(TaskGraphTest, TasksWaitForTheirPredecessors) {
  for (int round = 0; round < 50; ++round) {
    ran.clear();
    TaskGraph tasks;
    auto a = tasks.add(noting(0)), b = tasks.add(noting(1));
    auto c = tasks.add(noting(2), {a, b});
    auto d = tasks.add(noting(3), {a});
    tasks.add(noting(4), {c, d});
    ASSERT_TRUE(succeeded(tasks.run(&context)));
    ASSERT_EQ(ran.size(), 5u);
    EXPECT_GT(placeOf(2), std::max(placeOf(0), placeOf(1)));
    EXPECT_GT(placeOf(3), placeOf(0));
    EXPECT_EQ(placeOf(4), 4u);
  }
}

TEST_P(TaskGraphTest, WhatFollowsAFailureDoesNotRun) {
  TaskGraph tasks;
  auto fails = tasks.add(noting(0, /*succeeds=*/false));
  auto other = tasks.add(noting(1));
  auto after = tasks.add(noting(2), {fails, other});
  tasks.add(noting(3), {after});
  tasks.add(noting(4), {other});
  EXPECT_TRUE(failed(tasks.run(&context)));
  llvm::sort(ran);
  EXPECT_EQ(ran, (std::vector<int>{0, 1, 4}));
}

TEST_P(TaskGraphTest, DiagnosticsComeInTheOrderOfTheTasks) {
  std::vector<std::string> said;
  context.getDiagEngine().registerHandler(
      [&](mlir::Diagnostic &diagnostic) { said.push_back(diagnostic.str()); });
  std::atomic<bool> secondHasSpoken = !GetParam();
  TaskGraph tasks;
  tasks.add([&] {
    while (!secondHasSpoken)
      std::this_thread::yield();
    return mlir::LogicalResult(emitError(mlir::UnknownLoc::get(&context), "first"));
  });
  tasks.add([&] {
    emitError(mlir::UnknownLoc::get(&context), "second");
    secondHasSpoken = true;
    return failure();
  });
  EXPECT_TRUE(failed(tasks.run(&context)));
  EXPECT_EQ(said, (std::vector<std::string>{"first", "second"}));
}

INSTANTIATE_TEST_SUITE_P(Threading, TaskGraphTest, testing::Bool(),
                         [](const auto &info) { return info.param ? "Threads" : "NoThreads"; });
