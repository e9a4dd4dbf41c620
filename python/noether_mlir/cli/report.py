# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`noether report`."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from noether_mlir.cli.common import GRADIENT_NORM, NUMBERS, STEP, analyzed, fail, load_analysis, read, working, write
from noether_mlir.errors import NoetherError
from noether_mlir.lowering import StepText
from noether_mlir.report import to_html


def report_command(
    step: Annotated[str, STEP],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Write the page here (-: to standard output).")
    ] = Path("noether-report.html"),
    proofs: Annotated[bool, typer.Option("--proofs/--no-proofs", help="Put the proof of each claim in.")] = True,
    numbers: Annotated[list[str] | None, NUMBERS] = None,
    gradient_norm: Annotated[float | None, GRADIENT_NORM] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Writes a report: one HTML file, which needs no network, with the model drawn, proofs, laws and remarks.

    \b
    Examples:
      noether report step.mlir
      noether report train.py:make -o report.html --open
      noether report step.mlir --set lr=0.1 --gradient-norm=1
      noether report report.json                     of what analyze --derivations --format=json printed
    """
    try:
        with working("Reading the step") as tell:
            analysis, text = load_analysis(step), StepText("", step)
            if analysis is None:
                text = read(step)
                tell("Analysing")
                analysis = analyzed(text, numbers, derivations=proofs, gradient_norm=gradient_norm)
            tell("Drawing")
            page = to_html(analysis, text.text)
    except NoetherError as error:
        fail(error)
    write(page, output)
    if str(output) == "-":
        return
    Console(stderr=True, highlight=False).print(f"wrote {output}, {len(page.encode()) / 1000:,.0f} kB")
    if show:
        webbrowser.open(output.resolve().as_uri())
