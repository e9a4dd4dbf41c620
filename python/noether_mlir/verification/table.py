# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A verification as a table."""

import io
from collections import Counter
from collections.abc import Iterator

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from noether_mlir.verification.verdict import ClaimVerdict, Completeness, Verification

#: A rank is clear if the singular values on its two sides differ by this factor.
CLEAR = 1e3

_STYLES = {"holds": "green", "holds up to constants": "green", "FALSE": "bold red", "not checkable": "yellow"}


def _small(number: float | None) -> str:
    return "" if number is None else "0" if number == 0 else f"{number:.1e}"


def _outcome(claim: ClaimVerdict) -> str:
    if claim.outcome != "holds up to constants":
        return claim.outcome
    return "holds up to " + ", ".join("a constant" if c is None else f"{c:g}" for c in dict.fromkeys(claim.constants))


def _identity(claim: ClaimVerdict) -> str:
    if claim.identity is None:
        return "not shown" if claim.family != "permutation" else "-"
    if not claim.identity.agrees:
        return "not the gradient's"
    return _small(abs(claim.identity.value) / max(claim.identity.size, 1e-300))


def _names(claim: ClaimVerdict) -> str:
    shown = ", ".join(claim.parameters[:3])
    return shown if len(claim.parameters) <= 3 else f"{shown} and {len(claim.parameters) - 3} more"


def _head(verification: Verification) -> str:
    how = "double precision" if verification.precision == "double" else "the step's own precision"
    if verification.why_native:
        how += f" ({verification.why_native})"
    engine = "XLA" if verification.engine == "xla" else "StableHLO's reference interpreter"
    points = f"{verification.points} points" if verification.points > 1 else "one point"
    return f"{verification.source}  loss {verification.loss:.6g}  {points}  {how}, {engine}"


def _count(completeness: Completeness) -> Iterator[str]:
    if completeness.why:
        yield f"completeness: not counted ({completeness.why})"
        return
    words = {"torus": "scale and rescale", "translation": "translation", "linear": "all linear together"}
    for family, counted in completeness.counted.items():
        claimed = completeness.claimed.get(family)
        if claimed is None:
            share = "not analysed"
        else:
            share = f"{claimed} claimed" + (f", {100 * claimed / counted:.0f} %" if counted else "")
        yield f"completeness, {words[family]}: {counted} dimensions counted, {share}"
    yield (
        f"  from the gradients at {completeness.points:,} points, {completeness.elements:,} parameter entries; "
        + ("clear" if completeness.gap > CLEAR else "NOT CLEAR")
        + f" by a factor {completeness.gap:.0e}"
    )


def _summary(verification: Verification) -> str:
    outcomes = Counter(claim.outcome for claim in verification.claims)
    words = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())
    claims = "1 claim" if len(verification.claims) == 1 else f"{len(verification.claims)} claims"
    return f"{claims}: {words}" if outcomes else "nothing is claimed"


def render(verification: Verification) -> Iterator[RenderableType]:
    """The parts of the table, for rich."""
    yield Text(_head(verification), style="bold")
    if verification.claims:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for title in ("", "family", "dim", "parameters", "verdict", "change", "rounding", "other moves", "<Aw,g>"):
            table.add_column(title, justify="right" if title in ("dim", "change", "rounding", "other moves") else "left",
                             overflow="fold")  # fmt: skip
        for claim in verification.claims:
            table.add_row(
                claim.symmetry,
                claim.family,
                f"{claim.dimension:,}",
                Text(_names(claim)),
                Text(_outcome(claim), style=_STYLES[claim.outcome]),
                _small(claim.deviation),
                _small(claim.tolerance),
                _small(claim.control),
                _identity(claim),
            )
        yield table
    for claim in verification.claims:
        if claim.why:
            yield Text(f"{claim.symmetry}: {claim.why}")
    yield Text(_summary(verification))
    if verification.completeness:
        for line in _count(verification.completeness):
            yield Text(line)


def to_text(verification: Verification, width: int = 160) -> str:
    """The table as plain text."""
    stream = io.StringIO()
    console = Console(file=stream, width=width, color_system=None, highlight=False)
    for part in render(verification):
        console.print(part)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())
