// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text form of the maps of dimensions and tensors.

#include "Assembly.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;
using namespace noether::assembly;

static constexpr StringLiteral kFactorNames = "ijklmnopqrstuvwxyzabcdefgh";

std::string assembly::getFactorName(int64_t factor) {
  int64_t numLetters = kFactorNames.size();
  if (factor < numLetters)
    return std::string(1, kFactorNames[factor]);
  return "z_" + std::to_string(factor - numLetters + 1);
}

/// The inverse of getFactorName.
static std::optional<int64_t> getFactorNumber(StringRef name) {
  if (name.size() == 1) {
    size_t position = kFactorNames.find(name.front());
    return position == StringRef::npos ? std::nullopt : std::optional<int64_t>(position);
  }
  unsigned number;
  if (!name.consume_front("z_") || name.starts_with("0") || name.getAsInteger(10, number))
    return std::nullopt;
  return static_cast<int64_t>(kFactorNames.size()) + number - 1;
}

ParseResult assembly::parseFactor(AsmParser &parser, FactorResolver resolve,
                                  SmallVectorImpl<int64_t> &factors) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef name;
  if (parser.parseKeyword(&name))
    return failure();
  FailureOr<int64_t> factor = resolve(loc, name);
  if (failed(factor))
    return failure();
  factors.push_back(*factor);
  return success();
}

/// piece ::= `_` | factor | `(` factor+ `)`
static ParseResult parsePiece(AsmParser &parser, FactorResolver resolve,
                              SmallVectorImpl<int64_t> &factors,
                              SmallVectorImpl<int64_t> &segments) {
  size_t before = factors.size();
  if (succeeded(parser.parseOptionalLParen())) {
    do {
      if (parseFactor(parser, resolve, factors))
        return failure();
    } while (failed(parser.parseOptionalRParen()));
  } else if (failed(parser.parseOptionalKeyword("_")) && parseFactor(parser, resolve, factors)) {
    return failure();
  }
  segments.push_back(factors.size() - before);
  return success();
}

/// dim ::= piece | `{` piece (`|` piece)+ `}`
static FailureOr<DimMapAttr> parseDim(AsmParser &parser, FactorResolver resolve) {
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<int64_t> factors, segments;
  if (succeeded(parser.parseOptionalLBrace())) {
    if (parsePiece(parser, resolve, factors, segments) || parser.parseVerticalBar() ||
        parsePiece(parser, resolve, factors, segments))
      return failure();
    while (succeeded(parser.parseOptionalVerticalBar()))
      if (parsePiece(parser, resolve, factors, segments))
        return failure();
    if (parser.parseRBrace())
      return failure();
  } else if (parsePiece(parser, resolve, factors, segments)) {
    return failure();
  }
  return getCheckedAttr<DimMapAttr>(parser, loc, ArrayRef(factors), ArrayRef(segments));
}

static void printPiece(AsmPrinter &printer, ArrayRef<int64_t> factors) {
  if (factors.empty())
    printer << '_';
  else if (factors.size() == 1)
    printer << getFactorName(factors.front());
  else {
    printer << '(';
    llvm::interleave(
        factors, printer, [&](int64_t factor) { printer << getFactorName(factor); }, " ");
    printer << ')';
  }
}

static void printDim(AsmPrinter &printer, DimMapAttr dim) {
  if (!dim.isSegmented())
    return printPiece(printer, dim.getFactors());
  printer << '{';
  ArrayRef<int64_t> rest = dim.getFactors();
  llvm::interleave(
      dim.getSegments(), printer,
      [&](int64_t segment) {
        printPiece(printer, rest.take_front(segment));
        rest = rest.drop_front(segment);
      },
      "|");
  printer << '}';
}

FailureOr<TensorMapAttr> assembly::parseTensor(AsmParser &parser, FactorResolver resolve) {
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<DimMapAttr> dims;
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&]() -> ParseResult {
        FailureOr<DimMapAttr> dim = parseDim(parser, resolve);
        if (failed(dim))
          return failure();
        dims.push_back(*dim);
        return success();
      }))
    return failure();
  return getCheckedAttr<TensorMapAttr>(parser, loc, ArrayRef(dims));
}

void assembly::printTensor(AsmPrinter &printer, TensorMapAttr tensor) {
  printer << '[';
  llvm::interleave(tensor.getDims(), printer, [&](DimMapAttr dim) { printDim(printer, dim); }, ",");
  printer << ']';
}

//===----------------------------------------------------------------------===//
// The attributes alone
//===----------------------------------------------------------------------===//

/// The resolver for maps outside a rule, where names stand for fixed numbers.
static auto makeFixedNameResolver(AsmParser &parser) {
  return [&parser](SMLoc loc, StringRef name) -> FailureOr<int64_t> {
    if (std::optional<int64_t> factor = getFactorNumber(name))
      return *factor;
    return parser.emitError(loc) << "'" << name << "' is not the standard name of a factor";
  };
}

Attribute DimMapAttr::parse(AsmParser &parser, Type) {
  if (parser.parseLess())
    return {};
  FailureOr<DimMapAttr> dim = parseDim(parser, makeFixedNameResolver(parser));
  if (failed(dim) || parser.parseGreater())
    return {};
  return *dim;
}

void DimMapAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printDim(printer, *this);
  printer << '>';
}

Attribute TensorMapAttr::parse(AsmParser &parser, Type) {
  if (parser.parseLess())
    return {};
  FailureOr<TensorMapAttr> tensor = parseTensor(parser, makeFixedNameResolver(parser));
  if (failed(tensor) || parser.parseGreater())
    return {};
  return *tensor;
}

void TensorMapAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printTensor(printer, *this);
  printer << '>';
}
