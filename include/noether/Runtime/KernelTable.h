// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which kernels one call runs, on which of its buffers: as integers, since it is written by the
// compiler and read wherever the call is.

#ifndef NOETHER_RUNTIME_KERNELTABLE_H
#define NOETHER_RUNTIME_KERNELTABLE_H

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace noether {

/// As `emitCpuKernel` says.
using KernelFunction = void (*)(void *const *buffers, const int64_t *sizes, double *const *sums,
                                int64_t firstRow, int64_t lastRow, int64_t firstColumn,
                                int64_t lastColumn);

/// One run of a kernel over its index space.
struct KernelRun {
  struct Sum {
    int64_t result;
    /// The dimensions it keeps.
    uint64_t kept;
    /// Whether the result holds f64; else f32.
    bool isDouble;
  };

  int64_t kernel;
  std::vector<int64_t> sizes;
  /// Operands by their number, results as -1 minus theirs.
  std::vector<int64_t> buffers;
  std::vector<Sum> sums;
};

/// The runs of one call; none of them reads what another writes.
struct KernelTable {
  int64_t numOperands = 0, numResults = 0;
  std::vector<KernelRun> runs;

  std::vector<int64_t> encode() const;
  /// Nothing if the numbers are no table: every number is checked, since calls may come from files.
  static std::optional<KernelTable> decode(std::span<const int64_t> numbers);
};

} // namespace noether

#endif // NOETHER_RUNTIME_KERNELTABLE_H
