# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reshapes, cuts, sorting, indices that are data."""

import numpy as np

from .pointwise import activation
from .registry import layer


@layer(5)
def rearrange(b, s):
    """Reshapes and transposes between pointwise functions."""
    *lead, width = b.shape(s.h)
    n = len(lead)
    factors = [f for f in range(2, width) if width % f == 0]
    if not factors:
        return
    f = b.pick(factors)
    h = b.reshaped(s.h, *lead, f, width // f)
    kind = b.pick(["shuffle", "sum", "max", "outer", "weights", "mean_free", "grouped", "swap_pieces"])
    if kind == "shuffle":
        h = b.transposed(h, *range(n), n + 1, n)
        s.h = b.reshaped(activation(b, h), *lead, width)
    elif kind == "sum":
        s.h = b.total(activation(b, h), [n + b.pick_value([0, 1])], keep=False)
    elif kind == "max":
        s.h = b.total(h, [n + b.pick_value([0, 1])], "maximum", keep=False)
    elif kind == "outer":
        left = b.part(h, n, 0, 1)
        s.h = b.reshaped(b.times(h, left), *lead, width)
    elif kind == "weights":
        size = (f, width // f)
        which = b.pick([size, (1, size[1]), (size[0], 1)])
        s.room -= int(np.prod(which))
        s.h = b.reshaped(b.times(h, b.gain(*which)), *lead, width)
    elif kind == "mean_free":
        s.h = b.reshaped(b.centred(h, [n + b.pick_value([0, 1])]), *lead, width)
    elif kind == "grouped":
        s.h = b.reshaped(b.root_mean_square(h, [n + 1]), *lead, width)
    else:
        a, c = b.part(h, n, 0, 1), b.part(h, n, 1, f)
        s.h = b.reshaped(b.join([c, b.negate(a)], n), *lead, width)


@layer(4)
def cut(b, s):
    """Slices, concatenations, padding, strides and reversal along the width."""
    *lead, width = b.shape(s.h)
    n = len(lead)
    kind = b.pick(["halves", "drop", "append_input", "pad", "pad_number", "reverse", "stride", "roll",
                   "repeat", "ones", "interior", "glue"])
    at = int(b.rng.integers(1, width)) if width > 1 else 0
    if kind == "halves" and at:
        left, right = b.part(s.h, n, 0, at), b.part(s.h, n, at, width)
        s.h = b.join([activation(b, left), activation(b, right)], n)
    elif kind == "drop" and at:
        s.h = b.part(s.h, n, 0, at) if b.chance(0.5) else b.part(s.h, n, at, width)
    elif kind == "append_input" and width < 6:
        s.h = b.join([s.h, b.data(*lead, 1)], n)
    elif kind in ("pad", "pad_number"):
        low, high, none = [0] * (n + 1), [0] * (n + 1), [0] * (n + 1)
        low[n], high[n] = b.pick([(1, 0), (0, 1), (1, 1)])
        s.h = b.pad(s.h, low=low, high=high, interior=none,
                    value=0.0 if kind == "pad" else b.pick([1.0, 0.5]))
    elif kind == "interior" and width < 5:
        none = [0] * (n + 1)
        s.h = b.pad(s.h, low=none, high=none, interior=[0] * n + [1], value=0.0)
    elif kind == "reverse":
        s.h = b.reverse(s.h, dims=[b.pick_value([0, n, n])])
    elif kind == "stride" and width > 2:
        even, odd = b.part(s.h, n, 0, width, 2), b.part(s.h, n, 1, width, 2)
        s.h = b.pick([even, b.join([even, odd], n)])
    elif kind == "roll" and at:
        s.h = b.join([b.part(s.h, n, at, width), b.part(s.h, n, 0, at)], n)
    elif kind == "repeat" and width < 4:
        h = b.spread(b.reshaped(s.h, *lead, width, 1), [*lead, width, 2])
        s.h = b.reshaped(h, *lead, 2 * width)
    elif kind == "ones":
        s.h = b.join([s.h, b.splat(1.0, (*lead, 1))], n)
    elif kind == "glue" and s.past:
        old = b.pick(s.past)
        if b.shape(old)[:-1] == b.shape(s.h)[:-1] and width + b.shape(old)[-1] < 8:
            s.h = b.join([s.h, old], n)


@layer(2)
def ordered(b, s):
    """Sorting, cumulative sums and maxima."""
    shape = b.shape(s.h)
    axis = b.pick_value(range(len(shape)))
    if shape[axis] < 2:
        return
    kind = b.pick(["sort", "sum", "maximum", "suffix"])
    if kind == "sort":
        s.h = b.sort(s.h, axis=axis)
        return
    window = [shape[a] if a == axis else 1 for a in range(len(shape))]
    side = [shape[axis] - 1, 0] if kind != "suffix" else [0, shape[axis] - 1]
    padding = [side if a == axis else [0, 0] for a in range(len(shape))]
    s.h = b.window(s.h, kind="maximum" if kind == "maximum" else "add", window=window,
                   stride=[1] * len(shape), padding=padding)


@layer(2)
def by_data(b, s):
    """Indices that are data: rows of the batch, of the width, segments."""
    shape = b.shape(s.h)
    kind = b.pick(["rows", "columns", "segments", "dynamic", "update", "along"])
    if kind == "rows":
        s.h = b.plus(s.h, b.take(s.h, b.index(shape[0], shape[0]), axis=0)) if b.chance(0.6) else \
            b.take(s.h, b.index(shape[0], shape[0]), axis=0)
    elif kind == "columns":
        s.h = b.take(s.h, b.index(shape[-1], b.pick_value([2, 3])), axis=len(shape) - 1)
    elif kind == "segments":
        where = b.index(3, shape[0])
        s.h = b.take(b.segment_sum(s.h, where, segments=3), where, axis=0)
    elif kind == "dynamic" and shape[-1] > 1:
        keep = shape[-1] - 1
        s.h = b.dynamic_slice(s.h, b.index(2), axis=len(shape) - 1, size=keep)
    elif kind == "update" and shape[-1] > 2:
        new = b.part(s.h, -1, 0, shape[-1] - 1)
        s.h = b.dynamic_update(s.h, activation(b, new), b.index(2), axis=len(shape) - 1)
    elif kind == "along":
        picked = b.take_along(s.h, b.index(shape[-1], *shape[:-1]))
        s.h = b.minus(s.h, b.reshaped(picked, *shape[:-1], 1)) if b.chance(0.5) else \
            b.over(s.h, b.plus(b.abs(b.reshaped(picked, *shape[:-1], 1)), b.eps()))


@layer(2)
def softmax(b, s):
    s.h = b.softmax(s.h, -1) if b.chance(0.6) else b.times(s.h, b.softmax(s.h, -1))
