// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations that take an axis to pieces and put them together in another order, as slices,
// concatenations and reshapes: slices with a stride, short reversals, padding, rows at constant
// positions. Each piece then has a scale of its own, which no single factor map can say.

#include "ProgramBuilder.h"

#include "noether/Rules/AttributeReader.h"

#include <algorithm>
#include <numeric>

using namespace mlir;
using namespace noether;

/// Pieces an axis is taken to at most.
static constexpr size_t kMaxPieces = 12;

namespace noether {

/// Adds the steps that stand for one operation.
class PieceBuilder {
public:
  using Shape = SmallVector<int64_t, 4>;

  PieceBuilder(ProgramBuilder &builder, Operation &op) : builder(builder), op(op) {}

  Shape shapeOf(ValueId value) const { return Shape(builder.program.getValues()[value].shape()); }
  std::optional<double> constantOf(ValueId value) const {
    return builder.program.getValues()[value].constant;
  }
  bool isAnyScale(ValueId value) const { return builder.program.getValues()[value].isAnyScale; }
  Type elementType() const {
    return cast<RankedTensorType>(op.getResult(0).getType()).getElementType();
  }

  ValueId add(CompiledRule rule, ArrayRef<ValueId> operands, ArrayRef<int64_t> shape) {
    RankedTensorType type = RankedTensorType::get(shape, elementType());
    // What only moves a number about is that number.
    std::optional<double> number = constantOf(operands.front());
    if (number && llvm::all_of(operands, [&](ValueId id) { return constantOf(id) == number; }))
      return builder.addConstant(type, *number);
    ValueId result = builder.addValue(type);
    builder.addStep(&op, Program::StepKind::Rule, builder.own(std::move(rule)), operands, {result},
                    part++);
    return result;
  }

  ValueId slice(ValueId value, ArrayRef<int64_t> starts, ArrayRef<int64_t> sizes) {
    Shape shape = shapeOf(value);
    return ArrayRef<int64_t>(shape) == sizes
               ? value
               : add(CompiledRule::getSlice(shape, starts, sizes, 0), {value}, sizes);
  }
  ValueId sliceAlong(ValueId value, unsigned dim, int64_t start, int64_t size) {
    Shape starts(shapeOf(value).size(), 0), sizes = shapeOf(value);
    starts[dim] = start;
    sizes[dim] = size;
    return slice(value, starts, sizes);
  }
  ValueId concatenate(ArrayRef<ValueId> pieces, unsigned dim) {
    if (pieces.size() == 1)
      return pieces.front();
    SmallVector<Shape> shapes;
    for (ValueId piece : pieces)
      shapes.push_back(shapeOf(piece));
    Shape whole = shapes.front();
    for (const Shape &shape : ArrayRef(shapes).drop_front())
      whole[dim] += shape[dim];
    SmallVector<ArrayRef<int64_t>> views(shapes.begin(), shapes.end());
    return add(CompiledRule::getConcatenation(views, dim), pieces, whole);
  }
  ValueId split(ValueId value, unsigned dim, int64_t inner) {
    Shape shape = shapeOf(value), parts = shape;
    parts[dim] /= inner;
    parts.insert(parts.begin() + dim + 1, inner);
    return add(CompiledRule::getSplit(shape, dim, inner, /*joins=*/false), {value}, parts);
  }
  ValueId join(ValueId value, unsigned dim) {
    Shape shape = shapeOf(value);
    int64_t inner = shape[dim + 1];
    shape[dim] *= inner;
    shape.erase(shape.begin() + dim + 1);
    return add(CompiledRule::getSplit(shape, dim, inner, /*joins=*/true), {value}, shape);
  }
  /// Dimension i becomes `positions[i]` of a tensor of `shape`.
  ValueId place(ValueId value, ArrayRef<unsigned> positions, ArrayRef<int64_t> shape) {
    SmallVector<AffineExpr> exprs;
    for (unsigned position : positions)
      exprs.push_back(getAffineDimExpr(position, op.getContext()));
    return add(CompiledRule::getBroadcast(AffineMap::get(shape.size(), 0, exprs, op.getContext())),
               {value}, shape);
  }
  /// A number of that shape.
  ValueId fill(ValueId scalar, ArrayRef<int64_t> shape) {
    if (std::optional<double> number = constantOf(scalar))
      return builder.addConstant(RankedTensorType::get(shape, elementType()), *number);
    return place(scalar, {}, shape);
  }
  /// The pieces that start at `starts` and are `sizes` long, one after the other.
  ValueId rearrange(ValueId value, unsigned dim, ArrayRef<std::pair<int64_t, int64_t>> runs) {
    SmallVector<ValueId> pieces;
    for (auto [start, size] : runs)
      pieces.push_back(sliceAlong(value, dim, start, size));
    return concatenate(pieces, dim);
  }

