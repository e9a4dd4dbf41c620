# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A traced graph of ATen operations, printed as StableHLO."""

from noether_mlir.torch.printing import (  # noqa: F401 - they enter their operations into the table
    complex,
    contractions,
    convolutions,
    elementwise,
    indexing,
    reductions,
    shapes,
    sorting,
    windows,
)
from noether_mlir.torch.printing.module import Argument, Output, print_module
from noether_mlir.torch.printing.table import TABLE

__all__ = ["TABLE", "Argument", "Output", "print_module"]
