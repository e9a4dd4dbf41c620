# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Noether for PyTorch: `analyze(step, model, optimizer, *batch)` of the user's own imperative step."""

import importlib.util

from noether_mlir.errors import MissingDependency

if importlib.util.find_spec("torch") is None:
    raise MissingDependency("noether_mlir.torch needs PyTorch: pip install 'noether-mlir[torch]'")

from noether_mlir.torch.analysis import analyze  # noqa: E402
from noether_mlir.torch.capture import CapturedStep, Input, capture  # noqa: E402
from noether_mlir.torch.exported import capture_exported  # noqa: E402

__all__ = ["CapturedStep", "Input", "analyze", "capture", "capture_exported"]
