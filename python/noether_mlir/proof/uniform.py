# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What operations say of entries that are equal: values that are zero, and indices that values do not depend on."""

import numpy as np

from noether_mlir.proof.operations import Operation
from noether_mlir.proof.program import Program, Step
from noether_mlir.proof.rules import Dim, Tensor

#: What these add to a tensor's axes are copies.
_BROADCASTS = ("broadcast_in_dim", "broadcast", "dynamic_broadcast_in_dim")
#: Numbers along an index: where they are equal, so are the entries. None: all may differ.
Labels = np.ndarray | None


def treats_indices_alike(program: Program, step: Step) -> bool:
    """Whether an operation does the same at all indices of an axis that is not frozen, as far as its rule says."""
    if step.op.startswith("linalg."):
        return False  # a body may read the position
    # What a user says of scales says nothing of this.
    said_by_user = step.op.endswith(".custom_call") or program.has_user_rules
    return not step.rule.is_barrier and (bool(step.rule.uses) or not said_by_user)


def zero_values(program: Program) -> set[int]:
    """Values all of whose entries are zero."""
    zero = {number for number, value in enumerate(program.values) if value.number == 0}
    for step in program.steps:
        if step.kind != "rule" or not step.rule.uses:
            continue
        for result, value in enumerate(step.results):
            terms = [e.terms for e in step.rule.equations if e.lhs == ("r", result)]
            if terms and all(any(is_zero_factor(step, tensor, zero) for _, tensor in each) for each in terms):
                zero.add(value)
    return zero


def zero_parts(program: Program, zero: set[int]) -> dict[int, tuple[int, np.ndarray]]:
    """For values that are zero on a part of one axis, the axis and where."""
    parts: dict[int, tuple[int, np.ndarray]] = {}
    for step in program.steps:
        rule = step.rule
        if step.kind != "rule" or not rule.uses or rule.frozen or len(step.results) != 1:
            continue
        (value,), (dims,) = step.results, rule.results
        if not any(o in zero or o in parts for o in step.operands) or value in zero:
            continue
        shape = program.values[value].shape
        cut = [axis for axis, dim in enumerate(dims) if len(dim) > 1]
        moved = [parts[o][0] for o in step.operands if o in parts]
        if len(dims) != len(shape) or len(set(cut)) > 1 or not (cut or moved):
            continue
        operation = Operation(program, step)
        # Along the axis that is cut, or the one that the operands' zeros lie along.
        candidates = cut or [axis for axis, dim in enumerate(dims) if len(dim) == 1 and len(dim[0]) == 1]
        for axis in candidates:
            mask = np.zeros(shape[axis], bool)
            for chosen, terms in operation.cells(("r", 0)).items():
                start = sum(operation.extent(s) for s in dims[axis][:chosen[axis]]) if len(dims[axis]) > 1 else 0
                size = operation.extent(dims[axis][chosen[axis]]) if len(dims[axis]) > 1 else shape[axis]
                inside = [operation.zero_along(powers, choice, dims[axis][chosen[axis]], size, zero, parts)
                          for powers, choice in terms]
                if inside:
                    mask[start:start + size] = np.logical_and.reduce(inside)
            if mask.any():
                parts[value] = (axis, mask)
                break
    return parts


def is_zero_factor(step: Step, tensor: Tensor, zero: set[int]) -> bool:
    """Whether a product with this operand is zero."""
    return tensor[0] == "o" and step.operands[tensor[1]] in zero and step.rule.uses[tensor[1]] in "+-|*"


def uniform_axes(program: Program, zero: set[int]) -> list[tuple[Labels, ...]]:
    """For each value and axis which of its entries are equal."""
    uniform: list[tuple[Labels, ...]] = [
        tuple(np.zeros(size, np.int64) if value.number is not None or number in zero or size == 1 else None
              for size in value.shape)
        for number, value in enumerate(program.values)
    ]
    for step in program.steps:
        if step.kind != "rule" or not treats_indices_alike(program, step):
            continue
        sizes = _sizes(program, step)
        holders: dict[str, list[Labels]] = {}
        for value, dims in zip(step.operands, step.rule.operands, strict=False):
            for axis, dim in enumerate(dims):
                for factor, labels in _by_factor(uniform[value][axis], dim, sizes):
                    holders.setdefault(factor, []).append(labels)
        repeats = step.op.partition(".")[2] in _BROADCASTS

        def labels_of(factor: str) -> Labels:
            held = holders.get(factor, [])
            known = [labels for labels in held if labels is not None and len(labels) == sizes[factor]]
            if factor in step.rule.frozen or len(known) != len(held) or not (held or repeats):
                return None
            return _joint(known, sizes[factor])

        # Pieces that are one and the same.
        if step.op.endswith(".concatenate") and len(set(step.operands)) == 1:
            for axis, dim in enumerate(step.rule.results[0]):
                if len(dim) > 1:
                    own, size = uniform[step.operands[0]][axis], program.values[step.operands[0]].shape[axis]
                    labels = np.tile(np.arange(size) if own is None else own, len(dim))
                    uniform[step.results[0]] = (*uniform[step.results[0]][:axis], labels,
                                                *uniform[step.results[0]][axis + 1:])
        for value, dims in zip(step.results, step.rule.results, strict=True):
            if len(dims) == len(uniform[value]):
                uniform[value] = tuple(
                    known if known is not None or len(dim) != 1 or not dim[0] else
                    _product([labels_of(factor) for factor in dim[0]], [sizes[factor] for factor in dim[0]])
                    for known, dim in zip(uniform[value], dims, strict=True)
                )
    return uniform


def _sizes(program: Program, step: Step) -> dict[str, int]:
    """The sizes of all factors: those that are an axis are not in the rule."""
    sizes = dict(step.rule.sizes)
    tensors = [*zip(step.operands, step.rule.operands, strict=False), *zip(step.results, step.rule.results, strict=False)]
    for value, dims in tensors:
        for dim, size in zip(dims, program.values[value].shape, strict=False):
            if len(dim) == 1 and len(dim[0]) == 1:
                sizes[dim[0][0]] = size
    return sizes


def _joint(held: list[np.ndarray], size: int) -> np.ndarray:
    """Equal where all are."""
    if not any(labels.any() for labels in held):
        return np.zeros(size, np.int64)
    return np.unique(np.stack(held), axis=1, return_inverse=True)[1].reshape(-1)


def _product(factors: list[Labels], sizes: list[int]) -> Labels:
    if all(labels is None for labels in factors):
        return None
    total = np.zeros(1, np.int64)
    for labels, size in zip(factors, sizes, strict=True):
        own = np.arange(size) if labels is None else labels
        total = (total[:, None] * size + own[None, :]).reshape(-1)
    return total


def _by_factor(labels: Labels, dim: Dim, sizes: dict[str, int]) -> list[tuple[str, Labels]]:
    """The labels of an axis, seen along each of its factors."""
    found: list[tuple[str, Labels]] = []
    start = 0
    for segment in dim:
        if labels is None:
            found += [(factor, None) for factor in segment]
            continue
        lengths = [sizes.get(factor, 0) for factor in segment]
        extent = int(np.prod(lengths, dtype=object))
        if not segment or start + extent > len(labels) or 0 in lengths:
            found += [(factor, None) for factor in segment]
            continue
        array = labels[start:start + extent].reshape(lengths)
        for axis, factor in enumerate(segment):
            rows = np.moveaxis(array, axis, 0).reshape(lengths[axis], -1)
            found.append((factor, np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)))
        start += extent
    return found
