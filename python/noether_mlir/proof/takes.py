# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operations that only put entries elsewhere: strided slices, reversals and padding, as tables of indices."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

#: By axis of the result, the index of the operand that each entry comes from; -1: a number that is filled in.
Takes = Mapping[int, np.ndarray]


def _numbers(op: Any, key: str) -> list[int]:
    return [int(number) for number in re.findall(r"-?\d+", str(op.attributes[key]).partition(":")[2])]


def takes_of(op: Any, shape: Sequence[int]) -> Takes | None:
    """The tables of an operation on an operand of this shape; axes that stay as they are have none."""
    name = op.name.partition(".")[2]
    if name == "reverse":
        return {axis: np.arange(shape[axis])[::-1] for axis in _numbers(op, "dimensions")}
    if name == "slice":
        parts = zip(_numbers(op, "start_indices"), _numbers(op, "limit_indices"), _numbers(op, "strides"), strict=True)
        tables = [np.arange(start, limit, stride) for start, limit, stride in parts]
    elif name == "pad":
        tables = []
        amounts = (_numbers(op, f"{key}_padding{end}") for key, end in (("edge", "_low"), ("edge", "_high"), ("interior", "")))
        for size, low, high, interior in zip(shape, *amounts, strict=True):
            place = np.arange(-low, max(size - 1, 0) * (interior + 1) + (size > 0) + high)
            index, rest = np.divmod(place, interior + 1)
            tables.append(np.where((rest == 0) & (0 <= index) & (index < size), index, -1))
    else:
        return None
    return {axis: table for axis, table in enumerate(tables)
            if len(table) != shape[axis] or (table != np.arange(shape[axis])).any()}


def take(array: np.ndarray, axis: int, table: np.ndarray, fill: int) -> np.ndarray:
    """An array over the axis of the operand as one over that of the result."""
    return np.where(_along(table >= 0, axis, array.ndim), array.take(np.maximum(table, 0), axis), fill)


def _along(mask: np.ndarray, axis: int, rank: int) -> np.ndarray:
    return mask.reshape([-1 if position == axis else 1 for position in range(rank)])
