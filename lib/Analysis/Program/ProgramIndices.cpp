// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Positions that are data: which axis of which operand they index, and which are the same numbers.

#include "ProgramBuilder.h"

#include "noether/Rules/AttributeReader.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace noether;

/// Constants of more elements are not looked into.
static constexpr int64_t kMaxKnownIntegers = 256;

namespace {
/// What the first element of a key is.
enum KeyKind : uint64_t { Splat, Elements, Computed, Coordinate };
} // namespace

//===----------------------------------------------------------------------===//
// Numbers of integers
//===----------------------------------------------------------------------===//

uint32_t ProgramBuilder::internNumber(ArrayRef<uint64_t> key) {
  auto [it, inserted] = numbersByKey.try_emplace(SmallVector<uint64_t, 6>(key), 0);
  if (inserted)
    it->second = ++lastNumber;
  return it->second;
}

uint32_t ProgramBuilder::numberOf(ValueId value) {
  if (numbers.size() <= value)
    numbers.resize(std::max<size_t>(program.values.size(), value + 1));
  uint32_t &number = numbers[value];
  if (number)
    return number;
  const Program::Value &info = program.values[value];
  return number = info.constant && !info.isFloat
                      ? internNumber({Splat, llvm::bit_cast<uint64_t>(*info.constant)})
                      : ++lastNumber;
}

void ProgramBuilder::numberConstant(Attribute value, ValueId result) {
  if (program.values[result].isFloat)
    return;
  numberOf(result);
  numbers[result] =
      internNumber({Elements, reinterpret_cast<uintptr_t>(value.getAsOpaquePointer())});
  if (auto elements = dyn_cast<DenseIntElementsAttr>(value))
    elementsOf.try_emplace(numbers[result], elements);
}

std::optional<SmallVector<int64_t>> ProgramBuilder::knownIntegers(ValueId value) {
  const Program::Value &info = program.values[value];
  int64_t count = 1;
  for (int64_t size : info.shape())
    count = llvm::SaturatingMultiply<uint64_t>(count, std::max<int64_t>(size, 0));
  if (info.isFloat || count < 0 || count > kMaxKnownIntegers)
    return std::nullopt;
  if (info.constant)
    return SmallVector<int64_t>(count, static_cast<int64_t>(*info.constant));
  auto it = elementsOf.find(numberOf(value));
  if (it == elementsOf.end() || it->second.getNumElements() != count ||
      it->second.getElementType().getIntOrFloatBitWidth() > 64)
    return std::nullopt;
  SmallVector<int64_t> result;
  for (const APInt &element : it->second.getValues<APInt>())
    result.push_back(element.getSExtValue());
  return result;
}

/// Operations on integers that give the same numbers whenever they are given the same.
static bool isDeterministic(StringRef name) {
  if (!name.consume_front("stablehlo.") && !name.consume_front("mhlo."))
    return false;
  return llvm::StringSwitch<bool>(name)
      .Cases({"abs", "add", "and", "broadcast_in_dim", "clamp", "compare", "concatenate"}, true)
      .Cases({"convert", "divide", "iota", "maximum", "minimum", "multiply", "negate"}, true)
      .Cases({"not", "or", "remainder", "reshape", "select", "sign", "slice", "subtract"}, true)
      .Cases({"transpose", "xor"}, true)
      .Default(false);
}

static int64_t numElements(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.hasStaticShape() ? tensor.getNumElements() : -1;
}

/// Whether the elements stay in their order: only dimensions of size 1 come or go, or all are
/// joined and split.
static bool keepsOrder(Operation &op) {
  StringRef name = op.getName().stripDialect();
  if (op.getNumOperands() != 1 ||
      numElements(op.getOperand(0).getType()) != numElements(op.getResult(0).getType()) ||
      numElements(op.getResult(0).getType()) < 0)
    return false;
  if (name == "reshape")
    return true;
  if (name != "broadcast_in_dim")
    return false;
  FailureOr<Indices> dimensions = AttributeReader(&op).integers("broadcast_dimensions");
  return succeeded(dimensions) && llvm::is_sorted(*dimensions);
}

void ProgramBuilder::numberResult(Operation &op, ArrayRef<ValueId> operands, ValueId result) {
  if (program.values[result].isFloat || op.getNumRegions() != 0 ||
      !isDeterministic(op.getName().getStringRef()))
    return;
  numberOf(result);
  if (keepsOrder(op)) {
    numbers[result] = numberOf(operands.front());
    return;
  }
  SmallVector<uint64_t, 8> key = {
      Computed, reinterpret_cast<uintptr_t>(op.getName().getAsOpaquePointer()),
      reinterpret_cast<uintptr_t>(op.getAttrDictionary().getAsOpaquePointer()),
      reinterpret_cast<uintptr_t>(op.getResult(0).getType().getAsOpaquePointer())};
  SmallVector<uint32_t, 2> parts;
  for (auto [operand, id] : llvm::zip(op.getOperands(), operands)) {
    key.push_back(reinterpret_cast<uintptr_t>(operand.getType().getAsOpaquePointer()));
    parts.push_back(numberOf(id));
    key.push_back(parts.back());
  }
  uint32_t number = numbers[result] = internNumber(key);
  // Vectors of as many coordinates as parts, the last dimension.
  ArrayRef<int64_t> shape = program.values[result].shape();
  FailureOr<int64_t> dimension = AttributeReader(&op).integer("dimension");
  if (op.getName().stripDialect() == "concatenate" && succeeded(dimension) && !shape.empty() &&
      *dimension == static_cast<int64_t>(shape.size()) - 1 &&
      shape.back() == static_cast<int64_t>(parts.size()) && llvm::all_of(operands, [&](ValueId id) {
        ArrayRef<int64_t> part = program.values[id].shape();
        return part.size() == shape.size() && part.back() == 1;
      }))
    partsOf[number] = std::move(parts);
}

