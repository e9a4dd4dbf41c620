# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`noether analyze` and `noether rewrite`."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from noether_mlir.analysis import Analysis, analyze_text
from noether_mlir.cli.common import OUTPUT, STEP, fail, read, write, write_table
from noether_mlir.errors import NoetherError
from noether_mlir.lints import lint_codes, lint_page
from noether_mlir.sarif import to_sarif
from noether_mlir.table import render, to_text
from noether_mlir.table.derivations import derivation_text
from noether_mlir.tool import run_tool


class AnalysisFormat(str, Enum):
    """How an analysis is printed."""

    table = "table"
    json = "json"
    sarif = "sarif"


def _fail_condition(text: str) -> str:
    """What --fail-on names, checked."""
    if text not in ("never", "warning", "error", *lint_codes()):
        raise typer.BadParameter("it is never, warning, error, or the code of a lint, such as N106")
    return text


def _explain(code: str | None) -> None:
    """Prints the page of a lint, and ends."""
    if code is None:
        return
    if code not in lint_codes():
        raise typer.BadParameter(f"there is no lint {code}", param_hint="--explain")
    write(lint_page(code), None)
    raise typer.Exit


def _assignment(text: str) -> str:
    name, _, value = text.rpartition("=")
    try:
        float(value)
    except ValueError:
        name = ""
    if not name:
        raise typer.BadParameter("it is NAME=NUMBER")
    return text


def analyze_command(
    step: Annotated[str, STEP],
    format: Annotated[AnalysisFormat, typer.Option("--format", help="How to print.")] = AnalysisFormat.table,
    spurion_threshold: Annotated[
        float | None,
        typer.Option(
            "--spurion-threshold",
            metavar="X",
            min=0.0,
            help="Treat constants up to X that stand alone in a sum, comparison or maximum as quantities with a scale"
            " of their own.",
        ),
    ] = None,
    derivations: Annotated[
        bool, typer.Option("--derivations", help="Also give the proof of each symmetry (JSON).")
    ] = False,
    derivation: Annotated[
        str | None, typer.Option("--derivation", metavar="ID", help="Print the proof of one symmetry, by source line.")
    ] = None,
    fail_on: Annotated[
        str,
        typer.Option(
            "--fail-on",
            metavar="never|warning|error|CODE",
            callback=_fail_condition,
            help="End with status 3 if there is a lint this severe, or of this code.",
        ),
    ] = "never",
    explain: Annotated[
        str | None,
        typer.Option(
            "--explain", metavar="CODE", callback=_explain, is_eager=True, help="Print the page of a lint, and end."
        ),
    ] = None,
    numbers: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=NUMBER",
            callback=lambda given: [_assignment(each) for each in given or []],
            help="For predictions: the number an argument is to be taken to have. Several are allowed.",
        ),
    ] = None,
    gradient_norm: Annotated[
        float | None,
        typer.Option(
            "--gradient-norm",
            metavar="X",
            min=0.0,
            help="For predictions: the root mean square of |w| |g| for a scale-invariant block.",
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="In the table, every symmetry and parameter, not one row a kind of layer.")
    ] = False,
    output: Annotated[Path | None, OUTPUT] = None,
) -> None:
    """Says which transformations of the parameters leave the loss unchanged, and how the optimizer breaks them."""
    try:
        text = read(step)
        analysis = analyze_text(
            text.text,
            text.source,
            spurion_threshold=spurion_threshold,
            derivations=derivations or derivation is not None,
            numbers={name: float(value) for name, _, value in (each.rpartition("=") for each in numbers or [])},
            gradient_norm=gradient_norm,
        )
    except NoetherError as error:
        fail(error)
    if derivation is not None:
        _print_derivation(analysis, derivation, output)
    elif format is AnalysisFormat.json:
        write(analysis.json() + "\n", output)
    elif format is AnalysisFormat.sarif:
        write(to_sarif(analysis) + "\n", output)
    else:
        write_table(lambda: render(analysis, every), lambda: to_text(analysis, full=every), output)
    failing = {"never": (), "warning": ("warning", "error"), "error": ("error",)}.get(fail_on, (fail_on,))
    if any(lint.severity in failing or lint.code in failing for lint in analysis.lints):
        raise typer.Exit(3)


def _print_derivation(analysis: Analysis, name: str, output: Path | None) -> None:
    found = [symmetry for symmetry in analysis.symmetries if symmetry.id == name]
    if not found:
        raise typer.BadParameter(f"there is no symmetry {name}", param_hint="--derivation")
    write(derivation_text(found[0]) + "\n", output)


def rewrite_command(
    step: Annotated[str, STEP],
    charges: Annotated[
        bool, typer.Option("--charges", help="Measure the Noether charges in the step and return them.")
    ] = False,
    adaptive: Annotated[
        bool, typer.Option("--adaptive", help="Hold scale-invariant weights as a direction and a radius.")
    ] = False,
    eps: Annotated[
        str,
        typer.Option("--eps", metavar="exact|keep", help="With --adaptive: scale the epsilons of norms, or not."),
    ] = "exact",
    output: Annotated[Path | None, OUTPUT] = None,
) -> None:
    """Rewrites a step, and prints it as MLIR in generic form."""
    if not charges and not adaptive:
        raise typer.BadParameter("nothing to do: give --charges, --adaptive, or both")
    if eps not in ("exact", "keep"):
        raise typer.BadParameter("it is exact or keep", param_hint="--eps")
    passes = [f"--noether-rewrite-adaptive=eps={eps}"] if adaptive else []
    passes += ["--noether-track-charges", "--noether-lower-charges"] if charges else []
    try:
        text = read(step)
        write(
            run_tool([*passes, "--mlir-print-op-generic", "--mlir-print-debuginfo"], text.text, text.source),
            output,
        )
    except NoetherError as error:
        fail(error)
