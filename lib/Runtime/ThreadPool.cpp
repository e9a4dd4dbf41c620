// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Runtime/ThreadPool.h"

#include <algorithm>
#include <cstdlib>

#ifdef __linux__
#include <sched.h>
#endif

using namespace noether;

unsigned ThreadPool::getDefaultNumThreads() {
  if (const char *named = std::getenv("NOETHER_NUM_THREADS")) {
    long number = std::strtol(named, nullptr, 10);
    if (number > 0)
      return std::min(number, 1024L);
  }
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1u, std::thread::hardware_concurrency());
}

ThreadPool::ThreadPool(unsigned numThreads) {
  for (unsigned i = 1; i < numThreads; ++i)
    workers.emplace_back([this] { serve(); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    stopping = true;
  }
  wake.notify_all();
  for (std::thread &worker : workers)
    worker.join();
}

void ThreadPool::Job::help() {
  for (size_t item; (item = next.fetch_add(1, std::memory_order_relaxed)) < numItems;)
    (*work)(item);
}

void ThreadPool::serve() {
  std::unique_lock<std::mutex> lock(mutex);
  uint64_t seen = 0; // a job is entered once
  while (true) {
    wake.wait(lock, [&] { return stopping || (job && seen != number); });
    if (stopping)
      return;
    Job *mine = job;
    seen = number;
    ++mine->helpers;
    lock.unlock();
    mine->help();
    lock.lock();
    if (--mine->helpers == 0)
      left.notify_all();
  }
}

void ThreadPool::run(size_t numItems, const Work &work) {
  std::unique_lock<std::mutex> mine(owner, std::try_to_lock);
  Job own{&work, numItems};
  if (workers.empty() || numItems < 2 || !mine) {
    own.help();
    return;
  }
  {
    std::lock_guard<std::mutex> lock(mutex);
    job = &own;
    ++number;
  }
  wake.notify_all();
  own.help();
  // Workers that came late are not waited for: they find no job.
  std::unique_lock<std::mutex> lock(mutex);
  job = nullptr;
  left.wait(lock, [&] { return own.helpers == 0; });
}
