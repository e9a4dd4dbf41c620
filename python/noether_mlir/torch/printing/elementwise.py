# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operations that treat each entry by itself."""

import math
from typing import Any

import torch

from noether_mlir.torch.printing.builder import Value
from noether_mlir.torch.printing.table import Emitter, prints

_UNARY = {
    "neg": "negate", "_neg_view": "negate", "exp": "exponential", "expm1": "exponential_minus_one", "log": "log", "log1p": "log_plus_one",
    "sqrt": "sqrt", "rsqrt": "rsqrt", "tanh": "tanh", "sin": "sine", "cos": "cosine", "tan": "tan",
    "sigmoid": "logistic", "floor": "floor", "ceil": "ceil", "round": "round_nearest_even",
    "erf": "chlo.erf", "erfc": "chlo.erfc", "erfinv": "chlo.erf_inv", "erf_inv": "chlo.erf_inv", "lgamma": "chlo.lgamma",
    "digamma": "chlo.digamma", "asin": "chlo.asin", "acos": "chlo.acos", "atan": "chlo.atan", "sinh": "chlo.sinh",
    "cosh": "chlo.cosh", "asinh": "chlo.asinh", "acosh": "chlo.acosh", "atanh": "chlo.atanh",
}  # fmt: skip
_BINARY = {
    "maximum": "maximum", "minimum": "minimum", "fmax": "maximum", "fmin": "minimum", "atan2": "atan2",
    "bitwise_and": "and", "bitwise_or": "or", "bitwise_xor": "xor",
}  # fmt: skip
_LOGICAL = {"logical_and": "and", "logical_or": "or", "logical_xor": "xor"}
_COMPARISONS = {"eq": "EQ", "ne": "NE", "lt": "LT", "le": "LE", "gt": "GT", "ge": "GE"}


def _unary(name: str) -> Any:
    def emit(e: Emitter, x: Any, **_: Any) -> Value:
        value = e.operand(x)
        return e.builder.op(name, [value], value.shape, value.dtype)

    return emit


def _binary(name: str) -> Any:
    return lambda e, x, y: e.builder.binary(name, e.operand(x), e.operand(y))


def _logical(name: str) -> Any:
    return lambda e, x, y: e.builder.binary(name, e.operand(x, torch.bool), e.operand(y, torch.bool))


def _comparison(direction: str) -> Any:
    def emit(e: Emitter, x: Any, y: Any) -> Value:
        dtype = common_type(x, y)
        return e.builder.compare(direction, e.operand(x, dtype), e.operand(y, dtype))

    return emit


def common_type(*values: Any) -> torch.dtype:
    """The element type in which tensors and numbers meet, as PyTorch promotes them."""
    dtypes = [value.dtype for value in values if isinstance(value, Value)]
    # Scalars that a tensor meets do not widen it.
    wide = [value.dtype for value in values if isinstance(value, Value) and value.rank]
    found = (wide or dtypes)[0]
    for dtype in wide or dtypes:
        found = torch.promote_types(found, dtype)
    for value in values:
        number = value if not isinstance(value, Value) else None
        kind = value.dtype.is_floating_point if isinstance(value, Value) else isinstance(number, float)
        if kind and not found.is_floating_point and not found.is_complex:
            found = value.dtype if isinstance(value, Value) else torch.get_default_dtype()
        elif isinstance(number, int) and not isinstance(number, bool) and found == torch.bool:
            found = torch.int64
    return found


for _name, _op in _UNARY.items():
    prints(_name, f"prims.{_name}")(_unary(_op))
for _name, _op in _BINARY.items():
    prints(_name, f"prims.{_name}")(_binary(_op))
for _name, _op in _LOGICAL.items():
    prints(_name)(_logical(_op))
for _name, _op in _COMPARISONS.items():
    prints(_name, f"prims.{_name}")(_comparison(_op))


def _times(e: Emitter, value: Value, factor: Any) -> Value:
    """A value times a number, which may be symbolic."""
    if not isinstance(factor, Value) and factor == 1:
        return value
    return e.builder.binary("multiply", value, e.operand(factor, value.dtype, value.shape))


@prints("add", "prims.add")
def add(e: Emitter, x: Any, y: Any, alpha: Any = 1) -> Value:
    if e.out.dtype == torch.bool:
        return e.builder.binary("or", e.operand(x), e.operand(y))
    return e.builder.binary("add", e.operand(x), _times(e, e.operand(y), alpha))


@prints("sub", "prims.sub")
def sub(e: Emitter, x: Any, y: Any, alpha: Any = 1) -> Value:
    return e.builder.binary("subtract", e.operand(x), _times(e, e.operand(y), alpha))


