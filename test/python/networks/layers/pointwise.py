# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pointwise functions, homogeneous and others."""

from .registry import layer


def relu(b, x):
    zero = b.splat(0.0, b.shape(x))
    if b.chance(0.15):
        return b.select(x, zero, x, zero)
    return b.maximum(x, zero)


HOMOGENEOUS = {
    "relu": relu,
    "leaky": lambda b, x: b.select(x, b.splat(0.0, b.shape(x)), x, b.scaled(x, 0.125)),
    "leaky_max": lambda b, x: b.maximum(x, b.scaled(x, 0.25)),
    "abs": lambda b, x: b.abs(x),
    "relu_squared": lambda b, x: (lambda y: b.multiply(y, y))(relu(b, x)),
    "square": lambda b, x: b.multiply(x, x),
    "signed_root": lambda b, x: b.multiply(b.sign(x), b.sqrt(b.abs(x))),
    "cube": lambda b, x: b.power(x, b.splat(3.0, b.shape(x))),
    "identity": lambda b, x: x,
    "negate": lambda b, x: b.negate(x),
}
OTHER = {
    "tanh": lambda b, x: b.tanh(x),
    "sigmoid": lambda b, x: b.logistic(x),
    "silu": lambda b, x: b.multiply(x, b.logistic(x)),
    "gelu": lambda b, x: b.times(b.scaled(x, 0.5), b.plus(b.erf(b.scaled(x, 0.70703125)), b.splat(1.0))),
    "softplus": lambda b, x: b.log_plus_one(b.exponential(x)),
    "elu": lambda b, x: b.select(x, b.splat(0.0, b.shape(x)), x, b.exponential_minus_one(
        b.minimum(x, b.splat(0.0, b.shape(x))))),
    "sine": lambda b, x: b.sine(x),
    "relu6": lambda b, x: b.clamp(x, low=0.0, high=1.5),
    "hard_sigmoid": lambda b, x: b.clamp(b.plus(x, b.splat(0.5)), low=0.0, high=1.0),
    "bounded_below": lambda b, x: b.maximum(x, b.splat(-0.5, b.shape(x))),
}


def activation(b, x, other=0.3):
    if b.chance(other):
        return OTHER[b.pick(sorted(OTHER))](b, x)
    names = ["relu"] * 6 + sorted(HOMOGENEOUS)
    return HOMOGENEOUS[b.pick(names)](b, x)


@layer(10)
def pointwise(b, s):
    s.h = activation(b, s.h)


@layer(1)
def prelu(b, s):
    slope = b.gain(b.shape(s.h)[-1]) if b.chance(0.7) else b.gain()
    zero = b.splat(0.0, b.shape(s.h))
    s.h = b.select(s.h, zero, s.h, b.times(s.h, slope))


@layer(1)
def dynamic_tanh(b, s):
    h = b.tanh(b.times(s.h, b.gain()))
    s.h = b.plus(b.times(h, b.gain(b.shape(h)[-1])), b.bias(b.shape(h)[-1]))
