# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes programs: arithmetic with broadcasting, and the means and norms layers are made of."""

import numpy as np

from .program import Program


class Builder:
    def __init__(self, rng, program=None):
        self.program = program if program is not None else Program()
        self.rng = rng

    def __getattr__(self, name):
        """Any operation: `b.tanh(x)`."""
        return lambda *inputs, **attrs: self.program.add(name, *inputs, **attrs)

    def shape(self, value):
        return self.program.shape(value)

    # --- choices ---

    def chance(self, probability):
        return bool(self.rng.random() < probability)

    def pick(self, options):
        return options[int(self.rng.integers(len(options)))]

    def pick_value(self, sizes):
        return int(self.pick(sizes))

    # --- inputs ---

    def param(self, *shape, fan=None, mean=0.0, spread=None):
        if spread is None:
            fan = fan or int(np.prod(shape[:-1])) or 1
            spread = float(1 / np.sqrt(fan))
        return self.program.add("param", shape=list(map(int, shape)), mean=mean, spread=spread)

    def gain(self, *shape):
        return self.param(*shape, mean=1.0, spread=0.3)

    def bias(self, *shape):
        return self.param(*shape, spread=0.4)

    def data(self, *shape):
        return self.program.add("data", shape=list(map(int, shape)))

    def index(self, bound, *shape):
        return self.program.add("index", shape=list(map(int, shape)), bound=int(bound))

    def mask(self, *shape):
        return self.program.add("mask", shape=list(map(int, shape)))

    def eps(self):
        return self.program.add("eps")

    def splat(self, value, shape=()):
        scalar = self.program.add("const", values=float(value))
        return self.spread(scalar, shape)

    def const(self, values):
        return self.program.add("const", values=np.asarray(values, float).tolist())

    # --- broadcasting ---

    def spread(self, value, shape, dims=None):
        """Broadcast to a shape: trailing axes meet, unless `dims` says where each goes."""
        mine = self.shape(value)
        if tuple(mine) == tuple(shape):
            return value
        if dims is None:
            dims = list(range(len(shape) - len(mine), len(shape)))
            # As JAX does: axes of size one are dropped first.
            if any(m == 1 and shape[d] != 1 for m, d in zip(mine, dims, strict=True)):
                kept = [(m, d) for m, d in zip(mine, dims, strict=True) if m == shape[d]]
                value = self.program.add("reshape", value, shape=[m for m, _ in kept])
                dims = [d for _, d in kept]
        return self.program.add("broadcast", value, shape=list(shape), dims=list(dims))

    def binary(self, op, a, b):
        shape = np.broadcast_shapes(self.shape(a), self.shape(b))
        shape = [int(n) for n in shape]
        return self.program.add(op, self.spread(a, shape), self.spread(b, shape))

    def plus(self, a, b):
        return self.binary("add", a, b)

    def minus(self, a, b):
        return self.binary("subtract", a, b)

    def times(self, a, b):
        return self.binary("multiply", a, b)

    def over(self, a, b):
        return self.binary("divide", a, b)

    def scaled(self, a, number):
        return self.times(a, self.splat(number))

    # --- reductions that keep their axes ---

    def total(self, x, axes, kind="add", keep=True):
        axes = sorted(a % len(self.shape(x)) for a in axes)
        y = self.program.add("reduce", x, kind=kind, axes=axes)
        if not keep:
            return y
        kept = [1 if a in axes else n for a, n in enumerate(self.shape(x))]
        return self.program.add("reshape", y, shape=kept)

    def mean(self, x, axes, keep=True):
        count = int(np.prod([self.shape(x)[a] for a in axes]))
        return self.over(self.total(x, axes, keep=keep), self.splat(count))

    def centred(self, x, axes):
        return self.minus(x, self.mean(x, axes))

    def inverse_root(self, x):
        if self.chance(0.5):
            return self.rsqrt(x)
        return self.over(self.splat(1.0, self.shape(x)), self.sqrt(x))

    def standardized(self, x, axes):
        if self.chance(0.3):  # mean of squares less square of mean
            variance = self.minus(self.mean(self.times(x, x), axes),
                                  self.times(self.mean(x, axes), self.mean(x, axes)))
            x = self.centred(x, axes)
        else:
            x = self.centred(x, axes)
            variance = self.mean(self.times(x, x), axes)
        variance = self.plus(variance, self.eps())
        if self.chance(0.4):
            return self.over(x, self.sqrt(variance))
        return self.times(x, self.inverse_root(variance))

    def root_mean_square(self, x, axes, mean=True):
        size = (self.mean if mean else self.total)(self.times(x, x), axes)
        if self.chance(0.3):
            return self.over(x, self.plus(self.sqrt(size), self.eps()))
        return self.times(x, self.inverse_root(self.plus(size, self.eps())))

    def softmax(self, x, axis):
        if self.chance(0.7):
            x = self.minus(x, self.total(x, [axis], "maximum"))
        e = self.exponential(x)
        return self.over(e, self.total(e, [axis]))

    # --- contractions ---

    def matmul(self, x, w):
        """The last axis of x with the first of w."""
        return self.program.add("dot", x, w, batch=[], contract=[[len(self.shape(x)) - 1, 0]])

    def contract(self, a, b, contract, batch=()):
        return self.program.add("dot", a, b, batch=[list(p) for p in batch],
                                contract=[list(p) for p in contract])

    # --- cuts ---

    def part(self, x, axis, start, limit, stride=1):
        shape = list(self.shape(x))
        axis %= len(shape)
        low, high, step = [0] * len(shape), shape, [1] * len(shape)
        low[axis], high[axis], step[axis] = start, limit, stride
        return self.program.add("slice", x, start=low, limit=high, stride=step)

    def join(self, values, axis):
        axis %= len(self.shape(values[0]))
        return self.program.add("concatenate", *values, axis=axis)

    def reshaped(self, x, *shape):
        return self.program.add("reshape", x, shape=list(map(int, shape)))

    def transposed(self, x, *perm):
        return self.program.add("transpose", x, perm=list(map(int, perm)))

    # --- bodies ---

    def body(self, shapes, write, integers=()):
        """A program of its own: `write(builder, arguments) -> result`."""
        inner = Builder(self.rng)
        arguments = [inner.program.add("arg", shape=list(s), **({"integer": True} if i in integers
                                                                else {}))
                     for i, s in enumerate(shapes)]
        result = write(inner, arguments)
        if result != len(inner.program.nodes) - 1:
            result = inner.program.add("reshape", result, shape=list(inner.shape(result)))
        return inner.program

    def checkpointed(self, write, *inputs):
        """A function of its own, called."""
        body = self.body([self.shape(i) for i in inputs], write)
        return self.program.add("call", *inputs, body=body)
