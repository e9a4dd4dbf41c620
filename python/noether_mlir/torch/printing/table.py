# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The table of ATen operations that can be printed, and how one of them is."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from noether_mlir.torch.printing.builder import Builder, Value

#: Operation ("aten.add", without its overload) -> what prints it.
TABLE: dict[str, Callable[..., Any]] = {}


class Result(NamedTuple):
    """The type of one result of an operation."""

    shape: tuple[int, ...]
    dtype: torch.dtype


class Emitter:
    """What printing one operation has at hand: the text so far, and the types of the operation's results.

    Arguments that were tensors or symbolic numbers are `Value`s; all else is as it stands in the graph.
    """

    def __init__(self, builder: Builder, results: Sequence[Result | None]):
        self.builder = builder
        self.results = results

    @property
    def out(self) -> Result:
        """The type of the first result."""
        assert self.results[0] is not None
        return self.results[0]

    def cast(self, value: Any, dtype: torch.dtype) -> Value:
        """A tensor or number as a value of an element type."""
        if isinstance(value, Value):
            return self.builder.convert(value, dtype)
        return self.builder.constant(value, (), dtype)

    def operand(self, value: Any, dtype: torch.dtype | None = None, shape: Sequence[int] | None = None) -> Value:
        """A tensor or number, converted and repeated to be of the result's type."""
        dtype = dtype or self.out.dtype
        shape = self.out.shape if shape is None else shape
        if isinstance(value, Value):
            return self.builder.broadcast(self.builder.convert(value, dtype), shape)
        return self.builder.constant(value, shape, dtype)


def prints(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enters a function into the table: (emitter, the operation's arguments) -> a value, or one for each result."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            full = name if "." in name else f"aten.{name}"
            assert full not in TABLE, full
            TABLE[full] = function
        return function

    return enter


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front."""
    return axis % rank if rank else 0


def axes_of(axes: Any, rank: int) -> list[int]:
    """Axes counted from the front, in order; all of them for None or an empty list."""
    if axes is None or (not isinstance(axes, int) and len(axes) == 0):
        return list(range(rank))
    return sorted({axis_of(axis, rank) for axis in ([axes] if isinstance(axes, int) else axes)}) if rank else []


def pair(value: Any, count: int, default: int | None = None) -> list[int]:
    """One number for each of some axes, given as one, as one for all, or as none."""
    if isinstance(value, int):
        return [value] * count
    numbers = list(value or ())
    if not numbers and default is not None:
        return [default] * count
    return numbers * count if len(numbers) == 1 else numbers
