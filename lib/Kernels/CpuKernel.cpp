// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loops are emitted with vectors and prefetches, which a loop vectorizer cannot be made to do.

#include "noether/Kernels/CpuKernel.h"

#include "KernelArithmetic.h"

#include "noether/Rules/ConstantFold.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/TypeUtilities.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

static bool isReduction(Operation &op) { return op.getName().getStringRef() == "stablehlo.reduce"; }
static bool isSingleNumber(Value value) {
  return cast<RankedTensorType>(value.getType()).getNumElements() == 1;
}
static Type getElementType(Value value) { return getElementTypeOrSelf(value.getType()); }

namespace {

class KernelEmitter {
public:
  KernelEmitter(func::FuncOp kernel, const KernelSpace &space, OpBuilder &builder,
                const CpuKernelOptions &options)
      : kernel(kernel), space(space), b(builder), options(options), loc(kernel.getLoc()) {}

  LLVM::LLVMFuncOp emit(StringRef name);

private:
  void emitPrologue(LLVM::LLVMFuncOp function);
  void emitRow(Value row);
  /// Emits the numbers at `column` and after, and returns the sums of this iteration added to
  /// `sums`.
  SmallVector<Value> emitNumbers(Value column, unsigned lanes, ValueRange sums);
  /// Sums along the row, added up in f64 over blocks.
  SmallVector<Value> emitBlock(Value first, Value last, ValueRange totals);
  Value emitLoop(Value first, Value last, unsigned step, ValueRange inits,
                 function_ref<SmallVector<Value>(Value, ValueRange)> body,
                 SmallVectorImpl<Value> &results);

  /// Reads an argument that is one number, in its compute type.
  Value loadSingle(Value argument);
  Value load(Value argument, Value column, unsigned lanes);
  /// Reads the operand of a spread.
  Value loadSpread(Operation &op, Value column, unsigned lanes);
  Value addressOf(Value pointer, Value index, Type elementType) {
    return LLVM::GEPOp::create(b, loc, pointer.getType(), elementType, pointer,
                               ArrayRef<LLVM::GEPArg>{index});
  }
  Value loadPointer(Value table, unsigned number) {
    Type type = LLVM::LLVMPointerType::get(b.getContext());
    Value address = LLVM::GEPOp::create(b, loc, type, type, table,
                                        ArrayRef<LLVM::GEPArg>{LLVM::GEPArg(int32_t(number))});
    return LLVM::LoadOp::create(b, loc, type, address);
  }
  Value integer(int64_t value) {
    return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value));
  }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value multiply(Value x, Value y) { return arith::MulIOp::create(b, loc, x, y); }
  /// The position of a row in a tensor that has the given dimensions only; `column` null where it
  /// is the position of its first number.
  Value positionOf(unsigned mask, Value column);
  Type vectorOf(Type elementType, unsigned lanes) {
    return lanes == 1 ? elementType : VectorType::get(lanes, elementType);
  }
  unsigned lastDimension() const { return space.sizes.size() - 1; }
  bool keepsColumns(Operation *op) const { return space.kept.lookup(op) >> lastDimension() & 1; }

  func::FuncOp kernel;
  const KernelSpace &space;
  OpBuilder &b;
  const CpuKernelOptions &options;
  Location loc;

  llvm::DenseMap<Value, Value> pointers; // of arguments and results
  IRMapping uniform;                     // numbers that are the same everywhere
  /// Sums that are results, in order; those along rows are numbered among themselves.
  SmallVector<Operation *> sums;
  SmallVector<Value> sumPointers;
  llvm::DenseMap<Operation *, unsigned> alongRow;
  SmallVector<Value> sizes;
  /// The index of the present row in each dimension but the last.
  SmallVector<Value> index;
  Value rowStart;
  Value firstColumn, lastColumn;
};

} // namespace

