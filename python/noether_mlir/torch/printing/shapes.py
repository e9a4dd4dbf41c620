# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operations that put entries elsewhere."""

from collections.abc import Sequence
from typing import Any

from noether_mlir.torch.printing.builder import Value
from noether_mlir.torch.printing.table import Emitter, axes_of, axis_of, prints


@prints("view", "reshape", "_unsafe_view", "_reshape_alias", "unsqueeze", "squeeze", "flatten", "unflatten")
def reshape(e: Emitter, x: Value, *_: Any, **__: Any) -> Value:
    return e.builder.reshape(x, e.out.shape)


@prints("permute")
def permute(e: Emitter, x: Value, axes: Sequence[int]) -> Value:
    return e.builder.transpose(x, [axis_of(axis, x.rank) for axis in axes])


@prints("transpose")
def transpose(e: Emitter, x: Value, first: int, second: int) -> Value:
    order = list(range(x.rank))
    if order:
        first, second = axis_of(first, x.rank), axis_of(second, x.rank)
        order[first], order[second] = second, first
    return e.builder.transpose(x, order)


@prints("t", "numpy_T", "mT")
def t(e: Emitter, x: Value) -> Value:
    return transpose(e, x, -1, -2) if x.rank > 1 else x


@prints("expand", "expand_as")
def expand(e: Emitter, x: Value, *_: Any, **__: Any) -> Value:
    return e.builder.broadcast(x, e.out.shape)


@prints("repeat")
def repeat(e: Emitter, x: Value, counts: Sequence[int]) -> Value:
    """Each axis of n entries repeated k times is one of k by n, flattened."""
    b = e.builder
    x = b.reshape(x, [1] * (len(counts) - x.rank) + list(x.shape))
    shape = [part for count, size in zip(counts, x.shape) for part in (count, size)]
    spread = b.broadcast(x, shape, [2 * axis + 1 for axis in range(x.rank)])
    return b.reshape(spread, e.out.shape)


