# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pooling and cumulative sums: reductions over windows, and their derivatives."""

import math
from collections.abc import Sequence
from typing import Any

import torch

from noether_mlir.torch.printing.builder import Value, array, tensor_type
from noether_mlir.torch.printing.contractions import dot
from noether_mlir.torch.printing.table import Emitter, axis_of, pair, prints

_Pads = Sequence[tuple[int, int]]


def _padding(pads: _Pads) -> str:
    numbers = ", ".join(f"[{low}, {high}]" for low, high in pads)
    return f"padding = dense<[{numbers}]> : tensor<{len(pads)}x2xi64>"


def reduce_window(
    e: Emitter, name: str, x: Value, window: Sequence[int], strides: Sequence[int], pads: _Pads,
    dilation: Sequence[int] | None = None,
) -> Value:  # fmt: skip
    """A reduction by add or maximum over windows of all axes."""
    dilation = dilation or [1] * x.rank
    if name == "add":
        start: float | int = 0
    else:
        start = -math.inf if x.dtype.is_floating_point else torch.iinfo(x.dtype).min
    shape = [
        (size + low + high - (width - 1) * apart - 1) // step + 1
        for size, (low, high), width, apart, step in zip(x.shape, pads, window, dilation, strides)
    ]
    attributes = (
        f"base_dilations = {array([1] * x.rank)}, {_padding(pads)}, window_dilations = {array(dilation)},"
        f" window_dimensions = {array(window)}, window_strides = {array(strides)}"
    )
    initial = e.builder.constant(start, (), x.dtype)
    return e.builder.op("reduce_window", [x, initial], shape, x.dtype, attributes, [e.builder.combiner(name, x.dtype)])


