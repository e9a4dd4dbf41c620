// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether-c/Runtime.h"

#include "Runtime.h"

#include <algorithm>
#include <cstring>

using namespace noether;

struct NoetherKernels {
  std::unique_ptr<KernelLibrary> library;
};

namespace {
struct Threads {
  std::mutex mutex;
  std::shared_ptr<ThreadPool> pool;
};
} // namespace

/// Never destroyed: a process that exits must not wait for threads that it has forked away from.
static Threads &getThreads() {
  static Threads *threads = new Threads();
  return *threads;
}

std::shared_ptr<ThreadPool> noether::getThreadPool() {
  Threads &threads = getThreads();
  std::lock_guard<std::mutex> lock(threads.mutex);
  if (!threads.pool)
    threads.pool = std::make_shared<ThreadPool>(ThreadPool::getDefaultNumThreads());
  return threads.pool;
}

bool noether::runKernels(KernelLibrary &library, std::span<const int64_t> table,
                         std::span<void *const> operands, std::span<void *const> results) {
  const KernelPlan *plan = library.getPlan(table);
  if (!plan || plan->getTable().numOperands != int64_t(operands.size()) ||
      plan->getTable().numResults != int64_t(results.size()))
    return false;
  plan->run(library.getKernels(), operands, results, *getThreadPool());
  return true;
}

void noetherSetNumThreads(unsigned count) {
  Threads &threads = getThreads();
  auto pool = std::make_shared<ThreadPool>(count ? count : ThreadPool::getDefaultNumThreads());
  std::lock_guard<std::mutex> lock(threads.mutex);
  threads.pool.swap(pool); // whoever is using the old one ends it
}

unsigned noetherGetNumThreads() { return getThreadPool()->getNumThreads(); }

NoetherKernels *noetherKernelsLoad(const void *object, size_t length, size_t count, char *message,
                                   size_t size) {
  std::string error;
  auto library = KernelLibrary::load({static_cast<const char *>(object), length}, count, error);
  if (library)
    return new NoetherKernels{std::move(library)};
  if (size > 0) {
    size_t copied = std::min(error.size(), size - 1);
    std::memcpy(message, error.data(), copied);
    message[copied] = '\0';
  }
  return nullptr;
}

void noetherKernelsFree(NoetherKernels *kernels) { delete kernels; }

int noetherKernelsRun(NoetherKernels *kernels, const int64_t *table, size_t length,
                      void *const *operands, size_t numOperands, void *const *results,
                      size_t numResults) {
  return runKernels(*kernels->library, {table, length}, {operands, numOperands},
                    {results, numResults})
             ? 0
             : 1;
}