@prints("slice")
def slice_(e: Emitter, x: Value, axis: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Value:
    axis = axis_of(axis, x.rank)
    first, last = bounds(start, end, x.shape[axis])
    return along(e, x, axis, first, max(first, last), step)


def bounds(start: Any, end: Any, size: int) -> tuple[int, int]:
    """The ends of a slice, counted from the front and within the axis."""
    inside = lambda index: max(0, min(size, index + size if index < 0 else index))
    return inside(0 if start is None else int(start)), inside(size if end is None else int(end))


def along(e: Emitter, x: Value, axis: int, start: int, limit: int, step: int = 1) -> Value:
    """A slice of one axis."""
    starts, limits, strides = [0] * x.rank, list(x.shape), [1] * x.rank
    starts[axis], limits[axis], strides[axis] = start, limit, step
    return e.builder.slice(x, starts, limits, strides)


@prints("select")
def select(e: Emitter, x: Value, axis: int, index: int) -> Value:
    axis = axis_of(axis, x.rank)
    index %= x.shape[axis]
    return e.builder.reshape(along(e, x, axis, index, index + 1), e.out.shape)


@prints("narrow")
def narrow(e: Emitter, x: Value, axis: int, start: int, length: int) -> Value:
    return slice_(e, x, axis, start, start + length)


@prints("split_with_sizes")
def split_with_sizes(e: Emitter, x: Value, sizes: Sequence[int], axis: int = 0) -> list[Value]:
    axis, start, pieces = axis_of(axis, x.rank), 0, []
    for size in sizes:
        pieces.append(along(e, x, axis, start, start + size))
        start += size
    return pieces


@prints("split", "chunk")
def split(e: Emitter, x: Value, _: Any, axis: int = 0) -> list[Value]:
    axis = axis_of(axis, x.rank)
    return split_with_sizes(e, x, [result.shape[axis] for result in e.results if result], axis)


@prints("unbind")
def unbind(e: Emitter, x: Value, axis: int = 0) -> list[Value]:
    axis = axis_of(axis, x.rank)
    shape = [size for number, size in enumerate(x.shape) if number != axis]
    return [e.builder.reshape(along(e, x, axis, i, i + 1), shape) for i in range(x.shape[axis])]


@prints("cat", "concatenate")
def cat(e: Emitter, values: Sequence[Value], axis: int = 0) -> Value:
    if e.out.shape != (0,):
        values = [value for value in values if value.shape != (0,)]  # an empty tensor of any shape
    converted = [e.builder.convert(value, e.out.dtype) for value in values]
    return e.builder.concatenate(converted, axis_of(axis, len(e.out.shape)))


@prints("stack")
def stack(e: Emitter, values: Sequence[Value], axis: int = 0) -> Value:
    axis = axis_of(axis, len(e.out.shape))
    shape = [*values[0].shape[:axis], 1, *values[0].shape[axis:]]
    return e.builder.concatenate([e.builder.reshape(e.cast(v, e.out.dtype), shape) for v in values], axis)


@prints("flip")
def flip(e: Emitter, x: Value, axes: Sequence[int]) -> Value:
    return reverse(e, x, axes_of(axes, x.rank)) if axes else x


def reverse(e: Emitter, x: Value, axes: Sequence[int]) -> Value:
    numbers = ", ".join(map(str, axes))
    return e.builder.op("reverse", [x], x.shape, x.dtype, f"dimensions = array<i64: {numbers}>")


@prints("roll")
def roll(e: Emitter, x: Value, shifts: Any, axes: Any = ()) -> Value:
    shifts = [shifts] if isinstance(shifts, int) else list(shifts)
    axes = [axes] if isinstance(axes, int) else list(axes)
    flat = not axes
    value = e.builder.reshape(x, (-1 if not x.shape else _count(x.shape),)) if flat else x
    for shift, axis in zip(shifts, [0] if flat else axes):
        axis = axis_of(axis, value.rank)
        size = value.shape[axis]
        cut = (size - shift) % size if size else 0
        if cut:
            parts = [along(e, value, axis, cut, size), along(e, value, axis, 0, cut)]
            value = e.builder.concatenate(parts, axis)
    return e.builder.reshape(value, x.shape)


def _count(shape: Sequence[int]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


@prints("constant_pad_nd")
def constant_pad_nd(e: Emitter, x: Value, padding: Sequence[int], value: Any = 0) -> Value:
    """Padding is given from the last axis on; where it is negative, entries are cut off."""
    low, high = [0] * x.rank, [0] * x.rank
    for number in range(len(padding) // 2):
        low[-1 - number], high[-1 - number] = padding[2 * number], padding[2 * number + 1]
    return e.builder.pad(x, low, high, fill=value)


@prints("arange")
def arange(e: Emitter, *args: Any, **_: Any) -> Value:
    start, step = (0 if len(args) == 1 else args[0]), (args[2] if len(args) > 2 else 1)
    value = e.builder.iota(e.out.shape, 0, e.out.dtype)
    if isinstance(step, Value) or step != 1:
        value = e.builder.binary("multiply", value, e.operand(step))
    if isinstance(start, Value) or start != 0:
        value = e.builder.binary("add", value, e.operand(start))
    return value


@prints("prims.iota")
def prims_iota(e: Emitter, _: int, *, start: Any = 0, step: Any = 1, **__: Any) -> Value:
    return arange(e, start, None, step)


@prints("eye")
def eye(e: Emitter, *_: Any, **__: Any) -> Value:
    b, shape = e.builder, e.out.shape
    return b.convert(b.compare("EQ", b.iota(shape, 0), b.iota(shape, 1)), e.out.dtype)


@prints("tril")
def tril(e: Emitter, x: Value, diagonal: int = 0) -> Value:
    return _triangle(e, x, "GE", diagonal)


@prints("triu")
def triu(e: Emitter, x: Value, diagonal: int = 0) -> Value:
    return _triangle(e, x, "LE", diagonal)


def _triangle(e: Emitter, x: Value, direction: str, diagonal: int) -> Value:
    b = e.builder
    rows, columns = b.iota(x.shape, x.rank - 2), b.iota(x.shape, x.rank - 1)
    if diagonal:
        rows = b.scaled("add", rows, diagonal)
    return b.select(b.compare(direction, rows, columns), x, b.constant(0, x.shape, x.dtype))


@prints("diagonal")
def diagonal(e: Emitter, x: Value, offset: int = 0, first: int = 0, second: int = 1) -> Value:
    """Entries with one index along two axes, which becomes the last axis: the others are masked, and summed over."""
    b = e.builder
    first, second = axis_of(first, x.rank), axis_of(second, x.rank)
    count = e.out.shape[-1]
    x = along(e, x, first, max(0, -offset), max(0, -offset) + count)
    x = along(e, x, second, max(0, offset), max(0, offset) + count)
    kept = b.compare("EQ", b.iota(x.shape, first), b.iota(x.shape, second))
    picked = b.reduce("add", b.select(kept, x, b.constant(0, x.shape, x.dtype)), [second])
    place = first - (second < first)
    order = [axis for axis in range(picked.rank) if axis != place] + [place]
    return b.transpose(picked, order)
