// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Rules/AttributeReader.h"

#include "mlir/IR/BuiltinAttributes.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace noether;

namespace {

/// A cursor over the text of an attribute. Spaces are skipped before each token.
class Cursor {
public:
  explicit Cursor(StringRef text) : rest(text) {}

  bool consume(StringRef token) {
    rest = rest.ltrim();
    return rest.consume_front(token);
  }

  bool atEnd() {
    rest = rest.ltrim();
    return rest.empty();
  }

  bool word(StringRef &result) {
    rest = rest.ltrim();
    result = rest.take_while([](char c) { return llvm::isAlnum(c) || c == '_'; });
    if (result.empty() || llvm::isDigit(result[0]))
      return false;
    rest = rest.drop_front(result.size());
    return true;
  }

  bool integer(int64_t &result) {
    rest = rest.ltrim();
    return !rest.consumeInteger(10, result);
  }

  /// `[1, 2, 3]`.
  bool integers(Indices &result) {
    if (!consume("["))
      return false;
    if (consume("]"))
      return true;
    do {
      int64_t value;
      if (!integer(value))
        return false;
      result.push_back(value);
    } while (consume(","));
    return consume("]");
  }

private:
  StringRef rest;
};

/// A field of a dimension-number attribute: a list or one number.
struct NumberField {
  StringRef name;
  Indices *list = nullptr;
  int64_t *number = nullptr;
};

/// `kind<name = [..], name = 1>`, all fields optional, in any order.
LogicalResult parseNumberFields(StringRef text, StringRef kind, ArrayRef<NumberField> fields) {
  Cursor cursor(text);
  StringRef word;
  if (!cursor.word(word) || word != kind || !cursor.consume("<"))
    return failure();
  llvm::StringSet<> seen;
  bool more = !cursor.consume(">");
  while (more) {
    if (!cursor.word(word) || !cursor.consume("=") || !seen.insert(word).second)
      return failure();
    const NumberField *field =
        llvm::find_if(fields, [&](const NumberField &field) { return field.name == word; });
    if (field == fields.end())
      return failure();
    if (field->list ? !cursor.integers(*field->list) : !cursor.integer(*field->number))
      return failure();
    more = cursor.consume(",");
    if (!more && !cursor.consume(">"))
      return failure();
  }
  return success(cursor.atEnd());
}

/// `[b, 0, 1, f]`, where `first` and `second` are the letters that must occur once each. Unknown
/// dimensions (`?`) take part in nothing.
bool parseConvolutionSide(Cursor &cursor, StringRef first, StringRef second, int64_t &firstPosition,
                          int64_t &secondPosition, Indices &spatial, int64_t &rank) {
  if (!cursor.consume("["))
    return false;
  firstPosition = secondPosition = -1;
  SmallVector<std::pair<int64_t, int64_t>> numbered;
  rank = 0;
  do {
    StringRef word;
    int64_t number;
    int64_t *letter = nullptr;
    if (cursor.consume("?")) {
    } else if (cursor.word(word)) {
      letter = word == first ? &firstPosition : word == second ? &secondPosition : nullptr;
      if (!letter || *letter != -1)
        return false;
      *letter = rank;
    } else if (cursor.integer(number)) {
      numbered.emplace_back(number, rank);
    } else {
      return false;
    }
    ++rank;
  } while (cursor.consume(","));
  if (!cursor.consume("]") || firstPosition == -1 || secondPosition == -1)
    return false;
  llvm::sort(numbered);
  for (auto [index, entry] : llvm::enumerate(numbered)) {
    if (entry.first != static_cast<int64_t>(index))
      return false;
    spatial.push_back(entry.second);
  }
  return true;
}

} // namespace

