// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether-c/Noether.h"

#include "noether/Analysis/StepAnalysis.h"
#include "noether/Dialect/Host/HostDialects.h"
#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Report/Json.h"
#include "noether/Transforms/Passes.h"

#include "mlir/CAPI/IR.h"
#include "mlir/CAPI/Registration.h"
#include "mlir/CAPI/Support.h"
#include "mlir/CAPI/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

MLIR_DEFINE_CAPI_DIALECT_REGISTRATION(Noether, noether, noether::NoetherDialect)

void noetherRegisterDialects(MlirDialectRegistry cRegistry) {
  mlir::DialectRegistry &registry = *unwrap(cRegistry);
  registry.insert<mlir::arith::ArithDialect, mlir::func::FuncDialect, mlir::linalg::LinalgDialect,
                  mlir::math::MathDialect, mlir::scf::SCFDialect, mlir::tensor::TensorDialect,
                  noether::NoetherDialect>();
  mlir::func::registerInlinerExtension(registry);
  noether::registerHostDialects(registry);
}

void noetherRegisterPasses() { noether::registerNoetherPasses(); }

MlirLogicalResult noetherAnalyze(MlirModule module, MlirStringRef source,
                                 MlirStringCallback callback, void *userData) {
  noether::AnalysisOptions options;
  options.motions = true;
  mlir::FailureOr<noether::StepAnalysis> analysis = noether::analyzeStep(unwrap(module), options);
  if (mlir::failed(analysis))
    return mlirLogicalResultFailure();
  mlir::detail::CallbackOstream stream(callback, userData);
  noether::printJson(*analysis, unwrap(source), stream);
  return mlirLogicalResultSuccess();
}
