# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`noether export`."""

import json
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from noether_mlir.cli.common import OUTPUT, STEP, analyzed, fail, read, write
from noether_mlir.errors import NoetherError
from noether_mlir.exports import FORMS, export

Form = Enum("Form", {form: form for form in FORMS}, type=str)  # type: ignore[misc]


class Decay(str, Enum):
    """Which parameters weight decay is for."""

    regularize = "regularize"
    rate = "rate"


def export_command(
    step: Annotated[str, STEP],
    form: Annotated[
        Form,
        typer.Option(
            "--as",
            help="optax-mask: a tree of bools, true where weight decay is to act; torch-no-decay: names of the"
            " parameters without it; scale-invariant: the scale-invariant blocks, by parameter and axes;"
            " permutation-spec: git re-basin's form; lora-pairs: matrices of which only the product matters.",
        ),
    ],
    decay: Annotated[
        Decay,
        typer.Option(
            "--decay",
            help="Where weight decay is to act: where it regularises the network, or only where it does nothing but"
            " set the learning rate.",
        ),
    ] = Decay.regularize,
    output: Annotated[Path | None, OUTPUT] = None,
) -> None:
    """Prints what the symmetries say in the form that another tool asks for, as JSON.

    \b
    Examples:
      noether export step.mlir --as=scale-invariant
      noether export train.py:make_step --as=optax-mask -o mask.json
    """
    try:
        value = export(analyzed(read(step)), form.value, decay.value)
    except NoetherError as error:
        fail(error)
    write(json.dumps(value, indent=2, ensure_ascii=False) + "\n", output)
