# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A random network as a short program: a list of operations, each on earlier values.

The first operations are the inputs: `param` (attrs: shape, fan), `data` (shape), `index` (shape,
bound), `mask` (shape), `eps` (a small constant, of a number of its own) and `const` (values).
`scan`, `cond` and `call` have programs of their own as bodies, whose inputs are `arg`.
"""

import dataclasses
import json

import numpy as np

from .ops import OPS

INPUTS = ("param", "data", "index", "mask", "eps", "const", "arg")


@dataclasses.dataclass
class Node:
    op: str
    inputs: tuple[int, ...]
    attrs: dict
    shape: tuple[int, ...]
    integer: bool = False


class Program:
    """Nodes in order; the last is the result (of the whole network: the loss, a scalar)."""

    def __init__(self):
        self.nodes: list[Node] = []

    def add(self, op, *inputs, **attrs):
        """Appends an operation and returns its number; the shape is found by running it."""
        shape = shape_of(op, [self.nodes[i].shape for i in inputs], attrs)
        self.nodes.append(Node(op, tuple(inputs), attrs, shape, op == "index" or (
            op == "arg" and attrs.get("integer", False))))
        return len(self.nodes) - 1

    def shape(self, value):
        return self.nodes[value].shape

    @property
    def params(self):
        return [i for i, node in enumerate(self.nodes) if node.op == "param"]

    @property
    def size(self):
        return sum(int(np.prod(self.nodes[i].shape)) for i in self.params)

    @property
    def sites(self):
        """How many epsilons there are, in bodies too."""
        return sum(node.op == "eps" for _, node in walk(self))

    def pruned(self):
        """The same without what the result does not depend on."""
        needed, stack = set(), [len(self.nodes) - 1]
        while stack:
            i = stack.pop()
            if i not in needed:
                needed.add(i)
                stack.extend(self.nodes[i].inputs)
        # A body takes its arguments by position: they stay.
        needed |= {i for i, node in enumerate(self.nodes) if node.op == "arg"}
        result, number = Program(), {}
        for i, node in enumerate(self.nodes):
            if i in needed:
                number[i] = len(result.nodes)
                result.nodes.append(dataclasses.replace(
                    node, inputs=tuple(number[j] for j in node.inputs)))
        return result

    # --- text ---

    def to_json(self):
        def plain(value):
            if isinstance(value, Program):
                return {"program": value.to_json()}
            return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value

        return [[node.op, list(node.inputs), {k: plain(v) for k, v in node.attrs.items()}]
                for node in self.nodes]

    @staticmethod
    def from_json(lines):
        def rich(value):
            if isinstance(value, dict):
                return Program.from_json(value["program"])
            return [rich(v) for v in value] if isinstance(value, list) else value

        program = Program()
        for op, inputs, attrs in lines:
            program.add(op, *inputs, **{k: rich(v) for k, v in attrs.items()})
        return program

    def __str__(self):
        def line(i, node):
            attrs = {k: v for k, v in node.attrs.items() if not isinstance(v, (Program, list))
                     or (isinstance(v, list) and not any(isinstance(p, Program) for p in v))}
            text = ", ".join([f"v{j}" for j in node.inputs]
                             + [f"{k}={json.dumps(v)}" for k, v in attrs.items()])
            lines = [f"v{i}: {list(node.shape)} = {node.op}({text})"]
            for body in bodies(node):
                lines += ["    " + inner for inner in str(body).split("\n")]
            return "\n".join(lines)

        return "\n".join(line(i, node) for i, node in enumerate(self.nodes))


def bodies(node):
    """The programs within an operation."""
    return [node.attrs[k] for k in ("body", "otherwise") if k in node.attrs]


def walk(program):
    """All operations, those of bodies included."""
    for i, node in enumerate(program.nodes):
        yield i, node
        for body in bodies(node):
            yield from walk(body)


def shape_of(op, shapes, attrs):
    """The shape of a result, from those of its operands."""
    if op in INPUTS:
        return tuple(np.shape(attrs["values"])) if op == "const" else tuple(attrs.get("shape", ()))
    if op == "scan":
        carried = shapes[0]
        return (attrs["length"], *carried) if attrs["collect"] else carried
    if op in ("cond", "call"):
        return attrs["body"].nodes[-1].shape
    with np.errstate(all="ignore"):
        dummies = [np.zeros((1, *shape)) for shape in shapes]
        return tuple(OPS[op][0](attrs, dummies).shape[1:])
