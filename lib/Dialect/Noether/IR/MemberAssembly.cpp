// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text form of members of symmetries.

#include "Assembly.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;
using namespace noether::assembly;

static ParseResult parseIntegers(AsmParser &parser, SmallVectorImpl<int64_t> &integers) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&]() -> ParseResult {
    return parser.parseInteger(integers.emplace_back());
  });
}

/// `<` `-`? integer (`/` integer)? `view` list (`axes` list)? (`offsets` list `sizes` list)? `>`
Attribute MemberAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  std::optional<int64_t> numerator;
  int64_t denominator = 1;
  SmallVector<int64_t> view, axes, offsets, sizes;
  if (parser.parseLess())
    return {};
  bool negative = succeeded(parser.parseOptionalMinus());
  SMLoc exponentLoc = parser.getCurrentLocation();
  if (parseMagnitude(parser, numerator, denominator))
    return {};
  if (!numerator) {
    parser.emitError(exponentLoc, "expected an exponent");
    return {};
  }
  if (parser.parseKeyword("view") || parseIntegers(parser, view))
    return {};
  if (succeeded(parser.parseOptionalKeyword("axes")) && parseIntegers(parser, axes))
    return {};
  if (succeeded(parser.parseOptionalKeyword("offsets"))) {
    if (parseIntegers(parser, offsets) || parser.parseKeyword("sizes") ||
        parseIntegers(parser, sizes))
      return {};
  } else {
    offsets.assign(view.size(), 0);
    sizes = view;
  }
  if (parser.parseGreater())
    return {};
  FailureOr<MemberAttr> member = getCheckedAttr<MemberAttr>(
      parser, loc, negative ? -*numerator : *numerator, denominator, ArrayRef(view), ArrayRef(axes),
      ArrayRef(offsets), ArrayRef(sizes));
  return failed(member) ? MemberAttr() : *member;
}

static void printIntegers(AsmPrinter &printer, StringRef keyword, ArrayRef<int64_t> integers) {
  printer << ' ' << keyword << " [";
  llvm::interleave(integers, printer, [&](int64_t integer) { printer << integer; }, ",");
  printer << ']';
}

void MemberAttr::print(AsmPrinter &printer) const {
  printer << '<' << getNumerator();
  if (getDenominator() != 1)
    printer << '/' << getDenominator();
  printIntegers(printer, "view", getView());
  if (!getAxes().empty())
    printIntegers(printer, "axes", getAxes());
  if (!isWhole()) {
    printIntegers(printer, "offsets", getOffsets());
    printIntegers(printer, "sizes", getSizes());
  }
  printer << '>';
}
