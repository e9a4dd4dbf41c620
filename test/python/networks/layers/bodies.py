# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Loops, branches the data chooses, functions: layers with a program of their own."""

from .pointwise import activation
from .registry import layer
from .weights import weight


@layer(3, ranks=(3,))
def recurrence(b, s):
    n, time, inputs = b.shape(s.h)
    width = b.pick_value([2, 3])
    s.room -= (inputs + width) * width
    w, u = b.param(inputs, width), b.param(width, width)
    extra = [b.bias(width)] if b.chance(0.5) else []
    gate = [b.param(inputs, width), b.param(width, width)] if b.chance(0.3) else []
    normed = b.chance(0.2)

    def cell(b, arguments):
        h, x, w, u, *rest = arguments
        new = b.plus(b.matmul(x, w), b.matmul(h, u))
        if normed:
            new = b.root_mean_square(new, [1])
        if extra:
            new = b.plus(new, rest[0])
        new = activation(b, new, 0.4)
        if gate:
            z = b.logistic(b.plus(b.matmul(x, rest[-2]), b.matmul(h, rest[-1])))
            new = b.plus(b.times(z, h), b.times(b.minus(b.splat(1.0), z), new))
        return b.reshaped(new, *b.shape(new))

    xs = b.transposed(s.h, 1, 0, 2)
    start = b.splat(0.0, (n, width))
    closed = [w, u, *extra, *gate]
    body = b.body([(n, width), (n, inputs), *(b.shape(c) for c in closed)], cell)
    collect = b.chance(0.5)
    h = b.scan(start, xs, *closed, body=body, length=time, stacked=1, collect=collect,
               backwards=b.chance(0.2))
    s.h = b.transposed(h, 1, 0, 2) if collect else h


@layer(3)
def stacked(b, s):
    """A scan over layers with stacked parameters."""
    shape = b.shape(s.h)
    width, depth = shape[-1], b.pick_value([2, 2, 3])
    hidden = b.pick_value([2, 3])
    up, down = b.param(depth, width, hidden, fan=width), b.param(depth, hidden, width, fan=hidden)
    s.room -= 2 * depth * width * hidden
    extra = [b.gain(depth, width)] if b.chance(0.4) else []
    plain, normed = b.chance(0.3), b.chance(0.4)

    def write(b, arguments):
        h, up, down, *rest = arguments
        x = b.root_mean_square(h, [len(shape) - 1]) if normed else h
        if extra:
            x = b.times(x, rest[0])
        x = b.matmul(activation(b, b.matmul(x, up), 0.2), down)
        return b.reshaped(x, *shape) if plain else b.plus(h, x)

    parts = [up, down, *extra]
    body = b.body([shape, *(b.shape(p)[1:] for p in parts)], write)
    s.h = b.scan(s.h, *parts, body=body, length=depth, stacked=len(parts), collect=False,
                 backwards=b.chance(0.1))


@layer(2)
def repeated(b, s):
    """The same layer several times."""
    shape = b.shape(s.h)
    w = weight(b, s, shape[-1], shape[-1])
    residual = b.chance(0.4)

    def write(b, arguments):
        h, w = arguments
        x = activation(b, b.matmul(h, w), 0.2)
        return b.plus(h, x) if residual else b.reshaped(x, *shape)

    body = b.body([shape, b.shape(w)], write)
    s.h = b.scan(s.h, w, body=body, length=b.pick_value([1, 2, 3]), stacked=0, collect=False)


@layer(2)
def either(b, s):
    """A branch that the data chooses."""
    shape = b.shape(s.h)
    w = weight(b, s, shape[-1], shape[-1])
    both = b.chance(0.5)

    def one(b, arguments):
        return b.reshaped(activation(b, b.matmul(*arguments), 0.1), *shape)

    def other(b, arguments):
        h, w = arguments
        return b.reshaped(b.negate(b.matmul(h, w)) if both else activation(b, h, 0.1), *shape)

    shapes = [shape, b.shape(w)]
    s.h = b.cond(b.data(), s.h, w, body=b.body(shapes, one), otherwise=b.body(shapes, other))


@layer(2)
def called(b, s):
    shape = b.shape(s.h)
    w = weight(b, s, shape[-1], b.pick_value(s.sizes))

    out = b.shape(w)[1]

    def write(b, arguments):
        return b.reshaped(activation(b, b.matmul(*arguments), 0.2), *shape[:-1], out)

    s.h = b.checkpointed(write, s.h, w)
