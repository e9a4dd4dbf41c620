# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What Noether says of a training step in PyTorch."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from noether_mlir.analysis import Analysis, analyze_text
from noether_mlir.torch.capture import capture
from noether_mlir.torch.exported import capture_exported


def analyze(
    step: Any,
    model: Any = None,
    optimizer: Any = None,
    *batch: Any,
    hyperparameters: str = "arguments",
    spurion_threshold: float | None = None,
    derivations: bool = False,
    numbers: Mapping[str, float] | None = None,
    gradient_norm: float | None = None,
    **kwargs: Any,
) -> Analysis:
    """Finds the symmetries of a training step and how its optimizer breaks them. Computes nothing, and changes nothing.

    Parameters are named as `model.named_parameters()` has them.

    Args:
        step, model, optimizer, batch, hyperparameters, kwargs: see `noether_mlir.torch.capture`. Or, instead of all of
            them, a `torch.export.ExportedProgram` that returns a loss: it has symmetries, but no optimizer.
        spurion_threshold, derivations, gradient_norm: see `noether_mlir.analyze`.
        numbers: for predictions, what hyperparameters are to be taken to be; else they are as the optimizer has them.

    Raises:
        UnsupportedStep: if the step cannot be traced; the message says where, and what to change.
        NotATrainingStep: if it is no training step, or fails.
    """
    if isinstance(step, torch.export.ExportedProgram):
        captured = capture_exported(step)
    else:
        captured = capture(step, model, optimizer, *batch, hyperparameters=hyperparameters, **kwargs)
    found = analyze_text(
        captured.text, captured.name, spurion_threshold=spurion_threshold, derivations=derivations,
        numbers={**captured.numbers, **(numbers or {})}, gradient_norm=gradient_norm,
    )  # fmt: skip
    return replace(found, data={**found.data, "framework": "torch"})
