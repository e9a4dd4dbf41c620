# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arguments whose leaves are not all arrays, as Equinox's modules have them: functions, strings, numbers.

`jax.jit` refuses such leaves. They stay as they are, and the step becomes a function of the arrays among the arguments,
as `equinox.filter_jit` has it. Equinox is recognised by its types' names.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from noether_mlir.adaptive import is_polar

_NUMBERS = (bool, int, float, complex)


def _is_equinox(value: Any) -> bool:
    return any(kind.__module__.startswith("equinox.") for kind in type(value).__mro__)


def _is_array(leaf: Any) -> bool:
    if isinstance(leaf, (jax.Array, np.ndarray, np.generic, jax.ShapeDtypeStruct)) or is_polar(leaf):
        return True
    return hasattr(leaf, "shape") and hasattr(leaf, "dtype")


def is_filtered(step: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether numbers among the leaves are part of the program: so Equinox has it."""
    return _is_equinox(step) or any(map(_is_equinox, [*args, *kwargs.values()]))


def has_other_leaves(step: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether there is a leaf that is no value of the program."""
    if is_filtered(step, args, kwargs):
        return True
    return not all(
        isinstance(leaf, _NUMBERS) or _is_array(leaf) for leaf in jax.tree.leaves((args, kwargs), is_leaf=is_polar)
    )


class Parted:
    """A tree without the leaves that are no values: in their places there is nothing.

    Attributes:
        values: the tree of the values. rest: what it was made of besides, equal for trees that differ in values only.
    """

    def __init__(self, tree: Any, numbers: bool):
        """numbers: of Python are values."""
        leaves, self._structure = jax.tree.flatten(tree, is_leaf=is_polar)
        kinds = _NUMBERS if numbers else ()
        self._is_value = [_is_array(leaf) or isinstance(leaf, kinds) for leaf in leaves]
        self._others = [None if own else leaf for own, leaf in zip(self._is_value, leaves)]
        self.values = self._with([leaf if own else None for own, leaf in zip(self._is_value, leaves)])

    @property
    def rest(self) -> tuple[Any, ...]:
        return self._structure, *(_Same(leaf) for leaf in self._others)

    def _with(self, leaves: Sequence[Any]) -> Any:
        return jax.tree.unflatten(self._structure, leaves)

    def joined(self, values: Any) -> Any:
        """The whole tree again, with other values."""
        given = iter(jax.tree.leaves(values, is_leaf=is_polar))
        return self._with([next(given) if own else leaf for own, leaf in zip(self._is_value, self._others)])


class _Same:
    """A leaf as a key: by what it equals, if that can be a key, else by which it is."""

    def __init__(self, leaf: Any):
        self.leaf = leaf
        try:
            self._hash = hash(leaf)
        except TypeError:
            self._hash = id(leaf)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Same) or type(self.leaf) is not type(other.leaf):
            return False
        if self.leaf is other.leaf:
            return True
        return self._hash == other._hash and self._hash != id(self.leaf) and bool(self.leaf == other.leaf)


def function_of_values(
    step: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], static: set[int]
) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], tuple[Any, ...]]:
    """A step as a function of the values among its arguments.

    Args:
        static: positions of arguments that stay as they are.

    Returns:
        (function, args, kwargs, key). The function returns the values among what the step returns, and has the attribute
        `returned` then, which puts the rest around them. Functions of equal keys are the same function.
    """
    numbers = not is_filtered(step, args, kwargs)
    parted = [None if position in static else Parted(arg, numbers) for position, arg in enumerate(args)]
    named = {name: Parted(value, numbers) for name, value in kwargs.items()}
    while hasattr(step, "lower") and hasattr(step, "__wrapped__"):
        step = step.__wrapped__

    def function(*given: Any, **others: Any) -> Any:
        whole = [value if part is None else part.joined(value) for part, value in zip(parted, given)]
        result = Parted(step(*whole, **{name: named[name].joined(value) for name, value in others.items()}), numbers)
        function.returned = result.joined  # type: ignore[attr-defined]
        return result.values

    function.__name__ = getattr(step, "__name__", type(step).__name__)
    function.__signature__ = _signature(step)  # type: ignore[attr-defined]
    values = tuple(arg if part is None else part.values for part, arg in zip(parted, args))
    key = (*(part and part.rest for part in parted), *((name, part.rest) for name, part in sorted(named.items())))
    return function, values, {name: part.values for name, part in named.items()}, key


def _signature(step: Any) -> Any:
    import inspect

    try:
        return inspect.signature(step)
    except (TypeError, ValueError):
        return None
