# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`noether check-proof`."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from noether_mlir.cli.common import OUTPUT, STEP, Format, fail, read, write
from noether_mlir.errors import NoetherError

if TYPE_CHECKING:
    from noether_mlir.proof import Verdict


def _load(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise typer.BadParameter(f"cannot read {path}: {error}", param_hint="REPORT") from None
    if not isinstance(data, dict) or not isinstance(data.get("symmetries"), list):
        raise typer.BadParameter(f"{path} is no report of noether analyze", param_hint="REPORT")
    return data


def check_proof_command(
    report: Annotated[
        Path, typer.Argument(metavar="REPORT", help="What noether analyze --derivations --format=json printed.")
    ],
    step: Annotated[str, STEP],
    format: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the random elements of the symmetries.")] = 0,
    output: Annotated[Path | None, OUTPUT] = None,
) -> None:
    """Checks the proofs of a report against the step, without the solver that found them.

    Exit status: 0 no proof is wrong (some may be unchecked: they say why), 1 one is, or the step cannot be read, 2
    wrong usage.

    \b
    Examples:
      noether analyze --derivations --format=json step.mlir > report.json
      noether check-proof report.json step.mlir
    """
    data = _load(report)
    try:
        from noether_mlir.proof import check_proof  # which loads NumPy

        text = read(step)
        verdicts = check_proof(data, text.text, text.source, seed)
    except NoetherError as error:
        fail(error)
    if format is Format.json:
        write(json.dumps({"verdicts": [dataclasses.asdict(verdict) for verdict in verdicts]}, indent=2) + "\n", output)
    else:
        write(_table(verdicts), output)
    if any(verdict.outcome == "failed" for verdict in verdicts):
        raise typer.Exit(1)


def _table(verdicts: "list[Verdict]") -> str:
    lines = []
    for verdict in verdicts:
        line = f"{verdict.symmetry:<5} {verdict.family:<15} {verdict.outcome:<9} "
        line += f"{verdict.steps} steps" if verdict.outcome == "verified" else verdict.reason
        lines.append(line.rstrip())
    counts = {kind: sum(v.outcome == kind for v in verdicts) for kind in ("verified", "failed", "unchecked")}
    lines.append(", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "no claims")
    return "\n".join(lines) + "\n"
