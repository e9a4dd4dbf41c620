# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Values told by what they are made of: a mean or a broadcast of x by x, and what the entries of a value add up to."""

import math
from dataclasses import dataclass
from fractions import Fraction

from noether_mlir.proof.program import Program, Step

_MAX_DEPTH = 64


@dataclass(frozen=True)
class Root:
    """coefficient * (the sum of a value over its dimensions `summed`).

    Attributes:
        dims: for each dimension the dimension of `value` that it is; None where it is constant.
    """

    value: int
    coefficient: Fraction
    dims: tuple[int | None, ...]
    summed: frozenset[int] = frozenset()


def rational(number: float) -> Fraction | None:
    """What a constant stands for: a whole number or one over one, up to rounding, or exactly what it is."""
    if not math.isfinite(number):
        return None
    for value, make in ((number, Fraction), (1 / number if number else 0.0, lambda n: 1 / Fraction(n))):
        if value and abs(value) < 2**24 and abs(value - round(value)) <= 1e-6 * abs(value) and round(value):
            return make(round(value))
    return Fraction(number)


class Roots:
    """The roots of all values of a step."""

    def __init__(self, program: Program):
        self.program = program
        self.makers: dict[int, tuple[Step, int]] = {}
        for step in program.steps:
            if step.kind == "rule":
                for number, value in enumerate(step.results):
                    self.makers[value] = (step, number)
        self.known: dict[int, Root] = {}

    def get(self, value: int) -> Root:
        """The root of a value: itself, if nothing is known of how it is made."""
        chain: list[tuple[int, Root]] = []
        here = value
        while here not in self.known:
            root = self.step_back(here)
            if root is None:
                rank = len(self.program.values[here].shape)
                self.known[here] = Root(here, Fraction(1), tuple(range(rank)))
                break
            chain.append((here, root))
            here = root.value
        for outer, step in reversed(chain):
            inner = self.known[step.value]
            dims = tuple(None if d is None else inner.dims[d] for d in step.dims)
            # A sum over a dimension along which nothing varies is a multiple.
            factor, summed = Fraction(1), set(inner.summed)
            for dimension in step.summed:
                own = inner.dims[dimension]
                if own is None:
                    factor *= self.program.values[step.value].shape[dimension]
                else:
                    summed.add(own)
            self.known[outer] = Root(inner.value, step.coefficient * factor * inner.coefficient, dims, frozenset(summed))
        return self.known[value]

    def step_back(self, value: int) -> Root | None:
        """A value by one operand of what makes it."""
        if value not in self.makers:
            return None
        step, _ = self.makers[value]
        rule = step.rule
        if len(step.results) != 1 or rule.is_barrier or not rule.uses or rule.frozen:
            return None
        name = step.op.partition(".")[2]
        numbers = [self.program.values[operand].number for operand in step.operands]
        moving = [number for number, constant in enumerate(numbers) if constant is None]
        if len(moving) != 1:
            return None
        (source,) = moving
        coefficient = Fraction(1)
        if name in ("multiply", "divide") and len(numbers) == 2:
            constant = rational(numbers[1 - source] or 0.0)
            if not constant or (name == "divide" and source != 0):
                return None
            coefficient = constant if name == "multiply" else 1 / constant
        elif rule.uses[source] == "-" and len(numbers) == 1:
            coefficient = Fraction(-1)
        elif rule.uses[source] != "+" or any(n != 0 for i, n in enumerate(numbers) if i != source):
            return None
        dims: list[int | None] = []
        position: dict[str, int] = {}
        for axis, dim in enumerate(rule.operands[source]):
            if len(dim) != 1 or len(dim[0]) > 1:
                return None
            if dim[0]:
                position[dim[0][0]] = axis
        for dim in rule.results[0]:
            if len(dim) != 1 or len(dim[0]) > 1:
                return None
            dims.append(position.get(dim[0][0]) if dim[0] else None)
        summed = frozenset(axis for factor, axis in position.items() if factor in rule.sums)
        shape = self.program.values[step.operands[source]].shape
        # Every dimension of the operand is one of the result, summed over, or of size one.
        if any(axis not in summed and axis not in dims and shape[axis] != 1 for axis in range(len(shape))):
            return None
        return Root(step.operands[source], coefficient, tuple(dims), summed)

    # --- what entries add up to

    def sum_along(self, value: int, axis: int, depth: int = 0) -> Fraction | None:
        """What the entries along an axis add up to, whatever the other indices: 0 behind a subtracted mean, 1 behind a
        softmax. None where that is not known."""
        if depth > _MAX_DEPTH:
            return None
        root = self.get(value)
        own = root.dims[axis]
        if own is None or root.summed:
            return None
        if value != root.value:
            inner = self.sum_along(root.value, own, depth + 1)
            return None if inner is None else root.coefficient * inner
        if value not in self.makers:
            return None
        step, _ = self.makers[value]
        name = step.op.partition(".")[2]
        if len(step.operands) != 2 or any(self.program.values[o].shape != self.program.values[value].shape
                                          for o in step.operands):
            return None
        first, second = step.operands
        if name == "subtract" and self.is_sum(second, first, axis) == Fraction(1, self.program.values[value].shape[axis]):
            return Fraction(0)
        if name == "divide" and self.is_sum(second, first, axis) == 1:
            return Fraction(1)
        if name in ("add", "subtract"):
            sums = [self.sum_along(operand, axis, depth + 1) for operand in step.operands]
            return Fraction(0) if sums == [0, 0] else None
        if name in ("multiply", "divide"):
            pairs = [(first, second)] + ([(second, first)] if name == "multiply" else [])
            for moved, other in pairs:
                if self.get(other).dims[axis] is None and self.sum_along(moved, axis, depth + 1) == 0:
                    return Fraction(0)
        return None

    def is_sum(self, total: int, value: int, axis: int) -> Fraction | None:
        """The factor by which one value is the sum of another along an axis, spread along it."""
        of, own = self.get(total), self.get(value)
        if own.dims[axis] is None or of.dims[axis] is not None or of.value != own.value or not own.coefficient:
            return None
        if of.summed != own.summed | {own.dims[axis]} or any(
                a != b for number, (a, b) in enumerate(zip(of.dims, own.dims, strict=True)) if number != axis):
            return None
        return of.coefficient / own.coefficient
