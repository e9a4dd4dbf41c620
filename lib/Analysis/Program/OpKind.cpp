// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "OpKind.h"

#include "mlir/IR/BuiltinTypes.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace noether;

static OpKind getKindByName(StringRef fullName) {
  auto [dialect, name] = fullName.split('.');
  if (dialect == "stablehlo" || dialect == "mhlo" || dialect == "chlo" || dialect == "sdy")
    return llvm::StringSwitch<OpKind>(name)
        .Cases({"transpose", "reshape", "convert", "reverse", "negate", "copy", "bitcast_convert",
                "reduce_precision", "sharding_constraint", "optimization_barrier"},
               OpKind::Layout)
        .Cases({"all_reduce", "all_gather", "reduce_scatter", "collective_permute", "reshard",
                "all_to_all", "collective_broadcast"},
               OpKind::Layout)
        .Case("add", OpKind::Add)
        .Case("subtract", OpKind::Subtract)
        .Case("multiply", OpKind::Multiply)
        .Case("divide", OpKind::Divide)
        .Case("select", OpKind::Select)
        .Cases({"abs", "exponential", "exponential_minus_one", "log", "log_plus_one", "logistic",
                "tanh", "sine", "cosine", "tan", "sqrt", "rsqrt", "cbrt", "square", "erf", "erfc",
                "erf_inv", "power", "maximum", "minimum", "clamp"},
               OpKind::Pointwise)
        .Cases({"broadcast_in_dim", "broadcast"}, OpKind::Broadcast)
        .Case("reduce", OpKind::Sum)
        .Cases({"dot_general", "dot", "convolution"}, OpKind::Contraction)
        .Cases({"slice", "dynamic_slice", "gather"}, OpKind::Pick)
        .Cases({"pad", "concatenate", "scatter", "dynamic_update_slice"}, OpKind::Place)
        .Cases({"compare", "sign", "round_nearest_even", "round_nearest_afz", "floor", "ceil",
                "is_finite"},
               OpKind::Discrete)
        .Default(OpKind::Other);
  if (dialect == "arith" || dialect == "math")
    return llvm::StringSwitch<OpKind>(name)
        .Cases({"extf", "truncf", "negf", "bitcast"}, OpKind::Layout)
        .Case("addf", OpKind::Add)
        .Case("subf", OpKind::Subtract)
        .Case("mulf", OpKind::Multiply)
        .Case("divf", OpKind::Divide)
        .Case("select", OpKind::Select)
        .Cases({"absf", "exp", "expm1", "exp2", "log", "log1p", "log2", "tanh", "sin", "cos",
                "sqrt", "rsqrt", "cbrt", "erf", "powf", "fpowi", "maximumf", "minimumf", "maxnumf",
                "minnumf"},
               OpKind::Pointwise)
        .Cases({"cmpf", "copysign", "floor", "ceil", "round", "roundeven"}, OpKind::Discrete)
        .Default(OpKind::Other);
  if (dialect == "linalg")
    return llvm::StringSwitch<OpKind>(name)
        .Case("transpose", OpKind::Layout)
        .Case("broadcast", OpKind::Broadcast)
        .Default(name.starts_with("matmul") || name.starts_with("batch_matmul") ||
                         name.starts_with("conv_") || name.contains("matvec") ||
                         name.contains("vecmat") || name == "contract"
                     ? OpKind::Contraction
                     : OpKind::Other);
  if (dialect == "tensor")
    return llvm::StringSwitch<OpKind>(name)
        .Cases({"collapse_shape", "expand_shape", "reshape", "cast"}, OpKind::Layout)
        .Cases({"extract_slice", "gather"}, OpKind::Pick)
        .Cases({"insert_slice", "concat", "pad", "scatter"}, OpKind::Place)
        .Default(OpKind::Other);
  return OpKind::Other;
}

/// Whether an operation of one operand that matters keeps all its elements.
static bool keepsElements(Operation *op) {
  if (op->getNumOperands() == 0 || op->getNumResults() != 1)
    return false;
  auto from = dyn_cast<RankedTensorType>(op->getOperand(0).getType());
  auto to = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  return from && to && from.hasStaticShape() && to.hasStaticShape() &&
         from.getNumElements() == to.getNumElements();
}

/// Whether the region of a reduction adds and nothing else.
static bool sums(Operation *op) {
  if (op->getNumRegions() != 1 || !op->getRegion(0).hasOneBlock())
    return false;
  Block &block = op->getRegion(0).front();
  return block.getOperations().size() == 2 &&
         block.front().getName().stripDialect() == "add";
}

/// Whether an operation has the operands its kind has. No verifier has seen the host dialects' ones.
static bool isWellFormed(Operation *op, OpKind kind) {
  switch (kind) {
  case OpKind::Add:
  case OpKind::Subtract:
  case OpKind::Multiply:
  case OpKind::Divide:
    return op->getNumOperands() == 2 && op->getNumResults() == 1;
  case OpKind::Select:
    return op->getNumOperands() == 3 && op->getNumResults() == 1;
  case OpKind::Layout:
  case OpKind::Broadcast:
  case OpKind::Sum:
    return op->getNumOperands() >= 1 && op->getNumResults() >= 1;
  default:
    return true;
  }
}

OpKind OpKinds::get(Operation *op) {
  auto [it, isNew] = byName.try_emplace(op->getName(), OpKind::Other);
  if (isNew)
    it->second = getKindByName(op->getName().getStringRef());
  if (!isWellFormed(op, it->second))
    return OpKind::Other;
  switch (it->second) {
  case OpKind::Broadcast:
    return keepsElements(op) ? OpKind::Layout : OpKind::Broadcast;
  case OpKind::Sum:
    if (!sums(op))
      return OpKind::Other;
    return keepsElements(op) ? OpKind::Layout : OpKind::Sum;
  default:
    return it->second;
  }
}
