# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The operations random networks are made of: shapes, values and gradients in numpy.

Every array has a leading axis of *points* (random parameters and batches), of size 1 for what is
the same at all of them, so that one pass gives the gradients a rank is counted from. This shares
nothing with JAX or the compiler: it is the truth both are compared with.

An operation is a pair of functions: `forward(attrs, inputs) -> value` and
`backward(attrs, inputs, value, gradient) -> one gradient per input, or None`. Shapes follow from
running `forward` on one point.
"""

import itertools

import numpy as np

OPS = {}


def op(name):
    def register(maker):
        OPS[name] = maker()
        return maker

    return register


def _erf(x):
    from scipy.special import erf

    return erf(x)


# --- elementwise ---------------------------------------------------------------------------------

#: value, and derivative from the operand x and the value y
UNARY = {
    "negate": (np.negative, lambda x, y: -np.ones_like(y)),
    "exponential": (np.exp, lambda x, y: y),
    "exponential_minus_one": (np.expm1, lambda x, y: y + 1),
    "log": (np.log, lambda x, y: 1 / x),
    "log_plus_one": (np.log1p, lambda x, y: 1 / (1 + x)),
    "tanh": (np.tanh, lambda x, y: 1 - y * y),
    "logistic": (lambda x: 1 / (1 + np.exp(-x)), lambda x, y: y * (1 - y)),
    "sqrt": (np.sqrt, lambda x, y: 0.5 / y),
    "rsqrt": (lambda x: 1 / np.sqrt(x), lambda x, y: -0.5 * y / x),
    "cbrt": (np.cbrt, lambda x, y: y / (3 * x)),
    "abs": (np.abs, lambda x, y: np.sign(x)),
    "sign": (np.sign, lambda x, y: np.zeros_like(y)),
    "sine": (np.sin, lambda x, y: np.cos(x)),
    "cosine": (np.cos, lambda x, y: -np.sin(x)),
    "erf": (_erf, lambda x, y: 2 / np.sqrt(np.pi) * np.exp(-x * x)),
}



def _share(a, b):
    """What the larger gets of a maximum's gradient: half each, where equal."""
    return (a > b) + 0.5 * (a == b)


BINARY = {
    "add": (np.add, lambda a, b, y, g: (g, g)),
    "subtract": (np.subtract, lambda a, b, y, g: (g, -g)),
    "multiply": (np.multiply, lambda a, b, y, g: (g * b, g * a)),
    "divide": (np.divide, lambda a, b, y, g: (g / b, -g * y / b)),
    "maximum": (np.maximum, lambda a, b, y, g: (g * _share(a, b), g * _share(b, a))),
    "minimum": (np.minimum, lambda a, b, y, g: (g * _share(b, a), g * _share(a, b))),
    # The exponent is a constant.
    "power": (np.power, lambda a, b, y, g: (g * b * np.power(a, b - 1), None)),
}


def _unary(value, derivative):
    return (lambda attrs, xs: value(xs[0]),
            lambda attrs, xs, y, g: [g * derivative(xs[0], y)])


def _binary(value, gradients):
    return (lambda attrs, xs: value(*xs),
            lambda attrs, xs, y, g: list(gradients(*xs, y, g)))


for _name, _pair in UNARY.items():
    OPS[_name] = _unary(*_pair)
for _name, _pair in BINARY.items():
    OPS[_name] = _binary(*_pair)


@op("clamp")
def _clamp():
    def forward(attrs, xs):
        return np.clip(xs[0], attrs["low"], attrs["high"])

    def backward(attrs, xs, y, g):
        return [g * ((xs[0] > attrs["low"]) & (xs[0] < attrs["high"]))]

    return forward, backward


@op("select")
def _select():
    """where(a > b, x, y)"""

    def forward(attrs, xs):
        return np.where(xs[0] > xs[1], xs[2], xs[3])

    def backward(attrs, xs, y, g):
        taken = xs[0] > xs[1]
        return [None, None, np.where(taken, g, 0.0), np.where(taken, 0.0, g)]

    return forward, backward


# --- movement ------------------------------------------------------------------------------------


