# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Known gaps, recognised by their cause and not by how they look.

A value may depend on the parameters while the loss does not depend on it, though no operation says
so: the divisor of a norm whose result reaches only another norm is one (docs/rationale.md). A
symmetry that is there only up to such a value has no degree. The test: put a parameter of its own in
the place of every such value. The loss does not notice; if the analysis then finds everything, that
was the cause.
"""

import dataclasses

from .evaluate import at_points
from .program import Node, Program


def unrolled(program):
    """The same network without bodies: calls inlined, iterations one by one, branches selected."""
    result = Program()
    _inline(result, program, iter([result.add(n.op, **n.attrs) for n in program.nodes
                                   if n.op in ("param", "data", "index", "mask")]))
    return result


def _inline(out, program, arguments):
    values = []
    for node in program.nodes:
        xs = [values[j] for j in node.inputs]
        if node.op in ("param", "data", "index", "mask", "arg"):
            values.append(next(arguments))
        elif node.op == "call":
            values.append(_inline(out, node.attrs["body"], iter(xs)))
        elif node.op == "cond":
            one, other = (_inline(out, node.attrs[k], iter(xs[1:])) for k in ("body", "otherwise"))
            shape = list(node.shape)
            test = out.add("broadcast", xs[0], shape=shape, dims=[])
            zero = out.add("broadcast", out.add("const", values=0.0), shape=shape, dims=[])
            values.append(out.add("select", test, zero, one, other))
        elif node.op == "scan":
            values.append(_iterations(out, node, xs))
        else:
            values.append(out.add(node.op, *xs, **node.attrs))
    return values[-1]


def _iterations(out, node, xs):
    a, carried, rows = node.attrs, xs[0], []
    for step in range(a["length"]):
        index = a["length"] - 1 - step if a.get("backwards") else step
        slices = []
        for x in xs[1:1 + a["stacked"]]:
            shape = list(out.shape(x))
            part = out.add("slice", x, start=[index] + [0] * (len(shape) - 1),
                           limit=[index + 1, *shape[1:]], stride=[1] * len(shape))
            slices.append(out.add("reshape", part, shape=shape[1:]))
        carried = _inline(out, a["body"], iter([carried, *slices, *xs[1 + a["stacked"]:]]))
        rows.append(out.add("reshape", carried, shape=[1, *out.shape(carried)]))
    return out.add("concatenate", *rows, axis=0) if a["collect"] else carried


def freed(program):
    """The program with parameters in place of values that the loss does not depend on, or None."""
    flat = unrolled(program)
    points = at_points(flat, 40, seed=3)
    silent = {i for tape, i in points.silent if flat.nodes[i].op != "param"}
    if not silent:
        return None
    result = Program()
    for i, node in enumerate(flat.nodes):
        if i in silent:
            node = Node("param", (), {"shape": list(node.shape), "mean": 1.0, "spread": 0.3}, node.shape)
        result.nodes.append(dataclasses.replace(node))
    return result.pruned()
