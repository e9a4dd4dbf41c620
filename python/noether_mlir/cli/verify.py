# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`noether verify`."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from noether_mlir.analysis import Analysis
from noether_mlir.cli.common import OUTPUT, STEP, Format, fail, read_with_arguments, write, write_table
from noether_mlir.errors import NoetherError
from noether_mlir.lowering import require_jax


class Precision(str, Enum):
    """In which precision the step runs."""

    double = "double"
    native = "native"


class Engine(str, Enum):
    """What runs the step."""

    xla = "xla"
    reference = "reference"


_TITLES = {"analyse": "Analysing", "compile": "Compiling", "claims": "Trying claims", "count": "Counting symmetries"}


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error, if somebody looks at it."""
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                for other in tasks.values():
                    bars.update(other, visible=False)
                tasks[what] = bars.add_task(_TITLES.get(what, what), total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield tell


def _load_arguments(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    import numpy as np

    try:
        with np.load(path) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"cannot read {path}: {error}", param_hint="--arguments") from None


def _load_claims(path: Path | None) -> Analysis | None:
    if path is None:
        return None
    try:
        return Analysis.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, NoetherError) as error:
        raise typer.BadParameter(f"cannot read {path}: {error}", param_hint="--claims") from None


def verify_command(
    step: Annotated[str, STEP],
    format: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table,
    arguments: Annotated[
        Path | None,
        typer.Option(
            "--arguments",
            metavar="FILE.npz",
            help="Arrays to run the step on, by argument name (params['w']) or number; the rest is random.",
        ),
    ] = None,
    claims: Annotated[
        Path | None,
        typer.Option("--claims", metavar="FILE", help="Try these claims: what noether analyze --format=json printed."),
    ] = None,
    points: Annotated[int, typer.Option("--points", min=1, help="At how many random points to try each claim.")] = 2,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the random numbers.")] = 0,
    precision: Annotated[
        Precision, typer.Option("--precision", help="Run with f64 in the place of every float, or as it is.")
    ] = Precision.double,
    engine: Annotated[
        Engine, typer.Option("--engine", help="XLA, or StableHLO's reference interpreter (slow, independent).")
    ] = Engine.xla,
    jointly: Annotated[
        bool, typer.Option("--jointly", help="Try many claims at once, single ones only where they fail: for large steps.")
    ] = False,
    completeness: Annotated[
        int,
        typer.Option("--completeness", metavar="N", min=0, help="Count symmetries up to N parameter entries; 0: never."),
    ] = 2000,
    output: Annotated[Path | None, OUTPUT] = None,
) -> None:
    """Runs the step and tries every claimed symmetry on it: random group elements must not change the loss.

    Exit status: 0 every claim holds (or cannot be checked), 1 one is false, or the step cannot be read or run, 2 wrong
    usage.

    \b
    Examples:
      noether verify step.mlir
      noether verify train.py:make_step --format=json
      noether verify step.mlir --claims=report.json --arguments=batch.npz
    """
    loaded, given = _load_claims(claims), _load_arguments(arguments)
    try:
        require_jax("noether verify")
        from noether_mlir.verification.driver import verify_text
        from noether_mlir.verification.settings import Settings

        text, own = read_with_arguments(step)
        with _progress() as tell:
            settings = Settings(loaded, points, seed, precision.value, engine.value, jointly, completeness, tell)
            result = verify_text(text.text, text.source, given if given is not None else own, settings)
    except NoetherError as error:
        fail(error)
    if format is Format.json:
        write(result.json() + "\n", output)
    else:
        write_table(lambda: [result], lambda: str(result), output)
    if not result:
        raise typer.Exit(1)
