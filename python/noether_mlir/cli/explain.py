# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`noether explain`: what a lint means, and why a parameter has the symmetries it has, and no others."""

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, RenderableType
from rich.console import Group as Parts
from rich.padding import Padding
from rich.text import Text

from noether_mlir.analysis import Analysis, Parameter, Symmetry
from noether_mlir.cli.common import (
    OUTPUT,
    analyzed,
    complete_step,
    fail,
    load_analysis,
    read,
    working,
    write,
    write_table,
)
from noether_mlir.errors import NoetherError
from noether_mlir.lints import lint_codes, lint_page
from noether_mlir.report.derivation import proof_of
from noether_mlir.report.families import family_of
from noether_mlir.report.optimizer import forecasts, mathematics, treatments
from noether_mlir.report.quoting import Sources
from noether_mlir.report.sentences import dimension, holds, plain, sentence
from noether_mlir.table.grouping import Group, group
from noether_mlir.table.labels import Labels
from noether_mlir.table.words import shape_text, short_location

#: Source lines of a proof, and what is said on one, unless all are asked for.
_LINES, _STEPS = 12, 2


def _matching(analysis: Analysis, label: Labels, name: str) -> Parameter:
    """The parameter of this name: in full, in short, or by its last parts."""
    exact = [p for p in analysis.parameters if name in (p.name, label(p.name))]
    found = exact or [p for p in analysis.parameters if f".{label(p.name)}".endswith(f".{name.removeprefix('.')}")]
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(label(parameter.name) for parameter in found[:6])
        raise typer.BadParameter(f"{name} is one of several: {several}{', ...' if len(found) > 6 else ''}")
    known = ", ".join(label(parameter.name) for parameter in analysis.parameters[:6])
    more = ", ..." if len(analysis.parameters) > 6 else ""
    raise typer.BadParameter(f"the step has no parameter {name}; it has {known}{more}")


class _Explainer:
    def __init__(self, analysis: Analysis, every: bool):
        self._analysis, self._every = analysis, every
        self.label = Labels([parameter.name for parameter in analysis.parameters])
        self._groups = {found.first.id: found for found in group(analysis, self.label, full=True)}
        self._ranks = {parameter.name: len(parameter.shape) for parameter in analysis.parameters}
        self._sources = Sources(analysis.source)

    def symmetry(self, symmetry: Symmetry, proved: bool = True) -> Iterator[RenderableType]:
        """What a symmetry does, how far it holds, what the optimizer makes of it, and its proof."""
        found = self._groups[symmetry.id]
        heading = Text(symmetry.id, style="bold")
        style = "green" if symmetry.exact else "yellow"
        heading.append(f"  {family_of(symmetry.family).name}, {holds(found)}", style=style)
        size = f"order {symmetry.order}" if symmetry.order else f"dimension {dimension(found)}"
        heading.append(f"  {size}", style="dim")
        yield heading
        yield Padding(Text(plain(sentence(found, self.label, self._ranks))), (0, 0, 0, 2))
        for line in self._facts(found):
            yield Padding(line, (0, 0, 0, 2))
        if proved:
            yield Padding(self._proof(symmetry), (0, 0, 0, 2))

    def _facts(self, found: Group) -> Iterator[Text]:
        first = found.first
        for spurion in first.broken_by[:3]:
            value = "a constant" if spurion.constant is None else f"{spurion.constant:g}"
            yield Text(f"broken by {value} in {spurion.op} at {short_location(spurion.location)}", style="yellow")
        if first.charge:
            yield Text(f"charge: {mathematics(''.join(self.label.merge([first.charge])))}")
        for treatment in treatments([found], self.label):
            yield Text(treatment.verdict)
            for law in treatment.laws:
                value = "" if law.value is None else f" = {law.value:g}"
                yield Text(f"  {law.acts_as}  ({law.hyperparameter}{value})", style="green")
            for broken in treatment.broken:
                yield Text(f"  {broken}", style="yellow")
        for forecast in forecasts(found)[:3]:
            yield Text(f"{forecast.name}: {forecast.value} ({forecast.label})")

    def _proof(self, symmetry: Symmetry) -> RenderableType:
        proof = proof_of(symmetry, self._sources)
        if proof is None:
            return Text("no proof was recorded: analyze with --derivations", style="dim")
        text = Text(f"because, on {len(proof.lines)} source lines:", style="dim")
        for line in proof.lines if self._every else proof.lines[:_LINES]:
            text.append(f"\n{line.place}", style="cyan").append(f"  {line.code}" if line.code else "", style="default")
            for step in line.steps if self._every else line.steps[:_STEPS]:
                text.append(f"\n    {step.op}  {step.equation}{':  ' if step.holds else ''}{step.holds}", style="dim")
                text.append(f"  x{step.times}" if step.times > 1 else "", style="dim")
            if not self._every and len(line.steps) > _STEPS:
                text.append(f"\n    and {len(line.steps) - _STEPS} more", style="dim")
        if not self._every and len(proof.lines) > _LINES:
            text.append(f"\nand {len(proof.lines) - _LINES} more lines: --all shows them", style="dim")
        return text.append(f"\n{proof.end}", style="dim")

    def parameter(self, parameter: Parameter) -> Iterator[RenderableType]:
        """The symmetries of a parameter; or why it has none."""
        heading = Text(self.label(parameter.name), style="bold")
        heading.append(f"  {shape_text(parameter.shape)} {parameter.dtype}", style="dim")
        yield heading
        if parameter.dead:
            yield Text("Dead: the loss does not depend on it.", style="yellow")
        elif parameter.invariant_unit == "tensor":
            yield Text("Scale-invariant as a whole: the loss sees its direction only.")
        elif parameter.invariant_unit != "none":
            yield Text(f"Scale-invariant for each index along {parameter.invariant_unit}.")
        known = {symmetry.id: symmetry for symmetry in self._analysis.symmetries}
        for name in parameter.symmetries:
            if name in known:
                yield Padding(Parts(*self.symmetry(known[name])), (1, 0, 0, 0))
        reasons = Text()
        for reason in parameter.no_symmetry_because:
            place = short_location(reason.location) if reason.location else ""
            code = self._sources.line(reason.location)
            reasons.append(f"\n{place or reason.op}", style="cyan").append(f"  {code}" if code else "")
            reasons.append(f"\n    {reason.op}: {reason.says}", style="dim")
        if reasons:
            yield Padding(Text("It has no continuous symmetry, because of").append(reasons), (1, 0, 0, 0))
        elif not parameter.symmetries and not parameter.dead:
            yield Padding(Text("It has no symmetry."), (1, 0, 0, 0))

    def anything(self, name: str) -> Iterator[RenderableType]:
        """What is known of a symmetry or of a parameter."""
        found = [symmetry for symmetry in self._analysis.symmetries if symmetry.id == name]
        if found:
            return self.symmetry(found[0])
        return self.parameter(_matching(self._analysis, self.label, name))


