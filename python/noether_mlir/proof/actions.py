# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How matrices act on tensors: which entries are the coordinates of which vector, as arrays over the axes.

An action of a matrix M along one axis of a view of a tensor groups its entries into *fibers*, vectors that M is applied
to. It is kept as numbers along the tensor's own axes, so that reshapes, slices and products of factors need no rules of
their own: two tensors are moved alike at an operation if these numbers are the same at each index that they share.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from noether_mlir.proof.degrees import BadDegree
from noether_mlir.proof.rules import Dim
from noether_mlir.proof.takes import Takes, take

#: Parts of one value that are moved apart; more are not looked at.
_LIMIT = 512

Array = np.ndarray
#: Names of the axes, their lengths, and the entries.
_Frozen = tuple[tuple[str, ...], tuple[int, ...], bytes]


@dataclass(frozen=True, eq=False)
class Action:
    """The action of a matrix along one axis of a tensor.

    Attributes:
        axis: of the tensor. side: "direct" (M), "inverse_transpose" or "paired" (of products x_i y_i of both).
        coordinate: for each index along the axis the coordinate of the entry in its vector, -1 where none moves.
        first: for each index along the axis the first index of its vector.
        blocks: for each axis of the block, an axis of the tensor and the number of the block along it.
        masks: by axis, the indices at which entries move, where that is not all.
    """

    axis: int
    side: str
    coordinate: Array
    first: Array
    blocks: tuple[tuple[int, Array], ...]
    masks: Mapping[int, Array]

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """Equal for equal actions."""
        return (self.axis, self.side, self.coordinate.tobytes(), self.first.tobytes(), self.block_key, self.mask_key)

    @cached_property
    def block_key(self) -> tuple[Any, ...]:
        """Equal where blocks are numbered alike."""
        return tuple((axis, labels.tobytes()) for axis, labels in self.blocks)

    @cached_property
    def mask_key(self) -> tuple[Any, ...]:
        """Equal where the same part moves."""
        return tuple((axis, mask.tobytes()) for axis, mask in sorted(self.masks.items()))


def _sizes(data: Mapping[str, Any], key: str, default: list[int], length: int | None = None) -> list[int]:
    values = data.get(key) or default
    if not isinstance(values, list) or any(type(v) is not int or v < 0 for v in values):
        raise BadDegree(f"{key} is no list of sizes")
    if length is not None and len(values) != length:
        raise BadDegree(f"{key} has the wrong length")
    return values


def axes_of_view(view: Sequence[int], shape: Sequence[int]) -> list[int]:
    """For each axis of the view the axis of the tensor that it is a part of."""
    owners: list[int] = []
    for axis, size in enumerate(shape):
        product, start = 1, len(owners)
        while len(owners) < len(view) and (product < size or (size == 1 and len(owners) == start)):
            product *= view[len(owners)]
            owners.append(axis)
        if product != size:
            raise BadDegree(f"{list(view)} does not split the axes of {list(shape)}")
    if any(size != 1 for size in view[len(owners):]):
        raise BadDegree(f"{list(view)} does not split the axes of {list(shape)}")
    return owners


def read_action(data: Mapping[str, Any], shape: tuple[int, ...], size: int, block_shape: Sequence[int]) -> Action:
    """An action as reports have it, {axis, side, block_axes, view, offsets?, sizes?}, on a tensor of a shape.

    Raises:
        BadDegree: if it does not fit the tensor, the size of the matrix or the blocks.
    """
    view = _sizes(data, "view", list(shape))
    offsets = _sizes(data, "offsets", [0] * len(view), len(view))
    sizes = _sizes(data, "sizes", view, len(view))
    owners = axes_of_view(view, shape)
    axis, block_axes = data["axis"], data.get("block_axes", [])
    along = [axis, *block_axes]
    if any(type(a) is not int or not 0 <= a < len(owners) for a in along) or len(set(along)) != len(along):
        raise BadDegree(f"axes {along} are no axes of {view}")
    if sizes[axis] != size or [sizes[a] for a in block_axes] != list(block_shape):
        raise BadDegree(f"the part {sizes} has not the sizes of the matrix and its blocks")
    if any(o + s > v for o, s, v in zip(offsets, sizes, view, strict=True)):
        raise BadDegree("the part is not inside of the view")

    def digit(number: int) -> Array:
        """For each index of the tensor's axis its place in the part, along one axis of the view; -1 outside."""
        stride = math.prod(view[n] for n in range(number + 1, len(owners)) if owners[n] == owners[number])
        index = np.arange(shape[owners[number]]) // stride % view[number] - offsets[number]
        return np.where((0 <= index) & (index < sizes[number]), index, -1)

    inside: dict[int, Array] = {}
    for number in range(len(owners)):
        mask = digit(number) >= 0
        inside[owners[number]] = inside.get(owners[number], True) & mask
    own = owners[axis]
    stride = math.prod(view[n] for n in range(axis + 1, len(owners)) if owners[n] == own)
    coordinate = np.where(inside[own], digit(axis), -1)
    first = np.where(coordinate >= 0, np.arange(shape[own]) - stride * coordinate, -1)
    masks = {a: mask for a, mask in inside.items() if a != own and not mask.all()}
    blocks = tuple((owners[a], digit(a)) for a in block_axes)
    return Action(own, data["side"], coordinate, first, blocks, masks)


