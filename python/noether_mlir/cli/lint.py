# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`noether lint`: what is remarked on the recipes of several steps, for hooks and builds."""

import re
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from noether_mlir.analysis import Analysis, Lint
from noether_mlir.cli.common import FAIL_ON, OUTPUT, STEP, analyzed, fail, fails, read, working, write
from noether_mlir.errors import NoetherError
from noether_mlir.sarif import to_sarif


class LintFormat(str, Enum):
    """How lints are printed."""

    text = "text"
    sarif = "sarif"
    github = "github"


_PLACE = re.compile(r'"?([^"()\s]+\.\w+)"?:(\d+)(?::(\d+))?')


def _line(lint: Lint, source: str) -> str:
    """A lint as a compiler would print it."""
    place = _PLACE.match(lint.location or "")
    where = ":".join(filter(None, place.groups())) if place else source
    help_text = f"; {lint.help}" if lint.help else ""
    return f"{where}: {lint.severity}: {lint.message}{help_text} [{lint.code}]"


def _escaped(words: str, property_value: bool = False) -> str:
    """Words in a workflow command of GitHub."""
    words = words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return words.replace(":", "%3A").replace(",", "%2C") if property_value else words


def _annotation(lint: Lint, source: str) -> str:
    """A lint as a workflow command, which GitHub shows beside the line."""
    place = _PLACE.match(lint.location or "")
    level = lint.severity if lint.severity in ("error", "warning") else "notice"
    file, line = (place.group(1), place.group(2)) if place else (source, "1")
    where = f"file={_escaped(file, True)},line={line},title={_escaped(lint.code, True)}"
    return f"::{level} {where}::{_escaped(lint.message + (f'; {lint.help}' if lint.help else ''))}"


def _shown(analyses: Sequence[Analysis], format: LintFormat, notes: bool) -> str:
    if format is LintFormat.sarif:
        return to_sarif(analyses) + "\n"
    line = _annotation if format is LintFormat.github else _line
    return "".join(
        line(lint, analysis.source) + "\n"
        for analysis in analyses
        for lint in analysis.lints
        if notes or lint.severity in ("warning", "error")
    )


def lint_command(
    steps: Annotated[list[str], STEP],
    format: Annotated[LintFormat, typer.Option("--format", help="How to print.")] = LintFormat.text,
    fail_on: Annotated[str, FAIL_ON] = "warning",
    notes: Annotated[bool, typer.Option("--notes/--no-notes", help="Notes too, not warnings alone.")] = False,
    output: Annotated[Path | None, OUTPUT] = None,
) -> None:
    """Says what is wasted or wrong in the recipes of one or several steps, a line each.

    Exit status: 0 nothing that --fail-on names, 1 an input is not a training step, 2 wrong usage, 3 a lint.

    \b
    Examples:
      noether lint steps/*.mlir
      noether lint train.py:make --format=sarif -o noether.sarif
      noether explain N106                           what a code means
    """
    analyses = []
    for step in steps:
        try:
            with working(f"Analysing {step}"):
                analyses.append(analyzed(read(step)))
        except NoetherError as error:
            fail(error)
    write(_shown(analyses, format, notes), output)
    if any(fails(analysis.lints, fail_on) for analysis in analyses):
        raise typer.Exit(3)
