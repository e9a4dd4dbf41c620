# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Values and gradients of random networks at many points at once, by reverse mode in numpy."""

import dataclasses

import numpy as np

from .ops import OPS
from .program import INPUTS


def inputs_at(program, points, seed):
    """Random values for the inputs: parameters and data, drawn anew for each of some points."""
    rng = np.random.default_rng(seed)
    values = {}
    for i, node in enumerate(program.nodes):
        shape = (points, *node.shape)
        if node.op == "param":
            values[i] = (node.attrs.get("mean", 0.0)
                         + node.attrs.get("spread", 1.0) * rng.standard_normal(shape))
        elif node.op == "data":
            values[i] = rng.standard_normal(shape)
        elif node.op == "index":
            values[i] = rng.integers(0, node.attrs["bound"], shape)
        elif node.op == "mask":
            values[i] = rng.integers(0, 2, shape).astype(float)
    return values


@dataclasses.dataclass
class Tape:
    values: list
    inner: dict  # per operation with a body: its tapes
    needed: list  # whether the value depends on a parameter


def forward(program, values, eps, arguments=(), needed=()):
    """Runs a program; `values` are those of its inputs, `arguments` those of a body's `arg`."""
    tape = Tape([], {}, [])
    arguments, argument_needed = iter(arguments), iter(needed)
    for i, node in enumerate(program.nodes):
        if node.op in INPUTS:
            depends = node.op == "param"
            if node.op == "eps":
                value = np.full((1,), float(eps))
            elif node.op == "const":
                value = np.asarray(node.attrs["values"], float)[None]
            elif node.op == "arg":
                value, depends = next(arguments), next(argument_needed)
            else:
                value = values[i]
        else:
            xs = [tape.values[j] for j in node.inputs]
            needs = [tape.needed[j] for j in node.inputs]
            depends = any(needs)
            if node.op in BODIES:
                value, tape.inner[i] = BODIES[node.op][0](node, xs, needs, eps)
            else:
                value = OPS[node.op][0](node.attrs, xs)
        tape.values.append(value)
        tape.needed.append(depends)
    return tape


def backward(program, tape, gradient, influence=None):
    """Gradients with respect to every value; `influence` collects the largest of each operation."""
    gradients = [None] * len(program.nodes)
    gradients[-1] = gradient
    for i in range(len(program.nodes) - 1, -1, -1):
        node, g = program.nodes[i], gradients[i]
        if g is None or not tape.needed[i]:
            continue
        if influence is not None:
            key = (id(tape), i)
            # A mask's infinity has no gradient, and no influence.
            size = np.abs(np.where(g == 0, 0.0, g * tape.values[i]))
            size = size.reshape(g.shape[0], -1).max(1, initial=0.0)
            influence[key] = influence.get(key, 0.0) + size
        if node.op in INPUTS:
            continue
        xs = [tape.values[j] for j in node.inputs]
        if node.op in BODIES:
            parts = BODIES[node.op][1](node, tape.inner[i], xs, g, influence)
        else:
            parts = OPS[node.op][1](node.attrs, xs, tape.values[i], g)
        for j, part in zip(node.inputs, parts, strict=True):
            if part is None or not tape.needed[j]:
                continue
            part = part() if callable(part) else part
            gradients[j] = part if gradients[j] is None else gradients[j] + part
    return gradients


# --- operations with bodies ----------------------------------------------------------------------
#
# scan: inputs are the carried value, `stacked` values read one slice per iteration, and the rest.
# The body's arguments are the same, with slices for what is stacked; its result is carried on.


def _scan(node, xs, needs, eps):
    stacked, length = node.attrs["stacked"], node.attrs["length"]
    carried, tapes, collected = xs[0], [], []
    depends = any(needs)
    if depends:
        carried = np.broadcast_to(carried, (max(x.shape[0] for x in xs), *carried.shape[1:]))
    for step in range(length):
        index = length - 1 - step if node.attrs.get("backwards") else step
        slices = [x[:, index] for x in xs[1:1 + stacked]]
        tape = forward(node.attrs["body"], {}, eps, [carried, *slices, *xs[1 + stacked:]],
                       [depends, *needs[1:]])
        carried = tape.values[-1]
        tapes.append(tape)
        collected.append(carried)
    if node.attrs["collect"]:
        points = max(c.shape[0] for c in collected)
        return np.stack([np.broadcast_to(c, (points, *c.shape[1:])) for c in collected], 1), tapes
    return carried, tapes


