# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The proof of a claim, by source line."""

from dataclasses import dataclass

from noether_mlir.analysis import Symmetry
from noether_mlir.report.quoting import Sources
from noether_mlir.table.words import short_location


@dataclass(frozen=True)
class Step:
    """What operations of one kind state on a line.

    Attributes:
        equation: between the log-scales of operands and results. holds: the same with the degrees of this claim.
        times: how many operations say just this.
    """

    op: str
    equation: str
    holds: str
    times: int


@dataclass(frozen=True)
class SourceLine:
    """A line of the program and what its operations state. code: the line itself, if it is to be had."""

    place: str
    location: str
    code: str
    steps: list[Step]


@dataclass(frozen=True)
class Proof:
    """All lines, and what the loss does at the end. of: the one symmetry of its group that it is the proof of."""

    of: str
    lines: list[SourceLine]
    end: str
    operations: int


#: Steps of a line beyond which only their number is given.
_MOST = 200


def proof_of(symmetry: Symmetry, sources: Sources) -> Proof | None:
    """The proof of a symmetry; None if none was asked for."""
    if not symmetry.derivation:
        return None
    lines: dict[str, dict[tuple[str, str, str], int]] = {}
    for step in symmetry.derivation:
        said = lines.setdefault(step.location or "", {})
        key = (step.op, step.equation, step.holds or step.note)
        said[key] = said.get(key, 0) + 1
    shown = [
        SourceLine(
            short_location(location) or "without a source line",
            location,
            sources.line(location),
            [Step(*key, times) for key, times in list(said.items())[:_MOST]],
        )
        for location, said in lines.items()
    ]
    moves = symmetry.family in ("scale", "rescale")
    end = "The loss has degree 0: it does not change." if moves else "Nothing of it reaches the loss."
    return Proof(symmetry.id, shown, end, len(symmetry.derivation))
