# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Degrees as numbers: the log-scale of every entry of a tensor, for a random element of the symmetry.

Numbers are residues modulo a large prime, so that all sums and rational multiples are exact. An identity between
degrees that fails for some element fails for a random one but for a chance of about one in 2^31 for each draw.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from noether_mlir.proof.rules import Dim, Equation, Rule, Tensor

PRIME = 2**31 - 1
#: Tensors of degrees with more entries than this are not built.
LIMIT = 1 << 24

#: Along each axis as long as the tensor, or 1 where the degree does not depend on it. None: 0.
Degree = np.ndarray | None


class TooLarge(ValueError):
    """A degree that depends on too many entries to be checked one by one."""


class BadDegree(ValueError):
    """A degree that does not fit its tensor."""


def residue(number: Fraction) -> int:
    """An exact rational as a residue."""
    return number.numerator * pow(number.denominator, -1, PRIME) % PRIME


def _sum(array: np.ndarray, axis: int) -> np.ndarray:
    return array.sum(axis=axis) % PRIME


def random_element(shape: Sequence[int], traceless: bool, rng: np.random.Generator) -> np.ndarray:
    """A random function on the block: one residue per index; with `traceless`, of mean 0 along every axis."""
    if int(np.prod(shape, dtype=object)) > LIMIT:
        raise TooLarge(f"a block of shape {list(shape)}")
    element = rng.integers(0, PRIME, tuple(shape), dtype=np.int64)
    if traceless:
        for axis, size in enumerate(shape):
            mean = _sum(element, axis) * residue(Fraction(1, size)) % PRIME
            element = (element - np.expand_dims(mean, axis)) % PRIME
    return element


def compress(degree: np.ndarray) -> Degree:
    """The same degree without the axes it does not depend on."""
    for axis, size in enumerate(degree.shape):
        if size > 1:
            first = degree.take([0], axis)
            if (degree == first).all():
                degree = first
    return None if not degree.any() else degree


def _whole_numbers(values: Any, what: str, count: int | None = None) -> list[int]:
    if not isinstance(values, list) or not all(type(v) is int and v >= 0 for v in values):
        raise BadDegree(f"{what} is no list of sizes")
    if count is not None and len(values) != count:
        raise BadDegree(f"{what} has the wrong length")
    return values


def term(data: Mapping[str, Any], shape: tuple[int, ...], element: np.ndarray, key: str = "coefficient") -> np.ndarray:
    """One summand of a degree (or one member of a symmetry) on a tensor of `shape`.

    Args:
        data: `{coefficient, axes, view?, offsets?, sizes?}` as reports have it.
        element: the function on the block.
        key: where the coefficient stands.

    Raises:
        BadDegree: if it does not fit the tensor or the block.
        TooLarge: if it has too many entries.
    """
    try:
        coefficient = residue(Fraction(data[key]))
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise BadDegree(f"the coefficient is no number: {error}") from None
    view = _whole_numbers(data.get("view") or list(shape), "the view")
    if int(np.prod(view, dtype=object)) != int(np.prod(shape, dtype=object)):
        raise BadDegree(f"the view {view} is no view of {list(shape)}")
    offsets = _whole_numbers(data.get("offsets") or [0] * len(view), "the offsets", len(view))
    sizes = _whole_numbers(data.get("sizes") or view, "the sizes", len(view))
    axes = data.get("axes", [])
    if not isinstance(axes, list) or len(axes) != element.ndim:
        raise BadDegree("there is not one axis for each of the block's")
    # Means over the block's axes that are left out.
    part, along = element, []
    for axis in reversed(range(element.ndim)):
        if axes[axis] is None:
            part = _sum(part, axis) * residue(Fraction(1, element.shape[axis])) % PRIME
        else:
            along.insert(0, axes[axis])
    if any(type(axis) is not int or not 0 <= axis < len(view) for axis in along) or len(set(along)) != len(along):
        raise BadDegree(f"the axes {axes} are no axes of {view}")
    part = np.transpose(part, np.argsort(along)) if along else part
    lengths = [1] * len(view)
    for axis, length in zip(sorted(along), part.shape, strict=True):
        if sizes[axis] != length:
            raise BadDegree(f"axis {axis} of the part {sizes} has not the block's size {length}")
        lengths[axis] = length
    part = part.reshape(lengths) * coefficient % PRIME
    # Where only a part of the view moves, the rest has 0.
    full = [1 if o == 0 and s == v and n == 1 else v for o, s, v, n in zip(offsets, sizes, view, lengths, strict=True)]
    if any(o + s > v for o, s, v in zip(offsets, sizes, view, strict=True)):
        raise BadDegree("the part is not inside of the view")
    if int(np.prod(full, dtype=object)) > LIMIT:
        raise TooLarge(f"a degree with {full} entries")
    result = np.zeros(full, np.int64)
    result[tuple(slice(o, o + s) if f != 1 or v == 1 else slice(None)
                 for o, s, v, f in zip(offsets, sizes, view, full, strict=True))] = part
    return _from_view(result, view, shape)


