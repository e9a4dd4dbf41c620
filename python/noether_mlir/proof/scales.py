# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Proofs of scale and rescale symmetries: the degrees of all values satisfy the equations of all operations."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from noether_mlir.proof.anyscale import Mask, shapes_of
from noether_mlir.proof.degrees import (
    LIMIT,
    PRIME,
    Application,
    Degree,
    TooLarge,
    add,
    contract,
    equal,
    random_element,
    random_weights,
    residue,
    term,
)
from noether_mlir.proof.program import Step, any_number
from noether_mlir.proof.reading import NotCheckable, Proof, ProofError, at
from noether_mlir.proof.rules import Equation, Tensor
from noether_mlir.proof.takes import take

if TYPE_CHECKING:
    from noether_mlir.proof.check import Checker


class ScaleProof(Proof):
    """The degrees of one scale or rescale symmetry."""

    def __init__(self, checker: "Checker", symmetry: Mapping[str, Any]):
        super().__init__(checker, symmetry)
        self.rng = np.random.default_rng((checker.seed, *str(symmetry.get("id")).encode()))
        self.element = random_element(symmetry.get("block_shape", []), symmetry.get("traceless", False), self.rng)
        #: By value: its degree, where it is not 0.
        self.degrees: dict[int, np.ndarray] = {}
        self.stated: list[tuple[Step, int, Any]] = []
        self.constants: set[tuple[float, Fraction]] = set()

    def move_parameters(self) -> None:
        members: dict[int, list[np.ndarray]] = {}
        for member in self.symmetry["members"]:
            value = self.checker.parameters.get(member["parameter"])
            if value is None:
                raise ProofError(f"{member['parameter']} is no parameter")
            members.setdefault(value, []).append(
                term(member, self.program.values[value].shape, self.element, "exponent")
            )
        if not members:
            raise ProofError("no parameter moves")
        for value, terms in members.items():
            self.state(value, add(terms))

    def state(self, value: int, degree: Degree) -> None:
        if degree is not None:
            self.degrees[value] = degree

    def is_any(self, value: int) -> bool:
        return self.checker.masks[value] is True

    def degree_of(self, stated: Any, value: int) -> Degree:
        """What a certificate says of a value, as numbers."""
        if stated == "?":
            raise NotCheckable("a degree is no function on the axes of the symmetry")
        if stated == "any":
            raise ProofError("a value that is not zero everywhere is said to have any degree")
        if not isinstance(stated, list):
            raise ProofError(f"{stated!r} is no degree")
        return add([term(each, self.program.values[value].shape, self.element) for each in stated])

    def read_operand(self, step: Step, value: int, stated: Mapping[str, Any]) -> None:
        if not self.is_any(value):
            self.stated.append((step, value, stated["degree"]))

    def read_result(self, step: Step, value: int, stated: Mapping[str, Any]) -> None:
        if not self.is_any(value):
            self.state(value, self.degree_of(stated["degree"], value))

    def check_operands(self) -> None:
        for step, value, degree in self.stated:
            if not equal(self.degree_of(degree, value), self.degrees.get(value)):
                raise ProofError(f"{at(step)}: the degree of a value is not the one it was given where it is made")

    def moving(self) -> Iterable[int]:
        return self.degrees

    def check_loss(self) -> None:
        if self.checker.loss in self.degrees and not self.is_any(self.checker.loss):
            raise ProofError("the loss does not have degree 0")
        self.check_constants()

    def check_take(self, number: int) -> None:
        step = self.program.steps[number]
        operand, result = step.operands[0], step.results[0]
        if self.is_any(result):
            return
        if step.takes is None or self.is_any(operand):
            raise NotCheckable(f"{at(step)} is read piece by piece in the proof")
        shape = self.program.values[operand].shape
        expected = self.degrees.get(operand)
        expected = np.zeros((1,) * len(shape), np.int64) if expected is None else expected
        filled = np.zeros((1,) * len(shape), bool)
        for axis, table in step.takes.items():
            if expected.shape[axis] != 1:
                expected = take(expected, axis, table, 0)
            filled = filled | (table < 0).reshape([-1 if a == axis else 1 for a in range(len(shape))])
        stated = self.degrees.get(result)
        stated = np.zeros((1,) * len(shape), np.int64) if stated is None else stated
        if int(np.prod(np.broadcast_shapes(expected.shape, stated.shape, filled.shape), dtype=object)) > LIMIT:
            raise TooLarge("a degree that varies along too many entries")
        if ((expected != stated) & ~filled).any():
            raise ProofError(f"{at(step)}: the degree of its result is not that of the entries it takes")
        if filled.any() and not any_number(self.program.values[step.operands[1]]) and ((stated != 0) & filled).any():
            raise ProofError(f"{at(step)}: what it fills in has degree 0")

    # --- equations

    def check_step(self, number: int) -> None:
        step = self.program.steps[number]
        if step.rule.is_barrier:
            moved = [value for value in (*step.operands, *step.results) if value in self.degrees]
            if any(not self.is_any(value) for value in moved):
                raise ProofError(f"{at(step)}: nothing that moves may go in or come out")
            return
        if step.kind == "loop":
            self.check_loop(step)
            return
        application = Application(step.rule, shapes_of(self.program, step))
        self.check_frozen(step, application)
        spoken: dict[Tensor, set[tuple[int, ...]]] = {}
        counts: dict[Tensor, int] = {}
        for equation in step.rule.equations:
            counts[equation.lhs] = counts.get(equation.lhs, 0) + 1
        for equation in step.rule.equations:
            if equation.lhs[0] == "r" and not self.program.values[self.value(step, equation.lhs)].is_float:
                continue
            choices = application.choices(equation)
            spoken.setdefault(equation.lhs, set()).update(chosen[equation.lhs] for chosen in choices)
            if all(self.holds(step, application, equation, chosen) for chosen in choices):
                continue
            constant = self.promoted(number, equation, counts[equation.lhs])
            if constant is None:
                raise ProofError(f"{at(step)}: the degrees do not satisfy {said(equation)}")
            self.constants.add(constant)
        for result, value in enumerate(step.results):
            self.check_unspoken(step, application, ("r", result), value, spoken.get(("r", result), set()))

    def value(self, step: Step, tensor: Tensor) -> int:
        return (step.operands if tensor[0] == "o" else step.results)[tensor[1]]

    def array(self, step: Step, tensor: Tensor) -> Degree:
        value = self.value(step, tensor)
        return self.degrees.get(value) if self.program.values[value].is_float else None

    def mask(self, step: Step, tensor: Tensor) -> Mask:
        return self.checker.masks[self.value(step, tensor)]

    def holds(self, step: Step, application: Application, equation: Equation, chosen) -> bool:
        """Whether an equation holds for one choice of segments, at every index."""
        terms = [(Fraction(1), equation.lhs), *((-coefficient, tensor) for coefficient, tensor in equation.terms)]
        masks = [self.mask(step, tensor) for _, tensor in terms]
        if any(mask is True for mask in masks):
            return True
        parts: list[tuple[Fraction, list[str], np.ndarray]] = []
        for coefficient, tensor in terms:
            degree = self.array(step, tensor)
            if degree is not None:
                parts.append((coefficient, *application.by_factors(tensor, degree, chosen[tensor])))
        if not parts:
            return True
        if any(isinstance(mask, np.ndarray) for mask in masks):
            free = [
                application.by_factors(tensor, mask, chosen[tensor])
                for (_, tensor), mask in zip(terms, masks, strict=True)
                if isinstance(mask, np.ndarray)
            ]
            return _holds_outside(parts, free)
        for _ in range(2):
            sizes = {name: size for _, names, array in parts for name, size in zip(names, array.shape, strict=True)}
            for _, names, array in parts:
                for name, size in zip(names, array.shape, strict=True):
                    sizes[name] = max(sizes[name], size)
            weights = random_weights(dict(sorted(sizes.items())), self.rng)
            total = sum(residue(c) * contract(list(names), array, weights) for c, names, array in parts)
            if total % PRIME:
                return False
        return True

    def check_frozen(self, step: Step, application: Application) -> None:
        for number in range(len(step.rule.operands)):
            degree = self.array(step, ("o", number))
            if degree is None or self.is_any(step.operands[number]):
                continue
            for axis, dim in enumerate(step.rule.operands[number]):
                if degree.shape[axis] != 1 and application.is_constant_along(dim, step.rule.frozen):
                    raise ProofError(f"{at(step)}: the degree of operand {number} varies along axis {axis}")

    def check_unspoken(
        self, step: Step, application: Application, result: Tensor, value: int, spoken: Iterable[tuple[int, ...]]
    ) -> None:
        """What no equation speaks of is not moved."""
        degree = self.degrees.get(value)
        if degree is None or self.is_any(value):
            return
        spoken = set(spoken)
        options: list[tuple[int, ...]] = [()]
        for dim in step.rule.dims(result):
            options = [(*option, number) for option in options for number in range(len(dim))]
        for option in options:
            if option not in spoken and application.by_factors(result, degree, option)[1].any():
                raise ProofError(f"{at(step)}: no equation speaks of the degree of its result")

    def check_loop(self, step: Step) -> None:
        carried, yielded = step.operands[:2]
        if self.is_any(yielded):
            return
        if not equal(self.degrees.get(carried), self.degrees.get(yielded)):
            raise ProofError(f"{at(step)}: what the body yields has another degree than what is carried")

    # --- constants that scale along

    def promoted(self, number: int, equation: Equation, count: int) -> tuple[float, Fraction] | None:
        """The constant that would have to scale along for an equation to hold, as the proof names it."""
        step, certificate = self.program.steps[number], self.certificates[number]
        if len(equation.terms) != 1 or equation.terms[0][0] != 1 or (equation.lhs[0] == "r" and count < 2):
            return None
        sides = [equation.terms[0][1], *([equation.lhs] if equation.lhs[0] == "o" else [])]
        for side in sides:
            constant = self.program.values[self.value(step, side)].number
            if constant is None:
                continue
            other = equation.lhs if side != equation.lhs else equation.terms[0][1]
            values = certificate["operands" if other[0] == "o" else "results"]
            degrees = {Fraction(each["coefficient"]) for each in values[other[1]]["degree"]}
            for spurion in certificate.get("spurions", []):
                degree = Fraction(spurion["degree"])
                if np.float32(spurion["constant"]) == np.float32(constant) and degree in degrees:
                    return spurion["constant"], degree
        return None

    def check_constants(self) -> None:
        claimed = {(each["constant"], Fraction(each["degree"])) for each in self.symmetry.get("broken_by", [])}
        for constant, degree in sorted(self.constants - claimed):
            raise ProofError(f"the constant {constant:g} breaks the symmetry (degree {degree}), which is not said")
        for constant, degree in sorted(claimed - self.constants):
            raise ProofError(f"the constant {constant:g} does not break the symmetry with degree {degree}")
        if self.symmetry.get("exact") is not (not claimed):
            raise ProofError("a symmetry is exact if no constant breaks it, and only then")


