# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sums, means, extrema, and what is made of them."""

import math
from typing import Any

import torch

from noether_mlir.torch.printing.builder import Value, array, tensor_type
from noether_mlir.torch.printing.table import Emitter, axes_of, axis_of, prints


def _reduced(e: Emitter, name: str, x: Value, axes: list[int]) -> Value:
    """A reduction in the shape of the result, which may keep the axes."""
    return e.builder.reshape(e.builder.reduce(name, x, axes), e.out.shape)


@prints("sum", "prims.sum")
def sum_(e: Emitter, x: Value, axes: Any = None, keepdim: bool = False, dtype: Any = None) -> Value:
    return _reduced(e, "add", e.cast(x, e.out.dtype), axes_of(axes, x.rank))


@prints("mean")
def mean(e: Emitter, x: Value, axes: Any = None, keepdim: bool = False, dtype: Any = None) -> Value:
    numbers = axes_of(axes, x.rank)
    total = _reduced(e, "add", e.cast(x, e.out.dtype), numbers)
    return e.builder.scaled("divide", total, math.prod(x.shape[axis] for axis in numbers))


@prints("prod", "prims.prod")
def prod(e: Emitter, x: Value, axes: Any = None, keepdim: bool = False, dtype: Any = None) -> Value:
    return _reduced(e, "multiply", e.cast(x, e.out.dtype), axes_of(axes, x.rank))


@prints("amax", "prims.amax")
def amax(e: Emitter, x: Value, axes: Any = None, keepdim: bool = False) -> Value:
    return _reduced(e, "maximum", x, axes_of(axes, x.rank))


@prints("amin", "prims.amin")
def amin(e: Emitter, x: Value, axes: Any = None, keepdim: bool = False) -> Value:
    return _reduced(e, "minimum", x, axes_of(axes, x.rank))


@prints("any")
def any_(e: Emitter, x: Value, axes: Any = None, keepdim: bool = False) -> Value:
    return _reduced(e, "or", e.cast(x, torch.bool), axes_of(axes, x.rank))


@prints("all")
def all_(e: Emitter, x: Value, axes: Any = None, keepdim: bool = False) -> Value:
    return _reduced(e, "and", e.cast(x, torch.bool), axes_of(axes, x.rank))


def _correction(correction: Any, unbiased: Any) -> float:
    if isinstance(unbiased, bool):
        return float(unbiased)
    return 1.0 if correction is None else float(correction)


def _variance(e: Emitter, x: Value, axes: Any, correction: float, shape: tuple[int, ...]) -> tuple[Value, Value]:
    """Variance and mean, in the shape of the result."""
    b, numbers = e.builder, axes_of(axes, x.rank)
    count = math.prod(x.shape[axis] for axis in numbers)
    kept = [axis for axis in range(x.rank) if axis not in numbers]
    center = b.scaled("divide", b.reduce("add", x, numbers), count)
    apart = b.binary("subtract", x, b.broadcast(center, x.shape, kept))
    squares = b.reduce("add", b.binary("multiply", apart, apart), numbers)
    return b.reshape(b.scaled("divide", squares, max(count - correction, 0.0)), shape), b.reshape(center, shape)


@prints("var", "prims.var")
def var(e: Emitter, x: Value, axes: Any = None, *rest: Any, correction: Any = None, **_: Any) -> Value:
    unbiased = axes if isinstance(axes, bool) else rest[0] if rest and isinstance(rest[0], bool) else None
    if rest and not isinstance(rest[0], bool):
        correction = rest[0]
    axes = None if isinstance(axes, bool) else axes
    return _variance(e, x, axes, _correction(correction, unbiased), e.out.shape)[0]


@prints("std")
def std(e: Emitter, x: Value, axes: Any = None, *rest: Any, **named: Any) -> Value:
    return e.builder.unary("sqrt", var(e, x, axes, *rest, **named))


@prints("var_mean")
def var_mean(e: Emitter, x: Value, axes: Any = None, *rest: Any, correction: Any = None, **_: Any) -> list[Value]:
    unbiased = axes if isinstance(axes, bool) else rest[0] if rest and isinstance(rest[0], bool) else None
    axes = None if isinstance(axes, bool) else axes
    return list(_variance(e, x, axes, _correction(correction, unbiased), e.out.shape))


@prints("linalg_vector_norm", "norm")
def vector_norm(e: Emitter, x: Value, ord: Any = 2, axes: Any = None, *_: Any, **__: Any) -> Value:
    b, numbers = e.builder, axes_of(axes, x.rank)
    value = e.cast(x, e.out.dtype)
    if ord is None or ord == 2:
        return b.unary("sqrt", _reduced(e, "add", b.binary("multiply", value, value), numbers))
    size = b.unary("abs", value)
    if ord in (math.inf, -math.inf):
        return _reduced(e, "maximum" if ord > 0 else "minimum", size, numbers)
    if ord == 1:
        return _reduced(e, "add", size, numbers)
    total = _reduced(e, "add", b.scaled("power", size, ord), numbers)
    return b.scaled("power", total, 1 / ord)