@prints("rsub")
def rsub(e: Emitter, x: Any, y: Any, alpha: Any = 1) -> Value:
    return e.builder.binary("subtract", e.operand(y), _times(e, e.operand(x), alpha))


@prints("mul", "prims.mul")
def mul(e: Emitter, x: Any, y: Any) -> Value:
    return e.builder.binary("and" if e.out.dtype == torch.bool else "multiply", e.operand(x), e.operand(y))


@prints("div", "prims.div")
def div(e: Emitter, x: Any, y: Any, rounding_mode: str | None = None) -> Value:
    left, right = e.operand(x), e.operand(y)
    if rounding_mode == "floor":
        return _floor_divide(e, left, right)
    quotient = e.builder.binary("divide", left, right)  # of integers, this truncates
    if rounding_mode == "trunc" and e.out.dtype.is_floating_point:
        return _trunc(e, quotient)
    return quotient


@prints("floor_divide")
def floor_divide(e: Emitter, x: Any, y: Any) -> Value:
    return _floor_divide(e, e.operand(x), e.operand(y))


def _floor_divide(e: Emitter, left: Value, right: Value) -> Value:
    b = e.builder
    if left.dtype.is_floating_point:
        return b.unary("floor", b.binary("divide", left, right))
    quotient = b.binary("divide", left, right)
    rest = b.binary("remainder", left, right)
    zero = b.constant(0, rest.shape, rest.dtype)
    inexact = b.compare("NE", rest, zero)
    unlike = b.compare("NE", b.compare("LT", rest, zero), b.compare("LT", right, zero))
    return b.select(b.binary("and", inexact, unlike), b.scaled("subtract", quotient, 1), quotient)


@prints("trunc", "fix", "prims.trunc")
def trunc(e: Emitter, x: Value) -> Value:
    return _trunc(e, e.operand(x))


def _trunc(e: Emitter, x: Value) -> Value:
    b = e.builder
    return b.binary("multiply", b.unary("sign", x), b.unary("floor", b.unary("abs", x)))


@prints("fmod", "prims.fmod")
def fmod(e: Emitter, x: Any, y: Any) -> Value:
    return e.builder.binary("remainder", e.operand(x), e.operand(y))


@prints("remainder", "prims.remainder")
def remainder(e: Emitter, x: Any, y: Any) -> Value:
    """With the sign of the divisor."""
    b, left, right = e.builder, e.operand(x), e.operand(y)
    rest = b.binary("remainder", left, right)
    zero = b.constant(0, rest.shape, rest.dtype)
    unlike = b.compare("NE", b.compare("LT", rest, zero), b.compare("LT", right, zero))
    moved = b.binary("and", unlike, b.compare("NE", rest, zero))
    return b.select(moved, b.binary("add", rest, right), rest)


@prints("reciprocal", "prims.reciprocal")
def reciprocal(e: Emitter, x: Value) -> Value:
    value = e.operand(x)
    return e.builder.binary("divide", e.builder.constant(1, value.shape, value.dtype), value)


@prints("abs", "prims.abs")
def absolute(e: Emitter, x: Value) -> Value:
    return e.builder.op("abs", [x], x.shape, e.out.dtype)


@prints("sign", "sgn", "prims.sign")
def sign(e: Emitter, x: Value) -> Value:
    return e.builder.unary("sign", x)


@prints("logical_not")
def logical_not(e: Emitter, x: Value) -> Value:
    return e.builder.unary("not", e.operand(x, torch.bool))


@prints("bitwise_not")
def bitwise_not(e: Emitter, x: Value) -> Value:
    return e.builder.unary("not", x)


@prints("relu")
def relu(e: Emitter, x: Value) -> Value:
    return e.builder.scaled("maximum", x, 0)


@prints("square")
def square(e: Emitter, x: Value) -> Value:
    value = e.operand(x)
    return e.builder.binary("multiply", value, value)


@prints("exp2")
def exp2(e: Emitter, x: Value) -> Value:
    return e.builder.unary("exponential", e.builder.scaled("multiply", e.operand(x), math.log(2)))


@prints("log2")
def log2(e: Emitter, x: Value) -> Value:
    return e.builder.scaled("divide", e.builder.unary("log", e.operand(x)), math.log(2))


@prints("log10")
def log10(e: Emitter, x: Value) -> Value:
    return e.builder.scaled("divide", e.builder.unary("log", e.operand(x)), math.log(10))


