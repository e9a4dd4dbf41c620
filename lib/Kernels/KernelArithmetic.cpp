// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "KernelArithmetic.h"

#include "noether/Rules/AttributeReader.h"
#include "noether/Rules/ConstantFold.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"

#include <limits>

using namespace mlir;
using namespace noether;

Type noether::getComputeType(Type elementType) {
  if (elementType.isInteger(1))
    return elementType;
  if (elementType.isF16() || elementType.isBF16())
    return Float32Type::get(elementType.getContext());
  return elementType.isF32() || elementType.isF64() ? elementType : Type();
}

/// A scalar type, or a vector of it as long as `like`.
static Type typeLike(Type elementType, Type like) {
  if (auto vector = dyn_cast<VectorType>(like))
    return vector.clone(elementType);
  return elementType;
}

Value noether::spreadLike(Value number, Type like, OpBuilder &builder) {
  auto vector = dyn_cast<VectorType>(like);
  if (!vector || isa<VectorType>(number.getType()))
    return number;
  return vector::BroadcastOp::create(builder, number.getLoc(), vector.clone(number.getType()),
                                     number);
}

Value noether::castFloat(Value value, Type elementType, OpBuilder &builder) {
  unsigned from = getElementTypeOrSelf(value).getIntOrFloatBitWidth();
  unsigned to = elementType.getIntOrFloatBitWidth();
  if (from == to)
    return value;
  Type type = typeLike(elementType, value.getType());
  if (from < to)
    return arith::ExtFOp::create(builder, value.getLoc(), type, value);
  return arith::TruncFOp::create(builder, value.getLoc(), type, value);
}

namespace {

/// Emits one operation; names are those of what it computes.
class Emitter {
public:
  Emitter(Operation &op, ValueRange operands, OpBuilder &builder)
      : op(op), x(operands), builder(builder), loc(op.getLoc()) {}

  // Contraction to fused operations is what the host compilers do too.
  template <typename Op>
  Value binary() {
    return contracted<Op>(x[0], x[1]);
  }
  template <typename Op>
  Value logical() {
    return Op::create(builder, loc, x[0], x[1]);
  }
  template <typename Op>
  Value unary() {
    return Op::create(builder, loc, x[0]);
  }
  Value square() { return contracted<arith::MulFOp>(x[0], x[0]); }
  Value negate() { return arith::NegFOp::create(builder, loc, x[0]); }
  Value clamp() {
    Value raised = arith::MaximumFOp::create(builder, loc, x[1], like(x[0], x[1]));
    return arith::MinimumFOp::create(builder, loc, raised, like(x[2], x[1]));
  }
  Value select() {
    return arith::SelectOp::create(builder, loc, like(x[0], x[1]), x[1], like(x[2], x[1]));
  }
  Value logistic() {
    Value power = math::ExpOp::create(builder, loc, negate());
    return arith::DivFOp::create(builder, loc, constant(1),
                                 arith::AddFOp::create(builder, loc, constant(1), power));
  }
  /// Zeros and what is not a number stay what they are.
  Value sign() {
    Value isPositive = compare(arith::CmpFPredicate::OGT, x[0], constant(0));
    Value isNegative = compare(arith::CmpFPredicate::OLT, x[0], constant(0));
    Value rest = arith::SelectOp::create(builder, loc, isNegative, constant(-1), x[0]);
    return arith::SelectOp::create(builder, loc, isPositive, constant(1), rest);
  }
  Value isFinite() {
    Value size = math::AbsFOp::create(builder, loc, x[0]);
    return compare(arith::CmpFPredicate::OLT, size,
                   constant(std::numeric_limits<double>::infinity()));
  }
  Value compare();
  Value convert();
  Value invert() {
    Value one = arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true));
    return arith::XOrIOp::create(builder, loc, x[0], spreadLike(one, x[0].getType(), builder));
  }
  Value same() { return x[0]; }

private:
  template <typename Op>
  Value contracted(Value a, Value b) {
    return Op::create(builder, loc, a, b, arith::FastMathFlags::contract);
  }
  Value compare(arith::CmpFPredicate predicate, Value a, Value b) {
    return arith::CmpFOp::create(builder, loc, predicate, a, b);
  }
  Value constant(double number) {
    Type type = getElementTypeOrSelf(x[0]);
    Value value = arith::ConstantOp::create(builder, loc, builder.getFloatAttr(type, number));
    return spreadLike(value, x[0].getType(), builder);
  }
  Value like(Value value, Value other) { return spreadLike(value, other.getType(), builder); }

  Operation &op;
  ValueRange x;
  OpBuilder &builder;
  Location loc;
};

using Emit = Value (Emitter::*)();

} // namespace

static std::optional<arith::CmpFPredicate> getPredicate(Operation &op) {
  FailureOr<std::string> direction = AttributeReader(&op).keyword("comparison_direction");
  if (failed(direction))
    return std::nullopt;
  return llvm::StringSwitch<std::optional<arith::CmpFPredicate>>(*direction)
      .Case("EQ", arith::CmpFPredicate::OEQ)
      .Case("NE", arith::CmpFPredicate::UNE)
      .Case("LT", arith::CmpFPredicate::OLT)
      .Case("LE", arith::CmpFPredicate::OLE)
      .Case("GT", arith::CmpFPredicate::OGT)
      .Case("GE", arith::CmpFPredicate::OGE)
      .Default(std::nullopt);
}