@prints("_softmax", "softmax")
def softmax(e: Emitter, x: Value, axis: int, *_: Any, **__: Any) -> Value:
    b, (shifted, kept, axis) = e.builder, _shifted(e, x, axis)
    raised = b.unary("exponential", shifted)
    return b.binary("divide", raised, b.broadcast(b.reduce("add", raised, [axis]), raised.shape, kept))


@prints("_log_softmax", "log_softmax")
def log_softmax(e: Emitter, x: Value, axis: int, *_: Any, **__: Any) -> Value:
    b, (shifted, kept, axis) = e.builder, _shifted(e, x, axis)
    total = b.unary("log", b.reduce("add", b.unary("exponential", shifted), [axis]))
    return b.binary("subtract", shifted, b.broadcast(total, shifted.shape, kept))


def _shifted(e: Emitter, x: Value, axis: int) -> tuple[Value, list[int], int]:
    """Entries less the largest along an axis, the other axes, and the axis."""
    b, axis, value = e.builder, axis_of(axis, x.rank), e.cast(x, e.out.dtype)
    kept = [other for other in range(x.rank) if other != axis]
    largest = b.broadcast(b.reduce("maximum", value, [axis]), value.shape, kept)
    return b.binary("subtract", value, largest), kept, axis


# Extrema with their places.


def _extremum(e: Emitter, x: Value, axis: int, direction: str) -> tuple[Value, Value]:
    """The largest (GT) or smallest (LT) along an axis, and the first place where it is."""
    b = e.builder
    place = b.iota(x.shape, axis)
    if x.dtype.is_floating_point:
        start = -math.inf if direction == "GT" else math.inf
    else:
        limits = torch.iinfo(x.dtype)
        start = limits.min if direction == "GT" else limits.max
    value, index, truth = (tensor_type((), dtype) for dtype in (x.dtype, torch.int64, torch.bool))
    compare = lambda how, kind: (
        f"<{{comparison_direction = #stablehlo<comparison_direction {how}>}}> : ({kind}, {kind}) -> {truth}"
    )
    boolean = f": ({truth}, {truth}) -> {truth}"
    body = b.region(
        [x.dtype, torch.int64, x.dtype, torch.int64],
        [
            ("%better", "compare", "%a0, %a2", compare(direction, value)),
            ("%same", "compare", "%a0, %a2", compare("EQ", value)),
            ("%before", "compare", "%a1, %a3", compare("LT", index)),
            ("%tie", "and", "%same, %before", boolean),
            ("%first", "or", "%better, %tie", boolean),
            ("%value", "select", "%first, %a0, %a2", f": ({truth}, {value}, {value}) -> {value}"),
            ("%index", "select", "%first, %a1, %a3", f": ({truth}, {index}, {index}) -> {index}"),
        ],
        f"%value, %index : {value}, {index}",
    )
    shape = [size for number, size in enumerate(x.shape) if number != axis]
    found = b.operation(
        "stablehlo.reduce",
        [x, place, b.constant(start, (), x.dtype), b.constant(0, (), torch.int64)],
        [(shape, x.dtype), (shape, torch.int64)], f"dimensions = {array([axis])}", [body],
    )  # fmt: skip
    return found[0], found[1]


@prints("max")
def max_(e: Emitter, x: Value, axis: Any = None, keepdim: bool = False) -> Any:
    return _with_place(e, x, axis, "GT") if axis is not None else amax(e, x)


@prints("min")
def min_(e: Emitter, x: Value, axis: Any = None, keepdim: bool = False) -> Any:
    return _with_place(e, x, axis, "LT") if axis is not None else amin(e, x)


def _with_place(e: Emitter, x: Value, axis: int, direction: str) -> list[Value]:
    return [e.builder.reshape(found, e.out.shape) for found in _extremum(e, x, axis_of(axis, x.rank), direction)]


@prints("argmax")
def argmax(e: Emitter, x: Value, axis: Any = None, keepdim: bool = False) -> Value:
    return _place(e, x, axis, "GT")


@prints("argmin")
def argmin(e: Emitter, x: Value, axis: Any = None, keepdim: bool = False) -> Value:
    return _place(e, x, axis, "LT")


def _place(e: Emitter, x: Value, axis: Any, direction: str) -> Value:
    if axis is None:
        x, axis = e.builder.reshape(x, (math.prod(x.shape),)), 0
    return e.builder.reshape(_extremum(e, x, axis_of(axis, x.rank), direction)[1], e.out.shape)
