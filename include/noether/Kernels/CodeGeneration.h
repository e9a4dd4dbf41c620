// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From emitted kernels to machine code for this machine.

#ifndef NOETHER_KERNELS_CODEGENERATION_H
#define NOETHER_KERNELS_CODEGENERATION_H

#include "noether/Kernels/CpuKernel.h"

#include "mlir/IR/BuiltinOps.h"

#include "llvm/Support/Error.h"

#include <memory>
#include <string>

namespace llvm {
class TargetMachine;
} // namespace llvm

namespace noether {

/// The processor that kernels are compiled for.
class KernelTarget {
public:
  /// This machine's. Fails if LLVM has no code generator for it.
  static llvm::Expected<KernelTarget> getHost();
  ~KernelTarget();
  KernelTarget(KernelTarget &&);

  /// What kernels are to be emitted like: twice as many f32 as fit a register.
  CpuKernelOptions getOptions() const;
  /// Names processor, features and compiler: code for one name runs wherever the name is the same.
  std::string getName() const;

  /// Lowers a module of emitted kernels to LLVM and returns an object file with them. The module is
  /// consumed: it is in the LLVM dialect afterwards.
  llvm::Expected<std::string> compile(mlir::ModuleOp kernels) const;

private:
  explicit KernelTarget(std::unique_ptr<llvm::TargetMachine> machine);

  std::unique_ptr<llvm::TargetMachine> machine;
};

} // namespace noether

#endif // NOETHER_KERNELS_CODEGENERATION_H