@op("broadcast")
def _broadcast():
    """Operand axis i becomes result axis dims[i]."""

    def forward(attrs, xs):
        shape, dims = attrs["shape"], attrs["dims"]
        view = [1] * len(shape)
        for axis, dim in enumerate(dims):
            view[dim] = xs[0].shape[1 + axis]
        points = xs[0].shape[0]
        return np.broadcast_to(xs[0].reshape(points, *view), (points, *shape))

    def backward(attrs, xs, y, g):
        dims = attrs["dims"]
        new = [1 + d for d in range(len(attrs["shape"])) if d not in dims]
        grown = [1 + i for i, d in enumerate(dims) if xs[0].shape[1 + i] != attrs["shape"][d]]
        return [g.sum(tuple(new)).sum(tuple(grown), keepdims=True)]

    return forward, backward


@op("reshape")
def _reshape():
    return (lambda attrs, xs: xs[0].reshape(xs[0].shape[0], *attrs["shape"]),
            lambda attrs, xs, y, g: [g.reshape(g.shape[0], *xs[0].shape[1:])])


@op("transpose")
def _transpose():
    def forward(attrs, xs):
        return xs[0].transpose(0, *[1 + p for p in attrs["perm"]])

    def backward(attrs, xs, y, g):
        return [g.transpose(0, *[1 + int(p) for p in np.argsort(attrs["perm"])])]

    return forward, backward


def _part(attrs):
    return (slice(None), *(slice(*triple) for triple in
                           zip(attrs["start"], attrs["limit"], attrs["stride"], strict=True)))


@op("slice")
def _slice():
    def backward(attrs, xs, y, g):
        result = np.zeros(g.shape[:1] + xs[0].shape[1:])
        result[_part(attrs)] = g
        return [result]

    return lambda attrs, xs: xs[0][_part(attrs)], backward


@op("concatenate")
def _concatenate():
    def forward(attrs, xs):
        points = max(x.shape[0] for x in xs)
        xs = [np.broadcast_to(x, (points, *x.shape[1:])) for x in xs]
        return np.concatenate(xs, 1 + attrs["axis"])

    def backward(attrs, xs, y, g):
        axis = 1 + attrs["axis"]
        return np.split(g, np.cumsum([x.shape[axis] for x in xs])[:-1], axis)

    return forward, backward


@op("pad")
def _pad():
    """With `value` (a number), at the edges and in between."""

    def place(attrs, shape):
        size, part = [], [slice(None)]
        for n, low, high, inner in zip(shape, attrs["low"], attrs["high"], attrs["interior"],
                                       strict=True):
            end = low + (n - 1) * (inner + 1) + 1
            size.append(end + high)
            part.append(slice(low, end, inner + 1))
        return size, tuple(part)

    def forward(attrs, xs):
        size, part = place(attrs, xs[0].shape[1:])
        result = np.full((xs[0].shape[0], *size), float(attrs["value"]))
        result[part] = xs[0]
        return result

    return forward, lambda attrs, xs, y, g: [g[place(attrs, xs[0].shape[1:])[1]]]


@op("reverse")
def _reverse():
    def flip(attrs, x):
        return np.flip(x, [1 + d for d in attrs["dims"]])

    return lambda attrs, xs: flip(attrs, xs[0]), lambda attrs, xs, y, g: [flip(attrs, g)]


@op("sort")
def _sort():
    def backward(attrs, xs, y, g):
        order = np.argsort(xs[0], 1 + attrs["axis"], kind="stable")
        result = np.zeros_like(g)
        np.put_along_axis(result, order, g, 1 + attrs["axis"])
        return [result]

    return lambda attrs, xs: np.sort(xs[0], 1 + attrs["axis"], kind="stable"), backward


# --- reductions, contractions, windows --------------------------------------------------------


@op("reduce")
def _reduce():
    kinds = {"add": np.sum, "maximum": np.max, "minimum": np.min, "multiply": np.prod}

    def axes(attrs):
        return tuple(1 + a for a in attrs["axes"])

    def forward(attrs, xs):
        return kinds[attrs["kind"]](xs[0], axis=axes(attrs))

    def backward(attrs, xs, y, g):
        g, y = np.expand_dims(g, axes(attrs)), np.expand_dims(y, axes(attrs))
        if attrs["kind"] == "add":
            return [np.broadcast_to(g, xs[0].shape)]
        if attrs["kind"] == "multiply":
            return [g * y / xs[0]]
        largest = xs[0] == y  # equal ones share: rows of a table may occur twice
        return [g * largest / largest.sum(axes(attrs), keepdims=True)]

    return forward, backward


