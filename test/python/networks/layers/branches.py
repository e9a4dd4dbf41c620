# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Residual connections, branches that meet again, gates."""

from .norms import affine, norm_of
from .pointwise import activation, relu
from .registry import layer
from .weights import linear


def simple(b, s, x, outputs=None):
    """A small branch."""
    h = x
    if b.chance(0.3):
        h = affine(b, s, norm_of(b, s, h))
    h = linear(b, s, h, outputs or b.pick_value(s.sizes))
    if b.chance(0.6):
        h = activation(b, h)
        if b.chance(0.5):
            h = linear(b, s, h, outputs or b.shape(h)[-1])
    if outputs and b.shape(h)[-1] != outputs:
        h = linear(b, s, h, outputs)
    return h


@layer(7)
def residual(b, s):
    h = simple(b, s, s.h, b.shape(s.h)[-1])
    if b.chance(0.2):
        h = b.times(h, b.gain())
    s.h = b.plus(s.h, h)


@layer(4)
def skip(b, s):
    same = [v for v in s.past if b.shape(v) == b.shape(s.h) and v != s.h]
    if same:
        old = b.pick(same)
        kind = b.pick(["add", "add", "multiply", "maximum", "half"])
        if kind == "half":
            s.h = b.scaled(b.plus(s.h, old), 0.5)
        else:
            s.h = getattr(b, kind)(s.h, old)


@layer(5)
def branches(b, s):
    width = b.pick_value(s.sizes)
    left, right = simple(b, s, s.h, width), simple(b, s, s.h, width)
    kind = b.pick(["add", "multiply", "concatenate", "maximum", "subtract", "divide", "softmix"])
    if kind == "concatenate":
        s.h = b.join([left, right], -1)
    elif kind == "divide":
        s.h = b.over(left, b.plus(b.abs(right), b.splat(1.0) if b.chance(0.5) else b.abs(left)))
    elif kind == "softmix":
        mix = b.logistic(b.bias())
        s.h = b.plus(b.times(mix, left), b.times(b.minus(b.splat(1.0), mix), right))
    else:
        s.h = getattr(b, kind)(left, right)


@layer(2)
def squeeze_excite(b, s):
    shape = b.shape(s.h)
    axes = list(range(1, len(shape) - 1)) or [1]
    gate = b.mean(s.h, axes)
    if len(shape) > 2 and b.chance(0.5):
        gate = linear(b, s, gate, shape[-1])
    s.h = b.times(s.h, b.pick([b.logistic, b.tanh, lambda x: relu(b, x)])(gate))
