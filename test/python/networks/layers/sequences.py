# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention, mixing and pooling over time and space."""

import numpy as np

from .norms import norm_of
from .pointwise import activation, relu
from .registry import layer
from .weights import linear


def rope(b, x):  # [n, time, head, channel]
    n, time, heads, width = b.shape(x)
    half = width // 2
    angle = np.round(np.arange(time)[:, None] * 0.7 ** np.arange(half), 3)
    cos = b.spread(b.const(np.round(np.cos(angle), 4)), (n, time, heads, half), [1, 3])
    sin = b.spread(b.const(np.round(np.sin(angle), 4)), (n, time, heads, half), [1, 3])
    left, right = b.part(x, 3, 0, half), b.part(x, 3, half, width)
    return b.join([b.minus(b.times(left, cos), b.times(right, sin)),
                   b.plus(b.times(left, sin), b.times(right, cos))], 3)


@layer(9, ranks=(3,))
def attention(b, s):
    n, time, width = b.shape(s.h)
    heads, each = b.pick([(1, 2), (2, 1), (2, 2), (1, 3)])
    x = norm_of(b, s, s.h) if b.chance(0.4) else s.h
    total = heads * each
    if b.chance(0.3):
        fused = linear(b, s, x, 3 * total)
        q, k, v = (b.part(fused, 2, i * total, (i + 1) * total) for i in range(3))
    else:
        q, k, v = (linear(b, s, x, total) for _ in range(3))
    q, k, v = (b.reshaped(y, n, time, heads, each) for y in (q, k, v))
    if b.chance(0.25) and each > 1:
        q, k = (b.root_mean_square(y, [3]) for y in (q, k))
        if b.chance(0.6):
            q, k = (b.times(y, b.gain(each)) for y in (q, k))
    if b.chance(0.3) and each % 2 == 0:
        q, k = rope(b, q), rope(b, k)
    logits = b.contract(q, k, [[3, 3]], [[0, 0], [2, 2]])  # [n, head, query, key]
    logits = b.scaled(logits, 0.5)
    weigh = b.pick(["softmax"] * 5 + ["relu", "linear", "sigmoid"])
    if b.chance(0.4) and weigh != "linear":
        mask = np.tril(np.ones((time, time)))
        mask = b.spread(b.const(mask), b.shape(logits))
        logits = b.select(mask, b.splat(0.5, b.shape(logits)), logits,
                          b.splat(b.pick([-np.inf, -1e30]), b.shape(logits)))
    if b.chance(0.15):
        s.room -= heads * time * time
        logits = b.plus(logits, b.bias(heads, time, time))
    weights = {"softmax": lambda y: b.softmax(y, 3), "linear": lambda y: y, "sigmoid": b.logistic,
               "relu": lambda y: b.over(relu(b, y), b.splat(float(time)))}[weigh](logits)
    out = b.contract(weights, v, [[3, 1]], [[0, 0], [1, 2]])  # [n, head, query, channel]
    out = b.reshaped(b.transposed(out, 0, 2, 1, 3), n, time, total)
    out = linear(b, s, out, width)
    s.h = b.plus(s.h, out) if b.chance(0.5) else out


@layer(3, ranks=(3,))
def mix_time(b, s):
    n, time, width = b.shape(s.h)
    h = b.transposed(s.h, 0, 2, 1)
    h = activation(b, linear(b, s, h, time if b.chance(0.5) else b.pick_value([2, 3])))
    s.h = b.transposed(h, 0, 2, 1)


@layer(3, ranks=(3, 4))
def pool_all(b, s):
    axes = list(range(1, len(b.shape(s.h)) - 1))
    s.h = b.pick([lambda: b.mean(s.h, axes, keep=False),
                  lambda: b.total(s.h, axes, "maximum", keep=False),
                  lambda: b.total(s.h, axes, keep=False)])()


@layer(2, ranks=(3, 4))
def flatten(b, s):
    shape = b.shape(s.h)
    if int(np.prod(shape[1:])) <= 10:
        s.h = b.reshaped(s.h, shape[0], int(np.prod(shape[1:])))
