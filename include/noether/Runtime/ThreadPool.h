// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef NOETHER_RUNTIME_THREADPOOL_H
#define NOETHER_RUNTIME_THREADPOOL_H

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace noether {

/// Threads that share out the items of one job at a time. They sleep between jobs: the machine
/// belongs to the framework that calls us.
class ThreadPool {
public:
  using Work = std::function<void(size_t item)>;

  /// `numThreads` counts the one that calls `run`.
  explicit ThreadPool(unsigned numThreads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;

  unsigned getNumThreads() const { return workers.size() + 1; }

  /// Calls `work` once on each number below `numItems`, in any order, and returns when all are
  /// done. A caller that finds the pool at work, and one in a process that was forked from the
  /// pool's, does everything itself.
  void run(size_t numItems, const Work &work);

  /// $NOETHER_NUM_THREADS, else as many as this process may run on at once.
  static unsigned getDefaultNumThreads();

private:
  struct Job {
    const Work *work;
    size_t numItems;
    std::atomic<size_t> next = 0;
    unsigned helpers = 0; // workers that are in it

    void help();
  };
  void serve();

  std::mutex owner; // held by the caller whose job is served
  std::mutex mutex; // for what follows
  std::condition_variable wake, left;
  Job *job = nullptr;
  uint64_t number = 0; // of the job
  bool stopping = false;
  std::vector<std::thread> workers;
};

} // namespace noether

#endif // NOETHER_RUNTIME_THREADPOOL_H