void ProgramBuilder::truncate(size_t numValues, size_t numSteps, size_t numStepValues) {
  for (size_t step = numSteps; step < program.steps.size(); ++step)
    program.picks.erase(step);
  program.steps.resize(numSteps);
  program.stepValues.resize(numStepValues);
  program.values.resize(numValues);
  // Numbers are not given twice, but values are.
  if (numbers.size() > numValues)
    numbers.resize(numValues);
}

//===----------------------------------------------------------------------===//
// Picks
//===----------------------------------------------------------------------===//

void ProgramBuilder::addPick(CompiledRule::Factor row, int64_t size, uint32_t tag,
                             ArrayRef<CompiledRule::Factor> positions) {
  // Positions out of range are moved inside: the same numbers pick the same rows of as many.
  Program::Pick pick = {row, internNumber({Coordinate, tag, static_cast<uint64_t>(size)}), {}};
  pick.positions.append(positions.begin(), positions.end());
  program.picks[program.steps.size() - 1].push_back(std::move(pick));
}

/// The rows of `indexed` dimensions of an operand, each by one coordinate of the index vectors.
void ProgramBuilder::addIndexedPicks(ArrayRef<int64_t> indexed, ArrayRef<int64_t> rowSizes,
                                     const CompiledRule::Tensor &rows, ValueId indices,
                                     int64_t indexVector, const CompiledRule::Tensor &positions) {
  SmallVector<CompiledRule::Factor, 2> places;
  ArrayRef<int64_t> shape = program.values[indices].shape();
  for (auto [d, dim] : llvm::enumerate(positions)) {
    if (static_cast<int64_t>(d) == indexVector || d >= shape.size() || shape[d] == 1)
      continue;
    if (!dim.isSingle())
      return;
    places.push_back(dim.segments[0][0]);
  }
  uint32_t number = numberOf(indices);
  auto parts = partsOf.find(number);
  bool isJoined = parts != partsOf.end() && parts->second.size() == indexed.size() &&
                  indexVector == static_cast<int64_t>(shape.size()) - 1 &&
                  shape.back() == static_cast<int64_t>(indexed.size());
  for (auto [coordinate, d] : llvm::enumerate(indexed)) {
    if (d < 0 || d >= static_cast<int64_t>(rows.size()) || rowSizes[d] == 1 || !rows[d].isSingle())
      continue;
    uint32_t tag = number;
    if (isJoined)
      tag = parts->second[coordinate];
    else if (indexed.size() > 1)
      tag = internNumber({Coordinate, number, coordinate, 0});
    addPick(rows[d].segments[0][0], rowSizes[d], tag, places);
  }
}

void ProgramBuilder::addPicks(Operation &op) {
  const Program::Step &step = program.steps.back();
  const CompiledRule &rule = *step.rule;
  StringRef name = op.getName().getStringRef();
  AttributeReader attributes(&op);
  ArrayRef<ValueId> operands = program.operands(step);
  if (rule.isBarrier || operands.size() < 2)
    return;
  ArrayRef<int64_t> shape = program.values[operands[0]].shape();
  SmallVector<int64_t> indexed;
  if (name == "stablehlo.gather") {
    FailureOr<GatherDimensions> numbers = attributes.gather("dimension_numbers");
    FailureOr<Indices> sizes = attributes.integers("slice_sizes");
    if (failed(numbers) || failed(sizes) || sizes->size() != shape.size())
      return;
    for (int64_t d : numbers->startIndexMap)
      indexed.push_back(d >= 0 && d < static_cast<int64_t>(sizes->size()) && (*sizes)[d] == 1 ? d
                                                                                              : -1);
    addIndexedPicks(indexed, shape, rule.tensors[0], operands[1], numbers->indexVector,
                    rule.tensors[1]);
    return;
  }
  if (name == "stablehlo.scatter") {
    FailureOr<ScatterDimensions> numbers = attributes.scatter("scatter_dimension_numbers");
    unsigned indices = step.numResults;
    if (failed(numbers) || operands.size() != 2 * indices + 1)
      return;
    for (int64_t d : numbers->scatterToOperand)
      indexed.push_back(llvm::is_contained(numbers->insertedWindow, d) ? d : -1);
    addIndexedPicks(indexed, shape, rule.tensors[0], operands[indices], numbers->indexVector,
                    rule.tensors[indices]);
    return;
  }
  unsigned numTensors = name == "stablehlo.dynamic_slice"          ? 1
                        : name == "stablehlo.dynamic_update_slice" ? 2
                                                                   : 0;
  if (!numTensors || operands.size() != numTensors + shape.size())
    return;
  ArrayRef<int64_t> part =
      program.values[numTensors == 1 ? program.results(step)[0] : operands[1]].shape();
  for (auto [d, dim] : llvm::enumerate(rule.tensors[0]))
    if (d < part.size() && part[d] == 1 && shape[d] != 1 && dim.isSingle())
      addPick(dim.segments[0][0], shape[d], numberOf(operands[numTensors + d]));
}
