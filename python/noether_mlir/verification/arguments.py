# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random arguments for a step of which only the module is known: values that a training run might have."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from jax.interpreters import mlir

from noether_mlir.verification.program import Argument, StepProgram, _entry_of

ir: Any = mlir.ir  # type: ignore[attr-defined]

#: States of which square roots and logarithms are taken: second moments and variances.
_POSITIVE = re.compile(r"(?:^|[^a-z])(?:nu|var|v_hat|variance|moving_variance|sum_of_squares|max_exp_avg_sq)(?:[^a-z]|$)")
#: The integers that an argument takes, where its uses do not say.
_SMALL = 2


def index_ranges(text: str, entry: str) -> dict[int, int]:
    """For arguments that hold indices or labels: how many values they may take.

    It is read off their uses: the axis of the table that rows are gathered from, the length of the `iota` that a
    one-hot code compares with. Arguments without such a use are absent.
    """
    with mlir.make_ir_context():
        module = ir.Module.parse(text)
        functions = {
            ir.StringAttr(op.attributes["sym_name"]).value: op.operation
            for op in module.body.operations
            if op.operation.name == "func.func"
        }
        found: dict[int, int] = {}
        for number, argument in enumerate(_entry_of(module, entry).regions[0].blocks[0].arguments):
            if isinstance(argument.type, ir.RankedTensorType) and isinstance(
                argument.type.element_type, ir.IntegerType
            ):
                limits = _limits(argument, functions)
                if limits:
                    found[number] = min(limits)
        return found


#: What leaves an integer the same number.
_COPIES = {
    f"stablehlo.{name}"
    for name in (
        "broadcast_in_dim", "reshape", "convert", "transpose", "slice", "concatenate", "select", "reverse",
        "dynamic_slice", "pad", "optimization_barrier", "clamp", "reduce", "add", "and",
    )
} | {"sdy.sharding_constraint"}  # fmt: skip
_MOST_USES = 10_000


def _limits(argument: Any, functions: dict[str, Any]) -> list[int]:
    limits: list[int] = []
    todo, seen = [argument], 0
    visited: set[Any] = set()
    while todo and seen < _MOST_USES:
        value = todo.pop()
        for use in value.uses:
            seen += 1
            op, position = use.owner.operation, use.operand_number
            if (hash(op), position) in visited:
                continue
            visited.add((hash(op), position))
            limit = _limit(op, position)
            if limit is not None:
                limits.append(limit)
            elif op.name in _COPIES:
                todo.extend(op.results)
            elif op.name == "func.call":
                callee = functions.get(ir.FlatSymbolRefAttr(op.attributes["callee"]).value)
                if callee is not None:
                    todo.append(callee.regions[0].blocks[0].arguments[position])
                    todo.extend(op.results)
            elif op.name in ("stablehlo.while", "sdy.manual_computation"):
                for region in op.regions:
                    if position < len(region.blocks[0].arguments):
                        todo.append(region.blocks[0].arguments[position])
    return limits


def _limit(op: Any, position: int) -> int | None:
    """How many values an operand may take, where the operation says so."""
    if op.name == "stablehlo.gather" and position == 1:
        axes = re.search(r"start_index_map = \[([\d, ]*)\]", str(op.attributes["dimension_numbers"]))
        if axes and axes.group(1):
            shape, sizes = _shape(op.operands[0]), list(ir.DenseI64ArrayAttr(op.attributes["slice_sizes"]))
            # Indices into several axes at once are a concatenation; the smallest bound serves all of them.
            return min(shape[int(a)] - sizes[int(a)] + 1 for a in axes.group(1).split(","))
    if op.name == "stablehlo.dynamic_slice" and position:
        sizes = list(ir.DenseI64ArrayAttr(op.attributes["slice_sizes"]))
        return _shape(op.operands[0])[position - 1] - sizes[position - 1] + 1
    if op.name == "stablehlo.compare":
        return _iota_length(op.operands[1 - position])
    return None


def _shape(value: Any) -> list[int]:
    return list(ir.RankedTensorType(value.type).shape)


def _iota_length(value: Any) -> int | None:
    while not isinstance(value.owner, ir.Block):
        op = value.owner.operation
        if op.name == "stablehlo.iota":
            return _shape(op.results[0])[ir.IntegerAttr(op.attributes["iota_dimension"]).value]
        if op.name not in ("stablehlo.broadcast_in_dim", "stablehlo.reshape", "stablehlo.convert"):
            return None
        value = op.operands[0]
    return None


def _is_float(dtype: np.dtype[Any]) -> bool:
    import jax.numpy as jnp

    return bool(jnp.issubdtype(dtype, jnp.floating))


def _parameter(shape: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """Weights of the size that keeps activations near 1; vectors (gains, biases) of both signs and of similar size.

    A small gain beside a large bias would switch a ReLU on or off for good, which makes symmetries of its own.
    """
    if len(shape) < 2:
        return rng.uniform(0.7, 1.1, shape) * rng.choice((1.0, -1.0), shape, p=(0.75, 0.25))
    fan_in = int(np.prod(shape[:-1]))
    return rng.standard_normal(shape) * 1.3 / np.sqrt(min(fan_in, max(shape)))


#: How floats of the batch are drawn, until the loss is finite: some steps take logarithms of their data.
STYLES = ("normal", "positive", "unit")


def _data(shape: Sequence[int], rng: np.random.Generator, style: str) -> np.ndarray:
    if style == "unit":
        return rng.uniform(0.05, 0.95, shape)
    values = rng.standard_normal(shape)
    return np.abs(values) + 0.05 if style == "positive" else values


def _draw(argument: Argument, limit: int | None, rng: np.random.Generator, style: str) -> np.ndarray:
    shape, dtype = argument.shape, argument.dtype
    if dtype == bool:
        return rng.random(shape) < 0.8
    if not _is_float(dtype) and dtype.kind != "c":
        if argument.role == "rng":
            return rng.integers(0, 2**32, shape, dtype=np.uint64).astype(dtype)
        if argument.role in ("state", "hyper") and not shape:
            return np.asarray(rng.integers(1, 9), dtype)  # a step count
        return rng.integers(0, max(limit or _SMALL, 1), shape).astype(dtype)
    if dtype.kind == "c":
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)
    if argument.role == "param":
        values = _parameter(shape, rng)
    elif argument.role == "hyper":
        values = rng.uniform(0.01, 0.2, shape)
    elif argument.role == "state":
        positive = _POSITIVE.search(argument.name) or not shape
        values = rng.standard_normal(shape)
        values = 0.1 + values**2 if positive else 0.1 * values
    else:
        values = _data(shape, rng, style)
    # Numbers that the step's own type can hold, so that both precisions see the same point.
    return np.asarray(values).astype(argument.stored).astype(dtype)


def random_arguments(
    program: StepProgram, limits: dict[int, int], rng: np.random.Generator, style: str = "normal"
) -> list[np.ndarray]:
    """Arguments for a step, one array each, by role, shape and dtype.

    Args:
        limits: how many values an index takes, by argument; see `index_ranges`.
        style: how floats of the batch are drawn; one of `STYLES`.
    """
    return [_draw(argument, limits.get(i), rng, style) for i, argument in enumerate(program.arguments)]