def _window(
    x: Value, out: Sequence[int], kernel: Any, stride: Any, padding: Any, dilation: Any = 1
) -> tuple[list[int], list[int], list[tuple[int, int]], list[int]]:
    """Window, strides, padding and dilation over all axes; the last of padding is what the result's size needs."""
    kernel = list(kernel)
    spatial = len(kernel)
    stride = list(kernel) if stride is None or stride == [] or stride == () else pair(stride, spatial)
    padding, dilation = pair(padding, spatial, 0), pair(dilation, spatial, 1)
    rest = x.rank - spatial
    pads = [(0, 0)] * rest
    for axis in range(spatial):
        covered = (out[rest + axis] - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1
        pads.append((padding[axis], covered - x.shape[rest + axis] - padding[axis]))
    return [1] * rest + kernel, [1] * rest + stride, pads, [1] * rest + dilation


@prints("max_pool2d_with_indices", "max_pool3d_with_indices")
def max_pool(
    e: Emitter, x: Value, kernel: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> list[Value | None]:
    """The second result, places within the input, is for the derivative only, which finds them by itself."""
    window, strides, pads, apart = _window(x, e.out.shape, kernel, stride, padding, dilation)
    return [reduce_window(e, "maximum", x, window, strides, pads, apart), None]


@prints("max_pool2d_with_indices_backward", "max_pool3d_with_indices_backward")
def max_pool_backward(
    e: Emitter, gradient: Value, x: Value, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool,
    indices: Any,
) -> Value:  # fmt: skip
    b = e.builder
    window, strides, pads, apart = _window(x, gradient.shape, kernel, stride, padding, dilation)
    if any(step != 1 for step in apart):
        raise NotImplementedError("the derivative of a max pooling with dilation")
    # Padding at the far side may be less than nothing where windows do not reach the end.
    cut = [size + min(high, 0) for size, (_, high) in zip(x.shape, pads)]
    inside = b.slice(x, [0] * x.rank, cut)
    scalar, truth = tensor_type((), x.dtype), tensor_type((), torch.bool)
    chosen = b.region(
        [x.dtype, x.dtype],
        [("%c", "compare", "%a0, %a1",
          "<{comparison_direction = #stablehlo<comparison_direction GE>}>" f" : ({scalar}, {scalar}) -> {truth}")],
        f"%c : {truth}",
    )  # fmt: skip
    attributes = (
        f"{_padding([(low, max(high, 0)) for low, high in pads])}, window_dimensions = {array(window)},"
        f" window_strides = {array(strides)}"
    )
    found = b.op(
        "select_and_scatter", [inside, gradient, b.constant(0, (), x.dtype)], inside.shape, x.dtype, attributes,
        [chosen, b.combiner("add", x.dtype)],
    )  # fmt: skip
    return b.pad(found, [0] * x.rank, [size - part for size, part in zip(x.shape, cut)])


def _counts(
    e: Emitter, x: Value, shape: Sequence[int], axes: int, window: Sequence[int], strides: Sequence[int], pads: _Pads,
    include: bool, divisor: Any,
) -> Value:  # fmt: skip
    """How many entries each window of the last axes averages over."""
    b = e.builder
    if divisor is not None:
        return b.constant(divisor, shape, x.dtype)
    if (include and all(high <= low for low, high in pads)) or not any(low or high > 0 for low, high in pads):
        return b.constant(math.prod(window), shape, x.dtype)
    table = torch.ones((), dtype=x.dtype)
    for axis in range(x.rank - axes, x.rank):
        low, size, inside = pads[axis][0], x.shape[axis], []
        for place in range(shape[axis]):
            start = place * strides[axis] - low
            end = start + window[axis]
            if include:  # padding counts, what lies beyond it does not
                inside.append(min(end, size + low) - start)
            else:
                inside.append(min(end, size) - max(start, 0))
        table = table[..., None] * torch.tensor(inside, dtype=x.dtype)
    return b.broadcast(b.constant(table, table.shape, x.dtype), shape, range(len(shape) - axes, len(shape)))


@prints("avg_pool1d", "avg_pool2d", "avg_pool3d")
def avg_pool(
    e: Emitter, x: Value, kernel: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: Any = None,
) -> Value:  # fmt: skip
    window, strides, pads, _ = _window(x, e.out.shape, kernel, stride, padding)
    total = reduce_window(e, "add", x, window, strides, pads)
    counts = _counts(e, x, total.shape, len(kernel), window, strides, pads, count_include_pad, divisor_override)
    return e.builder.binary("divide", total, counts)


@prints("avg_pool2d_backward", "avg_pool3d_backward")
def avg_pool_backward(
    e: Emitter, gradient: Value, x: Value, kernel: Any, stride: Any, padding: Any, ceil_mode: bool,
    count_include_pad: bool, divisor_override: Any,
) -> Value:  # fmt: skip
    """Each window's share, set apart by the strides, summed over the windows that an entry is in."""
    b = e.builder
    window, strides, pads, _ = _window(x, gradient.shape, kernel, stride, padding)
    counts = _counts(e, x, gradient.shape, len(kernel), window, strides, pads, count_include_pad, divisor_override)
    share = b.binary("divide", gradient, counts)
    spread = b.pad(share, [0] * x.rank, [0] * x.rank, [step - 1 for step in strides])
    back = []
    for size, wide, width, (low, _high) in zip(x.shape, spread.shape, window, pads):
        before = width - 1 - low
        back.append((before, size + width - 1 - wide - before))
    return reduce_window(e, "add", spread, window, [1] * x.rank, back)


def _averages(size: int, count: int, dtype: torch.dtype) -> torch.Tensor:
    """[count, size]: each row averages over one of `count` parts of an axis, which may overlap."""
    table = torch.zeros(count, size, dtype=dtype)
    for row in range(count):
        start, end = row * size // count, -(-(row + 1) * size // count)
        table[row, start:end] = 1 / (end - start)
    return table


@prints("_adaptive_avg_pool2d")
def adaptive_avg_pool(e: Emitter, x: Value, sizes: Any) -> Value:
    return _along_both(e, x, [_averages(size, count, x.dtype) for size, count in zip(x.shape[-2:], sizes)])


@prints("_adaptive_avg_pool2d_backward")
def adaptive_avg_pool_backward(e: Emitter, gradient: Value, x: Value) -> Value:
    pairs = zip(x.shape[-2:], gradient.shape[-2:])
    return _along_both(e, gradient, [_averages(size, count, x.dtype).T for size, count in pairs])


def _nearest(size: int, count: int, scale: float | None, dtype: torch.dtype) -> torch.Tensor:
    """[count, size]: each row picks the entry that is nearest in an axis of another length."""
    step = size / count if scale is None else 1 / scale
    places = [min(int(place * step), size - 1) for place in range(count)]
    return torch.nn.functional.one_hot(torch.tensor(places), size).to(dtype)


@prints("upsample_nearest2d_backward")
def upsample_nearest_backward(
    e: Emitter, gradient: Value, output_size: Sequence[int], input_size: Sequence[int], *scales: float | None
) -> Value:
    scales = scales or (None, None)
    sizes = zip(input_size[-2:], gradient.shape[-2:], scales)
    return _along_both(e, gradient, [_nearest(*pair, gradient.dtype).T for pair in sizes])


def _linear(size: int, count: int, align: bool, scale: float | None, dtype: torch.dtype) -> torch.Tensor:
    """[count, size]: each row is between two neighbours in an axis of another length."""
    table = torch.zeros(count, size, dtype=dtype)
    for row in range(count):
        if align:
            place = row * (size - 1) / (count - 1) if count > 1 else 0.0
        else:
            place = max((row + 0.5) * (size / count if scale is None else 1 / scale) - 0.5, 0.0)
        first = min(int(place), size - 1)
        second = min(first + 1, size - 1)
        table[row, first] += 1 - (place - first)
        table[row, second] += place - first
    return table


@prints("upsample_bilinear2d_backward")
def upsample_bilinear_backward(
    e: Emitter, gradient: Value, output_size: Sequence[int], input_size: Sequence[int], align_corners: bool,
    *scales: float | None,
) -> Value:  # fmt: skip
    scales = scales or (None, None)
    sizes = zip(input_size[-2:], gradient.shape[-2:], scales)
    tables = [_linear(size, count, align_corners, scale, gradient.dtype).T for size, count, scale in sizes]
    return _along_both(e, gradient, tables)


def _along_both(e: Emitter, x: Value, tables: Sequence[torch.Tensor]) -> Value:
    """Linear maps of the last two axes."""
    b = e.builder
    for axis, table in zip((x.rank - 2, x.rank - 1), tables):
        moved = dot(e, x, b.constant(table, table.shape, x.dtype), (axis, 1))
        order = list(range(x.rank - 1))
        order.insert(axis, x.rank - 1)
        x = b.transpose(moved, order)
    return x


@prints("cumsum")
def cumsum(e: Emitter, x: Value, axis: int, dtype: Any = None) -> Value:
    value = e.cast(x, e.out.dtype)
    if value.rank == 0:
        return value
    axis = axis_of(axis, value.rank)
    size = value.shape[axis]
    window, pads = [1] * value.rank, [(0, 0)] * value.rank
    window[axis], pads[axis] = size, (size - 1, 0)
    return reduce_window(e, "add", value, window, [1] * value.rank, pads)