def _scan_back(node, tapes, xs, g, influence):
    stacked, length, body = node.attrs["stacked"], node.attrs["length"], node.attrs["body"]
    result = [np.zeros((g.shape[0], *x.shape[1:])) for x in xs]
    carried = np.zeros_like(g[:, 0]) if node.attrs["collect"] else g
    for step in range(length - 1, -1, -1):
        index = length - 1 - step if node.attrs.get("backwards") else step
        if node.attrs["collect"]:
            carried = carried + g[:, step]
        gradients = backward(body, tapes[step], carried, influence)
        arguments = [gradients[i] for i, n in enumerate(body.nodes) if n.op == "arg"]
        for k, part in enumerate(arguments[1:], 1):
            if part is not None:
                if k <= stacked:
                    result[k][:, index] += part
                else:
                    result[k] += part
        carried = arguments[0] if arguments[0] is not None else np.zeros_like(carried)
    result[0] = result[0] + carried
    return result


def _call(node, xs, needs, eps):
    tape = forward(node.attrs["body"], {}, eps, xs, needs)
    return tape.values[-1], [tape]


def _call_back(node, tapes, xs, g, influence):
    gradients = backward(node.attrs["body"], tapes[0], g, influence)
    return [gradients[i] for i, n in enumerate(node.attrs["body"].nodes) if n.op == "arg"]


# cond: the first input decides (positive: the body; else: otherwise).


def _cond(node, xs, needs, eps):
    tapes = [forward(node.attrs[k], {}, eps, xs[1:], needs[1:]) for k in ("body", "otherwise")]
    taken = (xs[0] > 0).reshape(-1, *[1] * (tapes[0].values[-1].ndim - 1))
    return np.where(taken, tapes[0].values[-1], tapes[1].values[-1]), tapes


def _cond_back(node, tapes, xs, g, influence):
    taken = (xs[0] > 0).reshape(-1, *[1] * (g.ndim - 1))
    total = [None] * len(xs)
    for key, tape, part in (("body", tapes[0], np.where(taken, g, 0.0)),
                            ("otherwise", tapes[1], np.where(taken, 0.0, g))):
        gradients = backward(node.attrs[key], tape, part, influence)
        places = [i for i, n in enumerate(node.attrs[key].nodes) if n.op == "arg"]
        for k, place in enumerate(places, 1):
            if gradients[place] is not None:
                total[k] = gradients[place] if total[k] is None else total[k] + gradients[place]
    return total


BODIES = {"scan": (_scan, _scan_back), "call": (_call, _call_back), "cond": (_cond, _cond_back)}


@dataclasses.dataclass
class Points:
    """What a network does at random points: parameters, gradients [points, elements], and the losses."""

    parameters: np.ndarray
    gradients: np.ndarray
    losses: np.ndarray
    magnitude: np.ndarray  # per point: the largest value times its gradient, anywhere in the network
    silent: list  # (tape, operation) that depend on parameters, but the loss not on them


def at_points(program, count, seed=0, eps=0.0, jitter=0.0):
    """Gradients at random points.

    Args:
        jitter: moves every parameter by this part of itself, up or down.
    """
    values = inputs_at(program, count, seed)
    rng = np.random.default_rng((seed, 1))
    for i in program.params if jitter else ():
        values[i] = values[i] * (1 + jitter * rng.choice([-1.0, 1.0], values[i].shape))
    with np.errstate(all="ignore"):
        tape = forward(program, values, eps)
        loss = np.broadcast_to(tape.values[-1], (count,))
        influence = {}
        gradients = backward(program, tape, np.ones(count), influence)
    flat = lambda arrays: np.concatenate(
        [np.zeros((count, 0)), *[a.reshape(count, -1) for a in arrays]], axis=1)
    parameters = [values[i] for i in program.params]
    rows = [np.zeros_like(values[i]) if gradients[i] is None else gradients[i]
            for i in program.params]
    sizes = np.stack([np.zeros(count), *influence.values()])
    magnitude = sizes.max(axis=0)
    # At points where all is finite; where there is none, nothing can be said.
    sizes = sizes[:, np.isfinite(magnitude)]
    typical = np.median(sizes, axis=1) if sizes.shape[1] else np.ones(len(sizes))
    silent = [key for key, size in zip(influence, typical[1:], strict=True)
              if size <= 1e-12 * typical.max()]
    return Points(flat(parameters), flat(rows), loss, magnitude, silent)
