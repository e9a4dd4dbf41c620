# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What Noether says of a training step in PyTorch."""

from collections.abc import Callable, Mapping
from typing import Any

from noether_mlir.analysis import Analysis, analyze_text
from noether_mlir.torch.capture import capture


def analyze(
    step: Callable[..., Any],
    model: Any,
    optimizer: Any,
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
        step, model, optimizer, batch, hyperparameters, kwargs: see `noether_mlir.torch.capture`.
        spurion_threshold, derivations, gradient_norm: see `noether_mlir.analyze`.
        numbers: for predictions, what hyperparameters are to be taken to be; else they are as the optimizer has them.

    Raises:
        UnsupportedStep: if the step cannot be traced; the message says where, and what to change.
        NotATrainingStep: if it is no training step, or fails.
    """
    captured = capture(step, model, optimizer, *batch, hyperparameters=hyperparameters, **kwargs)
    return analyze_text(
        captured.text, captured.name, spurion_threshold=spurion_threshold, derivations=derivations,
        numbers={**captured.numbers, **(numbers or {})}, gradient_norm=gradient_norm,
    )  # fmt: skip