def _from_view(array: np.ndarray, view: list[int], shape: tuple[int, ...]) -> np.ndarray:
    """From the axes of a view that splits the tensor's axes row-major to the tensor's own."""
    if list(view) == list(shape):
        return array
    lengths, position = [], 0
    expanded = list(array.shape)
    for size in shape:
        start, product = position, 1
        while position < len(view) and (product < size or (size == 1 and position == start)):
            product *= view[position]
            position += 1
        if product != size:
            # Not a splitting of axes: entry by entry.
            if int(np.prod(shape, dtype=object)) > LIMIT:
                raise TooLarge(f"a degree of shape {list(shape)}")
            return np.broadcast_to(array, view).reshape(shape)
        group = range(start, position)
        if all(array.shape[axis] == 1 for axis in group):
            lengths.append(1)
        else:
            lengths.append(size)
            for axis in group:
                expanded[axis] = view[axis]
    if position < len(view) and any(size != 1 for size in view[position:]):
        raise BadDegree(f"the view {view} is no view of {list(shape)}")
    if int(np.prod(expanded, dtype=object)) > LIMIT:
        raise TooLarge(f"a degree of shape {list(shape)}")
    return np.broadcast_to(array, expanded).reshape(lengths)


def add(terms: Sequence[np.ndarray]) -> Degree:
    """The sum of degrees of one tensor."""
    if not terms:
        return None
    shape = np.broadcast_shapes(*(t.shape for t in terms))
    if int(np.prod(shape, dtype=object)) > LIMIT:
        raise TooLarge(f"a degree of shape {list(shape)}")
    total = np.zeros(shape, np.int64)
    for each in terms:
        total = (total + each) % PRIME
    return compress(total)


def equal(a: Degree, b: Degree) -> bool:
    """Whether two degrees of one tensor are the same; both are compressed."""
    if a is None or b is None:
        return a is b
    return a.shape == b.shape and bool((a == b).all())


# --- the equations of a rule ------------------------------------------------------------------


