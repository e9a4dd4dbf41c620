// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A rewritten step holds its arguments in another form: the functions that bring them there and
// back, and what they are called.

#ifndef NOETHER_LIB_TRANSFORMS_STEPCONVERSIONS_H
#define NOETHER_LIB_TRANSFORMS_STEPCONVERSIONS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

#include "llvm/ADT/BitVector.h"

namespace noether {

/// What a conversion takes or returns.
class ArgumentList {
public:
  /// The arguments that a step has now, with their names and what host compilers say of their
  /// places. Conversions are no steps: roles stay behind.
  explicit ArgumentList(mlir::func::FuncOp entry);
  static ArgumentList of(mlir::func::FuncOp function, bool results);

  size_t size() const { return types.size(); }
  void append(mlir::Type type, llvm::StringRef name);
  void append(const ArgumentList &other, unsigned argument);
  /// Leaves out those that are marked.
  ArgumentList without(const llvm::BitVector &dropped) const;

  llvm::ArrayRef<mlir::Type> getTypes() const { return types; }
  llvm::ArrayRef<mlir::DictionaryAttr> getAttributes() const { return attributes; }
  llvm::ArrayRef<mlir::Location> getLocations() const { return locations; }

private:
  ArgumentList() = default;

  llvm::SmallVector<mlir::Type> types;
  llvm::SmallVector<mlir::DictionaryAttr> attributes;
  llvm::SmallVector<mlir::Location> locations;
};

/// Makes a conversion's operations from its arguments, and returns its results.
using ConversionBody =
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::OpBuilder &, mlir::ValueRange)>;

/// Adds public functions @noether_adapt, from the arguments of the step as it is to those of the
/// rewritten one, and @noether_restore, its inverse. To be called before the step changes. A step
/// that has been rewritten before has such functions: the new ones go all the way. Fails with a
/// diagnostic if the names are taken otherwise.
mlir::LogicalResult createConversions(mlir::func::FuncOp entry, const ArgumentList &plain,
                                      const ArgumentList &rewritten, ConversionBody adapt,
                                      ConversionBody restore);

/// Adds a public function to the step's module. Fails with a diagnostic if the name is taken.
mlir::LogicalResult createFunction(mlir::func::FuncOp entry, llvm::StringRef name,
                                   const ArgumentList &arguments, const ArgumentList &results,
                                   ConversionBody body);

/// Appends an argument to a step that holds a state. It is carried to the result `result`.
mlir::FailureOr<mlir::Value> appendState(mlir::func::FuncOp entry, mlir::Type type,
                                         llvm::StringRef name, unsigned result);

} // namespace noether

#endif // NOETHER_LIB_TRANSFORMS_STEPCONVERSIONS_H