def merge(actions: Sequence[Action]) -> tuple[Action, ...]:
    """The same with parts that are moved alike taken together.

    Raises:
        BadDegree: if entries are moved twice along one axis, or actions depend on what others move.
    """
    if len(actions) > _LIMIT:
        raise BadDegree("a value has too many parts")
    left = list(actions)
    merged: list[Action] = []
    while left:
        action = left.pop(0)
        for other in left:
            both = _join(action, other)
            if both is not None:
                left.remove(other)
                left.insert(0, both)
                break
        else:
            merged.append(action)
    # A join may make another one possible.
    if len(merged) < len(actions):
        return merge(merged)
    for number, action in enumerate(merged):
        for other in merged[:number]:
            _check_pair(action, other)
    return tuple(sorted(merged, key=lambda each: repr(each.key)))


def _join(a: Action, b: Action) -> Action | None:
    if (a.axis, a.side, a.block_key) != (b.axis, b.side, b.block_key):
        return None
    if a.mask_key == b.mask_key:
        if ((a.coordinate >= 0) & (b.coordinate >= 0)).any():
            return None
        return Action(a.axis, a.side, np.maximum(a.coordinate, b.coordinate), np.maximum(a.first, b.first), a.blocks,
                      a.masks)
    if (a.coordinate.tobytes(), a.first.tobytes()) != (b.coordinate.tobytes(), b.first.tobytes()):
        return None
    if set(a.masks) != set(b.masks):
        return None
    differing = [axis for axis in a.masks if a.masks[axis].tobytes() != b.masks[axis].tobytes()]
    if len(differing) != 1 or (a.masks[differing[0]] & b.masks[differing[0]]).any():
        return None
    masks = {**a.masks, differing[0]: a.masks[differing[0]] | b.masks[differing[0]]}
    return Action(a.axis, a.side, a.coordinate, a.first, a.blocks, {n: m for n, m in masks.items() if not m.all()})


def _check_pair(a: Action, b: Action) -> None:
    apart = any(axis in b.masks and not (mask & b.masks[axis]).any() for axis, mask in a.masks.items())
    for one, other in ((a, b), (b, a)):
        mask = other.masks.get(one.axis)
        apart |= one.axis != other.axis and mask is not None and not (mask & (one.coordinate >= 0)).any()
    if apart:
        return
    if a.axis == b.axis:
        both = (a.coordinate >= 0) & (b.coordinate >= 0)
        if not both.any():
            return
        # Two digits of one axis, each of which leaves the other alone.
        for one, other in ((a, b), (b, a)):
            moved = np.nonzero(one.coordinate >= 0)[0]
            if (other.coordinate[moved] != other.coordinate[one.first[moved]]).any():
                raise BadDegree("entries are moved twice along one axis")
    for one, other in ((a, b), (b, a)):
        moved = np.nonzero(one.coordinate >= 0)[0]
        labels = [labels for axis, labels in other.blocks if axis == one.axis]
        labels += [mask for axis, mask in other.masks.items() if axis == one.axis]
        if any((array[moved] != array[one.first[moved]]).any() for array in labels):
            raise BadDegree("what is moved depends on an index that is moved")


def retake(action: Action, takes: Takes, size: int) -> list[Action] | None:
    """An action on what is made of entries of a tensor; nothing if vectors are taken apart."""
    coordinate, first = action.coordinate, action.first
    masks, blocks = dict(action.masks), list(action.blocks)
    for axis, table in takes.items():
        if axis == action.axis:
            coordinate = take(action.coordinate, 0, table, -1)
            source = take(action.first, 0, table, -1)
            moved = np.nonzero(coordinate >= 0)[0]
            fibers, inverse, counts = np.unique(source[moved], return_inverse=True, return_counts=True)
            if (counts != size).any() or len(np.unique(np.stack([inverse, coordinate[moved]]), axis=1).T) != len(moved):
                return None
            heads = np.full(len(fibers), -1)
            heads[inverse[coordinate[moved] == 0]] = moved[coordinate[moved] == 0]
            first = np.full(len(table), -1)
            first[moved] = heads[inverse]
        elif (table < 0).any() or axis in masks:
            mask = take(masks.get(axis, np.ones(int(table.max(initial=0)) + 1, bool)), 0, table, 0).astype(bool)
            masks[axis] = mask
        blocks = [(a, take(labels, 0, table, -1) if a == axis else labels) for a, labels in blocks]
    if not (coordinate >= 0).any() or any(not mask.any() for mask in masks.values()):
        return []
    masks = {axis: mask for axis, mask in masks.items() if not mask.all()}
    return [Action(action.axis, action.side, coordinate, first, tuple(blocks), masks)]


