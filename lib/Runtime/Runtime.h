// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef NOETHER_LIB_RUNTIME_RUNTIME_H
#define NOETHER_LIB_RUNTIME_RUNTIME_H

#include "noether/Runtime/KernelLibrary.h"

namespace noether {

/// The threads of this process, made when they are first needed.
std::shared_ptr<ThreadPool> getThreadPool();

/// Runs a table; false if it is not one for these kernels or for so many buffers.
bool runKernels(KernelLibrary &library, std::span<const int64_t> table,
                std::span<void *const> operands, std::span<void *const> results);

} // namespace noether

#endif // NOETHER_LIB_RUNTIME_RUNTIME_H
