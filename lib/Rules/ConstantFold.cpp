// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Rules/ConstantFold.h"
#include "noether/Rules/AttributeReader.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"

#include "llvm/ADT/StringSwitch.h"

#include <cmath>

using namespace mlir;
using namespace noether;

namespace {

/// How many operations a constant is traced back through.
constexpr unsigned kTraceSteps = 64;

double toDouble(APFloat value) {
  bool losesInfo;
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
  return value.convertToDouble();
}

std::optional<double> toDouble(const APInt &value, Type type) {
  if (value.getBitWidth() == 1)
    return value.isZero() ? 0.0 : 1.0;
  bool isUnsigned = type.isUnsignedInteger();
  return value.roundToDouble(!isUnsigned);
}

enum class Fold {
  None,
  Identity,
  Abs,
  Add,
  And,
  Ceil,
  Clamp,
  Compare,
  Cos,
  Divide,
  Exp,
  Expm1,
  Floor,
  IsFinite,
  Log,
  Log1p,
  Max,
  Min,
  Multiply,
  Negate,
  Not,
  Or,
  Power,
  Rsqrt,
  Select,
  Sign,
  Sin,
  Sqrt,
  Square,
  Subtract,
  Tanh,
  Xor
};

/// The operation's meaning, by its name. Integer and float forms share a meaning: the result is
/// rounded to its type afterwards.
Fold foldOf(StringRef name) {
  auto [dialect, op] = name.split('.');
  if (dialect == "stablehlo" || dialect == "mhlo" || dialect == "chlo")
    return llvm::StringSwitch<Fold>(op)
        .Cases({"broadcast", "broadcast_in_dim", "convert", "copy", "dynamic_broadcast_in_dim",
                "dynamic_reshape", "optimization_barrier", "reduce_precision", "reshape", "reverse",
                "slice", "transpose"},
               Fold::Identity)
        .Case("abs", Fold::Abs)
        .Case("add", Fold::Add)
        .Case("and", Fold::And)
        .Case("ceil", Fold::Ceil)
        .Case("clamp", Fold::Clamp)
        .Case("compare", Fold::Compare)
        .Case("cosine", Fold::Cos)
        .Case("divide", Fold::Divide)
        .Case("exponential", Fold::Exp)
        .Case("exponential_minus_one", Fold::Expm1)
        .Case("floor", Fold::Floor)
        .Case("is_finite", Fold::IsFinite)
        .Case("log", Fold::Log)
        .Case("log_plus_one", Fold::Log1p)
        .Case("maximum", Fold::Max)
        .Case("minimum", Fold::Min)
        .Case("multiply", Fold::Multiply)
        .Case("negate", Fold::Negate)
        .Case("not", Fold::Not)
        .Case("or", Fold::Or)
        .Case("power", Fold::Power)
        .Case("rsqrt", Fold::Rsqrt)
        .Case("select", Fold::Select)
        .Case("sign", Fold::Sign)
        .Case("sine", Fold::Sin)
        .Case("sqrt", Fold::Sqrt)
        .Case("square", Fold::Square)
        .Case("subtract", Fold::Subtract)
        .Case("tanh", Fold::Tanh)
        .Case("xor", Fold::Xor)
        .Default(Fold::None);
  if (dialect == "arith" || dialect == "math")
    return llvm::StringSwitch<Fold>(op)
        .Cases({"extf", "extsi", "extui", "fptosi", "fptoui", "index_cast", "index_castui",
                "sitofp", "truncf", "uitofp"},
               Fold::Identity)
        .Case("absf", Fold::Abs)
        .Cases({"addf", "addi"}, Fold::Add)
        .Case("andi", Fold::And)
        .Case("ceil", Fold::Ceil)
        .Cases({"cmpf", "cmpi"}, Fold::Compare)
        .Case("cos", Fold::Cos)
        .Case("divf", Fold::Divide)
        .Case("exp", Fold::Exp)
        .Case("expm1", Fold::Expm1)
        .Case("floor", Fold::Floor)
        .Case("isfinite", Fold::IsFinite)
        .Case("log", Fold::Log)
        .Case("log1p", Fold::Log1p)
        .Cases({"maximumf", "maxnumf", "maxsi"}, Fold::Max)
        .Cases({"minimumf", "minnumf", "minsi"}, Fold::Min)
        .Cases({"mulf", "muli"}, Fold::Multiply)
        .Case("negf", Fold::Negate)
        .Case("ori", Fold::Or)
        .Cases({"powf", "fpowi"}, Fold::Power)
        .Case("rsqrt", Fold::Rsqrt)
        .Case("select", Fold::Select)
        .Case("sin", Fold::Sin)
        .Case("sqrt", Fold::Sqrt)
        .Cases({"subf", "subi"}, Fold::Subtract)
        .Case("tanh", Fold::Tanh)
        .Case("xori", Fold::Xor)
        .Default(Fold::None);
  if (dialect == "tensor")
    return llvm::StringSwitch<Fold>(op)
        .Cases({"cast", "collapse_shape", "expand_shape", "extract", "extract_slice", "reshape",
                "splat"},
               Fold::Identity)
        .Default(Fold::None);
  return Fold::None;
}

/// The operand numbers a fold needs; shape operands behind the first are not looked at.
unsigned numFoldOperands(Fold fold) {
  switch (fold) {
  case Fold::Add:
  case Fold::And:
  case Fold::Compare:
  case Fold::Divide:
  case Fold::Max:
  case Fold::Min:
  case Fold::Multiply:
  case Fold::Or:
  case Fold::Power:
  case Fold::Subtract:
  case Fold::Xor:
    return 2;
  case Fold::Clamp:
  case Fold::Select:
    return 3;
  default:
    return 1;
  }
}

std::optional<double> foldCompare(Operation *op, double lhs, double rhs) {
  std::string direction;
  if (auto predicate = op->getAttrOfType<IntegerAttr>("predicate")) {
    int64_t number = predicate.getValue().getLimitedValue(16);
    static constexpr StringRef floatPredicates[] = {"",   "EQ", "GT", "GE", "LT", "LE", "NE", "",
                                                    "EQ", "GT", "GE", "LT", "LE", "NE", "",   ""};
    static constexpr StringRef intPredicates[] = {"EQ", "NE", "LT", "LE", "GT", "GE"};
    if (op->getName().getStringRef() == "arith.cmpf")
      direction = number < 16 ? floatPredicates[number] : "";
    else
      direction = number < 6 ? intPredicates[number] : "";
  } else if (auto keyword = AttributeReader(op).keyword("comparison_direction");
             succeeded(keyword)) {
    direction = *keyword;
  }
  // Ordered and unordered forms differ on NaN.
  if (std::isnan(lhs) || std::isnan(rhs))
    return std::nullopt;
  return llvm::StringSwitch<std::optional<double>>(direction)
      .Case("EQ", lhs == rhs)
      .Case("NE", lhs != rhs)
      .Case("LT", lhs < rhs)
      .Case("LE", lhs <= rhs)
      .Case("GT", lhs > rhs)
      .Case("GE", lhs >= rhs)
      .Default(std::nullopt);
}

/// The result before rounding. Types are those of the first operand and of the result.
std::optional<double> foldValue(Operation *op, Fold fold, ArrayRef<double> x, Type operandType,
                                Type resultType) {
  bool isFloat = isa<FloatType>(resultType), isBool = operandType.isInteger(1);
  switch (fold) {
  case Fold::None:
    return std::nullopt;
  case Fold::Identity:
    // Conversions truncate toward zero, except to booleans, which test against zero.
    if (isFloat || operandType == resultType)
      return x[0];
    if (resultType.isInteger(1))
      return x[0] != 0;
    return std::trunc(x[0]);
  case Fold::Abs:
    return std::fabs(x[0]);
  case Fold::Add:
    // On booleans a sum is "or" in StableHLO and "xor" in arith.
    return isBool ? std::nullopt : std::optional<double>(x[0] + x[1]);
  case Fold::And:
    return isBool ? std::optional<double>(x[0] != 0 && x[1] != 0) : std::nullopt;
  case Fold::Ceil:
    return std::ceil(x[0]);
  case Fold::Clamp:
    return std::fmin(std::fmax(x[1], x[0]), x[2]);
  case Fold::Compare:
    return foldCompare(op, x[0], x[1]);
  case Fold::Cos:
    return std::cos(x[0]);
  case Fold::Divide:
    if (!isFloat)
      return x[1] != 0 ? std::optional<double>(std::trunc(x[0] / x[1])) : std::nullopt;
    return x[0] / x[1];
  case Fold::Exp:
    return std::exp(x[0]);
  case Fold::Expm1:
    return std::expm1(x[0]);
  case Fold::Floor:
    return std::floor(x[0]);
  case Fold::IsFinite:
    return std::isfinite(x[0]);
  case Fold::Log:
    return std::log(x[0]);
  case Fold::Log1p:
    return std::log1p(x[0]);
  case Fold::Max:
    return std::isnan(x[0]) || std::isnan(x[1]) ? std::nullopt
                                                : std::optional<double>(std::fmax(x[0], x[1]));
  case Fold::Min:
    return std::isnan(x[0]) || std::isnan(x[1]) ? std::nullopt
                                                : std::optional<double>(std::fmin(x[0], x[1]));
  case Fold::Multiply:
    return x[0] * x[1];
  case Fold::Negate:
    return -x[0];
  case Fold::Not:
    return isBool ? std::optional<double>(x[0] == 0) : std::nullopt;
  case Fold::Or:
    return isBool ? std::optional<double>(x[0] != 0 || x[1] != 0) : std::nullopt;
  case Fold::Power:
    return isFloat ? std::optional<double>(std::pow(x[0], x[1])) : std::nullopt;
  case Fold::Rsqrt:
    return 1 / std::sqrt(x[0]);
  case Fold::Select:
    return x[0] != 0 ? x[1] : x[2];
  case Fold::Sign:
    return std::isnan(x[0]) ? x[0] : double(x[0] > 0) - double(x[0] < 0);
  case Fold::Sin:
    return std::sin(x[0]);
  case Fold::Sqrt:
    return std::sqrt(x[0]);
  case Fold::Square:
    return x[0] * x[0];
  case Fold::Subtract:
    return isBool ? std::nullopt : std::optional<double>(x[0] - x[1]);
  case Fold::Tanh:
    return std::tanh(x[0]);
  case Fold::Xor:
    return isBool ? std::optional<double>((x[0] != 0) != (x[1] != 0)) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<double> traceSplat(Value value, unsigned &steps) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumResults() != 1 || steps == 0)
    return std::nullopt;
  --steps;
  if (op->getNumOperands() == 0)
    return splatConstant(op);
  Fold fold = foldOf(op->getName().getStringRef());
  unsigned needed = numFoldOperands(fold);
  if (fold == Fold::None || op->getNumOperands() < needed)
    return std::nullopt;
  SmallVector<double, 3> operands;
  for (Value operand : op->getOperands().take_front(needed)) {
    std::optional<double> number = traceSplat(operand, steps);
    if (!number)
      return std::nullopt;
    operands.push_back(*number);
  }
  return foldSplat(op, operands);
}

} // namespace

