# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sorting, and the largest entries."""

from typing import Any

import torch

from noether_mlir.torch.printing.builder import Value, tensor_type
from noether_mlir.torch.printing.shapes import along
from noether_mlir.torch.printing.table import Emitter, axis_of, prints


def _sorted(e: Emitter, x: Value, axis: int, descending: bool) -> tuple[Value, Value]:
    """Sorted entries and where they were; equal ones stay in order."""
    b = e.builder
    scalar, truth = tensor_type((), x.dtype), tensor_type((), torch.bool)
    direction = "GT" if descending else "LT"
    kind = "FLOAT" if x.dtype.is_floating_point else "SIGNED"
    compared = (
        f"<{{compare_type = #stablehlo<comparison_type {kind}>, comparison_direction ="
        f" #stablehlo<comparison_direction {direction}>}}> : ({scalar}, {scalar}) -> {truth}"
    )
    index = torch.int64
    body = b.region([x.dtype, x.dtype, index, index], [("%c", "compare", "%a0, %a1", compared)], f"%c : {truth}")
    values = b.operation(
        "stablehlo.sort", [x, b.iota(x.shape, axis)], [(x.shape, x.dtype), (x.shape, index)],
        f"dimension = {axis} : i64, is_stable = true", [body],
    )  # fmt: skip
    return values[0], values[1]


@prints("sort")
def sort(e: Emitter, x: Value, axis: int = -1, descending: bool = False, **named: Any) -> list[Value]:
    axis, descending = named.get("dim", axis), named.get("descending", descending)
    if x.rank == 0:
        return [x, e.builder.constant(0, (), torch.int64)]
    return list(_sorted(e, x, axis_of(axis, x.rank), descending))


@prints("argsort")
def argsort(e: Emitter, x: Value, axis: int = -1, descending: bool = False, **_: Any) -> Value:
    return _sorted(e, x, axis_of(axis, x.rank), descending)[1]


@prints("topk")
def topk(e: Emitter, x: Value, k: int, axis: int = -1, largest: bool = True, sorted: bool = True) -> list[Value]:
    axis = axis_of(axis, x.rank)
    return [along(e, value, axis, 0, k) for value in _sorted(e, x, axis, largest)]
