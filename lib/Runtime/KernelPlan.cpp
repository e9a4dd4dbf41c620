// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Runtime/KernelPlan.h"

#include <algorithm>
#include <cstring>
#include <memory>

using namespace noether;

/// Elements of a chunk. Larger ones leave threads without work at the end, smaller ones cost more
/// than they bring; sums within one are kept in the cache.
static constexpr int64_t kChunk = 65536;
/// Elements of a work item at least: small tensors are taken together.
static constexpr int64_t kItem = 16384;
/// A chunk that has sums of its own for an axis should be as many times larger than they are.
static constexpr int64_t kElementsPerSum = 16;

KernelPlan::KernelPlan(KernelTable tableIn) : table(std::move(tableIn)) {
  for (uint32_t run = 0; run < table.runs.size(); ++run)
    addRun(run);
  firstChunk.push_back(chunks.size());

  int64_t elements = kItem;
  for (uint32_t i = 0; i < chunks.size(); ++i) {
    if (elements >= kItem) {
      items.push_back(i);
      elements = 0;
    }
    const Chunk &chunk = chunks[i];
    elements += (chunk.lastRow - chunk.firstRow) * (chunk.lastColumn - chunk.firstColumn);
  }
  items.push_back(chunks.size());
}

void KernelPlan::addRun(uint32_t number) {
  const KernelRun &run = table.runs[number];
  int64_t numColumns = run.sizes.back(), numRows = 1;
  uint64_t outer = (uint64_t(1) << (run.sizes.size() - 1)) - 1; // all dimensions but the last
  for (size_t d = 0; d + 1 < run.sizes.size(); ++d)
    numRows *= run.sizes[d];

  std::vector<SumLayout> &layout = layouts.emplace_back();
  size_t own = 0;
  for (const KernelRun::Sum &sum : run.sums) {
    size_t numKept = 1;
    for (size_t d = 0; d < run.sizes.size(); ++d)
      if (sum.kept >> d & 1)
        numKept *= run.sizes[d];
    bool isShared = run.sizes.size() > 1 && sum.kept == outer; // each row has its own
    layout.push_back({numKept, isShared, isShared ? numSums : own});
    (isShared ? numSums : own) += numKept;
  }
  ownSums.push_back(own);
  firstChunk.push_back(chunks.size());
  auto add = [&](int64_t firstRow, int64_t lastRow, int64_t firstColumn, int64_t lastColumn) {
    chunks.push_back({number, firstRow, lastRow, firstColumn, lastColumn, numSums});
    numSums += own;
  };
  if (run.sizes.size() == 1) {
    for (int64_t first = 0; first < numColumns; first += kChunk)
      add(0, 1, first, std::min(first + kChunk, numColumns));
    return;
  }
  int64_t wanted = std::max<int64_t>(kChunk, own * kElementsPerSum);
  int64_t step = std::max<int64_t>(1, wanted / numColumns);
  for (int64_t first = 0; first < numRows; first += step)
    add(first, std::min(first + step, numRows), 0, numColumns);
}

void KernelPlan::runChunk(const Chunk &chunk, std::span<const KernelFunction> kernels,
                          std::span<void *const> operands, std::span<void *const> results,
                          double *sums) const {
  const KernelRun &run = table.runs[chunk.run];
  void *buffers[64];
  double *sumPointers[64];
  std::unique_ptr<void *[]> many;
  void **buffer = buffers;
  if (run.buffers.size() > std::size(buffers)) {
    many = std::make_unique<void *[]>(run.buffers.size());
    buffer = many.get();
  }
  for (size_t i = 0; i < run.buffers.size(); ++i) {
    int64_t number = run.buffers[i];
    buffer[i] = number >= 0 ? operands[number] : results[-1 - number];
  }
  std::unique_ptr<double *[]> manySums;
  double **sum = sumPointers;
  const std::vector<SumLayout> &layout = layouts[chunk.run];
  if (layout.size() > std::size(sumPointers)) {
    manySums = std::make_unique<double *[]>(layout.size());
    sum = manySums.get();
  }
  std::fill_n(sums + chunk.sums, ownSums[chunk.run], 0.0);
  for (size_t i = 0; i < layout.size(); ++i)
    sum[i] = sums + layout[i].offset + (layout[i].isShared ? 0 : chunk.sums);
  kernels[run.kernel](buffer, run.sizes.data(), sum, chunk.firstRow, chunk.lastRow,
                      chunk.firstColumn, chunk.lastColumn);
}

void KernelPlan::finish(uint32_t number, const double *sums, std::span<void *const> results) const {
  const KernelRun &run = table.runs[number];
  std::vector<double> total;
  for (size_t i = 0; i < run.sums.size(); ++i) {
    const SumLayout &layout = layouts[number][i];
    const double *values = sums + layout.offset;
    if (!layout.isShared) {
      total.assign(layout.numKept, 0.0);
      for (uint32_t c = firstChunk[number]; c < firstChunk[number + 1]; ++c) {
        const double *part = sums + chunks[c].sums + layout.offset;
        for (size_t k = 0; k < layout.numKept; ++k)
          total[k] += part[k];
      }
      values = total.data();
    }
    void *result = results[run.sums[i].result];
    if (run.sums[i].isDouble)
      std::copy_n(values, layout.numKept, static_cast<double *>(result));
    else
      std::copy_n(values, layout.numKept, static_cast<float *>(result));
  }
}

void KernelPlan::run(std::span<const KernelFunction> kernels, std::span<void *const> operands,
                     std::span<void *const> results, ThreadPool &pool) const {
  // Zeroed where chunks share it; the system does that as cheaply as memory allows.
  std::unique_ptr<double, decltype(&std::free)> sums(
      static_cast<double *>(std::calloc(std::max<size_t>(numSums, 1), sizeof(double))), &std::free);
  pool.run(items.size() - 1, [&](size_t item) {
    for (uint32_t c = items[item]; c < items[item + 1]; ++c)
      runChunk(chunks[c], kernels, operands, results, sums.get());
  });
  for (uint32_t run = 0; run < table.runs.size(); ++run)
    finish(run, sums.get(), results);
}
