# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is added to values, as sums of terms: a coefficient times a function of some indices.

The functions have names. That of the claim is "t", one index for each axis of its block; linear operations make others of
it, told by the operation and what it multiplies with. Equal names are equal functions, so that terms cancel where the
operations say so. An index of a function runs along the axes of a value by *labels*: for each index of these axes its own.
"""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from noether_mlir.proof.degrees import BadDegree, TooLarge
from noether_mlir.proof.rules import Dim

_LIMIT = 1 << 22
#: Terms that a value may have.
MAX_TERMS = 256

Array = np.ndarray


@dataclass(frozen=True)
class Labels:
    """Numbers over some axes (of a tensor, or factors of a rule); only the axes they depend on."""

    axes: tuple[Any, ...]
    shape: tuple[int, ...]
    data: bytes

    @classmethod
    def of(cls, axes: Sequence[Any], array: Array) -> "Labels":
        """With the axes dropped that it does not depend on, and the others in order."""
        kept = []
        for position, axis in reversed(list(enumerate(axes))):
            if (array == array.take([0], position)).all():
                array = array.take(0, position)
            else:
                kept.insert(0, axis)
        order = sorted(range(len(kept)), key=lambda position: str(kept[position]))
        array = np.array(np.transpose(array, order), dtype=np.int64, order="C")
        return cls(tuple(kept[position] for position in order), array.shape, array.tobytes())

    @property
    def array(self) -> Array:
        """The numbers."""
        return np.frombuffer(self.data, np.int64).reshape(self.shape)

    def over(self, axes: Sequence[Any], sizes: Mapping[Any, int]) -> Array:
        """The same over more axes, in an order of their own."""
        if math.prod(sizes[axis] for axis in axes) > _LIMIT:
            raise TooLarge("a shift that depends on too many entries")
        present = [axis for axis in axes if axis in self.axes]
        array = np.transpose(self.array, [self.axes.index(axis) for axis in present])
        array = array.reshape([sizes[axis] if axis in present else 1 for axis in axes])
        return np.broadcast_to(array, [sizes[axis] for axis in axes])


@dataclass(frozen=True)
class Term:
    """coefficient * name[labels] where all masks are 1."""

    name: Hashable
    coefficient: Fraction
    labels: tuple[Labels, ...]
    masks: tuple[Labels, ...] = ()

    @property
    def place(self) -> tuple[Any, ...]:
        """Equal for terms that add up."""
        return self.name, self.labels, self.masks

    def scaled(self, factor: Fraction) -> "Term":
        """A multiple."""
        return Term(self.name, self.coefficient * factor, self.labels, self.masks)

    @property
    def axes(self) -> set[Any]:
        """All that it depends on."""
        return {axis for labels in (*self.labels, *self.masks) for axis in labels.axes}


Shift = tuple[Term, ...]


def total(terms: Sequence[Term]) -> Shift:
    """The sum: equal terms are joined, parts side by side as well."""
    sums: dict[Any, Term] = {}
    for term in terms:
        if any(not mask.array.any() for mask in term.masks):
            continue
        known = sums.get(term.place)
        sums[term.place] = term if known is None else known.scaled(1 + term.coefficient / known.coefficient)
        if not sums[term.place].coefficient:
            del sums[term.place]
    left, joined = list(sums.values()), []
    if len(left) > MAX_TERMS:
        raise TooLarge("a shift has too many terms")
    while left:
        term = left.pop(0)
        for number, other in enumerate(left):
            both = _join(term, other)
            if both is not None:
                left[number] = both
                break
        else:
            joined.append(term)
    if len(joined) < len(sums):
        return total(joined)
    return tuple(sorted(joined, key=lambda each: repr(each)))


def _join(a: Term, b: Term) -> Term | None:
    """Two terms that are alike but for the part they are on."""
    if a.name != b.name or a.coefficient != b.coefficient or len(a.masks) != len(b.masks):
        return None
    differing = [n for n, (x, y) in enumerate(zip(a.masks, b.masks, strict=True)) if x != y]
    if len(differing) != 1:
        return None
    x, y = a.masks[differing[0]], b.masks[differing[0]]
    if x.axes != y.axes or (x.array & y.array).any():
        return None
    labels = []
    for one, other in zip(a.labels, b.labels, strict=True):
        if one == other:
            labels.append(one)
            continue
        if one.axes != other.axes or one.axes != x.axes:
            return None
        array = np.where(x.array == 1, one.array, other.array)
        labels.append(Labels.of(one.axes, np.where((x.array | y.array) == 1, array, -1)))
    return restricted(Term(a.name, a.coefficient, tuple(labels),
                           (*a.masks[:differing[0]], Labels.of(x.axes, x.array | y.array), *a.masks[differing[0] + 1:])))


def restricted(term: Term) -> Term:
    """Without masks that are 1 everywhere; labels do not count where masks are 0."""
    joint: dict[tuple[Any, ...], Array] = {}
    for mask in term.masks:
        if mask.axes or not mask.array.all():
            joint[mask.axes] = joint.get(mask.axes, 1) * mask.array
    masks = tuple(sorted((Labels.of(axes, array) for axes, array in joint.items() if not array.all()), key=repr))
    labels = []
    for own in term.labels:
        for mask in masks:
            if mask.axes == own.axes:
                own = Labels.of(own.axes, np.where(mask.array == 1, own.array, -1))
        labels.append(own)
    return Term(term.name, term.coefficient, tuple(labels), masks)


# --- into an operation, and out of it -------------------------------------------------------------


def to_factors(term: Term, shape: Sequence[int], dims: Sequence[Dim], chosen: Sequence[int], sizes: Mapping[str, int],
               tensor: str) -> Term | None:
    """A term seen in one choice of segments, over the factors; nothing if it is not there."""

    def convert(labels: Labels) -> Labels:
        array, names, lengths = labels.array, [], []
        for position, axis in enumerate(labels.axes):
            dim, number = dims[axis], chosen[axis]
            segment = dim[number]
            if not segment:
                names.append(f"_{tensor}{axis}")
                lengths.append(shape[axis])
                continue
            extents = [math.prod(sizes[factor] for factor in each) for each in dim]
            if len(dim) > 1:
                start = sum(extents[:number])
                array = array.take(range(start, start + extents[number]), position)
            names += segment
            lengths += [sizes[factor] for factor in segment]
        if len(set(names)) != len(names):
            raise BadDegree("an index that a tensor has twice")
        return Labels.of(names, array.reshape(lengths))

    masks = [convert(mask) for mask in term.masks]
    if any(not mask.axes and not mask.array.all() for mask in masks):
        return None
    return restricted(Term(term.name, term.coefficient, tuple(convert(labels) for labels in term.labels), tuple(masks)))


def from_factors(term: Term, shape: Sequence[int], dims: Sequence[Dim], chosen: Sequence[int],
                 sizes: Mapping[str, int]) -> Term:
    """A term over factors as one of the tensor that has them.

    Raises:
        BadDegree: if the tensor does not have them all.
    """
    owner = {factor: axis for axis, (dim, number) in enumerate(zip(dims, chosen, strict=True)) for factor in dim[number]}

    def convert(labels: Labels, outside: int) -> Labels:
        if any(factor not in owner for factor in labels.axes):
            raise BadDegree("a shift varies along an index that the result does not have")
        axes = sorted({owner[factor] for factor in labels.axes})
        names = [factor for axis in axes for factor in dims[axis][chosen[axis]]]
        array = labels.over(names, sizes)
        array = array.reshape([math.prod(sizes[f] for f in dims[axis][chosen[axis]]) for axis in axes])
        for position, axis in enumerate(axes):
            array = _spread(array, position, axis, outside)
        return Labels.of(axes, array)

    def _spread(array: Array, position: int, axis: int, outside: int) -> Array:
        dim, number = dims[axis], chosen[axis]
        if len(dim) == 1:
            return array
        extents = [math.prod(sizes[factor] for factor in each) for each in dim]
        full = list(array.shape)
        full[position] = shape[axis]
        result = np.full(full, outside)
        start = sum(extents[:number])
        result[tuple(slice(start, start + extents[number]) if p == position else slice(None)
                     for p in range(result.ndim))] = array
        return result

    masks = [convert(mask, 0) for mask in term.masks]
    for axis, (dim, number) in enumerate(zip(dims, chosen, strict=True)):
        if len(dim) > 1:
            inside = _spread(np.ones(math.prod(sizes[f] for f in dim[number]), np.int64), 0, axis, 0)
            masks.append(Labels.of([axis], inside))
    return restricted(Term(term.name, term.coefficient, tuple(convert(labels, -1) for labels in term.labels),
                           tuple(masks)))


def sum_over(term: Term, factor: str, size: int, sum_name: Callable[[Hashable, int], Hashable | None],
             length: Callable[[Hashable, int], int]) -> Term | None:
    """The sum over a factor; nothing if it is zero.

    Args:
        sum_name: the name of the sum over an index of a function; None for zero. length: of an index.

    Raises:
        BadDegree: if it is no function of this kind.
    """
    masks = [mask for mask in term.masks if factor in mask.axes]
    labels = [number for number, own in enumerate(term.labels) if factor in own.axes]
    if any(mask.axes != (factor,) for mask in masks) or len(labels) > 1:
        raise BadDegree("a sum over a part of a shift")
    inside = np.ones(size, bool)
    for mask in masks:
        inside &= mask.array == 1
    rest = tuple(mask for mask in term.masks if mask not in masks)
    if not labels:
        return Term(term.name, term.coefficient * int(inside.sum()), term.labels, rest) if inside.any() else None
    (number,) = labels
    own = term.labels[number]
    if own.axes != (factor,):
        raise BadDegree("a sum over a part of an index")
    counts = np.bincount(own.array[inside], minlength=length(term.name, number))
    if (counts != counts[0]).any() or len(counts) != length(term.name, number):
        raise BadDegree("a sum over a part of an index")
    if not counts[0]:
        return None
    name = sum_name(term.name, number)
    if name is None:
        return None
    return Term(name, term.coefficient * int(counts[0]), (*term.labels[:number], *term.labels[number + 1:]), rest)
