# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the proofs of all families have in common: which operations of the step they speak of, and which they must."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from noether_mlir.proof.program import Step
from noether_mlir.proof.rules import parse_equations, parse_rule

if TYPE_CHECKING:
    from noether_mlir.proof.check import Checker


class ProofError(Exception):
    """What is wrong with a proof, in one line."""


class NotCheckable(Exception):
    """Why a proof cannot be checked."""


class Proof(ABC):
    """The proof of one claim, read against the step.

    Families say how parameters and values move (`move_parameters`, `read_operand`, `read_result`, `moving`) and what
    holds for one operation (`check_step`) and in the end (`check_loss`).
    """

    def __init__(self, checker: "Checker", symmetry: Mapping[str, Any]):
        self.checker = checker
        self.program = checker.program
        self.symmetry = symmetry
        #: Values by the number the proof has for them, and the other way round.
        self.numbers: dict[int, int] = {}
        self.names: dict[int, int] = {}
        self.certificates: dict[int, Mapping[str, Any]] = {}

    def check(self) -> None:
        """Raises what is wrong.

        Raises:
            ProofError: if the proof is wrong. NotCheckable: if it cannot be told.
        """
        if not self.symmetry.get("derivation"):
            raise NotCheckable("the report has no proof: it was made without --derivations")
        if self.symmetry.get("undescribed"):
            raise NotCheckable("the claim does not say how the scale varies over its members")
        self.move_parameters()
        for certificate in self.symmetry["derivation"]:
            self.read(certificate)
        self.check_operands()
        # Whatever reads or makes something that moves is part of the proof.
        reached = sorted({number for value in self.moving() for number in self.checker.touching.get(value, ())})
        for number in reached:
            if number not in self.certificates:
                raise ProofError(f"{at(self.program.steps[number])}: not in the proof, but it reads what moves")
        for number in self.certificates:
            self.check_step(number)
        self.check_loss()

    @abstractmethod
    def move_parameters(self) -> None:
        """Takes from the claim how the parameters move."""

    @abstractmethod
    def read_operand(self, step: Step, value: int, stated: Mapping[str, Any]) -> None:
        """What a step says of an operand."""

    @abstractmethod
    def read_result(self, step: Step, value: int, stated: Mapping[str, Any]) -> None:
        """What a step says of a result."""

    @abstractmethod
    def check_operands(self) -> None:
        """That a value moves in one way, where it is made and wherever it is read."""

    @abstractmethod
    def moving(self) -> Iterable[int]:
        """The values that move."""

    @abstractmethod
    def check_step(self, number: int) -> None:
        """That what a step makes moves as it says, if what it reads does."""

    @abstractmethod
    def check_loss(self) -> None:
        """That the loss does not move."""

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
            self.read_operand(step, value, each)
        for each, value in zip(certificate["results"], step.results, strict=True):
            self.read_result(step, value, each)

    def check_rule(self, step: Step, certificate: Mapping[str, Any]) -> None:
        said = parse_rule(certificate["rule"])
        equations = certificate["equation"]
        if said.is_barrier or step.rule.is_barrier:
            if said.is_barrier != step.rule.is_barrier:
                raise ProofError(f"{at(step)}: the rule is not the operation's")
            return
        if said.canonical != step.rule.canonical or parse_equations(equations) != said.equations:
            raise ProofError(f"{at(step)}: the rule is not the operation's")


def at(step: Step) -> str:
    """Where a step is, in words."""
    return f"operation {step.path} ({step.op}{' at ' + step.position if step.position else ''})"
