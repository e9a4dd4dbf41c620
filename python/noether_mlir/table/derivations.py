# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The proof of one claim as a short listing, by source line."""

from collections.abc import Iterator
from itertools import groupby

from noether_mlir.analysis import Equation, Member, Symmetry


def derivation_text(symmetry: Symmetry) -> str:
    """One line for each operation: the equations it states, and what they say of the degrees there.

    Operations of one source line stand together; what is repeated (a layer that is called often) is counted.
    """
    moves = ", ".join(f"{member.parameter}: {_move(member)}" for member in symmetry.members)
    lines = [f"{symmetry.id}  {symmetry.family}  {moves}"]
    if not symmetry.derivation:
        lines.append("  no proof was recorded")
    for location, steps in groupby(symmetry.derivation, key=lambda step: step.location):
        lines.append(f"  {location or '(no source line)'}")
        lines += _rows(list(steps))
    if symmetry.derivation:
        lines.append("  the loss has degree 0" if symmetry.family in ("scale", "rescale") else "  the loss does not move")
    for broken in symmetry.broken_by:
        lines.append(f"  if {broken.constant:g} (at {broken.location or broken.op}) scales with degree {broken.degree}")
    return "\n".join(lines)


def _move(member: Member) -> str:
    if member.side is None:
        return str(member.exponent)
    matrix = "M" if member.side == "direct" else "M^-T"
    return f"{matrix}({', '.join(map(str, member.axes))})"


def _rows(steps: list[Equation]) -> Iterator[str]:
    width = max(len(step.op) for step in steps)
    for (op, equation, holds), alike in groupby(steps, key=lambda step: (step.op, step.equation, step.holds or step.note)):
        count = len(list(alike))
        times = f"   x{count}" if count > 1 else ""
        yield f"    {op:<{width}}  {equation}{':  ' if holds else ''}{holds}{times}"
