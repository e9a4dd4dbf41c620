# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The analysis as a table for a terminal, for plain text, and for a notebook."""

import io
import math
from collections.abc import Iterator

from rich.console import Console, Group as Parts, RenderableType
from rich.padding import Padding
from rich.text import Text

from noether_mlir.analysis import Analysis
from noether_mlir.table.compact import compact_table
from noether_mlir.table.grouping import Group, group
from noether_mlir.table.kinetics import kinetics_table
from noether_mlir.table.labels import Labels
from noether_mlir.table.remarks import decay_table, lint_table, mismatches, reason_table, unknown_operations
from noether_mlir.table.symmetries import constants_table, legend, symmetry_table
from noether_mlir.table.words import count, human

__all__ = ["render", "to_html", "to_text"]


def _heading(analysis: Analysis, label: Labels) -> Text:
    numbers = sum(math.prod(parameter.shape) for parameter in analysis.parameters)
    text = Text()
    text.append(analysis.source or "step", style="bold")
    text.append(f"  @{analysis.entry}  " if analysis.entry else "  ")
    plural = "" if len(analysis.parameters) == 1 else "s"
    text.append(f"{len(analysis.parameters)} parameter{plural}, {human(numbers)} numbers")
    text.append(f" (all in {label.root})" if label.root else "", style="dim")
    text.append("\n")
    dimension = analysis.dimension
    if dimension.torus is not None:
        text.append("scale and rescale symmetries: ")
        text.append(count(dimension.torus), style="bold green" if dimension.torus else "bold")
        if dimension.torus_exact is not None and dimension.torus_exact != dimension.torus:
            text.append(f" ({count(dimension.torus_exact)} with every constant as it is)")
    if dimension.translation is not None:
        text.append(f"\ntranslations: {count(dimension.translation)}")
    if dimension.affine:
        text.append(f"   absorbed by others: {count(dimension.affine)}")
    if dimension.linear is not None:
        text.append(f"   all together: {count(dimension.linear)}")
    return text


#: Groups with more members than this together are told in few words.
_MANY = 120


def _symmetries(analysis: Analysis, groups: list[Group], label: Labels, full: bool) -> RenderableType:
    if not groups:
        return Text("No symmetry found.")
    table = symmetry_table(groups, label)
    if full or table.row_count <= _MANY:
        return Parts(table, legend(groups, label))
    hint = Text("2 x 16 of [16]x8: how many, dimension, the smallest parameter. Axes of all: noether analyze --all", style="dim")
    return Parts(compact_table(analysis, groups, label), hint)


def render(analysis: Analysis, full: bool = False) -> Iterator[RenderableType]:
    """The parts of the table, top to bottom.

    Args:
        full: a row for every symmetry and parameter, instead of one for all layers of a kind.
    """
    label = Labels([parameter.name for parameter in analysis.parameters])
    groups = group(analysis, label, full)
    yield _heading(analysis, label)
    tables = [
        _symmetries(analysis, groups, label, full),
        constants_table(groups),
        kinetics_table(groups, label),
        reason_table(analysis.parameters, label, full),
        lint_table(analysis.lints, label, full),
        decay_table(analysis, label),
        mismatches(analysis, label),
        unknown_operations(analysis),
    ]
    for table in tables:
        if table is not None:
            yield Padding(table, (1, 0, 0, 0))


def to_text(analysis: Analysis, width: int = 100, full: bool = False) -> str:
    """The table as plain text of at most `width` columns."""
    console = Console(file=io.StringIO(), width=width, color_system=None, highlight=False, legacy_windows=False)
    console.print(Parts(*render(analysis, full)))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines())


def to_html(analysis: Analysis, width: int = 110, full: bool = False) -> str:
    """The table as a piece of HTML with inline styles."""
    console = Console(file=io.StringIO(), width=width, record=True, highlight=False, force_terminal=True)
    console.print(Parts(*render(analysis, full)))
    return console.export_html(inline_styles=True, code_format='<pre style="line-height:1.25">{code}</pre>')
