# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Matrices in the ways people make them, and layers that are one."""

import numpy as np

from .pointwise import activation, relu
from .registry import layer


def weight(b, s, *shape):
    """A matrix or kernel, in one of the ways people make them; the last axis is the output."""
    size = int(np.prod(shape))
    for known, parameter in s.kernels:
        if known == shape and b.chance(0.25):
            return parameter  # tied
        if len(shape) == 2 and known == shape[::-1] and b.chance(0.25):
            return b.transposed(parameter, 1, 0)
    kind = b.pick(["plain"] * 10 + ["norm", "standard", "low_rank", "lora", "frobenius", "product",
                                    "scalar", "l1", "masked", "flipped", "pieces"])
    fan = int(np.prod(shape[:-1]))
    s.room -= size
    if kind == "low_rank" and len(shape) == 2:
        rank = b.pick_value([1, 2, 2])
        return b.matmul(b.param(shape[0], rank), b.param(rank, shape[1]))
    if kind == "pieces" and shape[-1] > 1:
        cut = int(b.rng.integers(1, shape[-1]))
        return b.join([b.param(*shape[:-1], cut, fan=fan), b.param(*shape[:-1], shape[-1] - cut, fan=fan)],
                      -1)
    w = b.param(*shape, fan=fan)
    s.kernels.append((shape, w))
    rows = list(range(len(shape) - 1))
    if kind == "norm":
        s.room -= shape[-1]
        v = b.over(w, b.sqrt(b.total(b.times(w, w), rows)))
        return b.times(v, b.gain(shape[-1])) if b.chance(0.7) else v
    if kind == "standard" and fan > 2:
        return b.standardized(w, rows)
    if kind == "lora" and len(shape) == 2:
        s.room -= shape[0] + shape[1]
        return b.plus(w, b.scaled(b.matmul(b.param(shape[0], 1), b.param(1, shape[1])), 2.0))
    if kind == "frobenius":
        return b.over(w, b.sqrt(b.total(b.times(w, w), range(len(shape)))))
    if kind == "l1":
        return b.over(w, b.plus(b.total(b.abs(w), rows), b.eps()))
    if kind == "product":
        s.room -= size
        return b.times(w, b.param(*shape, spread=1.0))
    if kind == "scalar":
        return b.times(w, b.exponential(b.bias()) if b.chance(0.5) else b.gain())
    if kind == "masked":
        mask = (np.arange(size).reshape(shape) % 3 != 0).astype(float)
        return b.times(w, b.const(mask))
    if kind == "flipped":
        return b.reverse(w, dims=[len(shape) - 1])
    return w


def linear(b, s, x, outputs, bias=None):
    y = b.matmul(x, weight(b, s, b.shape(x)[-1], outputs))
    if bias or (bias is None and b.chance(0.5)):
        s.room -= outputs
        y = b.plus(y, b.bias(outputs))
    return y


@layer(12)
def dense(b, s):
    s.h = linear(b, s, s.h, b.pick_value(s.sizes))


@layer(5)
def block(b, s):
    s.h = activation(b, linear(b, s, s.h, b.pick_value(s.sizes)))


@layer(4)
def gated(b, s):
    width = b.pick_value(s.sizes)
    if b.chance(0.4):  # one matrix, two halves
        both = linear(b, s, s.h, 2 * width)
        gate, up = b.part(both, -1, 0, width), b.part(both, -1, width, 2 * width)
    else:
        gate, up = linear(b, s, s.h, width), linear(b, s, s.h, width)
    s.h = b.times(activation(b, gate, 0.5), up)
    if b.chance(0.5):
        s.h = linear(b, s, s.h, b.shape(s.past[-1])[-1] if s.past else width)


@layer(2)
def maxout(b, s):
    width = b.pick_value(s.sizes)
    h = linear(b, s, s.h, 2 * width)
    shape = b.shape(h)[:-1]
    if b.chance(0.5):
        h = b.reshaped(h, *shape, width, 2)
        s.h = b.total(h, [-1], "maximum", keep=False)
    else:
        s.h = b.maximum(b.part(h, -1, 0, width), b.part(h, -1, width, 2 * width))


@layer(1)
def grouped_dense(b, s):
    *lead, width = b.shape(s.h)
    if width % 2:
        return
    out = b.pick_value([1, 2, 3])
    h = b.reshaped(s.h, *lead, 2, width // 2)
    s.room -= width * out
    w = b.param(2, width // 2, out, fan=width // 2)
    n = len(lead)
    h = b.contract(h, w, [[n + 1, 1]], [[n, 0]])  # [2, lead, out]
    h = b.transposed(h, *range(1, n + 1), 0, n + 1)
    s.h = b.reshaped(h, *lead, 2 * out)


@layer(1)
def experts(b, s):
    """Rows of a table of matrices, picked by the data."""
    if len(b.shape(s.h)) != 2:
        return
    count, width = b.shape(s.h)
    out = b.pick_value([2, 3])
    s.room -= 2 * width * out
    table = b.param(2, width, out, fan=width)
    w = b.take(table, b.index(2, count), axis=0)
    s.h = b.contract(s.h, w, [[1, 1]], [[0, 0]])


@layer(1)
def soft_experts(b, s):
    if len(b.shape(s.h)) != 2:
        return
    gates = linear(b, s, s.h, 2, bias=False)
    gates = b.softmax(gates, -1) if b.chance(0.7) else relu(b, gates)
    width = b.pick_value([2, 3])
    s.room -= 2 * b.shape(s.h)[-1] * width
    table = b.param(2, b.shape(s.h)[-1], width, fan=b.shape(s.h)[-1])
    each = b.contract(s.h, table, [[1, 1]])  # [n, 2, out]
    each = activation(b, each, 0.2)
    s.h = b.contract(gates, each, [[1, 1]], [[0, 0]])