std::string noether::printedBody(Attribute attribute) {
  std::string text;
  llvm::raw_string_ostream(text) << attribute;
  StringRef body = text;
  if (!body.consume_front("#"))
    return text;
  body = body.drop_while([](char c) { return llvm::isAlnum(c) || c == '_'; });
  if (body.consume_front("."))
    return body.str();
  // `#dialect<body>`, whose body may be quoted.
  if (body.consume_front("<") && body.consume_back(">")) {
    if (body.size() > 1 && body.front() == '"' && body.back() == '"')
      body = body.drop_front().drop_back();
    return body.str();
  }
  return text;
}

FailureOr<DotDimensions> noether::parseDotDimensions(StringRef text) {
  DotDimensions dims;
  if (failed(parseNumberFields(text, "dot",
                               {{"lhs_batching_dimensions", &dims.lhsBatching},
                                {"rhs_batching_dimensions", &dims.rhsBatching},
                                {"lhs_contracting_dimensions", &dims.lhsContracting},
                                {"rhs_contracting_dimensions", &dims.rhsContracting}})))
    return failure();
  return dims;
}

FailureOr<ConvolutionDimensions> noether::parseConvolutionDimensions(StringRef text) {
  ConvolutionDimensions dims;
  Cursor cursor(text);
  StringRef word;
  if (!cursor.word(word) || word != "conv" || !cursor.consume("<") ||
      !parseConvolutionSide(cursor, "b", "f", dims.inputBatch, dims.inputFeature, dims.inputSpatial,
                            dims.inputRank) ||
      !cursor.consume("x") ||
      !parseConvolutionSide(cursor, "i", "o", dims.kernelInput, dims.kernelOutput,
                            dims.kernelSpatial, dims.kernelRank) ||
      !cursor.consume("->") ||
      !parseConvolutionSide(cursor, "b", "f", dims.outputBatch, dims.outputFeature,
                            dims.outputSpatial, dims.outputRank) ||
      !cursor.consume(">") || !cursor.atEnd())
    return failure();
  return dims;
}

FailureOr<GatherDimensions> noether::parseGatherDimensions(StringRef text) {
  GatherDimensions dims;
  if (failed(parseNumberFields(text, "gather",
                               {{"offset_dims", &dims.offset},
                                {"collapsed_slice_dims", &dims.collapsed},
                                {"operand_batching_dims", &dims.operandBatching},
                                {"start_indices_batching_dims", &dims.indicesBatching},
                                {"start_index_map", &dims.startIndexMap},
                                {"index_vector_dim", nullptr, &dims.indexVector}})))
    return failure();
  return dims;
}

FailureOr<ScatterDimensions> noether::parseScatterDimensions(StringRef text) {
  ScatterDimensions dims;
  if (failed(parseNumberFields(text, "scatter",
                               {{"update_window_dims", &dims.updateWindow},
                                {"inserted_window_dims", &dims.insertedWindow},
                                {"input_batching_dims", &dims.inputBatching},
                                {"scatter_indices_batching_dims", &dims.indicesBatching},
                                {"scatter_dims_to_operand_dims", &dims.scatterToOperand},
                                {"index_vector_dim", nullptr, &dims.indexVector}})))
    return failure();
  return dims;
}

FailureOr<int64_t> AttributeReader::integer(StringRef name) const {
  auto attribute = op->getAttrOfType<IntegerAttr>(name);
  if (!attribute || attribute.getValue().getSignificantBits() > 64)
    return failure();
  return attribute.getValue().getSExtValue();
}

FailureOr<bool> AttributeReader::boolean(StringRef name) const {
  Attribute attribute = op->getAttr(name);
  if (isa_and_nonnull<UnitAttr>(attribute))
    return true;
  auto boolean = dyn_cast_or_null<BoolAttr>(attribute);
  if (!boolean)
    return failure();
  return boolean.getValue();
}