def _text(parts: list[RenderableType]) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=100, color_system=None, highlight=False, legacy_windows=False)
    console.print(Parts(*parts))
    return "\n".join(line.rstrip() for line in stream.getvalue().rstrip().splitlines())


def explain_command(
    what: Annotated[
        str,
        typer.Argument(
            metavar="CODE|PARAM|SYMMETRY",
            autocompletion=lambda incomplete: [code for code in lint_codes() if code.startswith(incomplete)],
            help="The code of a lint, a parameter (in full, or its last names), or a symmetry such as S1.",
        ),
    ],
    step: Annotated[
        str | None,
        typer.Argument(
            metavar="[STEP]",
            autocompletion=complete_step,
            help="Of which step, for parameters and symmetries; or a report: what analyze --derivations"
            " --format=json printed.",
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All of a proof.")] = False,
    output: Annotated[Path | None, OUTPUT] = None,
) -> None:
    """Explains a lint, or why a parameter has the symmetries it has, and no others.

    \b
    Examples:
      noether explain N101
      noether explain fc1.kernel step.mlir
      noether explain S3 report.json --all
    """
    if re.fullmatch(r"N\d{3}", what):
        if what not in lint_codes():
            raise typer.BadParameter(f"there is no lint {what}; there are {lint_codes()[0]} to {lint_codes()[-1]}")
        page = lint_page(what)
        if output is None and sys.stdout.isatty():
            from rich.markdown import Markdown

            Console().print(Markdown(page))
        else:
            write(page, output)
        return
    if step is None:
        raise typer.BadParameter(f"of which step? noether explain {what} STEP", param_hint="STEP")
    try:
        with working("Analysing"):
            analysis = load_analysis(step) or analyzed(read(step), derivations=True)
    except NoetherError as error:
        fail(error)
    parts = list(_Explainer(analysis, every).anything(what))
    write_table(lambda: parts, lambda: _text(parts), output)
