# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Entries read and written at places that are values: embeddings, labels, masks of rows."""

from collections.abc import Sequence
from typing import Any

import torch

from noether_mlir.torch.printing.builder import Value, array, tensor_type
from noether_mlir.torch.printing.shapes import along, bounds
from noether_mlir.torch.printing.table import Emitter, axis_of, prints


def _numbers(numbers: Sequence[int]) -> str:
    return f"[{', '.join(map(str, numbers))}]"


def _fields(**lists: Sequence[int]) -> list[str]:
    return [f"{name} = {_numbers(numbers)}" for name, numbers in lists.items() if numbers]


def _from_front(e: Emitter, index: Value, size: int) -> Value:
    """Places counted from the end, counted from the front."""
    b = e.builder
    negative = b.compare("LT", index, b.constant(0, index.shape, index.dtype))
    return b.select(negative, b.scaled("add", index, size), index)


# Rows.


@prints("embedding")
def embedding(e: Emitter, table: Value, indices: Value, *_: Any, **__: Any) -> Value:
    return take(e, table, indices, 0)


@prints("index_select")
def index_select(e: Emitter, x: Value, axis: int, indices: Value) -> Value:
    return take(e, x, indices, axis_of(axis, x.rank))


def take(e: Emitter, x: Value, indices: Value, axis: int) -> Value:
    """Slices of one axis, at places of any shape."""
    b = e.builder
    places = b.reshape(indices, (*indices.shape, 1))
    shape = [*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]]
    offset = [*range(axis), *range(axis + indices.rank, len(shape))]
    fields = [
        *_fields(offset_dims=offset), f"collapsed_slice_dims = [{axis}]", f"start_index_map = [{axis}]",
        f"index_vector_dim = {indices.rank}",
    ]  # fmt: skip
    sizes = [1 if number == axis else size for number, size in enumerate(x.shape)]
    attributes = (
        f"dimension_numbers = #stablehlo.gather<{', '.join(fields)}>, indices_are_sorted = false,"
        f" slice_sizes = {array(sizes)}"
    )
    return b.op("gather", [x, places], shape, x.dtype, attributes)


@prints("embedding_dense_backward")
def embedding_dense_backward(
    e: Emitter, gradient: Value, indices: Value, count: int, padding_index: int, scale_by_frequency: bool
) -> Value:
    if scale_by_frequency:
        raise NotImplementedError("an embedding with scale_grad_by_freq")
    b = e.builder
    if padding_index >= 0:
        kept = b.compare("NE", indices, b.constant(padding_index, indices.shape, indices.dtype))
        kept = b.broadcast(kept, gradient.shape, range(indices.rank))
        gradient = b.select(kept, gradient, b.constant(0, gradient.shape, gradient.dtype))
    start = b.constant(0, (count, gradient.shape[-1]), gradient.dtype)
    return _write_rows(e, start, indices, gradient, "add")


def _combine(e: Emitter, name: str | None, dtype: torch.dtype) -> str:
    """How an entry and what is written to it become one; None: the latter."""
    scalar = tensor_type((), dtype)
    return e.builder.combiner(name, dtype) if name else e.builder.region([dtype, dtype], [], f"%a1 : {scalar}")


def _scatter(e: Emitter, x: Value, places: Value, updates: Value, fields: Sequence[str], name: str | None) -> Value:
    attributes = (
        f"indices_are_sorted = false, scatter_dimension_numbers = #stablehlo.scatter<{', '.join(fields)}>,"
        " unique_indices = false"
    )
    operands = [x, places, e.builder.convert(updates, x.dtype)]
    return e.builder.op("scatter", operands, x.shape, x.dtype, attributes, [_combine(e, name, x.dtype)])


def _write_rows(e: Emitter, x: Value, indices: Value, updates: Value, name: str | None) -> Value:
    """Updates [indices..., row...] written to the rows of x."""
    places = e.builder.reshape(indices, (*indices.shape, 1))
    fields = [
        *_fields(update_window_dims=range(indices.rank, updates.rank)), "inserted_window_dims = [0]",
        "scatter_dims_to_operand_dims = [0]", f"index_vector_dim = {indices.rank}",
    ]  # fmt: skip
    return _scatter(e, x, places, updates, fields, name)


