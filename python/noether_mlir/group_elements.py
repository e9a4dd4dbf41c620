# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a claimed symmetry does to parameters, in numbers: elements of its group and of its Lie algebra.

Everything is read off the symmetry's JSON object, one entry of `symmetries` in what `noether analyze` prints.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from noether_mlir.errors import NoetherError

Parameters = Mapping[str, np.ndarray]
Symmetry = Mapping[str, Any]

#: Families whose elements scale each entry of a parameter.
TORUS = ("scale", "rescale")


class MalformedClaim(NoetherError):
    """A claim that cannot be applied: its members do not fit the parameters they name."""


def _view(member: Mapping[str, Any], shape: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[slice, ...]]:
    """The shape a member's axes speak of, and the part of it that moves."""
    view = tuple(member.get("view") or shape)
    offsets = member.get("offsets") or [0] * len(view)
    sizes = member.get("sizes") or list(view)
    if int(np.prod(view)) != int(np.prod(shape)) or not len(view) == len(offsets) == len(sizes):
        raise MalformedClaim(f"{member['parameter']}: the view {list(view)} does not fit the shape {list(shape)}")
    if any(o < 0 or s < 0 or o + s > n for o, s, n in zip(offsets, sizes, view)):
        raise MalformedClaim(f"{member['parameter']}: the part that moves is not within the view {list(view)}")
    return view, tuple(slice(o, o + s) for o, s in zip(offsets, sizes))


def _shape(parameters: Parameters, member: Mapping[str, Any]) -> tuple[int, ...]:
    try:
        return tuple(parameters[member["parameter"]].shape)
    except KeyError:
        raise MalformedClaim(f"the step has no parameter {member['parameter']}") from None


def block_shape(symmetry: Symmetry, parameters: Parameters) -> tuple[int, ...]:
    """The shape of an element: one number for each block."""
    if "block_shape" in symmetry:
        return tuple(symmetry["block_shape"])
    member = symmetry["members"][0]
    _, part = _view(member, _shape(parameters, member))
    return tuple(part[axis].stop - part[axis].start for axis in member["axes"])


def without_means(element: np.ndarray) -> np.ndarray:
    """The part of a function on block axes that has zero mean along each of them."""
    for axis in range(element.ndim):
        element = element - element.mean(axis=axis, keepdims=True)
    return element


def _fields(symmetry: Symmetry, parameters: Parameters, element: np.ndarray) -> dict[str, np.ndarray]:
    """Per parameter, `exponent * element` spread over its entries: log-scales, or shifts."""
    fields: dict[str, np.ndarray] = {}
    for member in symmetry["members"]:
        shape = _shape(parameters, member)
        view, part = _view(member, shape)
        axes = list(member["axes"])
        lengths = [part[axis].stop - part[axis].start if axis < len(view) else -1 for axis in axes]
        if lengths != list(element.shape):
            raise MalformedClaim(
                f"{symmetry['id']}: {member['parameter']} has blocks {lengths} where the symmetry has"
                f" {list(element.shape)}"
            )
        spread = np.ones(len(view), int)
        for axis, length in zip(axes, lengths):
            spread[axis] = length
        moved = np.transpose(element, np.argsort(axes)).reshape(spread)
        field = fields.setdefault(member["parameter"], np.zeros(shape))
        field.reshape(view)[part] += float(Fraction(str(member["exponent"]))) * moved
    return fields


class Element:
    """An element of a symmetry's Lie algebra, which its group element is the exponential of.

    Attributes:
        symmetry: the claim. values: the numbers that choose the element.
    """

    def __init__(self, symmetry: Symmetry, values: Any):
        self.symmetry = symmetry
        self.values = values

    def act(self, parameters: Parameters) -> dict[str, np.ndarray]:
        """The parameters moved by the group element; those that do not move are absent."""
        return _FAMILIES[self.symmetry["family"]].act(self.symmetry, parameters, self.values)

    def velocity(self, parameters: Parameters) -> dict[str, np.ndarray] | None:
        """How the parameters start to move: d/dh of the element h times this one, at h = 0. None: it is discrete."""
        return _FAMILIES[self.symmetry["family"]].velocity(self.symmetry, parameters, self.values)

    def scaled(self, factor: float) -> "Element":
        """Another element of the same one-parameter group."""
        return Element(self.symmetry, _FAMILIES[self.symmetry["family"]].scaled(self.values, factor))


