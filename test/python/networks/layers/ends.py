# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The two ends of a network: embeddings and losses."""

import numpy as np

from .weights import linear


def embedding(b, s, n, time, width):
    vocabulary = b.pick_value([3, 4, 5])
    s.room -= vocabulary * width
    table = b.param(vocabulary, width, spread=0.7)
    s.kernels.append(((vocabulary, width), table))
    shape = (n, time) if time else (n,)
    h = b.take(table, b.index(vocabulary, *shape), axis=0)
    if time and b.chance(0.5):
        h = b.plus(h, b.param(time, width, spread=0.5))
    if b.chance(0.25):
        other = b.param(vocabulary, width, spread=0.7)
        s.room -= vocabulary * width
        again = b.take(other, b.index(vocabulary, *shape), axis=0)
        h = b.pick([b.plus, b.times])(h, again)
    return h


def mean_all(b, x):
    return b.mean(x, range(len(b.shape(x))), keep=False)


def cross_entropy(b, s, h):
    if b.shape(h)[-1] < 2 or b.chance(0.5):
        h = linear(b, s, h, b.pick_value([2, 3]))
    shape = b.shape(h)
    shifted = b.minus(h, b.total(h, [-1], "maximum"))
    if b.chance(0.6):
        log_p = b.minus(shifted, b.log(b.total(b.exponential(shifted), [-1])))
        picked = b.take_along(log_p, b.index(shape[-1], *shape[:-1]))
        return b.negate(mean_all(b, picked))
    if b.chance(0.5):  # soft targets, as data
        log_p = b.minus(shifted, b.log(b.total(b.exponential(shifted), [-1])))
        target = b.softmax(b.data(*shape), -1)
        return b.negate(mean_all(b, b.times(target, log_p)))
    # logsumexp less the label's logit, with a penalty on the former now and then
    z = b.log(b.total(b.exponential(h), [-1], keep=False))
    picked = b.take_along(h, b.index(shape[-1], *shape[:-1]))
    loss = mean_all(b, b.minus(z, picked))
    return b.plus(loss, b.scaled(mean_all(b, b.times(z, z)), 0.25)) if b.chance(0.3) else loss


def squared_error(b, s, h):
    if b.chance(0.5):
        h = linear(b, s, h, b.pick_value([1, 2, 3]))
    e = b.minus(h, b.data(*b.shape(h)))
    return mean_all(b, b.times(e, e))


def absolute_error(b, s, h):
    e = b.abs(b.minus(h, b.data(*b.shape(h))))
    return mean_all(b, e)


def binary(b, s, h):
    z = linear(b, s, h, 1)
    z = b.reshaped(z, *b.shape(z)[:-1])
    y = b.data(*b.shape(z))
    return mean_all(b, b.minus(b.log_plus_one(b.exponential(z)), b.times(z, y)))


def hinge(b, s, h):
    margin = b.minus(b.splat(1.0), b.times(h, b.data(*b.shape(h))))
    return mean_all(b, b.maximum(margin, b.splat(0.0, b.shape(margin))))


def contrastive(b, s, h):
    if len(b.shape(h)) != 2:
        return cross_entropy(b, s, h)
    n = b.shape(h)[0]
    left, right = linear(b, s, h, 3), linear(b, s, b.data(n, 2), 3)
    if b.chance(0.8):
        left, right = (b.root_mean_square(x, [1], mean=False) for x in (left, right))
    logits = b.contract(left, right, [[1, 1]])
    if b.chance(0.7):
        logits = b.times(logits, b.exponential(b.bias()) if b.chance(0.6) else b.gain())
    log_p = b.minus(logits, b.log(b.total(b.exponential(logits), [1])))
    eye = b.const(np.eye(n))
    return b.negate(b.over(b.total(b.times(log_p, eye), [0, 1], keep=False), b.splat(float(n))))


def scale_free(b, s, h):
    """A ratio: the same for all multiples of the output."""
    y = b.data(*b.shape(h))
    dot = b.total(b.times(h, y), range(len(b.shape(h))), keep=False)
    size = b.total(b.times(h, h), range(len(b.shape(h))), keep=False)
    return b.over(b.times(dot, dot), size)


LOSSES = [cross_entropy] * 5 + [squared_error] * 3 + [absolute_error, binary, hinge, contrastive,
                                                     contrastive, scale_free]