std::optional<double> noether::splatValue(Attribute attribute) {
  if (auto number = dyn_cast_or_null<FloatAttr>(attribute))
    return toDouble(number.getValue());
  if (auto number = dyn_cast_or_null<IntegerAttr>(attribute))
    return toDouble(number.getValue(), number.getType());
  auto elements = dyn_cast_or_null<DenseElementsAttr>(attribute);
  if (!elements || !elements.isSplat())
    return std::nullopt;
  Type type = elements.getElementType();
  if (isa<FloatType>(type))
    return toDouble(elements.getSplatValue<APFloat>());
  if (isa<IntegerType, IndexType>(type))
    return toDouble(elements.getSplatValue<APInt>(), type);
  return std::nullopt;
}

std::optional<double> noether::splatConstant(Operation *op) {
  if (op->getNumOperands() != 0 || op->getNumResults() != 1 || op->getNumRegions() != 0)
    return std::nullopt;
  StringRef name = op->getName().stripDialect();
  if (name != "constant")
    return std::nullopt;
  return splatValue(op->getAttr("value"));
}

bool noether::isAllZeroOrNonFinite(ElementsAttr elements) {
  auto dense = dyn_cast_or_null<DenseElementsAttr>(elements);
  if (!dense || dense.getNumElements() == 0)
    return false;
  Type type = dense.getElementType();
  auto isFree = [](const APFloat &value) { return value.isZero() || !value.isFinite(); };
  if (isa<FloatType>(type))
    return dense.isSplat() ? isFree(dense.getSplatValue<APFloat>())
                           : llvm::all_of(dense.getValues<APFloat>(), isFree);
  if (isa<IntegerType, IndexType>(type))
    return dense.isSplat() ? dense.getSplatValue<APInt>().isZero()
                           : llvm::all_of(dense.getValues<APInt>(),
                                          [](const APInt &value) { return value.isZero(); });
  if (auto complex = dyn_cast<ComplexType>(type);
      complex && isa<FloatType>(complex.getElementType()))
    return llvm::all_of(dense.getValues<std::complex<APFloat>>(),
                        [&](const std::complex<APFloat> &value) {
                          return isFree(value.real()) && isFree(value.imag());
                        });
  return false;
}

