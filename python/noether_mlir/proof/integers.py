# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small tensors of integers that are known: the places that gathers take from."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

#: Larger ones are not followed.
_LIMIT = 4096
_COMPARE = {"LT": np.less, "LE": np.less_equal, "GT": np.greater, "GE": np.greater_equal, "EQ": np.equal,
            "NE": np.not_equal}
_ARITHMETIC = {"add": np.add, "subtract": np.subtract, "multiply": np.multiply, "and": np.bitwise_and,
               "or": np.bitwise_or, "minimum": np.minimum, "maximum": np.maximum}

Known = np.ndarray | None


def constant_integers(attribute: Any, shape: Sequence[int], element: str) -> Known:
    """What a constant holds, if these are few integers."""
    if not re.fullmatch(r"u?i\d+|index", element) or int(np.prod(shape, dtype=object)) > _LIMIT:
        return None
    try:
        return np.array(attribute).astype(np.int64).reshape(shape)
    except (TypeError, ValueError):
        return None


def evaluate_integers(op: Any, known: Sequence[Known], shape: Sequence[int]) -> Known:
    """What an operation on integers that are known makes of them; None if that is not followed."""
    name = op.name.partition(".")[2]
    if not known or any(array is None for array in known) or int(np.prod(shape, dtype=object)) > _LIMIT:
        return None
    arrays = [array for array in known if array is not None]
    if name in _ARITHMETIC and len(arrays) == 2:
        return _ARITHMETIC[name](*arrays)
    if name == "compare":
        direction = re.search(r"\b(LT|LE|GT|GE|EQ|NE)\b", str(op.attributes["comparison_direction"]))
        return _COMPARE[direction.group(1)](*arrays).astype(np.int64) if direction else None
    if name == "select":
        return np.where(arrays[0] != 0, arrays[1], arrays[2])
    if name == "reshape":
        return arrays[0].reshape(shape)
    if name == "concatenate":
        return np.concatenate(arrays, int(re.findall(r"\d+", str(op.attributes["dimension"]))[0]))
    if name == "broadcast_in_dim":
        dims = [int(n) for n in re.findall(r"\d+", str(op.attributes["broadcast_dimensions"]).partition(":")[2])]
        lengths = [1] * len(shape)
        for axis, size in zip(dims, arrays[0].shape, strict=True):
            lengths[axis] = size
        return np.broadcast_to(arrays[0].reshape(lengths), shape)
    return None


def gather_table(op: Any, shape: Sequence[int], result: Sequence[int], places: Known) -> dict[int, np.ndarray] | None:
    """Which entries a gather takes along the one axis that it numbers, if that axis stays where it is."""
    text = str(op.attributes["dimension_numbers"])

    def numbers(key: str) -> list[int]:
        match = re.search(rf"{key} = \[([\d, ]*)\]", text)
        return [int(n) for n in re.findall(r"\d+", match.group(1))] if match else []

    sizes = [int(n) for n in re.findall(r"\d+", str(op.attributes["slice_sizes"]).partition(":")[2])]
    axes, offsets = numbers("start_index_map"), numbers("offset_dims")
    if places is None or len(axes) != 1 or numbers("operand_batching_dims") or len(result) != len(shape):
        return None
    (axis,) = axes
    if numbers("collapsed_slice_dims") != [axis] or offsets != [a for a in range(len(shape)) if a != axis]:
        return None
    if any(size != (1 if a == axis else shape[a]) for a, size in enumerate(sizes)) or result[axis] != places.size:
        return None
    return {axis: np.clip(places.reshape(-1), 0, shape[axis] - 1)}
