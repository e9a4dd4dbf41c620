# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`noether bench`: how fast updates are on this machine, side by side."""

import dataclasses
import io
import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from noether_mlir.bench.measure import FULL, LISTS, QUICK, RULES, Row, measure
from noether_mlir.cli.common import OUTPUT, Format, fail, working, write, write_table
from noether_mlir.errors import NoetherError
from noether_mlir.lowering import require_jax

#: What takes longer to compile than to measure.
SLOW_TO_COMPILE = ("torch-compile", "noether-jax")


def known(given: Sequence[str], names: Iterable[str]) -> Sequence[str]:
    """What was given, checked against the names there are."""
    for each in given:
        if each not in names:
            raise typer.BadParameter(f"{each}: it is one of {', '.join(names)}")
    return given


def to_table(rows: Sequence[Row]) -> Table:
    """A line for each kernel: its time, how much of it is noise, and how it compares with what memory allows."""
    table = Table(box=None, pad_edge=False)
    for title in ("update", "kernel"):
        table.add_column(title)
    for title in ("ms", "min", "max", "GB/s", "x roofline", "x torch-fused"):
        table.add_column(title, justify="right")
    for (optimizer, name, threads), part in groupby(rows, lambda row: (row.optimizer, row.list, row.threads)):
        kernels = {row.kernel: row for row in part}
        title = f"{optimizer} {name}, {threads} thread{'s' if threads > 1 else ''}"
        for row in kernels.values():
            ratios = [
                f"{row.median_ms / kernels[other].median_ms:.2f}" if other in kernels else ""
                for other in ("roofline", "torch-fused")
            ]
            speed = row.bytes / row.median_ms / 1e6
            table.add_row(title, row.kernel, *(f"{x:.3g}" for x in (row.median_ms, row.min_ms, row.max_ms)),
                          f"{speed:.1f}", *ratios)
            title = ""
        table.add_row()
    return table


def _as_text(table: Table) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(table)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())  # type: ignore[attr-defined]


def bench_command(
    quick: Annotated[bool, typer.Option("--quick", help="Small lists, in under a minute.")] = False,
    optimizers: Annotated[
        list[str] | None, typer.Option("--optimizer", metavar="NAME", help=f"One of {', '.join(RULES)}.")
    ] = None,
    lists: Annotated[
        list[str] | None, typer.Option("--list", metavar="NAME", help=f"Parameters: one of {', '.join(LISTS)}.")
    ] = None,
    threads: Annotated[list[int] | None, typer.Option("--threads", min=1, help="Processors to use.")] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="How often each update is timed.")] = 9,
    format: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table,
    output: Annotated[Path | None, OUTPUT] = None,
) -> None:
    """Times the updates of optimizers side by side on this machine.

    Beside ours, with and without charges, are those of PyTorch and optax, where installed, and the roofline: the same
    bytes read and written in place with one addition for each number. Each update is timed in turn, several rounds.

    \b
    Examples:
      noether bench --quick
      noether bench --optimizer=adamw --list=gpt2 --threads=1 --format=json -o bench.json
    """
    chosen = known(optimizers or (("adamw", "sgd") if quick else RULES), RULES)
    names = known(lists or (QUICK if quick else FULL), LISTS)
    try:
        require_jax("measuring updates")
        from noether_mlir.bench.contestants import KERNELS

        kernels = [kernel for kernel in KERNELS if not quick or not kernel.startswith(SLOW_TO_COMPILE)]
        rows = []
        with working("Measuring") as say:
            for row in measure(chosen, names, kernels, threads, rounds):
                say(f"Measuring {row.optimizer} on {row.list}")
                rows.append(row)
    except NoetherError as error:
        fail(error)
    if format is Format.json:
        write(json.dumps({"rows": [dataclasses.asdict(row) for row in rows]}, indent=1) + "\n", output)
    else:
        write_table(lambda: [to_table(rows)], lambda: _as_text(to_table(rows)), output)