class Application:
    """A rule on tensors of given shapes."""

    def __init__(self, rule: Rule, shapes: Mapping[Tensor, tuple[int, ...]]):
        self.rule = rule
        self.shapes = shapes
        self.sizes = dict(rule.sizes)
        for tensor, shape in shapes.items():
            dims = rule.dims(tensor)
            if not dims:
                continue
            if len(dims) != len(shape):
                raise BadDegree(f"the rule does not fit {tensor[0]}{tensor[1]} of rank {len(shape)}")
            for dim, size in zip(dims, shape, strict=True):
                if len(dim) == 1 and len(dim[0]) == 1 and self.sizes.setdefault(dim[0][0], size) != size:
                    raise BadDegree(f"factor {dim[0][0]} has two sizes")

    def extent(self, segment: tuple[str, ...]) -> int:
        """The number of indices of a segment."""
        return int(np.prod([self.sizes.get(factor, 1) for factor in segment], dtype=object))

    def choices(self, equation: Equation):
        """For each way to choose segments that fit together: the chosen segment of every dim of every tensor."""
        tensors = [equation.lhs, *(tensor for _, tensor in equation.terms)]
        found: list[dict[Tensor, tuple[int, ...]]] = [{}]
        for tensor in dict.fromkeys(tensors):
            dims = self.rule.dims(tensor)
            options: list[tuple[int, ...]] = [()]
            for dim in dims:
                options = [(*option, number) for option in options for number in range(len(dim))]
            found = [{**chosen, tensor: option} for chosen in found for option in options]
        return [chosen for chosen in found if self._fits(chosen)]

    def _fits(self, chosen: Mapping[Tensor, tuple[int, ...]]) -> bool:
        """A segment is chosen by the factors in it: the others' factors must not occur."""
        active = {
            factor
            for tensor, numbers in chosen.items()
            for dim, number in zip(self.rule.dims(tensor), numbers, strict=True)
            for factor in dim[number]
        }
        return not any(
            active.intersection(segment)
            for tensor, numbers in chosen.items()
            for dim, number in zip(self.rule.dims(tensor), numbers, strict=True)
            for other, segment in enumerate(dim)
            if other != number
        )

    def by_factors(self, tensor: Tensor, array: np.ndarray, chosen: tuple[int, ...]) -> tuple[list[str], np.ndarray]:
        """The chosen part of a compressed array, with one axis per factor (of length 1 where it is constant).

        Raises:
            BadDegree: if it varies along an axis without factors.
        """
        names: list[str] = []
        lengths: list[int] = []
        for axis, (dim, number) in enumerate(zip(self.rule.dims(tensor), chosen, strict=True)):
            segment = dim[number]
            if array.shape[axis] != 1 and len(dim) > 1:
                start = sum(self.extent(other) for other in dim[:number])
                array = array.take(range(start, start + self.extent(segment)), axis)
            constant = array.shape[axis] == 1
            if not segment:
                if not constant and not (array == array.take([0], axis)).all():
                    raise BadDegree(f"{tensor[0]}{tensor[1]} varies along an axis that the rule does not follow")
                array = array.take([0], axis) if not constant else array
                names.append(f"_{tensor}{axis}")
                lengths.append(1)
                continue
            names += segment
            lengths += [1 if constant else self.sizes[factor] for factor in segment]
        array = array.reshape(lengths)
        for name in {name for name in names if names.count(name) > 1}:
            # A factor that a tensor has twice: its diagonal.
            first, second = [axis for axis, other in enumerate(names) if other == name][:2]
            size = max(array.shape[first], array.shape[second])
            wide = list(array.shape)
            wide[first] = wide[second] = size
            array = np.moveaxis(np.diagonal(np.broadcast_to(array, wide), axis1=first, axis2=second), -1, first)
            del names[second]
        return names, array

    def is_constant_along(self, dim: Dim, factors: frozenset[str]) -> bool:
        """Whether the rule wants constancy along a dim."""
        return any(factor in factors for segment in dim for factor in segment)


def contract(names: list[str], array: np.ndarray, weights: Mapping[str, np.ndarray]) -> int:
    """The weighted sum of an array over all its factors; weights add up to 1, so that constants stay."""
    for name in names:
        if array.shape[0] == 1:
            array = array[0]
            continue
        weight = weights[name].reshape((-1,) + (1,) * (array.ndim - 1))
        array = (array * weight % PRIME).sum(axis=0) % PRIME
    return int(array)


def random_weights(sizes: Mapping[str, int], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """For each factor, residues that add up to 1."""
    weights = {}
    for name, size in sizes.items():
        weight = rng.integers(0, PRIME, size, dtype=np.int64)
        if size:
            weight[0] = (1 - int(weight[1:].sum() % PRIME)) % PRIME
        weights[name] = weight
    return weights
