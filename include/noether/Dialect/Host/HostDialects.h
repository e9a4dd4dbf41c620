// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The dialects training steps arrive in (stablehlo, chlo, sdy, mhlo), known by name only: their
// operations are read in generic form, and their attributes and types stay opaque text. Every dump
// reads and prints back unchanged without the libraries that define them.

#ifndef NOETHER_DIALECT_HOST_HOSTDIALECTS_H
#define NOETHER_DIALECT_HOST_HOSTDIALECTS_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace noether {

/// Registers the name-only dialects that the registry does not have yet: a compiler that links the
/// real ones keeps them.
void registerHostDialects(mlir::DialectRegistry &registry);

} // namespace noether

#endif // NOETHER_DIALECT_HOST_HOSTDIALECTS_H
