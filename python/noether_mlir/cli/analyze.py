# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`noether analyze`."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from noether_mlir.analysis import Analysis
from noether_mlir.cli.common import (
    FAIL_ON,
    GRADIENT_NORM,
    NUMBERS,
    OUTPUT,
    STEP,
    analyzed,
    fail,
    fails,
    read,
    working,
    write,
    write_table,
)
from noether_mlir.errors import NoetherError
from noether_mlir.report import to_html, to_markdown
from noether_mlir.sarif import to_sarif
from noether_mlir.table import render, to_text
from noether_mlir.table.derivations import derivation_text


class AnalysisFormat(str, Enum):
    """How an analysis is printed."""

    table = "table"
    json = "json"
    sarif = "sarif"
    html = "html"
    markdown = "markdown"


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
        bool, typer.Option("--derivations", help="Also give the proof of each symmetry (JSON, HTML).")
    ] = False,
    derivation: Annotated[
        str | None, typer.Option("--derivation", metavar="ID", help="Print the proof of one symmetry, by source line.")
    ] = None,
    fail_on: Annotated[str, FAIL_ON] = "never",
    numbers: Annotated[list[str] | None, NUMBERS] = None,
    gradient_norm: Annotated[float | None, GRADIENT_NORM] = None,
    every: Annotated[
        bool, typer.Option("--all", help="In the table, every symmetry and parameter, not one row a kind of layer.")
    ] = False,
    output: Annotated[Path | None, OUTPUT] = None,
) -> None:
    """Says which transformations of the parameters leave the loss unchanged, and how the optimizer breaks them.

    \b
    Examples:
      noether analyze step.mlir
      noether analyze dumps/                         the training step in a JAX_DUMP_IR_TO folder
      noether analyze train.py:make --format=json    make() returns (step, args)
      noether analyze step.mlir --fail-on=warning    status 3 if there is a warning
    """
    try:
        with working("Reading the step") as tell:
            text = read(step)
            tell("Analysing")
            analysis = analyzed(
                text,
                numbers,
                spurion_threshold=spurion_threshold,
                derivations=derivations or derivation is not None,
                gradient_norm=gradient_norm,
            )
            if format is AnalysisFormat.html:
                tell("Drawing")
            made = None if derivation else _document(format, analysis, text.text)
    except NoetherError as error:
        fail(error)
    if derivation is not None:
        _print_derivation(analysis, derivation, output)
    elif made is not None:
        write(made, output)
    else:
        write_table(lambda: render(analysis, every), lambda: to_text(analysis, full=every), output)
    if fails(analysis.lints, fail_on):
        raise typer.Exit(3)


def _document(format: AnalysisFormat, analysis: Analysis, text: str | bytes) -> str | None:
    """The analysis in a form that is no table."""
    if format is AnalysisFormat.json:
        return analysis.json() + "\n"
    if format is AnalysisFormat.sarif:
        return to_sarif(analysis) + "\n"
    if format is AnalysisFormat.html:
        return to_html(analysis, text)
    return to_markdown(analysis) if format is AnalysisFormat.markdown else None


def _print_derivation(analysis: Analysis, name: str, output: Path | None) -> None:
    found = [symmetry for symmetry in analysis.symmetries if symmetry.id == name]
    if not found:
        raise typer.BadParameter(f"there is no symmetry {name}", param_hint="--derivation")
    write(derivation_text(found[0]) + "\n", output)