class _Scaling:
    """theta -> exp(exponent * s) theta, s a function of the block."""

    continuous = True

    @staticmethod
    def draw(symmetry: Symmetry, parameters: Parameters, rng: np.random.Generator, size: float) -> Any:
        element = size * rng.standard_normal(block_shape(symmetry, parameters))
        return without_means(element) if symmetry.get("traceless") else element

    @staticmethod
    def act(symmetry: Symmetry, parameters: Parameters, values: Any) -> dict[str, np.ndarray]:
        fields = _fields(symmetry, parameters, values)
        return {name: parameters[name] * np.exp(field) for name, field in fields.items()}

    @staticmethod
    def velocity(symmetry: Symmetry, parameters: Parameters, values: Any) -> dict[str, np.ndarray]:
        fields = _fields(symmetry, parameters, values)
        return {name: parameters[name] * field for name, field in fields.items()}

    @staticmethod
    def scaled(values: Any, factor: float) -> Any:
        return values * factor


class _Translation(_Scaling):
    """theta -> theta + coefficient * t, t a function of the block."""

    @staticmethod
    def act(symmetry: Symmetry, parameters: Parameters, values: Any) -> dict[str, np.ndarray]:
        fields = _fields(symmetry, parameters, values)
        return {name: parameters[name] + field for name, field in fields.items()}

    @staticmethod
    def velocity(symmetry: Symmetry, parameters: Parameters, values: Any) -> dict[str, np.ndarray]:
        return _fields(symmetry, parameters, values)


