# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`noether rewrite`."""

from pathlib import Path
from typing import Annotated

import typer

from noether_mlir.cli.common import OUTPUT, STEP, fail, read, working, write
from noether_mlir.errors import NoetherError
from noether_mlir.passes import REWRITES, parse_rewrite
from noether_mlir.tool import run_tool


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
    rewrites: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="NAME[:OPTION=VALUE]...",
            autocompletion=lambda incomplete: [name for name in REWRITES if name.startswith(incomplete)],
            help=f"A rewrite by name, with its options; several are done in turn. There are {', '.join(REWRITES)}.",
        ),
    ] = None,
    output: Annotated[Path | None, OUTPUT] = None,
) -> None:
    """Rewrites a step, and prints it as MLIR in generic form.

    \b
    Examples:
      noether rewrite step.mlir --adaptive -o adaptive.mlir
      noether rewrite train.py:make --charges --adaptive
      noether rewrite step.mlir --with eliminate-decay
      noether rewrite step.mlir --with balance:sweeps=10:symmetries=S1,S2
    """
    if not charges and not adaptive and not rewrites:
        raise typer.BadParameter("nothing to do: give --charges, --adaptive, or --with")
    if eps not in ("exact", "keep"):
        raise typer.BadParameter("it is exact or keep", param_hint="--eps")
    try:
        passes = [parse_rewrite(each) for each in rewrites or []]
    except NoetherError as error:
        raise typer.BadParameter(str(error), param_hint="--with") from None
    passes += [f"--noether-rewrite-adaptive=eps={eps}"] if adaptive else []
    passes += ["--noether-track-charges", "--noether-lower-charges"] if charges else []
    try:
        with working("Reading the step") as tell:
            text = read(step)
            tell("Rewriting")
            result = run_tool([*passes, "--mlir-print-op-generic", "--mlir-print-debuginfo"], text.text, text.source)
    except NoetherError as error:
        fail(error)
    write(result, output)