void KernelEmitter::emitPrologue(LLVM::LLVMFuncOp function) {
  Block &entry = *function.addEntryBlock(b);
  b.setInsertionPointToStart(&entry);
  Value buffers = entry.getArgument(0), sizeTable = entry.getArgument(1),
        sumTable = entry.getArgument(2);
  Block &body = kernel.getBody().front();
  unsigned number = 0;
  for (Value argument : body.getArguments())
    pointers[argument] = loadPointer(buffers, number++);
  for (Value result : body.back().getOperands()) {
    Operation *def = result.getDefiningOp();
    if (def && isReduction(*def)) {
      sumPointers.push_back(loadPointer(sumTable, sums.size()));
      if (!keepsColumns(def))
        alongRow.try_emplace(def, alongRow.size());
      sums.push_back(def);
    } else {
      pointers[result] = loadPointer(buffers, number++);
    }
  }
  for (unsigned d = 0; d < space.sizes.size(); ++d) {
    Value address = addressOf(sizeTable, integer(d), b.getI64Type());
    sizes.push_back(LLVM::LoadOp::create(b, loc, b.getI64Type(), address));
  }
  // What is the same everywhere is computed once.
  for (Value argument : body.getArguments())
    if (isSingleNumber(argument))
      uniform.map(argument, loadSingle(argument));
  for (Operation &op : body.without_terminator()) {
    if (isReduction(op))
      continue;
    Value result = op.getResult(0);
    if (op.getNumOperands() == 0) {
      Type type = getComputeType(getElementType(result));
      double value = *splatConstant(&op);
      TypedAttr attribute = isa<FloatType>(type) ? TypedAttr(b.getFloatAttr(type, value))
                                                 : TypedAttr(b.getBoolAttr(value != 0));
      uniform.map(result, arith::ConstantOp::create(b, loc, attribute).getResult());
    } else if (llvm::all_of(op.getOperands(), [&](Value v) { return uniform.contains(v); })) {
      SmallVector<Value> operands;
      for (Value operand : op.getOperands())
        operands.push_back(uniform.lookup(operand));
      uniform.map(result, emitElementwise(op, operands, b));
    }
  }
}

Value KernelEmitter::loadSingle(Value argument) {
  Type stored = getElementType(argument);
  if (isa<FloatType>(stored)) {
    Value value = LLVM::LoadOp::create(b, loc, stored, pointers[argument]);
    return castFloat(value, getComputeType(stored), b);
  }
  Value byte = LLVM::LoadOp::create(b, loc, b.getI8Type(), pointers[argument]);
  Value zero = arith::ConstantOp::create(b, loc, b.getI8IntegerAttr(0));
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, byte, zero);
}

Value KernelEmitter::positionOf(unsigned mask, Value column) {
  Value position;
  for (unsigned d = 0; d <= lastDimension(); ++d) {
    if (!(mask >> d & 1))
      continue;
    if (position)
      position = multiply(position, sizes[d]);
    Value here = d < lastDimension() ? index[d] : column;
    if (here)
      position = position ? add(position, here) : here;
  }
  return position ? position : integer(0);
}

Value KernelEmitter::load(Value argument, Value column, unsigned lanes) {
  Type stored = getElementType(argument);
  Value address = addressOf(pointers[argument], add(rowStart, column), stored);
  unsigned bytes = stored.getIntOrFloatBitWidth() / 8;
  if (lanes > 1 && options.prefetchDistance)
    for (unsigned line = 0; line < lanes * bytes; line += 64) {
      Value ahead = addressOf(address, integer(options.prefetchDistance + line), b.getI8Type());
      LLVM::Prefetch::create(b, loc, ahead, /*rw=*/0, /*hint=*/3, /*cache=*/1);
    }
  Value value = LLVM::LoadOp::create(b, loc, vectorOf(stored, lanes), address, bytes);
  return castFloat(value, getComputeType(stored), b);
}

Value KernelEmitter::loadSpread(Operation &op, Value column, unsigned lanes) {
  Value argument = op.getOperand(0);
  Type stored = getElementType(argument);
  Value position = positionOf(space.kept.lookup(&op), column);
  Value address = addressOf(pointers[argument], position, stored);
  Type type = vectorOf(stored, keepsColumns(&op) ? lanes : 1); // else the same along the row
  unsigned bytes = stored.getIntOrFloatBitWidth() / 8;
  return castFloat(LLVM::LoadOp::create(b, loc, type, address, bytes), getComputeType(stored), b);
}