  std::optional<ValueId> strided(ValueId value);
  std::optional<ValueId> reversed(ValueId value);
  std::optional<ValueId> padded(ValueId value, ValueId with);
  std::optional<ValueId> gathered(ValueId value, ValueId indices);
  std::optional<ValueId> scattered(ValueId value, ValueId indices, ValueId updates);

private:
  ProgramBuilder &builder;
  Operation &op;
  unsigned part = 0;
};

} // namespace noether

/// Every s-th index: [k*s] is [k][s], of which one of the s is taken.
std::optional<ValueId> PieceBuilder::strided(ValueId value) {
  AttributeReader attributes(&op);
  Shape shape = shapeOf(value), sizes = shapeOf(value);
  FailureOr<Indices> starts = attributes.integers("start_indices"),
                     limits = attributes.integers("limit_indices"),
                     strides = attributes.integersOr("strides", Indices(shape.size(), 1));
  if (failed(starts) || failed(limits) || failed(strides))
    return std::nullopt;
  Shape windows(*starts), offsets(shape.size(), 0);
  bool isStrided = false;
  for (size_t d = 0; d < shape.size(); ++d) {
    int64_t stride = (*strides)[d];
    sizes[d] = (*limits)[d] > (*starts)[d] ? ((*limits)[d] - (*starts)[d] - 1) / stride + 1 : 0;
    if (sizes[d] == 0)
      return std::nullopt;
    if (stride == 1 || sizes[d] == 1)
      continue;
    isStrided = true;
    // A window of whole strides that has them; of several, the one that starts earliest in a
    // stride.
    windows[d] = (*starts)[d] / stride * stride;
    if (stride > shape[d] || windows[d] + sizes[d] * stride > shape[d])
      windows[d] = shape[d] - sizes[d] * stride;
    offsets[d] = (*starts)[d] - windows[d];
    if (windows[d] < 0 || offsets[d] < 0 || offsets[d] >= stride)
      return std::nullopt;
  }
  if (!isStrided)
    return std::nullopt;
  Shape extents = sizes;
  auto isTaken = [&](size_t d) { return (*strides)[d] > 1 && sizes[d] > 1; };
  for (size_t d = 0; d < shape.size(); ++d)
    if (isTaken(d))
      extents[d] *= (*strides)[d];
  value = slice(value, windows, extents);
  for (size_t d = 0; d < shape.size(); ++d)
    if (isTaken(d))
      value = join(sliceAlong(split(value, d, (*strides)[d]), d + 1, offsets[d], 1), d);
  return value;
}

std::optional<ValueId> PieceBuilder::reversed(ValueId value) {
  FailureOr<Indices> dimensions = AttributeReader(&op).integers("dimensions");
  if (failed(dimensions))
    return std::nullopt;
  for (int64_t d : *dimensions)
    if (shapeOf(value)[d] > static_cast<int64_t>(kMaxPieces))
      return std::nullopt;
  for (int64_t d : *dimensions) {
    SmallVector<std::pair<int64_t, int64_t>> runs;
    for (int64_t i = shapeOf(value)[d]; i-- > 0;)
      runs.push_back({i, 1});
    if (!runs.empty())
      value = rearrange(value, d, runs);
  }
  return value;
}

