// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the text forms of the attributes share. The grammar is in NoetherAttributes.td.

#ifndef NOETHER_DIALECT_NOETHER_IR_ASSEMBLY_H
#define NOETHER_DIALECT_NOETHER_IR_ASSEMBLY_H

#include "noether/Dialect/Noether/IR/Noether.h"

#include <optional>
#include <string>

namespace noether::assembly {

/// Builds an attribute, or emits an error at `loc`. The arguments must have exactly the types that
/// its builder declares: any others would choose MLIR's generic overload, which skips our builders.
template <typename AttrT, typename... Args>
mlir::FailureOr<AttrT> getCheckedAttr(mlir::AsmParser &parser, mlir::SMLoc loc, Args... args) {
  AttrT attr = parser.getChecked<AttrT>(loc, parser.getContext(), args...);
  if (!attr)
    return mlir::failure();
  return attr;
}

/// The name a factor is printed with: i, ..., z, a, ..., h, z_1, z_2, ...
std::string getFactorName(int64_t factor);

/// Turns the name of a factor into its number, or emits an error.
using FactorResolver = llvm::function_ref<mlir::FailureOr<int64_t>(mlir::SMLoc, llvm::StringRef)>;

mlir::ParseResult parseFactor(mlir::AsmParser &parser, FactorResolver resolve,
                              llvm::SmallVectorImpl<int64_t> &factors);

mlir::FailureOr<TensorMapAttr> parseTensor(mlir::AsmParser &parser, FactorResolver resolve);
void printTensor(mlir::AsmPrinter &printer, TensorMapAttr tensor);

/// Reads a name such as `o12`: the letter, then the number.
std::optional<int64_t> getTensorNumber(llvm::StringRef name, char letter);

/// Turns the name of a tensor into its number, or emits an error.
using TensorResolver = llvm::function_ref<mlir::FailureOr<int64_t>(mlir::SMLoc, llvm::StringRef)>;
/// Prints the name of a tensor.
using TensorPrinter = llvm::function_ref<void(int64_t)>;

mlir::FailureOr<EquationAttr> parseEquation(mlir::AsmParser &parser, TensorResolver resolve);
void printEquation(mlir::AsmPrinter &printer, EquationAttr equation, TensorPrinter printName);

/// A coefficient after its sign: (integer (`/` integer)?)?
mlir::ParseResult parseMagnitude(mlir::AsmParser &parser, std::optional<int64_t> &numerator,
                                 int64_t &denominator);

} // namespace noether::assembly

#endif // NOETHER_DIALECT_NOETHER_IR_ASSEMBLY_H
