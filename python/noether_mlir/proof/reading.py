# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the proofs of all families have in common: which operations of the step they speak of, and which they must."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from noether_mlir.proof.degrees import BadDegree
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
        #: By step: what the proof says of an operation that it reads as several.
        self.pieces: dict[int, list[Mapping[str, Any]]] = {}

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
        self.read_pieces()
        self.check_operands()
        # Whatever reads or makes something that moves is part of the proof.
        reached = sorted({number for value in self.moving() for number in self.checker.touching.get(value, ())})
        for number in reached:
            if number not in self.certificates:
                raise ProofError(f"{at(self.program.steps[number])}: not in the proof, but it reads what moves")
        for number in self.certificates:
            try:
                if number in self.pieces:
                    self.check_take(number)
                else:
                    self.check_step(number)
            except (ProofError, BadDegree):
                # Zeros, say, that this checker does not know of.
                if any(value in self.checker.after_pieces for value in self.program.steps[number].operands):
                    raise NotCheckable(f"{at(self.program.steps[number])}: what it reads is put together from pieces") from None
                raise
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
    def check_take(self, number: int) -> None:
        """The same for an operation that only puts entries elsewhere."""

    @abstractmethod
    def check_loss(self) -> None:
        """That the loss does not move."""

    def read(self, certificate: Mapping[str, Any]) -> None:
        """One step of the proof: that it is the operation it says, and the degrees of what it makes."""
        if certificate["kind"] == "piece":
            self.read_piece(certificate)
            return
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

    # --- operations that are read as several steps

    def read_piece(self, certificate: Mapping[str, Any]) -> None:
        """Collects the steps of an operation of which it is known where entries come from."""
        number = self.checker.step_of.get((certificate["path"], 0, "rule"))
        step = None if number is None else self.program.steps[number]
        if number is None or step is None or step.takes is None or step.op != certificate["op"]:
            raise NotCheckable(f"operation {certificate['path']} ({certificate['op']}) is read piece by piece in the proof")
        self.pieces.setdefault(number, []).append(certificate)
        # The last one makes the result: what others make that moves is read by one of them.
        self.bind_piece(step, self.pieces[number])

    def bind_piece(self, step: Step, certificates: list[Mapping[str, Any]]) -> None:
        (last,) = certificates[-1]["results"]
        used = {each["value"] for certificate in certificates for each in certificate["operands"]}
        if self.is_moved(last) and last["value"] not in used:
            self.numbers.setdefault(last["value"], step.results[0])

    def read_pieces(self) -> None:
        """What the operations read piece by piece do to their own operand and result."""
        for number, certificates in self.pieces.items():
            step = self.program.steps[number]
            if number in self.certificates:
                raise ProofError(f"{at(step)}: twice in the proof")
            self.certificates[number] = certificates[0]
            made = {each["value"] for certificate in certificates for each in certificate["results"]}
            outside = {each["value"]: each for certificate in certificates for each in certificate["operands"]
                       if each["value"] not in made}
            operand, (last,) = step.operands[0], certificates[-1]["results"]
            moved = [name for name, each in outside.items() if self.is_moved(each)]
            if len(moved) > 1:
                raise NotCheckable(f"{at(step)} is read piece by piece in the proof")
            for name in moved:
                if self.numbers.setdefault(name, operand) != operand or self.names.setdefault(operand, name) != name:
                    raise ProofError(f"{at(step)}: value {name} is another one here")
                self.read_operand(step, operand, outside[name])
            if self.is_moved(last):
                name, result = last["value"], step.results[0]
                if self.numbers.setdefault(name, result) != result or self.names.setdefault(result, name) != name:
                    raise ProofError(f"{at(step)}: value {name} is another one here")
                self.read_result(step, result, last)

    @staticmethod
    def is_moved(stated: Mapping[str, Any]) -> bool:
        """Whether a proof says that a value moves."""
        if stated.get("degree") == "any":
            return False
        return bool(stated.get("degree") or stated.get("actions") or stated.get("shift", "0") != "0")

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
