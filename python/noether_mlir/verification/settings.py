# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How claims are tried."""

from collections.abc import Callable
from dataclasses import dataclass

from noether_mlir.analysis import Analysis
from noether_mlir.errors import NoetherError
from noether_mlir.verification.program import Engine, Precision

#: How many points the claims are checked at, and up to how many parameter entries symmetries are counted.
POINTS = 2
MOST_ELEMENTS = 2000

#: Called with a title, how many are done, and of how many.
Progress = Callable[[str, int, int], None]


def _silent(title: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True)
class Settings:
    """How claims are tried; each field as the argument of `verify` of its name.

    Raises:
        NoetherError: if there are no points.
    """

    claims: Analysis | None = None
    points: int = POINTS
    seed: int = 0
    precision: Precision = "double"
    engine: Engine = "xla"
    jointly: bool = False
    completeness: int = MOST_ELEMENTS
    progress: Progress = _silent

    def __post_init__(self) -> None:
        if self.points < 1:
            raise NoetherError("claims are checked at one point at least")
