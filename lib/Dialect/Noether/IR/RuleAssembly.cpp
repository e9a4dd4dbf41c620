// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text form of rules, their parts, and members of symmetries. The grammar is in
// NoetherAttributes.td.

#include "noether/Dialect/Noether/IR/Noether.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace noether;

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

static constexpr StringLiteral kFactorNames = "ijklmnopqrstuvwxyzabcdefgh";

/// The name a factor is printed with: i, ..., z, a, ..., h, z_1, z_2, ...
static std::string getFactorName(int64_t factor) {
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

/// Builds an attribute, or emits an error at `loc`. The arguments must have exactly the types that
/// its builder declares: any others would choose MLIR's generic overload, which skips our builders.
template <typename AttrT, typename... Args>
static FailureOr<AttrT> getCheckedAttr(AsmParser &parser, SMLoc loc, Args... args) {
  AttrT attr = parser.getChecked<AttrT>(loc, parser.getContext(), args...);
  if (!attr)
    return failure();
  return attr;
}

//===----------------------------------------------------------------------===//
// Dimensions and tensors
//===----------------------------------------------------------------------===//

/// Turns the name of a factor into its number, or emits an error.
using FactorResolver = llvm::function_ref<FailureOr<int64_t>(SMLoc, StringRef)>;

static ParseResult parseFactor(AsmParser &parser, FactorResolver resolve,
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

static FailureOr<TensorMapAttr> parseTensor(AsmParser &parser, FactorResolver resolve) {
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

static void printTensor(AsmPrinter &printer, TensorMapAttr tensor) {
  printer << '[';
  llvm::interleave(
      tensor.getDims(), printer, [&](DimMapAttr dim) { printDim(printer, dim); }, ",");
  printer << ']';
}

//===----------------------------------------------------------------------===//
// Equations
//===----------------------------------------------------------------------===//

/// Turns the name of a tensor into its number, or emits an error.
using TensorResolver = llvm::function_ref<FailureOr<int64_t>(SMLoc, StringRef)>;
/// Prints the name of a tensor.
using TensorPrinter = llvm::function_ref<void(int64_t)>;

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

/// A coefficient after its sign: (integer (`/` integer)?)?
static ParseResult parseMagnitude(AsmParser &parser, std::optional<int64_t> &numerator,
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

static FailureOr<EquationAttr> parseEquation(AsmParser &parser, TensorResolver resolve) {
  SMLoc loc = parser.getCurrentLocation();
  int64_t lhs;
  Terms terms;
  if (parseTensorName(parser, resolve, lhs) || parser.parseEqual() ||
      parseTerms(parser, resolve, terms))
    return failure();
  return getCheckedAttr<EquationAttr>(parser, loc, lhs, ArrayRef(terms.tensors),
                                      ArrayRef(terms.numerators), ArrayRef(terms.denominators));
}

static void printEquation(AsmPrinter &printer, EquationAttr equation, TensorPrinter printName) {
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

/// Reads a name such as `o12`: the letter, then the number.
static std::optional<int64_t> getTensorNumber(StringRef name, char letter) {
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

//===----------------------------------------------------------------------===//
// Rules
//===----------------------------------------------------------------------===//

namespace {
/// Reads one rule. Factors get their numbers in the order of their first use.
class RuleParser {
public:
  explicit RuleParser(AsmParser &parser) : parser(parser) {}

  RuleAttr parse();

private:
  ParseResult parseTensors(SmallVectorImpl<TensorMapAttr> &tensors);
  ParseResult parseSizes();
  ParseResult parseFactorList(StringRef keyword, SmallVectorImpl<int64_t> &factors);
  ParseResult parseUses();
  ParseResult parseEquations();

  FailureOr<int64_t> resolveFactor(SMLoc loc, StringRef name) const;
  FailureOr<int64_t> resolveTensor(SMLoc loc, StringRef name) const;

  AsmParser &parser;
  llvm::StringMap<int64_t> numbers;
  SmallVector<TensorMapAttr> operands, results;
  SmallVector<int64_t> sizes, sumFactors, frozenFactors;
  SmallVector<EquationAttr> equations;
  SmallVector<OperandUse> uses;
};
} // namespace

FailureOr<int64_t> RuleParser::resolveFactor(SMLoc loc, StringRef name) const {
  auto entry = numbers.find(name);
  if (entry == numbers.end())
    return parser.emitError(loc) << "factor '" << name << "' is in no tensor";
  return entry->second;
}

FailureOr<int64_t> RuleParser::resolveTensor(SMLoc loc, StringRef name) const {
  if (std::optional<int64_t> operand = getTensorNumber(name, 'o')) {
    if (*operand >= static_cast<int64_t>(operands.size()))
      return parser.emitError(loc) << "the rule has no operand " << *operand;
    return *operand;
  }
  if (std::optional<int64_t> result = getTensorNumber(name, 'r')) {
    if (*result >= static_cast<int64_t>(results.size()))
      return parser.emitError(loc) << "the rule has no result " << *result;
    return static_cast<int64_t>(operands.size()) + *result;
  }
  return parser.emitError(loc) << "expected an operand such as o0 or a result such as r0, but got '"
                               << name << "'";
}

ParseResult RuleParser::parseTensors(SmallVectorImpl<TensorMapAttr> &tensors) {
  auto number = [&](SMLoc, StringRef name) -> FailureOr<int64_t> {
    auto [entry, isNew] = numbers.try_emplace(name, sizes.size());
    if (isNew)
      sizes.push_back(0);
    return entry->second;
  };
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, [&]() -> ParseResult {
    FailureOr<TensorMapAttr> tensor = parseTensor(parser, number);
    if (failed(tensor))
      return failure();
    tensors.push_back(*tensor);
    return success();
  });
}

ParseResult RuleParser::parseSizes() {
  if (failed(parser.parseOptionalKeyword("sizes")))
    return success();
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Braces, [&]() -> ParseResult {
    SMLoc loc = parser.getCurrentLocation();
    StringRef name;
    int64_t size;
    if (parser.parseKeyword(&name) || parser.parseEqual())
      return failure();
    SMLoc sizeLoc = parser.getCurrentLocation();
    if (parser.parseInteger(size))
      return failure();
    FailureOr<int64_t> factor = resolveFactor(loc, name);
    if (failed(factor))
      return failure();
    if (size <= 0)
      return parser.emitError(sizeLoc, "the size of a factor must be positive");
    if (sizes[*factor] != 0)
      return parser.emitError(loc) << "factor '" << name << "' has two sizes";
    sizes[*factor] = size;
    return success();
  });
}

ParseResult RuleParser::parseFactorList(StringRef keyword, SmallVectorImpl<int64_t> &factors) {
  if (failed(parser.parseOptionalKeyword(keyword)))
    return success();
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Braces, [&]() -> ParseResult {
    return parseFactor(
        parser, [&](SMLoc loc, StringRef name) { return resolveFactor(loc, name); }, factors);
  });
}

ParseResult RuleParser::parseUses() {
  if (failed(parser.parseOptionalKeyword("uses")))
    return success();
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, [&]() -> ParseResult {
    if (succeeded(parser.parseOptionalPlus()))
      uses.push_back(OperandUse::Plus);
    else if (succeeded(parser.parseOptionalMinus()))
      uses.push_back(OperandUse::Minus);
    else if (succeeded(parser.parseOptionalStar()))
      uses.push_back(OperandUse::Factor);
    else if (succeeded(parser.parseOptionalQuestion()))
      uses.push_back(OperandUse::Ordered);
    else if (succeeded(parser.parseOptionalVerticalBar()))
      uses.push_back(OperandUse::Choice);
    else if (succeeded(parser.parseOptionalKeyword("_")))
      uses.push_back(OperandUse::Opaque);
    else
      return parser.emitError(parser.getCurrentLocation(),
                              "expected a use: '+', '-', '*', '?', '|' or '_'");
    return success();
  });
}

ParseResult RuleParser::parseEquations() {
  if (failed(parser.parseOptionalColon()))
    return success();
  return parser.parseCommaSeparatedList([&]() -> ParseResult {
    FailureOr<EquationAttr> equation = parseEquation(
        parser, [&](SMLoc loc, StringRef name) { return resolveTensor(loc, name); });
    if (failed(equation))
      return failure();
    equations.push_back(*equation);
    return success();
  });
}

RuleAttr RuleParser::parse() {
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess())
    return {};
  if (succeeded(parser.parseOptionalKeyword("barrier")))
    return parser.parseGreater() ? RuleAttr() : RuleAttr::getBarrierRule(parser.getContext());
  if (parseTensors(operands) || parser.parseArrow() || parseTensors(results) || parseSizes() ||
      parseFactorList("sum", sumFactors) || parseFactorList("frozen", frozenFactors) ||
      parseUses() || parseEquations() || parser.parseGreater())
    return {};
  FailureOr<RuleAttr> rule = getCheckedAttr<RuleAttr>(
      parser, loc, ArrayRef(operands), ArrayRef(results), ArrayRef(sizes), ArrayRef(sumFactors),
      ArrayRef(frozenFactors), ArrayRef(equations), ArrayRef(uses), /*barrier=*/false);
  return failed(rule) ? RuleAttr() : *rule;
}

Attribute RuleAttr::parse(AsmParser &parser, Type) { return RuleParser(parser).parse(); }

static void printTensors(AsmPrinter &printer, ArrayRef<TensorMapAttr> tensors) {
  printer << '(';
  llvm::interleave(
      tensors, printer, [&](TensorMapAttr tensor) { printTensor(printer, tensor); }, ",");
  printer << ')';
}

static void printFactorList(AsmPrinter &printer, StringRef keyword, ArrayRef<int64_t> factors) {
  if (factors.empty())
    return;
  printer << ' ' << keyword << " {";
  llvm::interleave(
      factors, printer, [&](int64_t factor) { printer << getFactorName(factor); }, ",");
  printer << '}';
}

static void printSizes(AsmPrinter &printer, ArrayRef<int64_t> sizes) {
  StringRef separator = " sizes {";
  for (auto [factor, size] : llvm::enumerate(sizes)) {
    if (size == 0)
      continue;
    printer << separator << getFactorName(factor) << '=' << size;
    separator = ", ";
  }
  if (llvm::any_of(sizes, [](int64_t size) { return size != 0; }))
    printer << '}';
}

static void printUses(AsmPrinter &printer, ArrayRef<OperandUse> uses) {
  if (uses.empty())
    return;
  printer << " uses (";
  llvm::interleave(
      uses, printer, [&](OperandUse use) { printer << static_cast<char>(use); }, ",");
  printer << ')';
}

void RuleAttr::print(AsmPrinter &printer) const {
  if (isBarrier()) {
    printer << "<barrier>";
    return;
  }
  printer << '<';
  printTensors(printer, getOperands());
  printer << "->";
  printTensors(printer, getResults());
  printSizes(printer, getFactorSizes());
  printFactorList(printer, "sum", getSumFactors());
  printFactorList(printer, "frozen", getFrozenFactors());
  printUses(printer, getUses());
  if (!getEquations().empty())
    printer << " : ";
  int64_t numOperands = getNumOperands();
  auto printName = [&](int64_t tensor) {
    if (tensor < numOperands)
      printer << 'o' << tensor;
    else
      printer << 'r' << tensor - numOperands;
  };
  llvm::interleaveComma(getEquations(), printer, [&](EquationAttr equation) {
    printEquation(printer, equation, printName);
  });
  printer << '>';
}

//===----------------------------------------------------------------------===//
// Members
//===----------------------------------------------------------------------===//

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
