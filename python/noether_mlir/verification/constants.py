# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Other values for the constants that are said to break a symmetry."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jax.interpreters import mlir

from noether_mlir.lowering import print_generic

ir: Any = mlir.ir  # type: ignore[attr-defined]

#: What a constant passes through on its way to the operation that uses it.
_PASSES = ("stablehlo.broadcast_in_dim", "stablehlo.convert", "stablehlo.reshape")


@dataclass(frozen=True)
class Place:
    """A constant where it is used: its value, the operation, and that operation's source line (may be empty)."""

    value: float
    op: str
    location: str


def _is_at(location: Any, place: str) -> bool:
    """Whether an operation's location names this `file:line` or `file:line:column`."""
    lines = {f"{file}:{line}" for file, line in re.findall(r'"([^"]+)":(\d+):\d+', str(location))}
    return place in lines or place.rpartition(":")[0] in lines


def _constant_operands(op: Any) -> list[tuple[int, float]]:
    """The operands of an operation that are one number each, with that number."""
    found = []
    for i, operand in enumerate(op.operands):
        literal = _literal(operand)
        number = _number(literal) if literal is not None else None
        if number is not None:
            found.append((i, number))
    return found


def _literal(value: Any) -> Any:
    """The `stablehlo.constant` a value copies, else None."""
    owner = value.owner
    while not isinstance(owner, ir.Block):
        op = owner.operation if hasattr(owner, "operation") else owner
        if op.name == "stablehlo.constant":
            return op
        if op.name not in _PASSES:
            return None
        owner = op.operands[0].owner
    return None


def _number(op: Any) -> float | None:
    """The value of a constant that is one number."""
    attribute = op.attributes["value"]
    try:
        dense = ir.DenseFPElementsAttr(attribute)
    except ValueError:
        return None
    if not dense.is_splat:
        return None
    return ir.FloatAttr(dense.get_splat_value()).value


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= 5e-3 * abs(b)  # bf16 keeps two digits


def scale(text: str, places: Sequence[Place], factor: float) -> str | None:
    """The module with these constants multiplied by `factor`, at the operations named.

    Of an operation whose place is not known, the constants of that value are changed at every use. Returns None if
    one of them is nowhere to be found.
    """
    with mlir.make_ir_context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        operations: list[Any] = []

        def collect(op: Any) -> Any:
            if op.name.startswith(("stablehlo.", "chlo.")) and op.name not in (*_PASSES, "stablehlo.constant"):
                operations.append(op)
            return ir.WalkResult.ADVANCE

        module.operation.walk(collect)
        uses = [(op, _constant_operands(op)) for op in operations]
        chosen: dict[int, list[tuple[int, float]]] = {}
        for place in places:
            same = [
                (at, i, number)
                for at, (op, operands) in enumerate(uses)
                if op.name == place.op
                for i, number in operands
                if _close(number, place.value)
            ]
            here = [use for use in same if _is_at(uses[use[0]][0].location, place.location)]
            if not same:
                return None
            for at, i, number in here or same:
                if (i, number) not in chosen.setdefault(at, []):
                    chosen[at].append((i, number))
        for at, operands in chosen.items():
            for i, number in operands:
                _replace(uses[at][0], i, number * factor)
        return print_generic(module)


def _replace(op: Any, i: int, number: float) -> None:
    kind = ir.RankedTensorType(op.operands[i].type)
    with op.location, ir.InsertionPoint(op):
        value = ir.DenseElementsAttr.get_splat(kind, ir.FloatAttr.get(kind.element_type, number))
        op.operands[i] = ir.Operation.create("stablehlo.constant", results=[kind], attributes={"value": value}).result