@op("dot")
def _dot():
    def labels(attrs, xs):
        letters = iter("abcdefghijklmnopqrstuvwxy")
        left = [None] * (xs[0].ndim - 1)
        right = [None] * (xs[1].ndim - 1)
        batch = []
        for pairs, keep in (("batch", True), ("contract", False)):
            for i, j in attrs[pairs]:
                left[i] = right[j] = next(letters)
                if keep:
                    batch.append(left[i])
        result = list(batch)
        for side in (left, right):
            for i, label in enumerate(side):
                if label is None:
                    side[i] = next(letters)
                    result.append(side[i])
        return ["z" + "".join(part) for part in (left, right, result)]

    def forward(attrs, xs):
        a, b, r = labels(attrs, xs)
        return np.einsum(f"{a},{b}->{r}", *xs)

    def backward(attrs, xs, y, g):
        a, b, r = labels(attrs, xs)
        return [lambda: np.einsum(f"{r},{b}->{a}", g, xs[1]),
                lambda: np.einsum(f"{r},{a}->{b}", g, xs[0])]

    return forward, backward


def _windows(shape, window, stride, dilation):
    """The strided parts of a padded array, one per place in the window."""
    out = [(n - d * (k - 1) - 1) // s + 1
           for n, k, s, d in zip(shape, window, stride, dilation, strict=True)]
    for place in itertools.product(*map(range, window)):
        yield place, tuple(slice(p * d, p * d + s * (o - 1) + 1, s)
                           for p, o, s, d in zip(place, out, stride, dilation, strict=True))


