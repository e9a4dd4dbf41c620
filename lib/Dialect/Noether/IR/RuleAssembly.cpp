// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text form of rules.

#include "Assembly.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace noether;
using namespace noether::assembly;

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
    FailureOr<EquationAttr> equation =
        parseEquation(parser, [&](SMLoc loc, StringRef name) { return resolveTensor(loc, name); });
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
  llvm::interleave(uses, printer, [&](OperandUse use) { printer << static_cast<char>(use); }, ",");
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
