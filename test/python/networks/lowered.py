# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A random network as a JAX function, in the idioms people use: whole steps come from it."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .emit import epsilon


def _select(attrs, a, b, x, y):
    return jnp.where(a > b, x, y)


def _dot(attrs, a, b):
    contract, batch = zip(*attrs["contract"], strict=True), list(zip(*attrs["batch"], strict=True))
    return lax.dot_general(a, b, (tuple(contract), tuple(batch) or ((), ())))


def _convolution(attrs, x, w):
    space = "HW"[:w.ndim - 2]
    return lax.conv_general_dilated(
        x, w, attrs["stride"], [tuple(p) for p in attrs["padding"]],
        rhs_dilation=attrs["dilation"], feature_group_count=attrs["groups"],
        dimension_numbers=(f"N{space}C", f"{space}IO", f"N{space}C"))


def _window(attrs, x):
    kind, window, padding = attrs["kind"], attrs["window"], attrs["padding"]
    along = [a for a, n in enumerate(window) if n > 1]
    # A window over a whole axis that reaches out of it on one side is a cumulative operation.
    if len(along) == 1 and window[along[0]] == x.shape[along[0]] and any(padding[along[0]]):
        function = lax.cumsum if kind == "add" else lax.cummax
        return function(x, along[0], reverse=padding[along[0]][1] > 0)
    start, function = (0.0, lax.add) if kind == "add" else (-jnp.inf, lax.max)
    return lax.reduce_window(x, start, function, window, attrs["stride"],
                             [tuple(p) for p in padding])


def _reduce(attrs, x):
    function = {"add": jnp.sum, "maximum": jnp.max, "minimum": jnp.min, "multiply": jnp.prod}
    return function[attrs["kind"]](x, axis=tuple(attrs["axes"]))


def _maximum(attrs, a, b):
    return jnp.maximum(a, b)


JAX = {
    "negate": lambda attrs, x: -x, "exponential": lambda attrs, x: jnp.exp(x),
    "exponential_minus_one": lambda attrs, x: jnp.expm1(x), "log": lambda attrs, x: jnp.log(x),
    "log_plus_one": lambda attrs, x: jnp.log1p(x), "tanh": lambda attrs, x: jnp.tanh(x),
    "logistic": lambda attrs, x: jax.nn.sigmoid(x), "sqrt": lambda attrs, x: jnp.sqrt(x),
    "rsqrt": lambda attrs, x: lax.rsqrt(x), "cbrt": lambda attrs, x: jnp.cbrt(x),
    "abs": lambda attrs, x: jnp.abs(x), "sign": lambda attrs, x: jnp.sign(x),
    "sine": lambda attrs, x: jnp.sin(x), "cosine": lambda attrs, x: jnp.cos(x),
    "erf": lambda attrs, x: lax.erf(x), "add": lambda attrs, a, b: a + b,
    "subtract": lambda attrs, a, b: a - b, "multiply": lambda attrs, a, b: a * b,
    "divide": lambda attrs, a, b: a / b, "maximum": lambda attrs, a, b: jnp.maximum(a, b),
    "minimum": lambda attrs, a, b: jnp.minimum(a, b), "power": lambda attrs, a, b: a**b,
    "clamp": lambda attrs, x: jnp.clip(x, attrs["low"], attrs["high"]), "select": _select,
    "broadcast": lambda attrs, x: lax.broadcast_in_dim(x, attrs["shape"], attrs["dims"]),
    "reshape": lambda attrs, x: jnp.reshape(x, attrs["shape"]),
    "transpose": lambda attrs, x: jnp.transpose(x, attrs["perm"]),
    "slice": lambda attrs, x: lax.slice(x, attrs["start"], attrs["limit"], attrs["stride"]),
    "concatenate": lambda attrs, *xs: jnp.concatenate(xs, attrs["axis"]),
    "pad": lambda attrs, x: lax.pad(x, jnp.asarray(attrs["value"], x.dtype), list(
        zip(attrs["low"], attrs["high"], attrs["interior"], strict=True))),
    "reverse": lambda attrs, x: jnp.flip(x, attrs["dims"]),
    "sort": lambda attrs, x: jnp.sort(x, axis=attrs["axis"]), "reduce": _reduce, "dot": _dot,
    "convolution": _convolution, "window": _window,
    "take": lambda attrs, x, i: jnp.take(x, i, axis=attrs["axis"]),
    "take_along": lambda attrs, x, i: jnp.take_along_axis(x, i[..., None], -1)[..., 0],
    "segment_sum": lambda attrs, x, i: jax.ops.segment_sum(x, i, attrs["segments"]),
    "dynamic_slice": lambda attrs, x, i: lax.dynamic_slice_in_dim(
        x, i, attrs["size"], attrs["axis"]),
    "dynamic_update": lambda attrs, x, new, i: lax.dynamic_update_slice_in_dim(
        x, new, i, attrs["axis"]),
}


def run(program, arguments, sites):
    """The result; `arguments` are the values of the inputs, in order, `sites` those of epsilons."""
    arguments = iter(arguments)
    values = []
    for node in program.nodes:
        xs = [values[j] for j in node.inputs]
        if node.op == "const":
            values.append(jnp.asarray(np.asarray(node.attrs["values"], np.float32)))
        elif node.op == "eps":
            values.append(next(sites))
        elif node.op in ("param", "data", "index", "mask", "arg"):
            values.append(next(arguments))
        elif node.op == "scan":
            values.append(_scan(node, xs, sites))
        elif node.op == "cond":
            branches = [_function(node.attrs[k], sites) for k in ("body", "otherwise")]
            values.append(lax.cond(xs[0] > 0, *branches, *xs[1:]))
        elif node.op == "call":
            values.append(jax.checkpoint(_function(node.attrs["body"], sites))(*xs))
        else:
            values.append(JAX[node.op](node.attrs, *xs))
    return values[-1]


def _function(program, sites):
    # Tracing may happen more than once; the epsilons stay the same ones.
    mine = [next(sites) for _ in range(program.sites)]
    return lambda *arguments: run(program, arguments, iter(mine))


def _scan(node, xs, sites):
    a = node.attrs
    body, stacked = _function(a["body"], sites), a["stacked"]

    def move(carried, slices):
        carried = body(carried, *slices, *xs[1 + stacked:])
        return carried, carried if a["collect"] else None

    last, all_of_them = lax.scan(move, xs[0], tuple(xs[1:1 + stacked]), length=a["length"],
                                 reverse=bool(a.get("backwards")) and not a["collect"])
    if a["collect"] and a.get("backwards"):
        flipped = tuple(x[::-1] for x in xs[1:1 + stacked])
        _, all_of_them = lax.scan(move, xs[0], flipped, length=a["length"])
    return all_of_them if a["collect"] else last


def loss_of(program):
    """`loss(params, batch)`, and zeros of the right shapes for both."""
    inputs = [(i, n) for i, n in enumerate(program.nodes) if n.op in ("param", "data", "index", "mask")]
    zeros = {i: jnp.zeros(n.shape, jnp.int32 if n.integer else jnp.float32) for i, n in inputs}

    def loss(params, batch):
        values = [params[f"p{i}"] if n.op == "param" else batch[f"x{i}"] for i, n in inputs]
        sites = iter([jnp.float32(epsilon(site)) for site in range(program.sites)])
        return run(program, values, sites)

    params = {f"p{i}": zeros[i] for i, n in inputs if n.op == "param"}
    batch = {f"x{i}": zeros[i] for i, n in inputs if n.op != "param"}
    return loss, params, batch