std::optional<ValueId> PieceBuilder::padded(ValueId value, ValueId with) {
  AttributeReader attributes(&op);
  FailureOr<Indices> low = attributes.integers("edge_padding_low"),
                     high = attributes.integers("edge_padding_high"),
                     interior = attributes.integers("interior_padding");
  if (failed(low) || failed(high) || failed(interior))
    return std::nullopt;
  Shape result(cast<RankedTensorType>(op.getResult(0).getType()).getShape());
  bool isSpread = false;
  Operation *source = op.getOperand(0).getDefiningOp();
  bool isSlice = source && source->getName().stripDialect() == "slice";
  for (auto [d, between] : llvm::enumerate(*interior)) {
    isSpread |= between > 0;
    if (shapeOf(value)[d] == 0 || result[d] == 0)
      return std::nullopt;
  }
  // The rule knows padding with zeros at the ends.
  if (!isSpread && isAnyScale(with))
    return std::nullopt;
  for (size_t d = 0; d < result.size(); ++d) {
    int64_t before = (*low)[d], after = (*high)[d];
    if (int64_t between = (*interior)[d]; between > 0 && shapeOf(value)[d] > 1) {
      // As much of the edge as fits before each entry: what interleaves is then cut nowhere else. A slice
      // is cut, at a place that whole periods need not end at: its entries are followed one by one.
      int64_t first = isSlice ? 0 : std::clamp<int64_t>(before, 0, between);
      ValueId apart = split(value, d, 1);
      SmallVector<ValueId> period;
      auto addGap = [&](int64_t size) {
        Shape gap = shapeOf(apart);
        gap[d + 1] = size;
        if (size > 0)
          period.push_back(fill(with, gap));
      };
      addGap(first);
      period.push_back(apart);
      addGap(between - first);
      value = join(concatenate(period, d + 1), d);
      before -= first;
      if (isSlice)
        value = sliceAlong(value, d, 0, shapeOf(value)[d] - between);
      else
        after -= between - first;
    }
    int64_t cutBefore = std::max<int64_t>(-before, 0), cutAfter = std::max<int64_t>(-after, 0);
    int64_t kept = shapeOf(value)[d] - cutBefore - cutAfter;
    SmallVector<ValueId> pieces;
    Shape edge = shapeOf(value);
    auto addEdge = [&](int64_t size) {
      edge[d] = size;
      if (size > 0)
        pieces.push_back(fill(with, edge));
    };
    if (kept <= 0) {
      value = fill(with, (edge[d] = result[d], edge));
      continue;
    }
    addEdge(before);
    pieces.push_back(sliceAlong(value, d, cutBefore, kept));
    addEdge(after);
    value = concatenate(pieces, d);
  }
  return value;
}

/// Consecutive positions as runs of (start, size); nothing if there are many.
static std::optional<SmallVector<std::pair<int64_t, int64_t>>> runsOf(ArrayRef<int64_t> positions) {
  SmallVector<std::pair<int64_t, int64_t>> runs;
  for (int64_t position : positions) {
    if (!runs.empty() && runs.back().first + runs.back().second == position)
      ++runs.back().second;
    else
      runs.push_back({position, 1});
    if (runs.size() > kMaxPieces)
      return std::nullopt;
  }
  return runs;
}