def _holds_outside(parts, free) -> bool:
    """Whether a sum is zero wherever no summand has any degree."""
    names = sorted({name for _, own, _ in parts for name in own} | {name for own, _ in free for name in own})

    def spread(own: list[str], array: np.ndarray) -> np.ndarray:
        order = sorted(range(len(own)), key=lambda axis: names.index(own[axis]))
        array = np.transpose(array, order)
        present = [own[axis] for axis in order]
        return array.reshape([array.shape[present.index(name)] if name in present else 1 for name in names])

    arrays = [spread(own, array) for _, own, array in parts]
    masks = [spread(own, mask) for own, mask in free]
    shape = np.broadcast_shapes(*(array.shape for array in [*arrays, *masks]))
    if int(np.prod(shape, dtype=object)) > LIMIT:
        raise TooLarge(f"an equation with {shape} entries")
    total = np.zeros(shape, np.int64)
    for (coefficient, _, _), array in zip(parts, arrays, strict=True):
        total = (total + residue(coefficient) * array) % PRIME
    outside = np.ones(shape, bool)
    for mask in masks:
        outside &= ~mask
    return not (total.astype(bool) & outside).any()


def said(equation: Equation) -> str:
    """An equation in words."""
    terms = " + ".join(f"{c} {t[0]}{t[1]}" if c != 1 else f"{t[0]}{t[1]}" for c, t in equation.terms)
    return f"{equation.lhs[0]}{equation.lhs[1]} = {terms or '0'}"