FailureOr<Indices> AttributeReader::integers(StringRef name) const {
  Attribute attribute = op->getAttr(name);
  Indices values;
  if (auto array = dyn_cast_or_null<DenseI64ArrayAttr>(attribute)) {
    values.assign(array.asArrayRef().begin(), array.asArrayRef().end());
    return values;
  }
  if (auto array = dyn_cast_or_null<DenseI32ArrayAttr>(attribute)) {
    values.assign(array.asArrayRef().begin(), array.asArrayRef().end());
    return values;
  }
  if (auto array = dyn_cast_or_null<DenseBoolArrayAttr>(attribute)) {
    values.assign(array.asArrayRef().begin(), array.asArrayRef().end());
    return values;
  }
  if (auto elements = dyn_cast_or_null<DenseIntElementsAttr>(attribute)) {
    Type type = elements.getElementType();
    if (!type.isIndex() && type.getIntOrFloatBitWidth() > 64)
      return failure();
    // A splat of a huge type would be written out: dimension numbers are short.
    if (elements.getNumElements() > 1024)
      return failure();
    for (const APInt &value : elements.getValues<APInt>())
      values.push_back(type.isInteger(1) ? value.getZExtValue() : value.getSExtValue());
    return values;
  }
  if (auto array = dyn_cast_or_null<ArrayAttr>(attribute)) {
    for (Attribute element : array) {
      auto integer = dyn_cast<IntegerAttr>(element);
      if (!integer || integer.getValue().getSignificantBits() > 64)
        return failure();
      values.push_back(integer.getValue().getSExtValue());
    }
    return values;
  }
  return failure();
}

FailureOr<std::string> AttributeReader::string(StringRef name) const {
  Attribute attribute = op->getAttr(name);
  if (auto string = dyn_cast_or_null<StringAttr>(attribute))
    return string.getValue().str();
  if (auto symbol = dyn_cast_or_null<FlatSymbolRefAttr>(attribute))
    return symbol.getValue().str();
  return failure();
}

FailureOr<double> AttributeReader::real(StringRef name) const {
  auto attribute = op->getAttrOfType<FloatAttr>(name);
  if (!attribute)
    return failure();
  return attribute.getValueAsDouble();
}

FailureOr<std::string> AttributeReader::keyword(StringRef name) const {
  Attribute attribute = op->getAttr(name);
  if (!attribute)
    return failure();
  if (auto string = dyn_cast<StringAttr>(attribute))
    return string.getValue().str();
  // The last word: `comparison_direction GT`, or `comparison_direction<GT>`.
  std::string body = printedBody(attribute);
  StringRef text = StringRef(body).rtrim("> ");
  StringRef word = text.substr(text.find_last_of(" <") + 1);
  if (word.empty() || !llvm::all_of(word, [](char c) { return llvm::isAlnum(c) || c == '_'; }))
    return failure();
  return word.str();
}

FailureOr<int64_t> AttributeReader::integerOr(StringRef name, int64_t absent) const {
  return has(name) ? integer(name) : FailureOr<int64_t>(absent);
}

FailureOr<bool> AttributeReader::booleanOr(StringRef name, bool absent) const {
  return has(name) ? boolean(name) : FailureOr<bool>(absent);
}

FailureOr<Indices> AttributeReader::integersOr(StringRef name, Indices absent) const {
  return has(name) ? integers(name) : FailureOr<Indices>(std::move(absent));
}

FailureOr<DotDimensions> AttributeReader::dot(StringRef name) const {
  if (!has(name))
    return failure();
  return parseDotDimensions(printedBody(op->getAttr(name)));
}

FailureOr<ConvolutionDimensions> AttributeReader::convolution(StringRef name) const {
  if (!has(name))
    return failure();
  return parseConvolutionDimensions(printedBody(op->getAttr(name)));
}

FailureOr<GatherDimensions> AttributeReader::gather(StringRef name) const {
  if (!has(name))
    return failure();
  return parseGatherDimensions(printedBody(op->getAttr(name)));
}

FailureOr<ScatterDimensions> AttributeReader::scatter(StringRef name) const {
  if (!has(name))
    return failure();
  return parseScatterDimensions(printedBody(op->getAttr(name)));
}