@op("convolution")
def _convolution():
    """[n, space..., c] * [space..., i, o]: strides, padding, dilation of the kernel, groups."""

    def padded(attrs, x):
        return np.pad(x, [(0, 0), (0, 0), *attrs["padding"], (0, 0)])

    def parts(attrs, xs):
        x, w = padded(attrs, xs[0]), xs[1]
        space = w.ndim - 3
        for place, part in _windows(x.shape[2:2 + space], w.shape[1:1 + space], attrs["stride"],
                                    attrs["dilation"]):
            yield (slice(None), *place), (slice(None), slice(None), *part)

    def grouped(attrs, x, w):
        groups = attrs["groups"]
        return (x.reshape(*x.shape[:2], -1, groups, x.shape[-1] // groups),
                w.reshape(w.shape[0], w.shape[1], groups, -1))

    def forward(attrs, xs):
        x, result = padded(attrs, xs[0]), 0.0
        for place, part in parts(attrs, xs):
            a, b = grouped(attrs, x[part], xs[1][place])
            term = np.einsum("znsgi,zigo->znsgo", a, b)
            result = result + term.reshape(term.shape[0], *x[part].shape[1:-1], xs[1].shape[-1])
        return result

    def backward(attrs, xs, y, g):
        x, w = padded(attrs, xs[0]), xs[1]
        gx = np.zeros((g.shape[0], *x.shape[1:]))
        gw = np.zeros((g.shape[0], *w.shape[1:]))
        for place, part in parts(attrs, xs):
            a, b = grouped(attrs, x[part], w[place])
            h = g.reshape(*g.shape[:2], -1, attrs["groups"], w.shape[-1] // attrs["groups"])
            gw[place] += np.einsum("znsgi,znsgo->zigo", a, h).reshape(g.shape[0], *w.shape[-2:])
            gx[part] += np.einsum("znsgo,zigo->znsgi", h, b).reshape(
                g.shape[0], *x[part].shape[1:])
        inner = tuple(slice(low, low + n) for (low, _), n in
                      zip(attrs["padding"], xs[0].shape[2:-1], strict=True))
        return [gx[(slice(None), slice(None), *inner)], gw]

    return forward, backward


@op("window")
def _window():
    """reduce_window; with padding on one side, cumulative sums and maxima."""

    def padded(attrs, x):
        fill = 0.0 if attrs["kind"] == "add" else -np.inf
        return np.pad(x, [(0, 0), *attrs["padding"]], constant_values=fill)

    def parts(attrs, x):
        ones = [1] * len(attrs["window"])
        for _, part in _windows(x.shape[1:], attrs["window"], attrs["stride"], ones):
            yield (slice(None), *part)

    def forward(attrs, xs):
        x = padded(attrs, xs[0])
        reduce = np.sum if attrs["kind"] == "add" else np.max
        return reduce([x[part] for part in parts(attrs, x)], axis=0)

    def backward(attrs, xs, y, g):
        x = padded(attrs, xs[0])
        result = np.zeros_like(x)
        if attrs["kind"] != "add":
            g = g / sum((x[part] == y).astype(float) for part in parts(attrs, x))
        for part in parts(attrs, x):
            result[part] += g if attrs["kind"] == "add" else g * (x[part] == y)
        return [result[(slice(None), *(slice(low, low + n) for (low, _), n in
                                       zip(attrs["padding"], xs[0].shape[1:], strict=True)))]]

    return forward, backward


# --- indexing by data: a product with a matrix of zeros and ones ----------------------------------


def _one_hot(index, size):
    return (index[..., None] == np.arange(size)).astype(float)


@op("take")
def _take():
    """Slices of the operand along an axis, picked by a vector of indices; or by an array, for axis 0."""

    def flat(attrs, xs):
        x = np.moveaxis(xs[0], 1 + attrs["axis"], 1)
        hot = _one_hot(xs[1].reshape(xs[1].shape[0], -1), x.shape[1])
        return x, hot

    def forward(attrs, xs):
        x, hot = flat(attrs, xs)
        picked = np.einsum("znv,zvf->znf", hot, x.reshape(*x.shape[:2], -1))
        picked = picked.reshape(picked.shape[0], *xs[1].shape[1:], *x.shape[2:])
        return np.moveaxis(picked, 1, 1 + attrs["axis"]) if attrs["axis"] else picked

    def backward(attrs, xs, y, g):
        x, hot = flat(attrs, xs)
        if attrs["axis"]:
            g = np.moveaxis(g, 1 + attrs["axis"], 1)
        back = np.einsum("znv,znf->zvf", hot, g.reshape(g.shape[0], hot.shape[1], -1))
        return [np.moveaxis(back.reshape(g.shape[0], *x.shape[1:]), 1, 1 + attrs["axis"]), None]

    return forward, backward


@op("take_along")
def _take_along():
    """One element for each row of the last axis: [n, v], [n] -> [n]; any leading axes."""

    def backward(attrs, xs, y, g):
        return [_one_hot(xs[1], xs[0].shape[-1]) * g[..., None], None]

    return (lambda attrs, xs: (_one_hot(xs[1], xs[0].shape[-1]) * xs[0]).sum(-1)), backward


@op("segment_sum")
def _segment_sum():
    """[n, ...], [n] -> [segments, ...]"""

    def forward(attrs, xs):
        hot = _one_hot(xs[1], attrs["segments"])
        return np.einsum("znv,zn...->zv...", hot, xs[0])

    def backward(attrs, xs, y, g):
        return [np.einsum("znv,zv...->zn...", _one_hot(xs[1], attrs["segments"]), g), None]

    return forward, backward


@op("dynamic_slice")
def _dynamic_slice():
    """`size` consecutive slices along an axis, from a scalar index on."""

    def index(attrs, xs):
        return xs[1][:, None] + np.arange(attrs["size"])

    def forward(attrs, xs):
        return OPS["take"][0](attrs, [xs[0], index(attrs, xs)])

    def backward(attrs, xs, y, g):
        return OPS["take"][1](attrs, [xs[0], index(attrs, xs)], y, g)

    return forward, backward


@op("dynamic_update")
def _dynamic_update():
    """The operand with consecutive slices along an axis replaced, from a scalar index on."""

    def spread(attrs, xs):
        axis = 1 + attrs["axis"]
        n, k = xs[0].shape[axis], xs[1].shape[axis]
        hot = _one_hot(xs[2][:, None] + np.arange(k), n)  # [z, k, n]
        kept = 1 - hot.sum(1)
        view = [1] * xs[0].ndim
        view[0], view[axis] = kept.shape[0], n
        return axis, hot, kept.reshape(view)

    def forward(attrs, xs):
        axis, hot, kept = spread(attrs, xs)
        new = np.einsum("zkn,zk...->zn...", hot, np.moveaxis(xs[1], axis, 1))
        return xs[0] * kept + np.moveaxis(new, 1, axis)

    def backward(attrs, xs, y, g):
        axis, hot, kept = spread(attrs, xs)
        new = np.einsum("zkn,zn...->zk...", hot, np.moveaxis(g, axis, 1))
        return [g * kept, np.moveaxis(new, 1, axis), None]

    return forward, backward
