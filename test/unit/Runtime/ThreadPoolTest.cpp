// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Runtime/ThreadPool.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace noether;

namespace {

/// How often each item of one job was done.
std::vector<int> count(ThreadPool &pool, size_t numItems) {
  std::vector<std::atomic<int>> done(numItems);
  pool.run(numItems, [&](size_t item) { ++done[item]; });
  return {done.begin(), done.end()};
}

TEST(ThreadPoolTest, DoesEveryItemOnce) {
  for (unsigned threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.getNumThreads(), threads);
    for (int round = 0; round < 200; ++round)
      for (size_t numItems : {0, 1, 2, 7, 100})
        ASSERT_EQ(count(pool, numItems), std::vector<int>(numItems, 1));
  }
}

TEST(ThreadPoolTest, ServesSeveralCallers) {
  ThreadPool pool(3);
  std::vector<std::thread> callers;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&] {
      for (int round = 0; round < 100; ++round)
        wrong += count(pool, 50) != std::vector<int>(50, 1);
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(ThreadPoolTest, AForkedProcessWorksAlone) {
  ThreadPool pool(3);
  count(pool, 100);
  pid_t pid = fork();
  if (pid == 0) {
    alarm(20); // rather than wait for ever
    _exit(count(pool, 100) == std::vector<int>(100, 1) ? 0 : 1);
  }
  int status = -1;
  waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(ThreadPoolTest, TheEnvironmentSaysHowMany) {
  setenv("NOETHER_NUM_THREADS", "5", 1);
  EXPECT_EQ(ThreadPool::getDefaultNumThreads(), 5u);
  setenv("NOETHER_NUM_THREADS", "many", 1);
  EXPECT_GE(ThreadPool::getDefaultNumThreads(), 1u);
  unsetenv("NOETHER_NUM_THREADS");
  EXPECT_GE(ThreadPool::getDefaultNumThreads(), 1u);
}

} // namespace
