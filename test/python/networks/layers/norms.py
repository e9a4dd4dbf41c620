# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Norms, scales and shifts, constant factors, dropout."""

import numpy as np

from .registry import layer


def affine(b, s, x):
    width = b.shape(x)[-1]
    if b.chance(0.6):
        s.room -= width
        x = b.times(x, b.gain(width) if b.chance(0.9) else b.plus(b.bias(width), b.splat(1.0)))
    if b.chance(0.5):
        s.room -= width
        x = b.plus(x, b.bias(width))
    return x


def norm_of(b, s, x):
    *lead, width = b.shape(x)
    last, first = [len(lead)], list(range(len(lead)))
    kinds = ["rms", "l2"]
    kinds += ["layer"] * 2 if width > 2 else []
    kinds += ["batch"] * 2 if np.prod(lead) > 2 else []
    kinds += ["group"] * 2 if width % 2 == 0 and np.prod(lead[1:]) * width > 4 else []
    kinds += ["instance"] if np.prod(lead[1:]) > 2 else []
    kinds += ["l1", "max", "batch_rms", "all", "response"] if b.chance(0.3) else []
    kind = b.pick(kinds)
    if kind == "rms":
        return b.root_mean_square(x, last)
    if kind == "l2":
        return b.root_mean_square(x, last, mean=False)
    if kind == "layer":
        return b.standardized(x, last)
    if kind == "batch":
        return b.standardized(x, first)
    if kind == "group":
        split = b.reshaped(x, *lead, 2, width // 2)
        return b.reshaped(b.standardized(split, [*range(1, len(lead)), len(lead) + 1]), *lead, width)
    if kind == "instance":
        return b.standardized(x, first[1:])
    if kind == "l1":
        return b.over(x, b.plus(b.total(b.abs(x), last), b.eps()))
    if kind == "max":
        return b.over(x, b.plus(b.total(b.abs(x), last, "maximum"), b.eps()))
    if kind == "batch_rms":
        return b.root_mean_square(x, first)
    if kind == "all":
        return b.root_mean_square(x, range(len(lead) + 1))
    # Global response: the norm over all but the channel, relative to its mean over channels.
    size = b.sqrt(b.plus(b.total(b.times(x, x), first[1:] or [0]), b.eps()))
    return b.times(x, b.over(size, b.plus(b.mean(size, last), b.eps())))


@layer(9)
def norm(b, s):
    s.h = affine(b, s, norm_of(b, s, s.h))


@layer(3)
def scale_or_shift(b, s):
    width = b.shape(s.h)[-1]
    kind = b.pick(["scale", "shift", "both", "scalar", "exp", "sequence"])
    s.room -= width
    if kind in ("scale", "both"):
        s.h = b.times(s.h, b.gain(width))
    if kind in ("shift", "both"):
        s.h = b.plus(s.h, b.bias(width))
    if kind == "scalar":
        s.h = b.times(s.h, b.gain())
    if kind == "exp":
        s.h = b.times(s.h, b.exponential(b.bias(width)))
    if kind == "sequence" and len(b.shape(s.h)) > 2:
        shape = b.shape(s.h)[1:]
        s.room -= int(np.prod(shape))
        s.h = b.plus(s.h, b.bias(*shape)) if b.chance(0.6) else b.times(s.h, b.gain(*shape))


@layer(2)
def constants(b, s):
    """Numbers that vary along an axis, or a common factor."""
    shape = b.shape(s.h)
    kind = b.pick(["factor", "channels", "added", "time"])
    if kind == "factor":
        s.h = b.scaled(s.h, b.pick([0.5, 3.0, -1.0]))
    if kind == "channels":
        s.h = b.times(s.h, b.const((np.arange(shape[-1]) % 3 + 1) / 2))
    if kind == "added":
        s.h = b.plus(s.h, b.const(np.arange(shape[-1]) / 4) if b.chance(0.5) else b.splat(1.0))
    if kind == "time":
        s.h = b.plus(s.h, b.data(*shape)) if b.chance(0.5) else b.times(s.h, b.data(*shape))


@layer(2)
def dropout(b, s):
    shape = b.shape(s.h)
    mask = b.mask(*shape)
    if b.chance(0.5):
        s.h = b.scaled(b.times(s.h, mask), 2.0)
    else:
        zero = b.splat(0.0, shape)
        s.h = b.select(mask, b.splat(0.5, shape), b.scaled(s.h, 2.0), zero)
