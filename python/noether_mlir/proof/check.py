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

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from noether_mlir.proof.affine import AffineProof
from noether_mlir.proof.anyscale import masks_of
from noether_mlir.proof.degrees import BadDegree, TooLarge
from noether_mlir.proof.groups import GroupProof
from noether_mlir.proof.program import Program
from noether_mlir.proof.reading import NotCheckable, Proof, ProofError, at
from noether_mlir.proof.roots import Roots
from noether_mlir.proof.rotary import ComplexProof
from noether_mlir.proof.rules import RuleError
from noether_mlir.proof.scales import ScaleProof
from noether_mlir.proof.translations import TranslationProof
from noether_mlir.proof.uniform import uniform_axes, zero_parts, zero_values

_FAMILIES: dict[str, type[Proof]] = {
    "scale": ScaleProof,
    "rescale": ScaleProof,
    "general_linear": GroupProof,
    "orthogonal": GroupProof,
    "complex_linear": ComplexProof,
    "permutation": GroupProof,
    "translation": TranslationProof,
    "affine": AffineProof,
}
_PIECES = tuple(f"stablehlo.{name}" for name in ("reverse", "pad", "gather", "scatter"))


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
        self.roots = Roots(program)
        self.zero = zero_values(program)
        self.zero_parts = zero_parts(program, self.zero)
        self.uniform = uniform_axes(program, self.zero)
        self.parameters = self._parameters()
        # Proofs may have steps that the loss does not need: loops are taken as a whole there.
        self.step_of = {(step.path, step.part, step.kind): number for number, step in enumerate(program.steps)}
        self.touching: dict[int, list[int]] = {}
        #: What a proof may take to be another value: results of what is read piece by piece.
        self.pieces = {value for step in program.steps if step.op in _PIECES for value in step.results}
        self.after_pieces = self._after_pieces()
        for number in sorted(self.slice):
            step = program.steps[number]
            if self.step_of[step.path, step.part, step.kind] != number:
                raise NotCheckable(f"{at(step)} has several steps")
            read = step.operands[:2] if step.kind == "loop" else step.operands
            for value in {*read, *step.results}:
                self.touching.setdefault(value, []).append(number)

    def _after_pieces(self) -> set[int]:
        """Values made of what is put at places that constants say, which this checker does not follow."""
        data, after = set(self.program.arguments), set()
        for step in self.program.steps:
            if any(value in data for value in step.operands):
                data.update(step.results)
            if step.op in ("stablehlo.gather", "stablehlo.scatter") and step.operands[1] not in data and not step.takes:
                after.update(step.results)
            if any(value in after for value in step.operands):
                after.update(step.results)
        return after

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
        if family not in _FAMILIES:
            return Verdict(name, family, "unchecked", len(steps), "proofs of this family are not checked yet")
        try:
            _FAMILIES[family](self, symmetry).check()
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
