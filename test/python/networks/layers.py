# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What random networks are made of: functions of a builder and the values there are so far.

A layer takes the stream (`s.h`, of shape [batch, ..., width]) and leaves a new one. It may look at
earlier values (`s.past`) and parameters (`s.kernels`), and does nothing where it does not fit.
"""

import dataclasses

import numpy as np

LAYERS = {}


def layer(weight, ranks=(2, 3, 4)):
    def register(function):
        LAYERS[function.__name__] = (weight, ranks, function)
        return function

    return register


@dataclasses.dataclass
class Stream:
    h: int
    past: list
    kernels: list  # (shape, parameter): what may be tied
    room: int  # how many more elements parameters may have
    sizes: list  # widths to choose from


# --- pointwise functions -------------------------------------------------------------------------


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


# --- weights ------------------------------------------------------------------------------------


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


# --- norms --------------------------------------------------------------------------------------


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


# --- branches -----------------------------------------------------------------------------------


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


# --- index structure ----------------------------------------------------------------------------


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


# --- sequences ----------------------------------------------------------------------------------


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


# --- images -------------------------------------------------------------------------------------


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


# --- the two ends -------------------------------------------------------------------------------


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
