// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the runs of a call are cut in pieces that threads can take.

#ifndef NOETHER_RUNTIME_KERNELPLAN_H
#define NOETHER_RUNTIME_KERNELPLAN_H

#include "noether/Runtime/KernelTable.h"
#include "noether/Runtime/ThreadPool.h"

namespace noether {

/// One table over the elements of all tensors. It does not depend on the number of threads, and
/// sums of pieces are added in the order of the pieces: results are the same bit for bit whoever
/// runs what.
class KernelPlan {
public:
  explicit KernelPlan(KernelTable table);

  const KernelTable &getTable() const { return table; }
  /// Operands and results as the table numbers them; `kernels` by the numbers it uses.
  void run(std::span<const KernelFunction> kernels, std::span<void *const> operands,
           std::span<void *const> results, ThreadPool &pool) const;

private:
  /// A part of one run.
  struct Chunk {
    uint32_t run;
    int64_t firstRow, lastRow, firstColumn, lastColumn;
    /// Where its own sums start.
    size_t sums;
  };
  /// Where the sums of a run are kept.
  struct SumLayout {
    size_t numKept;
    /// Chunks write different elements of one array, else each has an array of its own.
    bool isShared;
    /// Of the shared array; else within what a chunk has.
    size_t offset;
  };

  void addRun(uint32_t number);
  void runChunk(const Chunk &chunk, std::span<const KernelFunction> kernels,
                std::span<void *const> operands, std::span<void *const> results,
                double *sums) const;
  void finish(uint32_t run, const double *sums, std::span<void *const> results) const;

  KernelTable table;
  std::vector<std::vector<SumLayout>> layouts; // of each run
  std::vector<size_t> ownSums;                 // numbers that each chunk of a run has of its own
  std::vector<Chunk> chunks;
  std::vector<uint32_t> firstChunk; // of each run, and the end
  std::vector<uint32_t> items;      // the first chunk of each work item, and the end
  size_t numSums = 0;
};

} // namespace noether

#endif // NOETHER_RUNTIME_KERNELPLAN_H