SmallVector<Value> KernelEmitter::emitNumbers(Value column, unsigned lanes, ValueRange before) {
  Type like = vectorOf(b.getF32Type(), lanes);
  Block &body = kernel.getBody().front();
  IRMapping mapping(uniform);
  SmallVector<Value> after(before);
  auto get = [&](Value value) -> Value {
    if (!mapping.contains(value)) // an argument
      mapping.map(value, load(value, column, lanes));
    return spreadLike(mapping.lookup(value), like, b);
  };
  for (Operation &op : body.without_terminator()) {
    if (isReduction(op)) {
      auto it = llvm::find(sums, &op);
      Value term = get(op.getOperand(0));
      if (keepsColumns(&op)) {
        Value position = positionOf(space.kept.lookup(&op), column);
        Value address = addressOf(sumPointers[it - sums.begin()], position, b.getF64Type());
        Type type = vectorOf(b.getF64Type(), lanes);
        Value old = LLVM::LoadOp::create(b, loc, type, address, 8);
        Value sum = arith::AddFOp::create(b, loc, old, castFloat(term, b.getF64Type(), b));
        LLVM::StoreOp::create(b, loc, sum, address, 8);
      } else {
        Value &sum = after[alongRow.lookup(&op)];
        sum = arith::AddFOp::create(b, loc, sum, term, arith::FastMathFlags::contract);
      }
      continue;
    }
    if (mapping.contains(op.getResult(0)))
      continue;
    if (space.kept.contains(&op)) {
      mapping.map(op.getResult(0), loadSpread(op, column, lanes));
      continue;
    }
    SmallVector<Value> operands;
    for (Value operand : op.getOperands())
      operands.push_back(get(operand));
    mapping.map(op.getResult(0), emitElementwise(op, operands, b));
  }
  for (Value result : body.back().getOperands()) {
    if (!pointers.contains(result))
      continue;
    Type stored = getElementType(result);
    Value address = addressOf(pointers[result], add(rowStart, column), stored);
    Value value = castFloat(get(result), stored, b);
    LLVM::StoreOp::create(b, loc, value, address, stored.getIntOrFloatBitWidth() / 8);
  }
  return after;
}

Value KernelEmitter::emitLoop(Value first, Value last, unsigned step, ValueRange inits,
                              function_ref<SmallVector<Value>(Value, ValueRange)> body,
                              SmallVectorImpl<Value> &results) {
  // The last number of full steps.
  Value count = arith::SubIOp::create(b, loc, last, first);
  Value rest = step == 1 ? integer(0) : Value(arith::RemSIOp::create(b, loc, count, integer(step)));
  Value end = arith::SubIOp::create(b, loc, last, rest);
  auto loop = scf::ForOp::create(b, loc, first, end, integer(step), inits,
                                 [&](OpBuilder &, Location, Value at, ValueRange carried) {
                                   // The member builder follows the loop's.
                                   OpBuilder::InsertionGuard guard(b);
                                   b.setInsertionPointToEnd(at.getParentBlock());
                                   scf::YieldOp::create(b, loc, body(at, carried));
                                 });
  results.assign(loop.result_begin(), loop.result_end());
  return end;
}