/// Whole rows along one dimension at constant positions.
std::optional<ValueId> PieceBuilder::gathered(ValueId value, ValueId indices) {
  AttributeReader attributes(&op);
  FailureOr<GatherDimensions> numbers = attributes.gather("dimension_numbers");
  FailureOr<Indices> sizes = attributes.integers("slice_sizes");
  std::optional<SmallVector<int64_t>> positions = builder.knownIntegers(indices);
  Shape shape = shapeOf(value);
  if (failed(numbers) || failed(sizes) || !positions || positions->empty() ||
      numbers->startIndexMap.size() != 1 || !numbers->operandBatching.empty())
    return std::nullopt;
  unsigned dim = numbers->startIndexMap.front();
  for (size_t d = 0; d < shape.size(); ++d)
    if ((*sizes)[d] != (d == dim ? 1 : shape[d]))
      return std::nullopt;
  // The dimensions of the result that number the positions: one of them, the rest of size 1.
  Shape result(cast<RankedTensorType>(op.getResult(0).getType()).getShape());
  SmallVector<unsigned> batch, offsets;
  for (unsigned d = 0; d < result.size(); ++d)
    (llvm::is_contained(numbers->offset, d) ? offsets : batch).push_back(d);
  bool isCollapsed = llvm::is_contained(numbers->collapsed, static_cast<int64_t>(dim));
  if (isCollapsed ? batch.size() != 1 : !batch.empty() || positions->size() != 1)
    return std::nullopt;
  unsigned numbered = isCollapsed ? batch.front() : offsets[dim];
  if (result[numbered] != static_cast<int64_t>(positions->size()))
    return std::nullopt;
  for (int64_t &position : *positions)
    position = std::clamp<int64_t>(position, 0, shape[dim] - 1);
  auto runs = runsOf(*positions);
  if (!runs)
    return std::nullopt;
  ValueId rows = rearrange(value, dim, *runs);
  SmallVector<unsigned> places;
  for (unsigned d = 0, next = 0; d < shape.size(); ++d) {
    places.push_back(d == dim ? numbered : offsets[next]);
    next += d != dim || !isCollapsed;
  }
  return place(rows, places, result);
}

/// What the body of a scatter makes of an element and its update.
static std::optional<bool> addsUpdates(Operation &op) {
  Region &region = op.getRegion(0);
  if (!region.hasOneBlock() || region.getNumArguments() != 2 || region.front().empty())
    return std::nullopt;
  Operation &yield = region.front().back();
  if (yield.getNumOperands() != 1)
    return std::nullopt;
  mlir::Value result = yield.getOperand(0);
  if (result == region.getArgument(1))
    return false;
  Operation *sum = result.getDefiningOp();
  if (sum && sum->getName().getStringRef() == "stablehlo.add" && sum->getNumOperands() == 2 &&
      ((sum->getOperand(0) == region.getArgument(0) &&
        sum->getOperand(1) == region.getArgument(1)) ||
       (sum->getOperand(1) == region.getArgument(0) &&
        sum->getOperand(0) == region.getArgument(1))))
    return true;
  return std::nullopt;
}

