# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Convolutions, pooling, patches."""

import numpy as np

from .registry import layer
from .weights import weight


@layer(12, ranks=(3, 4))
def convolution(b, s):
    n, *space, width = b.shape(s.h)
    out = b.pick_value([2, 3, 4])
    size = [b.pick_value([1, 2, 3]) if k > 2 else 1 for k in space]
    groups = 2 if width % 2 == 0 and out % 2 == 0 and b.chance(0.3) else 1
    if int(np.prod(size)) * width * out > max(s.room, 12):
        size = [1] * len(space)
    w = weight(b, s, *size, width // groups, out)
    same = b.chance(0.5)
    padding = [[(k - 1) // 2, k // 2] if same else [0, 0] for k in size]
    stride = [b.pick_value([1, 1, 2]) if k > 3 else 1 for k in space]
    s.h = b.convolution(s.h, w, stride=stride, padding=padding, dilation=[1] * len(space),
                        groups=groups)
    if b.chance(0.4):
        s.room -= out
        s.h = b.plus(s.h, b.bias(out))


@layer(4, ranks=(3, 4))
def pool(b, s):
    n, *space, width = b.shape(s.h)
    if min(space) < 2:
        return
    window = [1, *[2] * len(space), 1]
    stride = window if b.chance(0.6) else [1] * len(window)
    kind = b.pick(["maximum", "add"])
    s.h = b.window(s.h, kind=kind, window=window, stride=stride, padding=[[0, 0]] * len(window))
    if kind == "add":
        s.h = b.over(s.h, b.splat(4.0))


@layer(1, ranks=(4,))
def patches(b, s):
    n, y, x, c = b.shape(s.h)
    if y % 2 or x % 2 or c > 2:
        return
    h = b.reshaped(s.h, n, y // 2, 2, x // 2, 2, c)
    h = b.transposed(h, 0, 1, 3, 2, 4, 5)
    s.h = b.reshaped(h, n, (y // 2) * (x // 2), 4 * c)
