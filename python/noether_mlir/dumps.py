# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The training step among the modules of a folder, as JAX_DUMP_IR_TO fills one."""

from pathlib import Path

from noether_mlir.errors import MissingDependency, NotATrainingStep
from noether_mlir.lowering import StepText, read_file
from noether_mlir.tool import run_tool

#: A step is among the largest of what a run compiles: how many are tried.
_TRIED = 12


def modules_in(folder: Path) -> list[Path]:
    """The modules in a folder and the folders in it, the largest first; of equal ones the last in name."""
    found = [file for file in folder.rglob("*.mlir") if file.is_file()]
    return sorted(found, key=lambda file: (file.stat().st_size, file.name), reverse=True)


def training_step_in(folder: Path) -> StepText:
    """The largest module that is a training step: it has a loss, and parameters that it updates.

    JAX dumps one module per compiled function: evaluation, initialisation and many tiny ones too.

    Raises:
        NotATrainingStep: if there is none; with what the compiler says of the largest.
        MissingDependency: if reading one needs JAX, which is not installed.
    """
    files = modules_in(folder)
    if not files:
        raise NotATrainingStep(f"{folder}: no .mlir file in this folder")
    if len(files) == 1:
        return read_file(files[0])
    first: NotATrainingStep | None = None
    for file in files[:_TRIED]:
        try:
            step = read_file(file)
            run_tool(["--noether-mark-roles", "-o", "/dev/null"], step.text, step.source)
            return step
        except MissingDependency:
            raise
        except NotATrainingStep as error:
            first = first or error
    assert first is not None
    count = f"{len(files)} modules" if len(files) <= _TRIED else f"the {_TRIED} largest of {len(files)} modules"
    raise NotATrainingStep(f"{folder}: none of {count} is a training step; of the largest: {first}", first.diagnostic)
