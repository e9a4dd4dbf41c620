// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiled kernels in memory.

#ifndef NOETHER_RUNTIME_KERNELLIBRARY_H
#define NOETHER_RUNTIME_KERNELLIBRARY_H

#include "noether/Runtime/KernelPlan.h"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace llvm::orc {
class LLJIT;
} // namespace llvm::orc

namespace noether {

/// The kernels of one object file, and the plans of calls of them.
class KernelLibrary {
public:
  /// Links an object file that defines kernel_0 to kernel_<numKernels - 1>. Null, with the reason,
  /// if that is not possible.
  static std::unique_ptr<KernelLibrary> load(std::string_view object, size_t numKernels,
                                             std::string &error);
  ~KernelLibrary();

  std::span<const KernelFunction> getKernels() const { return kernels; }
  /// The plan of a table, made once for each; null if the numbers are no table for these kernels.
  /// Plans live as long as the library.
  const KernelPlan *getPlan(std::span<const int64_t> numbers);

private:
  KernelLibrary();

  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::vector<KernelFunction> kernels;
  std::mutex mutex; // for the plans
  struct Planned {
    std::vector<int64_t> numbers;
    std::unique_ptr<KernelPlan> plan;
  };
  std::vector<Planned> plans; // one for each phase of a step
};

} // namespace noether

#endif // NOETHER_RUNTIME_KERNELLIBRARY_H