# --- at an operation ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Placed:
    """An action at an operation, over the factors of its rule; equal for tensors that are moved alike.

    Attributes:
        moving: the factors along which entries are mixed.
        coordinate: of the entries. firsts: for each moving factor, the index of the first entry of the vector.
    """

    moving: tuple[str, ...]
    coordinate: _Frozen
    firsts: tuple[_Frozen, ...]
    blocks: tuple[_Frozen, ...]
    masks: tuple[_Frozen, ...]

    def heads(self) -> list[tuple[str, Array, Array]]:
        """For each moving factor, the index along it of each entry that moves and of the first one of its vector."""
        moved = np.nonzero(np.frombuffer(self.coordinate[2], np.int64).reshape(self.coordinate[1]) >= 0)
        index = dict(zip(self.coordinate[0], moved, strict=True))
        arrays = zip(self.moving, self.firsts, strict=True)
        return [(name, index[name], np.frombuffer(first[2], np.int64).reshape(first[1])[moved]) for name, first in arrays]

    @property
    def factors(self) -> set[str]:
        """All factors that it matters for."""
        parts = [self.coordinate, *self.firsts, *self.blocks, *self.masks]
        return {name for names, _, _ in parts for name in names} | set(self.moving)


def _freeze(names: Sequence[str], array: Array, keep: Sequence[str] = ()) -> _Frozen:
    """Without the axes it does not depend on."""
    kept = []
    for axis, name in reversed(list(enumerate(names))):
        if name not in keep and (array == array.take([0], axis)).all():
            array = array.take(0, axis)
        else:
            kept.insert(0, name)
    return tuple(kept), array.shape, np.ascontiguousarray(array).tobytes()


def place(action: Action, size: int, dims: Sequence[Dim], chosen: Sequence[int], sizes: Mapping[str, int],
          tensor: str) -> Placed | None:
    """An action seen at an operation, in one choice of segments; nothing if it does not reach them.

    Raises:
        BadDegree: if vectors are cut apart.
    """

    def at(axis: int, array: Array) -> tuple[tuple[str, ...], Array]:
        dim, number = dims[axis], chosen[axis]
        segment = dim[number]
        if not segment:
            return (f"_{tensor}{axis}",), array
        extents = [math.prod(sizes[factor] for factor in each) for each in dim]
        if len(dim) > 1:
            start = sum(extents[:number])
            array = array[start:start + extents[number]]
        return segment, array.reshape([sizes[factor] for factor in segment])

    masks = []
    for axis, mask in action.masks.items():
        names, array = at(axis, mask)
        if not array.any():
            return None
        if not array.all():
            masks.append(_freeze(names, array))
    names, coordinate = at(action.axis, action.coordinate)
    if not (coordinate >= 0).any():
        return None
    _, first = at(action.axis, action.first)
    fibers, inverse, counts = np.unique(first[coordinate >= 0], return_inverse=True, return_counts=True)
    if (counts != size).any():
        raise BadDegree("vectors that are moved are cut apart")
    moved = np.nonzero(coordinate >= 0)
    # By fiber, where its coordinate 0 stands.
    heads = np.nonzero(coordinate[moved] == 0)[0]
    if len(heads) != len(fibers):
        raise BadDegree("vectors that are moved are cut apart")
    order = heads[np.argsort(inverse[heads])]
    firsts: dict[str, Array] = {}
    for name, index in zip(names, moved, strict=True):
        head = index[order][inverse]
        if (head != index).any():
            array = np.full(coordinate.shape, -1)
            array[moved] = head
            firsts[name] = array
    # Where a factor only says whether entries move, it is a mask.
    for axis, name in reversed(list(enumerate(names))):
        if name in firsts:
            continue
        arrays = [coordinate, *firsts.values()]
        active = (coordinate >= 0).any(axis=tuple(a for a in range(coordinate.ndim) if a != axis))
        one = [array.take([int(np.argmax(active))], axis) for array in arrays]
        if all((array.compress(active, axis) == like).all() for array, like in zip(arrays, one, strict=True)):
            if not active.all():
                masks.append(_freeze((name,), active))
            coordinate = one[0].take(0, axis)
            firsts = {n: like.take(0, axis) for n, like in zip(firsts, one[1:], strict=True)}
            names = (*names[:axis], *names[axis + 1:])
    blocks = tuple(_freeze(*at(axis, labels)) for axis, labels in action.blocks)
    return Placed(
        tuple(firsts), (tuple(names), coordinate.shape, np.ascontiguousarray(coordinate).tobytes()),
        tuple(_freeze(names, array, names) for array in firsts.values()), blocks, tuple(sorted(masks)),
    )
