# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products with complex numbers, written out: the halves of an axis are cut apart, rotated, and joined again.

No operation of them passes a matrix on, so that they are read as a whole: the joined halves as linear forms in those that
were cut, which must be [[c, -s], [s, c]]. That commutes with all matrices [[a, -b], [b, a]].
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from noether_mlir.proof.actions import Action, merge
from noether_mlir.proof.groups import GroupProof
from noether_mlir.proof.program import Step
from noether_mlir.proof.reading import ProofError, at

if TYPE_CHECKING:
    from noether_mlir.proof.check import Checker

_MAX_STEPS = 64

#: By half of the source and what it is multiplied with: the coefficient.
_Form = dict[tuple[int, tuple[Any, ...]], Fraction]


@dataclass
class _Reading:
    """What one pair of joined halves is made of.

    Attributes:
        source: the value that is cut, the axis, and whether every second entry is taken. steps: the operations in
            between. factors: values that are multiplied with.
    """

    source: tuple[int, int, bool] | None = None
    steps: set[int] = field(default_factory=set)
    factors: set[int] = field(default_factory=set)


class ComplexProof(GroupProof):
    """The actions of complex numbers on pairs."""

    def __init__(self, checker: "Checker", symmetry: Mapping[str, Any]):
        super().__init__(checker, symmetry)
        self.is_linear = True
        self.numbers_of = {id(step): number for number, step in enumerate(self.program.steps)}
        #: Steps that belong to a product with complex numbers.
        self.inside: set[int] = set()

    def check_dimension(self) -> None:
        if self.size != 2 or self.symmetry.get("fixes_constant") or self.symmetry.get("fixes_sum"):
            raise ProofError("complex numbers act on pairs")
        blocks = 1
        for size in self.block_shape:
            blocks *= size
        if self.symmetry["dimension"] != 2 * blocks or self.symmetry.get("broken_by"):
            raise ProofError(f"the group has dimension {2 * blocks}")

    def check_operands(self) -> None:
        super().check_operands()
        readings = {}
        for number in sorted(self.checker.slice):
            step = self.program.steps[number]
            if step.op.endswith(".concatenate") and step.results[0] in self.motions:
                reading = self.read_rotation(step)
                if reading is not None:
                    readings[number] = reading
        inner = {step for reading in readings.values() for step in reading.steps}
        made = {value for step in inner for value in self.program.steps[step].results}
        for reading in readings.values():
            if reading.factors & made or any(value in self.motions for value in reading.factors | made):
                raise ProofError("a product with complex numbers depends on what is moved")
        if self.checker.loss in made:
            raise ProofError("the loss moves")
        # What is read elsewhere is not only rotated.
        for value in made:
            for number in self.checker.touching.get(value, ()):
                if number not in inner and number not in readings:
                    raise ProofError(f"{at(self.program.steps[number])}: it reads one half of what moves")
        self.inside = inner | set(readings)

    def check_step(self, number: int) -> None:
        if number not in self.inside:
            super().check_step(number)

    def check_take(self, number: int) -> None:
        if number not in self.inside:
            super().check_take(number)

    # --- linear forms

    def read_rotation(self, step: Step) -> _Reading | None:
        """The parts of what joins two halves, if together they are a product with complex numbers."""
        if len(step.operands) != 2 or step.operands[0] == step.operands[1]:
            return None
        axis = _cut_axis(step.rule.results[0])
        if axis is None:
            return None
        reading = _Reading()
        forms = [self.expand(value, reading) for value in step.operands]
        if reading.source is None or None in forms:
            return None
        value, own, alternates = reading.source
        whole, joined = (self.program.values[v].shape for v in (value, step.results[0]))
        shape = (*whole[:own], whole[own] // 2, 2, *whole[own + 1:]) if alternates else whole
        if axis != own + alternates or joined != shape:
            return None
        first, second = ({key: c for key, c in form.items() if c} for form in forms if form is not None)
        turned = {(1 - half, factors): c if half else -c for (half, factors), c in first.items()}
        if second != {key: -c for key, c in turned.items()}:
            return None
        moved, result = self.motions.get(value, ()), self.motions[step.results[0]]
        if any(action.axis != own or action.side == "paired" or not _is_pairs(action, whole[own], alternates)
               for action in moved):
            raise ProofError(f"{at(step)}: what it rotates is not moved in pairs")
        if alternates:
            moved = merge([_split(action) for action in moved])
        if [action.key for action in moved] != [action.key for action in result]:
            raise ProofError(f"{at(step)}: its result does not move as what it rotates")
        return reading

    def expand(self, value: int, reading: _Reading, frame: int = 0) -> _Form | None:
        """A value as a linear form in the halves of the source; `frame` counts changes of shape on the way."""
        made = self.checker.roots.makers.get(value)
        if made is None or len(reading.steps) > _MAX_STEPS:
            return None
        step = made[0]
        rule, number = step.rule, self.numbers_of[id(step)]
        if len(step.results) != 1 or rule.is_barrier or rule.sums or not rule.uses:
            return None
        half = self.half_of(step)
        if half is None and rule.frozen:
            return None
        if half is not None:
            axis, which, alternates = half
            if step.operands[0] not in self.motions:
                return None
            if reading.source is None:
                reading.source = (step.operands[0], axis, alternates)
            if reading.source != (step.operands[0], axis, alternates):
                return None
            reading.steps.add(number)
            return {(which, ()): Fraction(1)}
        if self.is_reshape(step):
            reading.steps.add(number)
            return self.expand(step.operands[0], reading, frame + 1)
        shapes = {self.program.values[v].shape for v in (*step.operands, *step.results)}
        if len(shapes) != 1 or any(dims != rule.results[0] for dims in rule.operands):
            return None
        before = (reading.source, set(reading.steps), set(reading.factors))
        reading.steps.add(number)
        if all(use in "+-" for use in rule.uses) and len(rule.equations) == len(step.operands):
            total: _Form = {}
            for operand, use in zip(step.operands, rule.uses, strict=True):
                form = self.expand(operand, reading, frame)
                if form is None:
                    return None
                for key, coefficient in form.items():
                    total[key] = total.get(key, Fraction(0)) + (coefficient if use == "+" else -coefficient)
            return total
        if rule.uses != ("*", "*") or len(rule.equations) != 1 or any(c != 1 for c, _ in rule.equations[0].terms):
            return None
        for moved, factor in (step.operands, step.operands[::-1]):
            form = self.expand(moved, reading, frame)
            if form is None:
                reading.source, reading.steps, reading.factors = before[0], set(before[1]) | {number}, set(before[2])
                continue
            reading.factors.add(factor)
            root = self.checker.roots.get(factor)
            # Equal constants are one.
            constant = self.program.values[root.value].constant
            name = (root.value if constant is None else hash(constant), root.dims, tuple(sorted(root.summed)), frame)
            return {(half, tuple(sorted([*names, name], key=repr))): c * root.coefficient
                    for (half, names), c in form.items()}
        return None

    def is_reshape(self, step: Step) -> bool:
        """Whether a step only adds or drops axes of size one."""
        if step.op.partition(".")[2] not in ("reshape", "broadcast_in_dim") or len(step.operands) != 1:
            return False
        shapes = [[size for size in self.program.values[v].shape if size != 1] for v in (step.operands[0], step.results[0])]
        factors = [[dim for dim, size in zip(dims, self.program.values[v].shape, strict=True) if size != 1]
                   for dims, v in ((step.rule.operands[0], step.operands[0]), (step.rule.results[0], step.results[0]))]
        return shapes[0] == shapes[1] and factors[0] == factors[1]

    def half_of(self, step: Step) -> tuple[int, int, bool] | None:
        """Whether a step takes one half of an axis: the axis, which, and whether it is every second entry."""
        rule = step.rule
        if step.op.endswith(".slice") and step.takes and len(step.takes) == 1:
            ((axis, table),) = step.takes.items()
            size = self.program.values[step.operands[0]].shape[axis]
            for which in (0, 1):
                if size % 2 == 0 and table.tolist() == list(range(which, size, 2)) and size > 2:
                    return axis, which, True
        if not step.op.endswith("slice") or rule.uses[0] != "+" or not rule.operands:
            return None
        axis = _cut_axis(rule.operands[0])
        if axis is None or len(rule.results[0]) <= axis or len(rule.results[0][axis]) != 1:
            return None
        whole, part = self.program.values[step.operands[0]].shape, self.program.values[step.results[0]].shape
        if 2 * part[axis] != whole[axis] or any(a != b for n, (a, b) in enumerate(zip(whole, part, strict=True)) if n != axis):
            return None
        for which, segment in enumerate(rule.operands[0][axis]):
            if segment == rule.results[0][axis][0]:
                return axis, which, False
        return None


def _cut_axis(dims: tuple[Any, ...]) -> int | None:
    """The only axis that consists of pieces, if there are two."""
    cut = [axis for axis, dim in enumerate(dims) if len(dim) > 1]
    if len(cut) != 1 or len(dims[cut[0]]) != 2 or any(len(segment) != 1 for segment in dims[cut[0]]):
        return None
    return cut[0]


def _is_pairs(action: Action, size: int, alternates: bool) -> bool:
    """Whether a pair is an entry of the first half and that of the second at the same place; or two neighbours."""
    for index in np.nonzero(action.coordinate >= 0)[0]:
        place = (index % 2, index - index % 2) if alternates else (index // (size // 2), index % (size // 2))
        if (action.coordinate[index], action.first[index]) != place:
            return False
    return not alternates or bool((action.coordinate >= 0).all())


def _split(action: Action) -> Action:
    """An action on neighbours of an axis, where these have an axis of their own behind it."""
    def moved(axis: int, array: np.ndarray) -> tuple[int, np.ndarray]:
        return (axis, array[::2]) if axis == action.axis else (axis + (axis > action.axis), array)

    blocks = tuple(moved(*each) for each in action.blocks)
    masks = dict(moved(*each) for each in action.masks.items())
    return Action(action.axis + 1, action.side, np.arange(2), np.zeros(2, np.int64), blocks, masks)