def _indexed(part: Mapping[str, Any], value: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """An array whose axes are named by the indices of a part of a parameter; axes without one are dropped."""
    view, moves = _view(part, value.shape)
    indices = part["indices"]
    if len(indices) != len(view):
        raise MalformedClaim(f"{part['parameter']}: there is not one index for each axis of {list(view)}")
    array = value.reshape(view)[moves]
    fixed = tuple(axis for axis, index in enumerate(indices) if index is None)
    if any(array.shape[axis] != 1 for axis in fixed):
        raise MalformedClaim(f"{part['parameter']}: an axis of a factor has no index")
    return array.reshape([n for axis, n in enumerate(array.shape) if axis not in fixed]), [
        index for index in indices if index is not None]


class _Affine(_Translation):
    """theta -> theta + coefficient * t, and what parameters multiply of it taken up by others: b -> b - t W."""

    @staticmethod
    def _fields(symmetry: Symmetry, parameters: Parameters, values: Any) -> dict[str, np.ndarray]:
        fields = _fields(symmetry, parameters, values)
        for absorber in symmetry["absorbers"]:
            name, shape = absorber["parameter"], _shape(parameters, absorber)
            view, part = _view(absorber, shape)
            operands: list[Any] = [values, list(range(values.ndim))]
            for factor in absorber["factors"]:
                _shape(parameters, factor)
                operands += _indexed(factor, parameters[factor["parameter"]])
            kept = [index for index in absorber["indices"] if index is not None]
            number = float(Fraction(str(absorber["exponent"]))) * absorber.get("number", 1.0)
            try:
                moved = number * np.einsum(*operands, kept)
            except ValueError as error:
                raise MalformedClaim(f"{symmetry['id']}: {name}: {error}") from None
            lengths = iter(moved.shape)
            spread = [1 if index is None else next(lengths) for index in absorber["indices"]]
            expected = [1 if index is None else p.stop - p.start for index, p in zip(absorber["indices"], part)]
            if spread != expected:
                raise MalformedClaim(f"{symmetry['id']}: {name} is shifted by {spread} where it has {expected}")
            field = fields.setdefault(name, np.zeros(shape))
            field.reshape(view)[part] += moved.reshape(spread)
        return fields

    @classmethod
    def act(cls, symmetry: Symmetry, parameters: Parameters, values: Any) -> dict[str, np.ndarray]:
        fields = cls._fields(symmetry, parameters, values)
        return {name: parameters[name] + field for name, field in fields.items()}

    @classmethod
    def velocity(cls, symmetry: Symmetry, parameters: Parameters, values: Any) -> dict[str, np.ndarray]:
        return cls._fields(symmetry, parameters, values)


def _along_axis(
    symmetry: Symmetry, parameters: Parameters, move: Callable[[Mapping[str, Any], np.ndarray], np.ndarray]
) -> dict[str, np.ndarray]:
    """Moves each member's part along its one axis, one member after the other.

    `move` is given the part with its block axes first and the axis that moves next, and returns it moved.
    """
    moved: dict[str, np.ndarray] = {}
    for member in symmetry["members"]:
        name, shape = member["parameter"], _shape(parameters, member)
        view, part = _view(member, shape)
        first = [*(member.get("block_axes") or ()), *member["axes"]]
        if len(member["axes"]) != 1 or len(set(first)) != len(first) or not all(0 <= axis < len(view) for axis in first):
            raise MalformedClaim(f"{symmetry['id']}: {name} does not say along which axis it moves")
        expected = [*(symmetry.get("block_shape") or ()), _size(symmetry)]
        lengths = [part[axis].stop - part[axis].start for axis in first]
        if lengths != expected:
            raise MalformedClaim(f"{symmetry['id']}: {name} has axes {lengths} where the symmetry has {expected}")
        value = np.array(moved.get(name, parameters[name]))
        whole = value.reshape(view)
        front = list(range(len(first)))
        whole[part] = np.moveaxis(move(member, np.moveaxis(whole[part], first, front)), front, first)
        moved[name] = whole.reshape(shape)
    return moved


def _size(symmetry: Symmetry) -> int:
    if not isinstance(symmetry.get("size"), int) or symmetry["size"] < 1:
        raise MalformedClaim(f"{symmetry['id']}: the size of the matrices is not given")
    return symmetry["size"]


class _Matrix:
    """theta -> M theta along an axis, and M^-T theta along its partner's; one M for each block."""

    continuous = True

    @staticmethod
    def _generator(values: np.ndarray) -> np.ndarray:
        return values

    @classmethod
    def draw(cls, symmetry: Symmetry, parameters: Parameters, rng: np.random.Generator, size: float) -> Any:
        n = _size(symmetry)
        values = size / np.sqrt(n) * rng.standard_normal((*(symmetry.get("block_shape") or ()), n, n))
        generator = cls._generator(values)
        centering = np.eye(n) - 1.0 / n
        if symmetry.get("fixes_constant"):  # M 1 = 1
            generator = generator @ centering
        if symmetry.get("fixes_sum"):  # 1^T M = 1^T
            generator = centering @ generator
        return generator

    @staticmethod
    def _apply(symmetry: Symmetry, parameters: Parameters, matrix: np.ndarray, other: np.ndarray) -> dict[str, np.ndarray]:
        def move(member: Mapping[str, Any], value: np.ndarray) -> np.ndarray:
            chosen = other if member.get("side") == "inverse_transpose" else matrix
            flat = value.reshape(*chosen.shape[:-1], -1)
            return np.asarray(chosen @ flat).reshape(value.shape)

        return _along_axis(symmetry, parameters, move)

    @classmethod
    def act(cls, symmetry: Symmetry, parameters: Parameters, values: Any) -> dict[str, np.ndarray]:
        from scipy.linalg import expm

        return cls._apply(symmetry, parameters, expm(values), np.swapaxes(expm(-values), -1, -2))

    @classmethod
    def velocity(cls, symmetry: Symmetry, parameters: Parameters, values: Any) -> dict[str, np.ndarray]:
        # One member after the other multiplies (1 + h A) of each: the sum of their parts, at first order.
        total: dict[str, np.ndarray] = {}
        for member in symmetry["members"]:
            alone = {**symmetry, "members": [member]}
            part = cls._apply(alone, parameters, values, -np.swapaxes(values, -1, -2))
            view, moves = _view(member, _shape(parameters, member))
            name = member["parameter"]
            still = np.ones(view, bool)
            still[moves] = False
            change = np.where(still.reshape(parameters[name].shape), 0.0, part[name])
            total[name] = total.get(name, 0.0) + change
        return total

    @staticmethod
    def scaled(values: Any, factor: float) -> Any:
        return values * factor


class _Rotation(_Matrix):
    """The same with M orthogonal."""

    @staticmethod
    def _generator(values: np.ndarray) -> np.ndarray:
        return values - np.swapaxes(values, -1, -2)

    @classmethod
    def draw(cls, symmetry: Symmetry, parameters: Parameters, rng: np.random.Generator, size: float) -> Any:
        both = symmetry.get("fixes_constant") or symmetry.get("fixes_sum")
        return _Matrix.draw.__func__(cls, {**symmetry, "fixes_constant": both, "fixes_sum": both}, parameters, rng, size)  # type: ignore[attr-defined]


class _Complex(_Matrix):
    """The same with M = [[a, -b], [b, a]]: multiplication of x1 + i x2 by a + i b."""

    @staticmethod
    def _generator(values: np.ndarray) -> np.ndarray:
        if values.shape[-1] != 2:
            raise MalformedClaim("a complex number has two parts")
        a, b = values[..., 0, 0], values[..., 1, 0]
        return np.stack([np.stack([a, -b], -1), np.stack([b, a], -1)], -2)


class _Permutation:
    """theta -> theta[sigma] along an axis; one sigma for each block."""

    continuous = False

    @staticmethod
    def draw(symmetry: Symmetry, parameters: Parameters, rng: np.random.Generator, size: float) -> Any:
        order = np.broadcast_to(np.arange(_size(symmetry)), (*(symmetry.get("block_shape") or ()), _size(symmetry)))
        drawn = rng.permuted(order, axis=-1)
        return np.roll(drawn, 1, axis=-1) if (drawn == order).all() else drawn  # the identity says nothing

    @staticmethod
    def act(symmetry: Symmetry, parameters: Parameters, values: Any) -> dict[str, np.ndarray]:
        def move(member: Mapping[str, Any], value: np.ndarray) -> np.ndarray:
            flat = value.reshape(*values.shape, -1)
            return np.take_along_axis(flat, values[..., None], axis=-2).reshape(value.shape)

        return _along_axis(symmetry, parameters, move)

    @staticmethod
    def velocity(symmetry: Symmetry, parameters: Parameters, values: Any) -> None:
        return None

    @staticmethod
    def scaled(values: Any, factor: float) -> Any:
        return values


_FAMILIES: dict[str, Any] = {
    "scale": _Scaling,
    "rescale": _Scaling,
    "translation": _Translation,
    "affine": _Affine,
    "general_linear": _Matrix,
    "orthogonal": _Rotation,
    "complex_linear": _Complex,
    "permutation": _Permutation,
}


def is_supported(symmetry: Symmetry) -> bool:
    """Whether elements of this family can be drawn."""
    return symmetry["family"] in _FAMILIES


def is_continuous(symmetry: Symmetry) -> bool:
    """Whether the symmetry has a Lie algebra."""
    return _FAMILIES[symmetry["family"]].continuous


def random_element(symmetry: Symmetry, parameters: Parameters, rng: np.random.Generator, size: float = 0.7) -> Element:
    """A random element of a symmetry.

    Args:
        parameters: by name.
        size: of the element: the logarithm of the factors, for scalings; of no meaning for permutations.

    Raises:
        MalformedClaim: if the symmetry does not fit the parameters, or its family is not known.
    """
    family = _FAMILIES.get(symmetry["family"])
    if family is None:
        raise MalformedClaim(f"{symmetry['id']}: no elements of the family {symmetry['family']} are known here")
    return Element(symmetry, family.draw(symmetry, parameters, rng, size))


__all__ = ["Element", "MalformedClaim", "TORUS", "block_shape", "is_continuous", "is_supported", "random_element"]
