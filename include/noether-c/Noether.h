/* Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Noether for compilers that speak to MLIR through its C API.
 */

#ifndef NOETHER_C_NOETHER_H
#define NOETHER_C_NOETHER_H

#include "mlir-c/IR.h"
#include "mlir-c/Support.h"

#ifdef __cplusplus
extern "C" {
#endif

MLIR_DECLARE_CAPI_DIALECT_REGISTRATION(Noether, noether);

/* Registers the noether dialect, the upstream dialects that training steps use (func, arith, math,
 * tensor, linalg, scf), and by name only those of stablehlo, chlo, sdy and mhlo that the registry does
 * not have yet. Call it after registering the real ones. */
MLIR_CAPI_EXPORTED void noetherRegisterDialects(MlirDialectRegistry registry);

/* Registers all noether passes, so that pass managers can parse pipelines that name them. */
MLIR_CAPI_EXPORTED void noetherRegisterPasses(void);

/* Analyzes a training step and hands the report, as JSON, to the callback in one or more pieces.
 * `source` is the name of what is analyzed, for the report. Fails, after emitting a diagnostic, if the
 * module is not a training step. The module is not changed. */
MLIR_CAPI_EXPORTED MlirLogicalResult noetherAnalyze(MlirModule module, MlirStringRef source,
                                                    MlirStringCallback callback, void *userData);

#ifdef __cplusplus
}
#endif

#endif /* NOETHER_C_NOETHER_H */
