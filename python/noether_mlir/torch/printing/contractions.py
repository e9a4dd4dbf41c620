# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products of matrices."""

import math
from typing import Any

from noether_mlir.torch.printing.builder import Value
from noether_mlir.torch.printing.table import Emitter, prints


def dot(e: Emitter, x: Value, y: Value, contracted: tuple[int, int], batch: int = 0) -> Value:
    """A contraction of one axis of each, after the leading `batch` axes."""
    b = e.builder
    numbers = ", ".join(map(str, range(batch)))
    batching = f"lhs_batching_dimensions = [{numbers}], rhs_batching_dimensions = [{numbers}], " if batch else ""
    attributes = (
        f"dot_dimension_numbers = #stablehlo.dot<{batching}lhs_contracting_dimensions = [{contracted[0]}],"
        f" rhs_contracting_dimensions = [{contracted[1]}]>"
    )
    shape = [
        *x.shape[:batch],
        *(size for axis, size in enumerate(x.shape) if axis >= batch and axis != contracted[0]),
        *(size for axis, size in enumerate(y.shape) if axis >= batch and axis != contracted[1]),
    ]
    return b.op("dot_general", [x, y], shape, x.dtype, attributes)


@prints("mm")
def mm(e: Emitter, x: Value, y: Value, **_: Any) -> Value:
    return dot(e, x, y, (1, 0))


@prints("bmm")
def bmm(e: Emitter, x: Value, y: Value, **_: Any) -> Value:
    b = e.builder
    before = [b.before_reshape(value) for value in (x, y)]
    batches = [old.shape[:-2] for old, value in zip(before, (x, y)) if old.shape[-2:] == value.shape[1:]]
    # Batch and heads were one axis for this operation only.
    batch = next((sizes for sizes in batches if len(sizes) > 1 and math.prod(sizes) == x.shape[0]), x.shape[:1])
    left, right = (b.reshape(value, (*batch, *value.shape[1:])) for value in (x, y))
    count = len(batch)
    return b.reshape(dot(e, left, right, (count + 1, count), batch=count), e.out.shape)


@prints("mv")
def mv(e: Emitter, x: Value, y: Value) -> Value:
    return dot(e, x, y, (1, 0))


@prints("dot", "vdot")
def inner(e: Emitter, x: Value, y: Value) -> Value:
    return dot(e, x, y, (0, 0))


def _added(e: Emitter, start: Any, product: Value, beta: Any, alpha: Any) -> Value:
    b = e.builder
    if isinstance(alpha, Value) or alpha != 1:
        product = b.binary("multiply", product, e.operand(alpha))
    if not isinstance(beta, Value) and beta == 0:
        return product
    start = e.operand(start)
    if isinstance(beta, Value) or beta != 1:
        start = b.binary("multiply", start, e.operand(beta))
    return b.binary("add", product, start)


@prints("addmm")
def addmm(e: Emitter, start: Value, x: Value, y: Value, *, beta: Any = 1, alpha: Any = 1) -> Value:
    return _added(e, start, mm(e, x, y), beta, alpha)


@prints("baddbmm")
def baddbmm(e: Emitter, start: Value, x: Value, y: Value, *, beta: Any = 1, alpha: Any = 1) -> Value:
    return _added(e, start, bmm(e, x, y), beta, alpha)


@prints("addmv")
def addmv(e: Emitter, start: Value, x: Value, y: Value, *, beta: Any = 1, alpha: Any = 1) -> Value:
    return _added(e, start, mv(e, x, y), beta, alpha)
