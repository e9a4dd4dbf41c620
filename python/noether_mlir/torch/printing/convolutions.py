# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Convolutions of any number of spatial axes, with groups, transposed or not, and their derivatives."""

from collections.abc import Sequence

from noether_mlir.torch.printing.builder import Value, array
from noether_mlir.torch.printing.shapes import reverse
from noether_mlir.torch.printing.table import Emitter, pair, prints

_Padding = Sequence[tuple[int, int]]


def convolve(
    e: Emitter,
    x: Value,
    kernel: Value,
    shape: Sequence[int],
    *,
    layouts: tuple[str, str, str] = ("b, f", "o, i", "b, f"),
    strides: Sequence[int],
    padding: _Padding,
    spread: Sequence[int],
    dilation: Sequence[int],
    groups: int = 1,
    batch_groups: int = 1,
) -> Value:
    """One operation.

    Args:
        layouts: what the first two axes of input, kernel and result are.
        spread: the distances of the input's entries. dilation: those of the kernel's.
    """
    spatial = ", ".join(map(str, range(len(strides))))
    first, second, third = (f"[{layout}, {spatial}]" for layout in layouts)
    pads = ", ".join(f"[{low}, {high}]" for low, high in padding)
    count = len(strides)
    attributes = (
        f"batch_group_count = {batch_groups} : i64, dimension_numbers = #stablehlo.conv<{first}x{second}->{third}>,"
        f" feature_group_count = {groups} : i64, lhs_dilation = {array(spread)},"
        f" padding = dense<[{pads}]> : tensor<{count}x2xi64>, precision_config = [#stablehlo<precision DEFAULT>,"
        f" #stablehlo<precision DEFAULT>], rhs_dilation = {array(dilation)},"
        f" window_reversal = {array([False] * count, 'i1')}, window_strides = {array(strides)}"
    )
    return e.builder.op("convolution", [x, kernel], shape, x.dtype, attributes)


def _flipped(e: Emitter, kernel: Value) -> Value:
    return reverse(e, kernel, range(2, kernel.rank))


def _swapped_within_groups(e: Emitter, kernel: Value, groups: int) -> Value:
    """[g * a, b, ...] as [g * b, a, ...]."""
    if groups == 1:
        order = [1, 0, *range(2, kernel.rank)]
        return e.builder.transpose(kernel, order)
    b, (outer, inner, *spatial) = e.builder, kernel.shape
    split = b.reshape(kernel, (groups, outer // groups, inner, *spatial))
    swapped = b.transpose(split, [0, 2, 1, *range(3, split.rank)])
    return b.reshape(swapped, (groups * inner, outer // groups, *spatial))


@prints("convolution")
def convolution(
    e: Emitter, x: Value, kernel: Value, bias: Value | None, stride: Sequence[int], padding: Sequence[int],
    dilation: Sequence[int], transposed: bool, output_padding: Sequence[int], groups: int,
) -> Value:  # fmt: skip
    count = kernel.rank - 2
    stride, padding, dilation = pair(stride, count), pair(padding, count), pair(dilation, count)
    if transposed:
        result = _spread_convolution(e, x, kernel, e.out.shape, stride, padding, dilation, groups)
    else:
        result = convolve(
            e, x, kernel, e.out.shape, strides=stride, padding=[(p, p) for p in padding], spread=[1] * count,
            dilation=dilation, groups=groups,
        )  # fmt: skip
    if bias is not None:
        result = e.builder.binary("add", result, e.builder.broadcast(bias, e.out.shape, [1]))
    return result


def _spread_convolution(
    e: Emitter, x: Value, kernel: Value, shape: Sequence[int], stride: Sequence[int], padding: Sequence[int],
    dilation: Sequence[int], groups: int,
) -> Value:  # fmt: skip
    """The transposed map of a convolution whose kernel is [features of x, features of the result per group, ...]."""
    pads = []
    for axis, size in enumerate(kernel.shape[2:]):
        reach = dilation[axis] * (size - 1)
        low = reach - padding[axis]
        spread = (x.shape[2 + axis] - 1) * stride[axis] + 1
        pads.append((low, shape[2 + axis] + reach - spread - low))
    turned = _swapped_within_groups(e, _flipped(e, kernel), groups)
    return convolve(
        e, x, turned, shape, strides=[1] * len(pads), padding=pads, spread=stride, dilation=dilation, groups=groups
    )


@prints("convolution_backward")
def convolution_backward(
    e: Emitter, gradient: Value, x: Value, kernel: Value, bias_sizes: object, stride: Sequence[int],
    padding: Sequence[int], dilation: Sequence[int], transposed: bool, output_padding: Sequence[int], groups: int,
    wanted: Sequence[bool],
) -> list[Value | None]:  # fmt: skip
    count = kernel.rank - 2
    stride, padding, dilation = pair(stride, count), pair(padding, count), pair(dilation, count)
    results: list[Value | None] = [None, None, None]
    if wanted[0] and transposed:
        results[0] = convolve(
            e, gradient, kernel, x.shape, strides=stride, padding=_reaching(gradient, x, kernel, stride, padding, dilation),
            spread=[1] * count, dilation=dilation, groups=groups,
        )  # fmt: skip
    elif wanted[0]:
        results[0] = _spread_convolution(e, gradient, kernel, x.shape, stride, padding, dilation, groups)
    if wanted[1]:
        wide, narrow = (gradient, x) if transposed else (x, gradient)
        results[1] = _kernel_gradient(e, wide, narrow, kernel, stride, padding, dilation, groups)
    if wanted[2]:
        results[2] = e.builder.reduce("add", gradient, [0, *range(2, gradient.rank)])
    return results


def _reaching(
    wide: Value, narrow: Value, kernel: Value, stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int]
) -> list[tuple[int, int]]:
    """The padding with which a convolution from the wide side has exactly the size of the narrow one."""
    pads = []
    for axis, size in enumerate(kernel.shape[2:]):
        covered = (narrow.shape[2 + axis] - 1) * stride[axis] + (size - 1) * dilation[axis] + 1
        pads.append((padding[axis], covered - wide.shape[2 + axis] - padding[axis]))
    return pads


def _kernel_gradient(
    e: Emitter, wide: Value, narrow: Value, kernel: Value, stride: Sequence[int], padding: Sequence[int],
    dilation: Sequence[int], groups: int,
) -> Value:  # fmt: skip
    """The derivative by a kernel [features of the narrow side, features of the wide side per group, ...].

    The batch is contracted: the wide side's features are what is batched, and the narrow side is the kernel.
    """
    pads = _reaching(wide, narrow, kernel, stride, padding, dilation)
    return convolve(
        e, wide, narrow, kernel.shape, layouts=("f, b", "i, o", "f, b"), strides=dilation, padding=pads,
        spread=[1] * len(pads), dilation=stride, batch_groups=groups,
    )  # fmt: skip
