/* Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Runs compiled updates: needs neither MLIR nor the step they came from. All functions may be called
 * from several threads at once.
 */

#ifndef NOETHER_C_RUNTIME_H
#define NOETHER_C_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define NOETHER_RUNTIME_EXPORTED __attribute__((visibility("default")))
#else
#define NOETHER_RUNTIME_EXPORTED
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct NoetherKernels NoetherKernels;

/* Links an object file with the kernels kernel_0 to kernel_<count - 1>, as noether-compile-kernels puts it
 * into calls (there in base64). Null on failure, with a message of at most `size` bytes in `message`. */
NOETHER_RUNTIME_EXPORTED NoetherKernels *noetherKernelsLoad(const void *object, size_t length,
                                                            size_t count, char *message, size_t size);
NOETHER_RUNTIME_EXPORTED void noetherKernelsFree(NoetherKernels *kernels);

/* Runs the kernels that a table names (noether/Runtime/KernelTable.h) on the buffers of a call. A result may
 * lie where an operand does, as the call says, and is written in place then. Returns 0; 1 if the table is not one for these
 * kernels or for so many buffers. */
NOETHER_RUNTIME_EXPORTED int noetherKernelsRun(NoetherKernels *kernels, const int64_t *table,
                                               size_t length, void *const *operands,
                                               size_t numOperands, void *const *results,
                                               size_t numResults);

/* The number of threads that share the work from now on, the caller's included; 0 for the default:
 * $NOETHER_NUM_THREADS, else what this process may use. What is computed does not depend on it. */
NOETHER_RUNTIME_EXPORTED void noetherSetNumThreads(unsigned count);
NOETHER_RUNTIME_EXPORTED unsigned noetherGetNumThreads(void);

#ifdef __cplusplus
}
#endif

#endif /* NOETHER_C_RUNTIME_H */