/// Rows along one dimension replaced or added to, at constant positions that are all different.
std::optional<ValueId> PieceBuilder::scattered(ValueId value, ValueId indices, ValueId updates) {
  FailureOr<ScatterDimensions> numbers = AttributeReader(&op).scatter("scatter_dimension_numbers");
  std::optional<SmallVector<int64_t>> positions = builder.knownIntegers(indices);
  std::optional<bool> adds = addsUpdates(op);
  Shape shape = shapeOf(value), update = shapeOf(updates);
  if (failed(numbers) || !positions || positions->empty() || positions->size() > kMaxPieces ||
      !adds || numbers->scatterToOperand.size() != 1 || !numbers->inputBatching.empty())
    return std::nullopt;
  unsigned dim = numbers->scatterToOperand.front();
  bool isInserted = llvm::is_contained(numbers->insertedWindow, static_cast<int64_t>(dim));
  if (numbers->insertedWindow.size() != (isInserted ? 1 : 0))
    return std::nullopt;

  // Updates as a tensor with the operand's dimensions, as many rows as there are positions.
  Indices windows = numbers->updateWindow;
  llvm::sort(windows);
  SmallVector<unsigned> batch;
  for (unsigned d = 0; d < update.size(); ++d)
    if (!llvm::is_contained(windows, static_cast<int64_t>(d)))
      batch.push_back(d);
  Shape rows = shape;
  SmallVector<unsigned> places(update.size());
  if (windows.size() + isInserted != shape.size())
    return std::nullopt;
  for (unsigned d = 0, next = 0; d < shape.size(); ++d) {
    if (d == dim && isInserted)
      continue;
    unsigned at = windows[next++];
    places[at] = d;
    if (d == dim)
      rows[d] = update[at];
    else if (update[at] != shape[d])
      return std::nullopt;
  }
  int64_t extent = 1;
  if (isInserted) {
    rows[dim] = positions->size();
    if (batch.size() > 1 || (batch.empty() && positions->size() != 1))
      return std::nullopt;
    if (!batch.empty())
      places[batch.front()] = dim;
  } else {
    if (!batch.empty() || positions->size() != 1)
      return std::nullopt;
    extent = rows[dim];
  }
  SmallVector<std::pair<int64_t, int64_t>> order; // position, row of the updates
  for (auto [row, position] : llvm::enumerate(*positions)) {
    if (position < 0 || position + extent > shape[dim])
      return std::nullopt;
    order.push_back({position, static_cast<int64_t>(row)});
  }
  llvm::sort(order);
  for (size_t i = 1; i < order.size(); ++i)
    if (order[i].first == order[i - 1].first)
      return std::nullopt;

  ValueId placed = place(updates, places, rows);
  SmallVector<ValueId> pieces;
  int64_t next = 0;
  for (auto [position, row] : order) {
    if (position > next)
      pieces.push_back(sliceAlong(value, dim, next, position - next));
    ValueId piece = sliceAlong(placed, dim, row, extent);
    if (*adds) {
      Shape own = shapeOf(piece);
      CompiledRule sum = CompiledRule::getEqual({own, own}, {own});
      sum.uses.assign(2, OperandUse::Plus);
      piece = add(std::move(sum), {sliceAlong(value, dim, position, extent), piece}, own);
    }
    pieces.push_back(piece);
    next = position + extent;
  }
  if (next < shape[dim])
    pieces.push_back(sliceAlong(value, dim, next, shape[dim] - next));
  return concatenate(pieces, dim);
}

bool ProgramBuilder::expandPieces(Operation &op, ArrayRef<ValueId> operands, Frame &frame) {
  auto type = op.getNumResults() == 1 ? dyn_cast<RankedTensorType>(op.getResult(0).getType())
                                      : RankedTensorType();
  if (!type || operands.empty() || !program.values[operands[0]].isFloat)
    return false;
  // Sizes that are known, and small enough to calculate with.
  constexpr int64_t kMaxSize = int64_t(1) << 31;
  auto isUsual = [](ArrayRef<int64_t> shape) {
    return llvm::all_of(shape, [](int64_t size) { return size > 0 && size < kMaxSize; });
  };
  if (!isUsual(type.getShape()) ||
      !llvm::all_of(operands, [&](ValueId id) { return isUsual(program.values[id].shape()); }))
    return false;
  // The rule has checked what the attributes say.
  RuleOutcome outcome = table.find(&op);
  if (outcome.isMalformed() || !outcome.rule || outcome.rule.getBarrier())
    return false;
  PieceBuilder pieces(*this, op);
  StringRef name = op.getName().stripDialect();
  std::optional<ValueId> result;
  if (name == "slice")
    result = pieces.strided(operands[0]);
  else if (name == "reverse")
    result = pieces.reversed(operands[0]);
  else if (name == "pad")
    result = pieces.padded(operands[0], operands[1]);
  else if (name == "gather")
    result = pieces.gathered(operands[0], operands[1]);
  else if (name == "scatter" && operands.size() == 3)
    result = pieces.scattered(operands[0], operands[1], operands[2]);
  // What the operation says of its result is not trusted.
  if (!result || pieces.shapeOf(*result) != PieceBuilder::Shape(type.getShape()))
    return false;
  frame[op.getResult(0)] = *result;
  return true;
}