SmallVector<Value> KernelEmitter::emitBlock(Value first, Value last, ValueRange totals) {
  SmallVector<Value> vectorInits, scalarInits, vectors, scalars;
  SmallVector<Type> types;
  for (Operation *op : sums) {
    if (keepsColumns(op))
      continue;
    Type type = getComputeType(getElementType(op->getOperand(0)));
    types.push_back(type);
    Value zero = arith::ConstantOp::create(b, loc, b.getFloatAttr(type, 0));
    scalarInits.push_back(zero);
    vectorInits.push_back(spreadLike(zero, vectorOf(type, options.lanes), b));
  }
  Value end = emitLoop(
      first, last, options.lanes, vectorInits,
      [&](Value column, ValueRange carried) { return emitNumbers(column, options.lanes, carried); },
      vectors);
  emitLoop(
      end, last, 1, scalarInits,
      [&](Value column, ValueRange carried) { return emitNumbers(column, 1, carried); }, scalars);
  SmallVector<Value> after;
  for (auto [total, vector, scalar] : llvm::zip_equal(totals, vectors, scalars)) {
    // In f64, so that the order in which lanes are added does not matter.
    Value wide = castFloat(vector, b.getF64Type(), b);
    Value sum = vector::ReductionOp::create(b, loc, vector::CombiningKind::ADD, wide,
                                            castFloat(scalar, b.getF64Type(), b),
                                            arith::FastMathFlags::reassoc);
    after.push_back(arith::AddFOp::create(b, loc, total, sum));
  }
  return after;
}

void KernelEmitter::emitRow(Value row) {
  // The index of the row in each dimension.
  index.assign(lastDimension(), Value());
  Value rest = row;
  for (unsigned d = lastDimension(); d-- > 0;) {
    index[d] = d == 0 ? rest : Value(arith::RemSIOp::create(b, loc, rest, sizes[d]));
    if (d > 0)
      rest = arith::DivSIOp::create(b, loc, rest, sizes[d]);
  }
  rowStart = multiply(row, sizes.back());

  if (alongRow.empty()) {
    emitBlock(firstColumn, lastColumn, {});
    return;
  }
  Value zero = arith::ConstantOp::create(b, loc, b.getF64FloatAttr(0));
  SmallVector<Value> inits(alongRow.size(), zero);
  auto loop = scf::ForOp::create(b, loc, firstColumn, lastColumn, integer(options.sumBlock), inits,
                                 [&](OpBuilder &, Location, Value first, ValueRange carried) {
                                   OpBuilder::InsertionGuard guard(b);
                                   b.setInsertionPointToEnd(first.getParentBlock());
                                   Value full = add(first, integer(options.sumBlock));
                                   Value last = arith::MinSIOp::create(b, loc, full, lastColumn);
                                   scf::YieldOp::create(b, loc, emitBlock(first, last, carried));
                                 });
  for (auto [op, pointer] : llvm::zip_equal(sums, sumPointers)) {
    if (keepsColumns(op))
      continue;
    Value position = positionOf(space.kept.lookup(op), nullptr);
    Value address = addressOf(pointer, position, b.getF64Type());
    Value old = LLVM::LoadOp::create(b, loc, b.getF64Type(), address);
    Value sum = arith::AddFOp::create(b, loc, old, loop.getResult(alongRow.lookup(op)));
    LLVM::StoreOp::create(b, loc, sum, address);
  }
}

LLVM::LLVMFuncOp KernelEmitter::emit(StringRef name) {
  Type pointer = LLVM::LLVMPointerType::get(b.getContext()), number = b.getI64Type();
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()),
                                  {pointer, pointer, pointer, number, number, number, number});
  auto function = LLVM::LLVMFuncOp::create(b, loc, name, type);
  OpBuilder::InsertionGuard guard(b);
  emitPrologue(function);
  Block &entry = function.getBody().front();
  Value firstRow = entry.getArgument(3), lastRow = entry.getArgument(4);
  firstColumn = entry.getArgument(5);
  lastColumn = entry.getArgument(6);
  scf::ForOp::create(b, loc, firstRow, lastRow, integer(1), ValueRange(),
                     [&](OpBuilder &, Location, Value row, ValueRange) {
                       OpBuilder::InsertionGuard guard(b);
                       b.setInsertionPointToEnd(row.getParentBlock());
                       emitRow(row);
                       scf::YieldOp::create(b, loc);
                     });
  LLVM::ReturnOp::create(b, loc, ValueRange());
  return function;
}

LLVM::LLVMFuncOp noether::emitCpuKernel(func::FuncOp kernel, const KernelSpace &space,
                                        StringRef name, OpBuilder &builder,
                                        const CpuKernelOptions &options) {
  return KernelEmitter(kernel, space, builder, options).emit(name);
}
