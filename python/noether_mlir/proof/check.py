# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks the proofs in a report against the step they speak of.

Nothing is taken from the report but the claim (how the parameters move) and the degrees of values. The checker reads
the step anew, and of each claim it checks that

* every operation of the loss that reads or makes a value that moves is among the steps of the proof, with the rule it
  has;
* the degrees stated for a value are the same wherever it occurs: for parameters those of the claim, for the data and
  constants 0;
* they satisfy the equations of every operation, entry by entry, for a random element of the symmetry;
* the loss has degree 0;
* constants that would have to scale along are those that the claim names.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from noether_mlir.proof.anyscale import Mask, masks_of, shapes_of
from noether_mlir.proof.degrees import (
    LIMIT,
    PRIME,
    Application,
    BadDegree,
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
from noether_mlir.proof.program import Program, Step
from noether_mlir.proof.rules import Equation, RuleError, Tensor, parse_equations, parse_rule

_TORUS = ("scale", "rescale")
_PIECES = tuple(f"stablehlo.{name}" for name in ("reverse", "pad", "gather", "scatter"))


class ProofError(Exception):
    """What is wrong with a proof, in one line."""


class NotCheckable(Exception):
    """Why a proof cannot be checked."""


@dataclass(frozen=True)
class Verdict:
    """What the checker says of one claim.

    Attributes:
        outcome: "verified", "failed" or "unchecked". steps: of the proof. reason: of a failure, or why unchecked.
    """

    symmetry: str
    family: str
    outcome: str
    steps: int = 0
    reason: str = ""


class Checker:
    """The claims of one report on one step."""

    def __init__(self, program: Program, report: Mapping[str, Any], seed: int = 0):
        self.program = program
        self.report = report
        self.seed = seed
        self.loss = self._loss()
        self.slice = program.slice_of(self.loss)
        self.masks = masks_of(program)
        self.parameters = self._parameters()
        # Proofs may have steps that the loss does not need: loops are taken as a whole there.
        self.step_of = {(step.path, step.part, step.kind): number for number, step in enumerate(program.steps)}
        self.touching: dict[int, list[int]] = {}
        #: What a proof may take to be another value: results of what is read piece by piece.
        self.pieces = {value for step in program.steps if step.op in _PIECES for value in step.results}
        for number in sorted(self.slice):
            step = program.steps[number]
            if self.step_of[step.path, step.part, step.kind] != number:
                raise NotCheckable(f"{at(step)} has several steps")
            read = step.operands[:2] if step.kind == "loop" else step.operands
            for value in {*read, *step.results}:
                self.touching.setdefault(value, []).append(number)

    def _loss(self) -> int:
        result = self.report.get("loss", {}).get("result")
        if type(result) is not int or not 0 <= result < len(self.program.results):
            raise ProofError("the report does not say which result is the loss")
        return self.program.results[result]

    def _parameters(self) -> dict[str, int]:
        values: dict[str, int] = {}
        for parameter in self.report.get("parameters", []):
            name, argument = parameter.get("name"), parameter.get("argument")
            if type(argument) is not int or not 0 <= argument < len(self.program.arguments) or name in values:
                raise ProofError(f"the parameter {name} cannot be found among the step's arguments")
            values[name] = self.program.arguments[argument]
        return values

    def check(self, symmetry: Mapping[str, Any]) -> Verdict:
        """The verdict on one symmetry of the report."""
        name, family = str(symmetry.get("id", "")), str(symmetry.get("family", ""))
        steps = symmetry.get("derivation") or []
        if family not in _TORUS:
            return Verdict(name, family, "unchecked", len(steps), "proofs of this family are not checked yet")
        try:
            _Proof(self, symmetry).check()
        except (TooLarge, NotCheckable) as error:
            return Verdict(name, family, "unchecked", len(steps), str(error))
        except (ProofError, BadDegree, RuleError) as error:
            return Verdict(name, family, "failed", len(steps), str(error))
        except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
            return Verdict(name, family, "failed", len(steps), f"the proof is malformed: {error!r}")
        return Verdict(name, family, "verified", len(steps))

    def check_all(self) -> list[Verdict]:
        """The verdicts on all symmetries of the report."""
        return [self.check(symmetry) for symmetry in self.report.get("symmetries", [])]


class _Proof:
    def __init__(self, checker: Checker, symmetry: Mapping[str, Any]):
        self.checker = checker
        self.program = checker.program
        self.symmetry = symmetry
        self.rng = np.random.default_rng((checker.seed, *str(symmetry.get("id")).encode()))
        self.element = random_element(symmetry.get("block_shape", []), symmetry.get("traceless", False), self.rng)
        #: By value: its degree, where it is not 0.
        self.degrees: dict[int, np.ndarray] = {}
        #: Values by the number the proof has for them, and the other way round.
        self.numbers: dict[int, int] = {}
        self.names: dict[int, int] = {}
        self.stated: list[tuple[Step, int, Any]] = []
        self.certificates: dict[int, Mapping[str, Any]] = {}
        self.constants: set[tuple[float, Fraction]] = set()

    def check(self) -> None:
        if not self.symmetry.get("derivation"):
            raise NotCheckable("the report has no proof: it was made without --derivations")
        if self.symmetry.get("undescribed"):
            raise NotCheckable("the claim does not say how the scale varies over its members")
        self.move_parameters()
        for certificate in self.symmetry["derivation"]:
            self.read(certificate)
        for step, value, degree in self.stated:
            if not equal(self.degree_of(degree, value), self.degrees.get(value)):
                raise ProofError(f"{at(step)}: the degree of a value is not the one it was given where it is made")
        # Whatever reads or makes something that moves is part of the proof.
        reached = sorted({number for value in self.degrees for number in self.checker.touching.get(value, ())})
        for number in reached:
            if number not in self.certificates:
                raise ProofError(f"{at(self.program.steps[number])}: not in the proof, but it reads what moves")
        for number in self.certificates:
            self.check_equations(number)
        if self.checker.loss in self.degrees and not self.is_any(self.checker.loss):
            raise ProofError("the loss does not have degree 0")
        self.check_constants()

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

    def read(self, certificate: Mapping[str, Any]) -> None:
        """One step of the proof: that it is the operation it says, and the degrees of what it makes."""
        if certificate["kind"] == "piece":
            raise NotCheckable(f"operation {certificate['path']} ({certificate['op']}) is read piece by piece in the proof")
        key = certificate["path"], certificate["part"], certificate["kind"]
        number = self.checker.step_of.get(key)
        if number is None:
            raise ProofError(f"operation {certificate['path']} ({certificate.get('op')}) is not in the step")
        step = self.program.steps[number]
        if number in self.certificates:
            raise ProofError(f"{at(step)}: twice in the proof")
        self.certificates[number] = certificate
        if certificate["op"] != step.op:
            raise ProofError(f"{at(step)}: the proof says {certificate['op']}")
        if not step.position.startswith(("-:", "<stdin>:")) and certificate["location"] not in ("", step.position):
            if not step.position or certificate["location"].rpartition(":")[2] != step.position.rpartition(":")[2]:
                raise ProofError(f"{at(step)}: the proof says it stands at {certificate['location']}")
        if step.kind == "loop":
            operands: tuple[int, ...] = step.operands[:2]
            if parse_equations(certificate["equation"]) != parse_equations("o0 = o1"):
                raise ProofError(f"{at(step)}: a loop ties what it carries to what its body yields")
        else:
            operands = step.operands
            self.check_rule(step, certificate)
        for given, values in ((certificate["operands"], operands), (certificate["results"], step.results)):
            if len(given) != len(values):
                raise ProofError(f"{at(step)}: it has other operands or results")
            for each, value in zip(given, values, strict=True):
                number = each["value"]
                other = self.numbers.setdefault(number, value)
                if other != value and {value, other} & self.checker.pieces:
                    raise NotCheckable(f"{at(step)}: what it reads is put together from pieces in the proof")
                if other != value or self.names.setdefault(value, number) != number:
                    raise ProofError(f"{at(step)}: value {each['value']} is another one here")
        for each, value in zip(certificate["operands"], operands, strict=True):
            if not self.is_any(value):
                self.stated.append((step, value, each["degree"]))
        for each, value in zip(certificate["results"], step.results, strict=True):
            if not self.is_any(value):
                self.state(value, self.degree_of(each["degree"], value))

    def check_rule(self, step: Step, certificate: Mapping[str, Any]) -> None:
        said = parse_rule(certificate["rule"])
        equations = certificate["equation"]
        if said.is_barrier or step.rule.is_barrier:
            if said.is_barrier != step.rule.is_barrier:
                raise ProofError(f"{at(step)}: the rule is not the operation's")
            return
        if said.canonical != step.rule.canonical or parse_equations(equations) != said.equations:
            raise ProofError(f"{at(step)}: the rule is not the operation's")

    # --- equations

    def check_equations(self, number: int) -> None:
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


def at(step: Step) -> str:
    """Where a step is, in words."""
    return f"operation {step.path} ({step.op}{' at ' + step.position if step.position else ''})"


def said(equation: Equation) -> str:
    """An equation in words."""
    terms = " + ".join(f"{c} {t[0]}{t[1]}" if c != 1 else f"{t[0]}{t[1]}" for c, t in equation.terms)
    return f"{equation.lhs[0]}{equation.lhs[1]} = {terms or '0'}"
