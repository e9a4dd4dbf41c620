// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text form of equations.

#include "Assembly.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;
using namespace noether::assembly;

static ParseResult parseTensorName(AsmParser &parser, TensorResolver resolve, int64_t &tensor) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef name;
  if (parser.parseKeyword(&name))
    return failure();
  FailureOr<int64_t> number = resolve(loc, name);
  if (failed(number))
    return failure();
  tensor = *number;
  return success();
}

namespace {
/// The right-hand side of an equation as it is read.
struct Terms {
  SmallVector<int64_t> tensors, numerators, denominators;
};
} // namespace

ParseResult assembly::parseMagnitude(AsmParser &parser, std::optional<int64_t> &numerator,
                                     int64_t &denominator) {
  SMLoc loc = parser.getCurrentLocation();
  if (succeeded(parser.parseOptionalMinus()))
    return parser.emitError(loc, "expected a coefficient or a tensor after the sign");
  int64_t value;
  OptionalParseResult result = parser.parseOptionalInteger(value);
  if (!result.has_value())
    return success();
  if (failed(*result))
    return failure();
  numerator = value;
  if (failed(parser.parseOptionalSlash()))
    return success();
  loc = parser.getCurrentLocation();
  if (parser.parseInteger(denominator))
    return failure();
  if (denominator <= 0)
    return parser.emitError(loc, "the denominator of a coefficient must be positive");
  return success();
}

/// `0` | `-`? term ((`+` | `-`) term)*
static ParseResult parseTerms(AsmParser &parser, TensorResolver resolve, Terms &terms) {
  bool negative = succeeded(parser.parseOptionalMinus());
  for (bool first = true;; first = false) {
    std::optional<int64_t> numerator;
    int64_t denominator = 1;
    SMLoc loc = parser.getCurrentLocation();
    if (parseMagnitude(parser, numerator, denominator))
      return failure();

    // A lone zero is the empty sum: no tensor follows it.
    int64_t tensor;
    SMLoc tensorLoc = parser.getCurrentLocation();
    StringRef name;
    if (failed(parser.parseOptionalKeyword(&name))) {
      if (first && !negative && numerator == 0 && denominator == 1)
        return success();
      return parser.emitError(tensorLoc, "expected the name of a tensor");
    }
    FailureOr<int64_t> number = resolve(tensorLoc, name);
    if (failed(number))
      return failure();
    tensor = *number;
    if (numerator == 0)
      return parser.emitError(loc, "a coefficient is zero: leave the term out");

    int64_t magnitude = numerator.value_or(1);
    terms.tensors.push_back(tensor);
    terms.numerators.push_back(negative ? -magnitude : magnitude);
    terms.denominators.push_back(denominator);

    if (succeeded(parser.parseOptionalPlus()))
      negative = false;
    else if (succeeded(parser.parseOptionalMinus()))
      negative = true;
    else
      return success();
  }
}

FailureOr<EquationAttr> assembly::parseEquation(AsmParser &parser, TensorResolver resolve) {
  SMLoc loc = parser.getCurrentLocation();
  int64_t lhs;
  Terms terms;
  if (parseTensorName(parser, resolve, lhs) || parser.parseEqual() ||
      parseTerms(parser, resolve, terms))
    return failure();
  return getCheckedAttr<EquationAttr>(parser, loc, lhs, ArrayRef(terms.tensors),
                                      ArrayRef(terms.numerators), ArrayRef(terms.denominators));
}

void assembly::printEquation(AsmPrinter &printer, EquationAttr equation, TensorPrinter printName) {
  printName(equation.getLhs());
  printer << " = ";
  if (equation.getTensors().empty())
    printer << '0';
  bool first = true;
  for (auto [tensor, numerator, denominator] :
       llvm::zip(equation.getTensors(), equation.getNumerators(), equation.getDenominators())) {
    if (first)
      printer << (numerator < 0 ? "-" : "");
    else
      printer << (numerator < 0 ? " - " : " + ");
    first = false;
    int64_t magnitude = numerator < 0 ? -numerator : numerator;
    if (magnitude != 1 || denominator != 1)
      printer << magnitude;
    if (denominator != 1)
      printer << '/' << denominator;
    if (magnitude != 1 || denominator != 1)
      printer << ' ';
    printName(tensor);
  }
}

std::optional<int64_t> assembly::getTensorNumber(StringRef name, char letter) {
  unsigned number;
  if (name.empty() || name.front() != letter || name.drop_front().getAsInteger(10, number))
    return std::nullopt;
  return number;
}

Attribute EquationAttr::parse(AsmParser &parser, Type) {
  if (parser.parseLess())
    return {};
  FailureOr<EquationAttr> equation =
      parseEquation(parser, [&](SMLoc loc, StringRef name) -> FailureOr<int64_t> {
        if (std::optional<int64_t> tensor = getTensorNumber(name, 't'))
          return *tensor;
        return parser.emitError(loc) << "expected a tensor such as t0, but got '" << name << "'";
      });
  if (failed(equation) || parser.parseGreater())
    return {};
  return *equation;
}

void EquationAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printEquation(printer, *this, [&](int64_t tensor) { printer << 't' << tensor; });
  printer << '>';
}
