# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The members of a symmetry as they are shown: pieces put together, and what two have in common."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from noether_mlir.analysis import Member, Symmetry
from noether_mlir.table.labels import Labels, columns, fill, split

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Part:
    """A member of a symmetry, as it is shown.

    Attributes:
        side: as a member's; of an absorber the word, and a W for each parameter that multiplies the shift.
        view: the shape that `axes` and `block_axes` speak of. offsets, sizes: what moves along each axis of it.
    """

    parameter: str
    exponent: Fraction
    side: str | None
    axes: tuple[int, ...]
    block_axes: tuple[int, ...]
    view: tuple[int, ...]
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]

    def kind(self, name: str) -> Hashable:
        """What parts that are shown as one have in common, given what their names have."""
        cuts = tuple(0 if size == extent else size for size, extent in zip(self.sizes, self.view))
        return name, self.exponent, self.side, self.axes, self.block_axes, len(self.view), cuts


def _joined(parts: list[Part]) -> list[Part]:
    """Parts of one parameter, those put together that differ along one axis only and make up all of it."""
    for axis in range(len(parts[0].view)):
        rows: dict[Hashable, list[Part]] = {}
        for part in parts:
            beside = tuple(zip(part.offsets, part.sizes))
            alone = part.offsets if axis in (*part.axes, *part.block_axes) else None
            rows.setdefault((part.view, beside[:axis], beside[axis + 1 :], alone), []).append(part)
        parts = []
        for row in rows.values():
            first = row[0]
            if len(row) > 1 and sum(part.sizes[axis] for part in row) == first.view[axis]:
                put = lambda numbers, number: (*numbers[:axis], number, *numbers[axis + 1 :])
                row = [replace(first, offsets=put(first.offsets, 0), sizes=put(first.sizes, first.view[axis]))]
            parts += row
    return parts


def _follows(before: int, axis: int, axes: tuple[int, ...]) -> bool:
    """Whether two neighbours are both in `axes`, in this order, or both not."""
    if before in axes and axis in axes:
        return axes.index(axis) == axes.index(before) + 1
    return before not in axes and axis not in axes


def _merged(part: Part, shape: tuple[int, ...]) -> Part:
    """The part, with axes of its view put together that are one axis of the parameter and play the same role."""
    runs: list[list[int]] = []
    extents, left = list(shape), 1
    for axis, size in enumerate(part.view):
        starts = left == 1
        if starts:
            while len(extents) > 1 and extents[0] == 1 != size:
                extents.pop(0)
            left = extents.pop(0) if extents else size
        left //= max(size, 1)
        before = runs[-1][-1] if runs else -1
        uncut = part.sizes[axis] == size and part.sizes[before] == part.view[before]
        if not starts and uncut and all(_follows(before, axis, axes) for axes in (part.axes, part.block_axes)):
            runs[-1].append(axis)
        else:
            runs.append([axis])
    together = lambda numbers: tuple(math.prod(numbers[axis] for axis in run) for run in runs)
    view, sizes, offsets = together(part.view), together(part.sizes), tuple(part.offsets[run[0]] for run in runs)
    numbers = lambda axes: tuple(number for axis in axes for number, run in enumerate(runs) if run[0] == axis)
    axes, block_axes = numbers(part.axes), numbers(part.block_axes)
    return replace(part, axes=axes, block_axes=block_axes, view=view, offsets=offsets, sizes=sizes)


def parts_of(symmetry: Symmetry, shapes: Shapes) -> list[Part]:
    """The members, with parts of one parameter that make up all of it put together if they move alike."""
    alike: dict[Hashable, list[Member]] = {}
    for member in symmetry.members:
        # Without axes a view only says where the part lies.
        view = member.view if member.axes else ()
        alike.setdefault((member.parameter, member.exponent, member.side, member.axes, view), []).append(member)
    parts: list[Part] = []
    for members in alike.values():
        first = members[0]
        shape = shapes.get(first.parameter, ())
        moved = sum(math.prod(member.sizes or shape) for member in members)
        cut_axes = {a for m in members for a in m.axes if m.sizes and m.view and m.sizes[a] != m.view[a]}
        if moved == math.prod(shape) and not cut_axes:
            members = [replace(first, view=first.view if first.axes else (), offsets=(), sizes=())]
        pieces = []
        for m in members:
            view = m.view or shape
            start, sizes = m.offsets or (0,) * len(view), m.sizes or view
            pieces.append(Part(m.parameter, m.exponent, m.side, m.axes, m.block_axes, view, start, sizes))
        parts += [_merged(piece, shape) for piece in _joined(pieces)]
    for absorber in symmetry.absorbers:
        shape = shapes.get(absorber.parameter, ())
        view = absorber.view or shape
        start, sizes = absorber.offsets or (0,) * len(view), absorber.sizes or view
        axes = tuple(axis for axis, index in enumerate(absorber.indices) if index is not None)
        side = "absorber " + "W " * len(absorber.factors)
        parts.append(_merged(Part(absorber.parameter, absorber.exponent, side, axes, (), view, start, sizes), shape))
    return parts


def kinds(parts: Sequence[Part], label: Labels) -> list[Hashable]:
    """The kind of each part of one symmetry.

    An index is one of a layer if it comes first in the name, if names with several occur, or if all names share it.
    Other numbers are parts of names: BatchNorm_0 before Conv_1 is not put together with BatchNorm_1 before Conv_2.
    Elements of a list have no name to go by: how many there are and their shapes must be the same.
    """
    labels = [label(part.parameter) for part in parts]
    values: dict[tuple[str, str], set[int]] = {}
    for text in labels:
        pattern, indices = split(text)
        for column, index in zip(columns(text), indices):
            values.setdefault((pattern, column), set()).add(index)
    shared = set.intersection(*(set(zip(columns(text), split(text)[1])) for text in labels)) if labels else set()
    found: list[Hashable] = []
    for part, text in zip(parts, labels):
        pattern, indices = split(text)
        kept = [
            "#" if number == 0 or len(values[pattern, column]) > 1 or (column, index) in shared else str(index)
            for number, (column, index) in enumerate(zip(columns(text), indices))
        ]
        name = fill(pattern, kept)
        nameless = not any(map(str.isalpha, name))
        found.append((part.kind(name), (part.view, len(parts)) if nameless else None))
    return found
