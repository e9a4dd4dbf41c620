# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Entries that are consistent with every degree: zero, infinite or NaN, and what is made of them alone."""

import numpy as np

from noether_mlir.proof.degrees import Application, BadDegree
from noether_mlir.proof.program import Program, Step, any_number
from noether_mlir.proof.rules import Tensor
from noether_mlir.proof.takes import take

#: True or False everywhere, or one entry (or 1) per index along each axis.
Mask = bool | np.ndarray
#: Masks with more entries are taken to be False: the proof then has to show more.
_LIMIT = 1 << 20


def masks_of(program: Program) -> list[Mask]:
    """For each value, where it is consistent with every degree."""
    masks: list[Mask] = [any_number(value) or 0 in value.shape for value in program.values]
    for step in program.steps:
        if step.takes and masks[step.results[0]] is False:
            masks[step.results[0]] = _taken(program, step, masks)
        elif step.kind == "rule" and not step.rule.is_barrier:
            for number, result in enumerate(step.results):
                if program.values[result].is_float and masks[result] is False:
                    masks[result] = _result(program, step, ("r", number), masks)
    return masks


def shapes_of(program: Program, step: Step) -> dict[Tensor, tuple[int, ...]]:
    """The shapes of a step's tensors."""
    shapes: dict[Tensor, tuple[int, ...]] = {}
    for number, value in enumerate(step.operands[: len(step.rule.operands)]):
        shapes["o", number] = program.values[value].shape
    for number, value in enumerate(step.results):
        shapes["r", number] = program.values[value].shape
    return shapes


def _taken(program: Program, step: Step, masks: list[Mask]) -> Mask:
    """Where entries are taken from such ones, or filled in with such a number."""
    operand, shape = masks[step.operands[0]], program.values[step.results[0]].shape
    if operand is True and len(step.operands) == 1:
        return True
    mask = operand if isinstance(operand, np.ndarray) else np.full((1,) * len(shape), operand)
    fills = len(step.operands) > 1 and any_number(program.values[step.operands[1]])
    for axis, table in (step.takes or {}).items():
        if mask.shape[axis] != 1:
            mask = take(mask, axis, table, 0).astype(bool)
        outside = (table < 0).reshape([-1 if a == axis else 1 for a in range(len(shape))])
        mask = mask | outside if fills else mask & ~outside
        if int(np.prod(mask.shape, dtype=object)) > _LIMIT:
            return False
    return True if mask.all() else False if not mask.any() else _compress(mask)


def _result(program: Program, step: Step, result: Tensor, masks: list[Mask]) -> Mask:
    equations = [equation for equation in step.rule.equations if equation.lhs == result]
    if not equations:
        return False

    def mask(tensor: Tensor) -> Mask:
        return masks[step.operands[tensor[1]]] if tensor[0] == "o" else False

    involved = [mask(tensor) for equation in equations for _, tensor in equation.terms]
    if all(m is False for m in involved):
        return False
    is_cut = any(len(dim) > 1 for tensor in [*step.rule.operands, *step.rule.results] for dim in tensor)
    if not is_cut and all(isinstance(m, bool) for m in involved):
        return all(any(mask(tensor) for _, tensor in equation.terms) for equation in equations)
    return _by_entries(program, step, result, masks)


def _by_entries(program: Program, step: Step, result: Tensor, masks: list[Mask]) -> Mask:
    """Entry by entry: any where every equation that speaks of it has a summand that is."""
    shape = program.values[step.results[result[1]]].shape
    if int(np.prod(shape, dtype=object)) > _LIMIT:
        return False
    try:
        application = Application(step.rule, shapes_of(program, step))
    except BadDegree:
        return False
    every = np.ones(shape, bool)
    spoken = np.zeros(shape, bool)
    names_of = {}
    for equation in step.rule.equations:
        if equation.lhs != result:
            continue
        for chosen in application.choices(equation):
            names, where = _entries(application, result, chosen[result], shape)
            names_of[result] = names
            total = np.zeros([1] * len(names), bool)
            for _, tensor in equation.terms:
                mask = masks[step.operands[tensor[1]]] if tensor[0] == "o" else False
                if isinstance(mask, bool):
                    total = total | mask
                    continue
                try:
                    own, array = application.by_factors(tensor, mask, chosen[tensor])
                except BadDegree:
                    return False
                # All of what is summed over must be so.
                for axis in reversed(range(len(own))):
                    if own[axis] not in names:
                        array = array.all(axis=axis)
                        del own[axis]
                order = sorted(range(len(own)), key=lambda axis: names.index(own[axis]))
                array = np.transpose(array, order)
                present = [own[axis] for axis in order]
                lengths = [array.shape[present.index(name)] if name in present else 1 for name in names]
                total = total | array.reshape(lengths)
            index = tuple(where)
            part = every[index]
            wide = np.broadcast_to(total, [application.sizes.get(name, 1) for name in names]).reshape(part.shape)
            every[index] = part & wide
            spoken[index] = True
    found = every & spoken
    if found.all():
        return True
    if not found.any():
        return False
    return _compress(found)


def _entries(
    application: Application, tensor: Tensor, chosen: tuple[int, ...], shape: tuple[int, ...]
) -> tuple[list[str], list[slice]]:
    """The factors of the chosen segments, and where these lie."""
    names: list[str] = []
    where = []
    for axis, (dim, number) in enumerate(zip(application.rule.dims(tensor), chosen, strict=True)):
        start = sum(application.extent(segment) for segment in dim[:number])
        size = application.extent(dim[number]) if dim[number] else (1 if len(dim) > 1 else shape[axis])
        where.append(slice(start, start + size))
        names += dim[number]
        if not dim[number] and size != 1:
            names.append(f"_{tensor}{axis}")
            application.sizes[names[-1]] = size
    return names, where


def _compress(mask: np.ndarray) -> np.ndarray:
    for axis, size in enumerate(mask.shape):
        if size > 1:
            first = mask.take([0], axis)
            if (mask == first).all():
                mask = first
    return mask
