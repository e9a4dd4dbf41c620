// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the attributes of operations whose dialect may be known by name only.
//
// The attributes of such dialects are opaque text (`#stablehlo.dot<...>`); where the real dialect
// is registered the same text is what its attributes print. Nothing here trusts the text: what does
// not parse is a failure, and ranges are for the caller to check against the operands.

#ifndef NOETHER_RULES_ATTRIBUTEREADER_H
#define NOETHER_RULES_ATTRIBUTEREADER_H

#include "mlir/IR/Operation.h"
#include "mlir/Support/LLVM.h"

#include "llvm/ADT/SmallVector.h"

#include <string>

namespace noether {

using Indices = llvm::SmallVector<int64_t, 4>;

/// `#stablehlo.dot<lhs_batching_dimensions = [0], ...>`.
struct DotDimensions {
  Indices lhsBatching, rhsBatching, lhsContracting, rhsContracting;
};

/// `#stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>`.
struct ConvolutionDimensions {
  /// Positions in the input, the kernel and the output.
  int64_t inputBatch, inputFeature, kernelInput, kernelOutput, outputBatch, outputFeature;
  Indices inputSpatial, kernelSpatial, outputSpatial;
  /// The number of dimensions written for each.
  int64_t inputRank, kernelRank, outputRank;
};

/// `#stablehlo.gather<offset_dims = [2], ...>`.
struct GatherDimensions {
  Indices offset, collapsed, operandBatching, indicesBatching, startIndexMap;
  int64_t indexVector = 0;
};

/// `#stablehlo.scatter<update_window_dims = [2], ...>`.
struct ScatterDimensions {
  Indices updateWindow, insertedWindow, inputBatching, indicesBatching, scatterToOperand;
  int64_t indexVector = 0;
};

/// The text inside an attribute of a dialect, without `#dialect.` or `#dialect<...>`:
/// `dot<lhs_contracting_dimensions = [1]>`, `comparison_direction GT`.
std::string printedBody(mlir::Attribute attribute);

mlir::FailureOr<DotDimensions> parseDotDimensions(llvm::StringRef text);
mlir::FailureOr<ConvolutionDimensions> parseConvolutionDimensions(llvm::StringRef text);
mlir::FailureOr<GatherDimensions> parseGatherDimensions(llvm::StringRef text);
mlir::FailureOr<ScatterDimensions> parseScatterDimensions(llvm::StringRef text);

/// The attributes of one operation. A name is looked up among inherent and discardable attributes.
class AttributeReader {
public:
  explicit AttributeReader(mlir::Operation *op) : op(op) {}

  bool has(llvm::StringRef name) const { return static_cast<bool>(op->getAttr(name)); }

  mlir::FailureOr<int64_t> integer(llvm::StringRef name) const;
  mlir::FailureOr<bool> boolean(llvm::StringRef name) const;
  /// `array<i64: ...>`, a dense tensor of integers (row-major) or a list of integers.
  mlir::FailureOr<Indices> integers(llvm::StringRef name) const;
  mlir::FailureOr<std::string> string(llvm::StringRef name) const;
  /// The number a float attribute holds.
  mlir::FailureOr<double> real(llvm::StringRef name) const;
  /// The keyword of an enum: `GT` of `#stablehlo<comparison_direction GT>`.
  mlir::FailureOr<std::string> keyword(llvm::StringRef name) const;

  /// As above, with a value for when the attribute is absent.
  mlir::FailureOr<int64_t> integerOr(llvm::StringRef name, int64_t absent) const;
  mlir::FailureOr<bool> booleanOr(llvm::StringRef name, bool absent) const;
  mlir::FailureOr<Indices> integersOr(llvm::StringRef name, Indices absent) const;

  mlir::FailureOr<DotDimensions> dot(llvm::StringRef name) const;
  mlir::FailureOr<ConvolutionDimensions> convolution(llvm::StringRef name) const;
  mlir::FailureOr<GatherDimensions> gather(llvm::StringRef name) const;
  mlir::FailureOr<ScatterDimensions> scatter(llvm::StringRef name) const;

private:
  mlir::Operation *op;
};

} // namespace noether

#endif // NOETHER_RULES_ATTRIBUTEREADER_H