@prints("pow", "prims.pow")
def power(e: Emitter, x: Any, exponent: Any) -> Value:
    b = e.builder
    if isinstance(exponent, (int, float)) and isinstance(x, Value):
        value = e.operand(x)
        if exponent == 0:
            return b.constant(1, value.shape, value.dtype)
        if exponent == 1:
            return value
        if exponent in (2, 3):
            square = b.binary("multiply", value, value)
            return square if exponent == 2 else b.binary("multiply", square, value)
        if exponent == 0.5:
            return b.unary("sqrt", value)
        if exponent == -0.5:
            return b.unary("rsqrt", value)
        if exponent == -1:
            return reciprocal(e, value)
    return b.binary("power", e.operand(x), e.operand(exponent))


@prints("clamp", "clip")
def clamp(e: Emitter, x: Value, low: Any = None, high: Any = None, **named: Any) -> Value:
    low, high = named.get("min", low), named.get("max", high)
    value = e.operand(x)
    if low is not None:
        value = e.builder.binary("maximum", value, e.operand(low))
    if high is not None:
        value = e.builder.binary("minimum", value, e.operand(high))
    return value


@prints("clamp_min")
def clamp_min(e: Emitter, x: Value, low: Any) -> Value:
    return clamp(e, x, low)


@prints("clamp_max")
def clamp_max(e: Emitter, x: Value, high: Any) -> Value:
    return clamp(e, x, None, high)


@prints("where", "prims.where")
def where(e: Emitter, condition: Value, x: Any, y: Any) -> Value:
    return e.builder.select(e.operand(condition, torch.bool), e.operand(x), e.operand(y))


@prints("masked_fill")
def masked_fill(e: Emitter, x: Value, mask: Value, value: Any) -> Value:
    return where(e, mask, value, x)


@prints("signbit", "prims.signbit")
def signbit(e: Emitter, x: Value) -> Value:
    b = e.builder
    zero = b.constant(0, x.shape, x.dtype)
    negative = b.compare("LT", x, zero)
    if not x.dtype.is_floating_point:
        return negative
    below = b.compare("LT", b.binary("divide", b.constant(1, x.shape, x.dtype), x), zero)  # of a zero, its sign
    return b.binary("or", negative, below)


@prints("isnan")
def isnan(e: Emitter, x: Value) -> Value:
    return e.builder.compare("NE", x, x)


@prints("isinf")
def isinf(e: Emitter, x: Value) -> Value:
    magnitude = e.builder.unary("abs", x)
    return e.builder.compare("EQ", magnitude, e.builder.constant(math.inf, x.shape, x.dtype))


@prints("isfinite", "prims.isfinite")
def isfinite(e: Emitter, x: Value) -> Value:
    if not x.dtype.is_floating_point:
        return e.builder.constant(True, x.shape, torch.bool)
    return e.builder.op("is_finite", [x], x.shape, torch.bool)


@prints("lerp")
def lerp(e: Emitter, x: Value, y: Value, weight: Any) -> Value:
    b, start, end = e.builder, e.operand(x), e.operand(y)
    return b.binary("add", start, b.binary("multiply", e.operand(weight), b.binary("subtract", end, start)))


@prints("addcmul")
def addcmul(e: Emitter, x: Value, y: Value, z: Value, value: Any = 1) -> Value:
    product = e.builder.binary("multiply", e.operand(y), e.operand(z))
    return e.builder.binary("add", e.operand(x), _times(e, product, value))


@prints("addcdiv")
def addcdiv(e: Emitter, x: Value, y: Value, z: Value, value: Any = 1) -> Value:
    quotient = e.builder.binary("divide", _times(e, e.operand(y), value), e.operand(z))
    return e.builder.binary("add", e.operand(x), quotient)


@prints("copy", "_to_copy", "to", "clone", "alias", "detach", "contiguous", "lift_fresh_copy", "prims.convert_element_type")
def copy(e: Emitter, x: Any, source: Any = None, *_: Any, **__: Any) -> Value:
    """`copy(x, source)` has the type of x and the entries of the source."""
    return e.operand(source if isinstance(source, Value) else x)


@prints("silu")
def silu(e: Emitter, x: Value) -> Value:
    return e.builder.binary("multiply", x, e.builder.unary("logistic", x))


@prints("full", "full_like", "new_full", "scalar_tensor", "fill")
def full(e: Emitter, *args: Any, **_: Any) -> Value:
    value = args[0] if len(args) == 1 else args[-1]
    return e.operand(value)


@prints("zeros", "zeros_like", "new_zeros", "empty", "empty_like", "new_empty", "empty_permuted", "empty_strided")
def zeros(e: Emitter, *_: Any, **__: Any) -> Value:
    """What is empty is not read before it is written."""
    return e.builder.constant(0, e.out.shape, e.out.dtype)


@prints("ones", "ones_like", "new_ones")
def ones(e: Emitter, *_: Any, **__: Any) -> Value:
    return e.builder.constant(1, e.out.shape, e.out.dtype)
