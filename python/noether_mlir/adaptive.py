# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Parameters in adaptive form: a direction on the unit sphere and its radius.

In the rewritten step every adapted parameter w is held as w = r u, where the symmetry of the loss makes the network
blind to r. The parameter's place in the pytrees is taken by a `Polar`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax

from noether_mlir.errors import NoetherError

if TYPE_CHECKING:
    from noether_mlir.jitted import JittedStep


@jax.tree_util.register_pytree_with_keys_class
class Polar:
    """An adapted parameter: what the step holds in the place of a weight w.

    It is a pytree node, so it passes through `jax.tree.map`, donation, sharding and checkpoints like the array it
    stands for. The members of a joint block (a kernel and its bias under one norm) share one radius; each carries
    its own copy of it, so that any part of a pytree can be taken out, saved and put back alone.

    Attributes:
        direction: u, with the shape and dtype of w. Its blocks have norm 1 up to rounding.
        radius: for each symmetry that was gauge-fixed, its id and r: one number for each of its blocks, in the units
            of w, in float32 or better. The value w is `restore`'s to give, since it knows axes and exponents.
    """

    __slots__ = ("direction", "radius")

    def __init__(self, direction: Any, radius: Mapping[str, Any]):
        self.direction = direction
        self.radius = dict(radius)

    def tree_flatten_with_keys(self) -> tuple[Any, Any]:
        names = tuple(sorted(self.radius))
        keys = jax.tree_util
        children = [(keys.GetAttrKey("direction"), self.direction)]
        children += [(keys.GetAttrKey(f"radius[{name!r}]"), self.radius[name]) for name in names]
        return children, names

    @classmethod
    def tree_unflatten(cls, names: tuple[str, ...], children: Any) -> "Polar":
        direction, *radii = children
        return cls(direction, dict(zip(names, radii)))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the parameter."""
        return tuple(self.direction.shape)

    @property
    def dtype(self) -> Any:
        """The dtype of the parameter."""
        return self.direction.dtype

    def __repr__(self) -> str:
        return f"Polar(direction={self.direction!r}, radius={self.radius!r})"


def is_polar(node: Any) -> bool:
    """For `is_leaf=`: whether a pytree node is a `Polar`."""
    return isinstance(node, Polar)


def _step(step: Any) -> "JittedStep":
    from noether_mlir.jitted import JittedStep

    if not isinstance(step, JittedStep) or step.rewrite != "adaptive":
        raise NoetherError('expected what noether_mlir.jit(step, rewrite="adaptive") returns')
    return step


def adapt(step: "JittedStep", *args: Any, **kwargs: Any) -> Any:
    """The step's arguments in adaptive form; see `JittedStep.adapt`."""
    return _step(step).adapt(*args, **kwargs)


def restore(step: "JittedStep", *args: Any, **kwargs: Any) -> Any:
    """The inverse of `adapt`; see `JittedStep.restore`."""
    return _step(step).restore(*args, **kwargs)