@prints("index_add")
def index_add(e: Emitter, x: Value, axis: int, indices: Value, source: Value, *, alpha: Any = 1) -> Value:
    b, axis = e.builder, axis_of(axis, x.rank)
    front = [axis, *(number for number in range(x.rank) if number != axis)]
    back = [front.index(number) for number in range(x.rank)]
    updates = b.transpose(source, front)
    if alpha != 1:
        updates = b.scaled("multiply", updates, alpha)
    return b.transpose(_write_rows(e, b.transpose(x, front), indices, updates, "add"), back)


# One index tensor for each of some axes.


def _indexed(e: Emitter, x: Value, indices: Sequence[Value | None]) -> tuple[list[int], Value, int]:
    """The indexed axes, their places [..., axis] from the front, and where the indices' axes go in the result."""
    b = e.builder
    axes = [axis for axis, index in enumerate(indices) if index is not None]
    given = [index for index in indices if index is not None]
    if any(index.dtype == torch.bool for index in given):
        raise NotImplementedError("an index of booleans: how many entries it picks depends on values; use torch.where")
    shape = torch.broadcast_shapes(*(index.shape for index in given))
    columns = []
    for axis, index in zip(axes, given):
        spread = b.broadcast(b.convert(index, torch.int64), shape)
        columns.append(b.reshape(_from_front(e, spread, x.shape[axis]), (*shape, 1)))
    adjacent = axes == list(range(axes[0], axes[0] + len(axes)))
    return axes, b.concatenate(columns, len(shape)), axes[0] if adjacent else 0


@prints("index", "_unsafe_index")
def index(e: Emitter, x: Value, indices: Sequence[Value | None]) -> Value:
    axes, places, front = _indexed(e, x, indices)
    count = places.rank - 1
    others = [axis for axis in range(x.rank) if axis not in axes]
    offset = [place if place < front else place + count for place in range(len(others))]
    fields = [
        *_fields(offset_dims=offset, collapsed_slice_dims=axes, start_index_map=axes), f"index_vector_dim = {count}"
    ]
    sizes = [1 if axis in axes else size for axis, size in enumerate(x.shape)]
    shape = [x.shape[axis] for axis in others]
    shape[front:front] = places.shape[:-1]
    attributes = (
        f"dimension_numbers = #stablehlo.gather<{', '.join(fields)}>, indices_are_sorted = false,"
        f" slice_sizes = {array(sizes)}"
    )
    return e.builder.op("gather", [x, places], shape, x.dtype, attributes)


@prints("index_put", "_unsafe_index_put")
def index_put(
    e: Emitter, x: Value, indices: Sequence[Value | None], values: Value, accumulate: bool = False, *_: Any
) -> Value:
    b = e.builder
    given = [index for index in indices if index is not None]
    if len(given) == 1 and given[0].dtype == torch.bool and values.rank == 0 and indices[0] is given[0]:
        mask = b.broadcast(given[0], x.shape, range(given[0].rank))
        spread = b.broadcast(b.convert(values, x.dtype), x.shape)
        return b.select(mask, b.binary("add", x, spread) if accumulate else spread, x)
    axes, places, front = _indexed(e, x, indices)
    count = places.rank - 1
    others = [axis for axis in range(x.rank) if axis not in axes]
    shape = [x.shape[axis] for axis in others]
    shape[front:front] = places.shape[:-1]
    updates = b.broadcast(values, shape)
    window = [place if place < front else place + count for place in range(len(others))]
    fields = [
        *_fields(update_window_dims=window, inserted_window_dims=axes, scatter_dims_to_operand_dims=axes),
        f"index_vector_dim = {count}",
    ]
    return _scatter(e, x, places, updates, fields, "add" if accumulate else None)


# One place for each entry.


def _batched(e: Emitter, x: Value, axis: int, indices: Value) -> tuple[Value, list[int]]:
    """Places [..., 1] along an axis, and the other axes, in which operand and places go together."""
    return e.builder.reshape(indices, (*indices.shape, 1)), [other for other in range(x.rank) if other != axis]


