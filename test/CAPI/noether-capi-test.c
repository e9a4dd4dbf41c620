/* Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A compiler in C: reads a training step, runs a pass over it, and prints its analysis.
 *
 *   noether-capi-test STEP.mlir PIPELINE
 */

#include "noether-c/Noether.h"

#include "mlir-c/Pass.h"

#include <stdio.h>
#include <stdlib.h>

static void printString(MlirStringRef string, void *file) {
  fwrite(string.data, 1, string.length, (FILE *)file);
}

/* Reads a file into memory that the caller frees; null if it cannot be read. */
static char *readFile(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file)
    return NULL;
  size_t length = 0, capacity = 1 << 16;
  char *text = malloc(capacity);
  while (text) {
    length += fread(text + length, 1, capacity - length - 1, file);
    if (length + 1 < capacity)
      break;
    char *grown = realloc(text, capacity *= 2);
    if (!grown)
      free(text);
    text = grown;
  }
  fclose(file);
  if (text)
    text[length] = 0;
  return text;
}

static MlirLogicalResult runPipeline(MlirContext context, MlirModule module, const char *pipeline) {
  MlirPassManager manager = mlirPassManagerCreate(context);
  MlirOpPassManager passes = mlirPassManagerGetAsOpPassManager(manager);
  MlirLogicalResult result = mlirParsePassPipeline(
      passes, mlirStringRefCreateFromCString(pipeline), printString, stderr);
  if (mlirLogicalResultIsSuccess(result))
    result = mlirPassManagerRunOnOp(manager, mlirModuleGetOperation(module));
  mlirPassManagerDestroy(manager);
  return result;
}

static MlirLogicalResult run(MlirContext context, const char *path, const char *pipeline) {
  char *text = readFile(path);
  if (!text) {
    fprintf(stderr, "cannot read %s\n", path);
    return mlirLogicalResultFailure();
  }
  MlirModule module = mlirModuleCreateParse(context, mlirStringRefCreateFromCString(text));
  free(text);
  if (mlirModuleIsNull(module))
    return mlirLogicalResultFailure();
  MlirLogicalResult result =
      noetherAnalyze(module, mlirStringRefCreateFromCString("step"), printString, stdout);
  if (mlirLogicalResultIsSuccess(result)) {
    printf("\n");
    result = runPipeline(context, module, pipeline);
  }
  if (mlirLogicalResultIsSuccess(result))
    mlirOperationPrint(mlirModuleGetOperation(module), printString, stdout);
  mlirModuleDestroy(module);
  return result;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: noether-capi-test STEP.mlir PIPELINE\n");
    return 2;
  }
  MlirDialectRegistry registry = mlirDialectRegistryCreate();
  noetherRegisterDialects(registry);
  noetherRegisterPasses();
  MlirContext context = mlirContextCreateWithRegistry(registry, /*threadingEnabled=*/false);
  mlirDialectRegistryDestroy(registry);

  MlirDialect dialect =
      mlirDialectHandleLoadDialect(mlirGetDialectHandle__noether__(), context);
  if (mlirDialectIsNull(dialect))
    return 1;

  MlirLogicalResult result = run(context, argv[1], argv[2]);
  mlirContextDestroy(context);
  return mlirLogicalResultIsSuccess(result) ? 0 : 1;
}