std::optional<double> noether::roundToType(double value, Type elementType) {
  if (auto type = dyn_cast<FloatType>(elementType)) {
    // A type without infinities or NaN has no image of these.
    APFloat number(value);
    bool losesInfo;
    if (!number.isFinite() && type.getWidth() < 16)
      return std::nullopt;
    number.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
    return toDouble(number);
  }
  if (elementType.isIndex() || isa<IntegerType>(elementType)) {
    unsigned width = elementType.isIndex() ? 64 : elementType.getIntOrFloatBitWidth();
    if (width == 1)
      return value != 0;
    // Exact integers only: wrap-around is not modelled, nor doubles beyond 2^53.
    double limit =
        std::ldexp(1.0, std::min(width, 53u) - (elementType.isUnsignedInteger() ? 0 : 1));
    if (value != std::trunc(value) || value >= limit ||
        value < (elementType.isUnsignedInteger() ? 0 : -limit))
      return std::nullopt;
    return value;
  }
  return std::nullopt;
}

std::optional<double> noether::foldSplat(Operation *op, ArrayRef<double> operands) {
  if (op->getNumResults() != 1 || op->getNumOperands() == 0)
    return std::nullopt;
  Fold fold = foldOf(op->getName().getStringRef());
  unsigned needed = numFoldOperands(fold);
  if (fold == Fold::None || operands.size() < needed || op->getNumOperands() < needed)
    return std::nullopt;
  Type operandType = getElementTypeOrSelf(op->getOperand(0).getType());
  Type resultType = getElementTypeOrSelf(op->getResult(0).getType());
  std::optional<double> value = foldValue(op, fold, operands, operandType, resultType);
  return value ? roundToType(*value, resultType) : std::nullopt;
}

std::optional<double> noether::traceSplat(Value value) {
  unsigned steps = kTraceSteps;
  return ::traceSplat(value, steps);
}