@prints("gather")
def gather(e: Emitter, x: Value, axis: int, indices: Value, **_: Any) -> Value:
    b = e.builder
    if x.rank == 0:
        return x
    axis = axis_of(axis, x.rank)
    for other, size in enumerate(indices.shape):
        if other != axis:
            x = along(e, x, other, 0, size)
    places, others = _batched(e, x, axis, indices)
    fields = [
        f"collapsed_slice_dims = [{axis}]",
        *_fields(operand_batching_dims=others, start_indices_batching_dims=others, start_index_map=[axis]),
        f"index_vector_dim = {indices.rank}",
    ]
    attributes = (
        f"dimension_numbers = #stablehlo.gather<{', '.join(fields)}>, indices_are_sorted = false,"
        f" slice_sizes = {array([1] * x.rank)}"
    )
    return b.op("gather", [x, places], indices.shape, x.dtype, attributes)


def _write(e: Emitter, x: Value, axis: int, indices: Value, source: Any, name: str | None) -> Value:
    b = e.builder
    if x.rank == 0:
        return b.binary(name, x, e.operand(source)) if name else e.operand(source)
    axis = axis_of(axis, x.rank)
    updates = e.operand(source, x.dtype, indices.shape) if not isinstance(source, Value) else source
    if updates.shape != indices.shape:
        updates = b.slice(updates, [0] * x.rank, indices.shape)
    whole = [size == x.shape[other] or other == axis for other, size in enumerate(indices.shape)]
    if all(whole):
        places, others = _batched(e, x, axis, indices)
        fields = [
            f"inserted_window_dims = [{axis}]",
            *_fields(input_batching_dims=others, scatter_indices_batching_dims=others,
                     scatter_dims_to_operand_dims=[axis]),
            f"index_vector_dim = {indices.rank}",
        ]  # fmt: skip
        return _scatter(e, x, places, updates, fields, name)
    # Only a corner of the other axes is written to.
    corner = [size if other != axis else x.shape[axis] for other, size in enumerate(indices.shape)]
    part = _write(e, b.slice(x, [0] * x.rank, corner), axis, indices, updates, name)
    return update_slice(e, x, part, [0] * x.rank)


@prints("scatter")
def scatter(e: Emitter, x: Value, axis: int, indices: Value, source: Any, *, reduce: str | None = None) -> Value:
    return _write(e, x, axis, indices, source, reduce)


@prints("scatter_add")
def scatter_add(e: Emitter, x: Value, axis: int, indices: Value, source: Value) -> Value:
    return _write(e, x, axis, indices, source, "add")


_REDUCTIONS = {"sum": "add", "prod": "multiply", "amax": "maximum", "amin": "minimum"}


@prints("scatter_reduce")
def scatter_reduce(
    e: Emitter, x: Value, axis: int, indices: Value, source: Value, reduce: str, *, include_self: bool = True
) -> Value:
    if reduce not in _REDUCTIONS or not include_self:
        raise NotImplementedError(f"scatter_reduce with reduce={reduce!r} and include_self={include_self}")
    return _write(e, x, axis, indices, source, _REDUCTIONS[reduce])


# Slices written.


def update_slice(e: Emitter, x: Value, part: Value, starts: Sequence[int]) -> Value:
    b = e.builder
    places = [b.constant(start, (), torch.int64) for start in starts]
    return b.op("dynamic_update_slice", [x, b.convert(part, x.dtype), *places], x.shape, x.dtype)


@prints("slice_scatter")
def slice_scatter(
    e: Emitter, x: Value, source: Value, axis: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Value:
    axis = axis_of(axis, x.rank)
    first, last = bounds(start, end, x.shape[axis])
    if last <= first:
        return x
    if step == 1:
        starts = [0] * x.rank
        starts[axis] = first
        return update_slice(e, x, source, starts)
    # Set apart, the source lies over its places; a mask says which they are.
    b = e.builder
    low, high, interior = [0] * x.rank, [0] * x.rank, [0] * x.rank
    count = source.shape[axis]
    low[axis], interior[axis] = first, step - 1
    high[axis] = x.shape[axis] - first - (count - 1) * step - 1
    spread = b.pad(b.convert(source, x.dtype), low, high, interior)
    mask = b.pad(b.constant(True, source.shape, torch.bool), low, high, interior, fill=False)
    return b.select(mask, spread, x)


@prints("select_scatter")
def select_scatter(e: Emitter, x: Value, source: Value, axis: int, place: int) -> Value:
    axis = axis_of(axis, x.rank)
    place %= x.shape[axis]
    part = e.builder.reshape(source, [1 if other == axis else size for other, size in enumerate(x.shape)])
    return slice_scatter(e, x, part, axis, place, place + 1)