Value Emitter::compare() { return compare(*getPredicate(op), x[0], x[1]); }

Value Emitter::convert() {
  Type from = getElementTypeOrSelf(op.getOperand(0)), to = getElementTypeOrSelf(op.getResult(0));
  Type computed = getComputeType(to);
  if (from.isInteger(1) || to.isInteger(1)) {
    if (from == to)
      return x[0];
    if (to.isInteger(1))
      return compare(arith::CmpFPredicate::UNE, x[0], constant(0));
    return arith::UIToFPOp::create(builder, loc, typeLike(computed, x[0].getType()), x[0]);
  }
  // Numbers that the step rounds to a narrow type on purpose are rounded here too.
  bool isNarrow = to.isF16() || to.isBF16();
  if (isNarrow && from != to)
    return castFloat(castFloat(x[0], to, builder), computed, builder);
  return castFloat(x[0], computed, builder);
}

static Emit findEmit(StringRef name) {
  static const llvm::StringMap<Emit> table = {
      {"stablehlo.abs", &Emitter::unary<math::AbsFOp>},
      {"stablehlo.add", &Emitter::binary<arith::AddFOp>},
      {"stablehlo.and", &Emitter::logical<arith::AndIOp>},
      {"stablehlo.broadcast_in_dim", &Emitter::same},
      {"stablehlo.cbrt", &Emitter::unary<math::CbrtOp>},
      {"stablehlo.ceil", &Emitter::unary<math::CeilOp>},
      {"stablehlo.clamp", &Emitter::clamp},
      {"stablehlo.compare", &Emitter::compare},
      {"stablehlo.convert", &Emitter::convert},
      {"stablehlo.cosine", &Emitter::unary<math::CosOp>},
      {"stablehlo.divide", &Emitter::binary<arith::DivFOp>},
      {"stablehlo.exponential", &Emitter::unary<math::ExpOp>},
      {"stablehlo.exponential_minus_one", &Emitter::unary<math::ExpM1Op>},
      {"stablehlo.floor", &Emitter::unary<math::FloorOp>},
      {"stablehlo.is_finite", &Emitter::isFinite},
      {"stablehlo.log", &Emitter::unary<math::LogOp>},
      {"stablehlo.log_plus_one", &Emitter::unary<math::Log1pOp>},
      {"stablehlo.logistic", &Emitter::logistic},
      {"stablehlo.maximum", &Emitter::binary<arith::MaximumFOp>},
      {"stablehlo.minimum", &Emitter::binary<arith::MinimumFOp>},
      {"stablehlo.multiply", &Emitter::binary<arith::MulFOp>},
      {"stablehlo.negate", &Emitter::negate},
      {"stablehlo.not", &Emitter::invert},
      {"stablehlo.or", &Emitter::logical<arith::OrIOp>},
      {"stablehlo.power", &Emitter::binary<math::PowFOp>},
      {"stablehlo.reshape", &Emitter::same},
      {"stablehlo.rsqrt", &Emitter::unary<math::RsqrtOp>},
      {"stablehlo.select", &Emitter::select},
      {"stablehlo.sign", &Emitter::sign},
      {"stablehlo.sine", &Emitter::unary<math::SinOp>},
      {"stablehlo.sqrt", &Emitter::unary<math::SqrtOp>},
      {"stablehlo.subtract", &Emitter::binary<arith::SubFOp>},
      {"stablehlo.tanh", &Emitter::unary<math::TanhOp>},
      {"stablehlo.xor", &Emitter::logical<arith::XOrIOp>},
      {"chlo.square", &Emitter::square},
  };
  return table.lookup(name);
}

static bool isFloat(Value value) { return isa<FloatType>(getElementTypeOrSelf(value)); }
static bool isBoolean(Value value) { return getElementTypeOrSelf(value).isInteger(1); }

bool noether::isKnownElementwise(Operation &op) {
  StringRef name = op.getName().getStringRef();
  if (op.getNumResults() != 1 || op.getNumRegions() != 0 || !findEmit(name))
    return false;
  auto isComputable = [](Value v) { return bool(getComputeType(getElementTypeOrSelf(v))); };
  if (!llvm::all_of(op.getOperands(), isComputable) || !isComputable(op.getResult(0)))
    return false;
  if (llvm::is_contained({"stablehlo.and", "stablehlo.or", "stablehlo.xor", "stablehlo.not"}, name))
    return llvm::all_of(op.getOperands(), isBoolean);
  if (name == "stablehlo.compare")
    return isFloat(op.getOperand(0)) && getPredicate(op);
  // These move elements of any type.
  if (llvm::is_contained({"stablehlo.select", "stablehlo.convert", "stablehlo.reshape",
                          "stablehlo.broadcast_in_dim"},
                         name))
    return true;
  return llvm::all_of(op.getOperands(), isFloat) && isFloat(op.getResult(0));
}

Value noether::emitElementwise(Operation &op, ValueRange operands, OpBuilder &builder) {
  Emitter emitter(op, operands, builder);
  return (emitter.*findEmit(op.getName().getStringRef()))();
}
