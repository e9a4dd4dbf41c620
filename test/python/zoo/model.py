# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a zoo entry is: how its parameters and data are drawn, and its loss."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

MODELS: dict[str, "Model"] = {}


@dataclasses.dataclass(frozen=True)
class Model:
    """A small network.

    `loss(params, batch, eps)` takes one epsilon per normalisation (`sites` of them); with
    `statistics` (running averages that the step carries) it is `loss(params, statistics, batch,
    eps)` and also returns their next value.
    """

    name: str
    init: Callable[[np.random.Generator], Any]
    batch: Callable[[np.random.Generator], Any]
    loss: Callable[..., Any]
    sites: int = 0
    statistics: Callable[[], Any] | None = None

    def parameters(self, seed, dtype=jnp.float64):
        return cast(self.init(np.random.default_rng((1, seed))), dtype)

    def data(self, seed, dtype=jnp.float64):
        return cast(self.batch(np.random.default_rng((2, seed))), dtype)

    def initial_statistics(self, dtype=jnp.float64):
        return cast(self.statistics(), dtype) if self.statistics else None

    def epsilons(self):
        """Small constants as users have them, all different, so that a report that names a
        constant names a place."""
        return tuple(1e-5 * (1 + 0.01 * site) for site in range(self.sites))

    def value(self, params, batch, eps):
        """The loss alone."""
        if self.statistics is None:
            return self.loss(params, batch, eps)
        dtype = jax.tree.leaves(params)[0].dtype
        return self.loss(params, self.initial_statistics(dtype), batch, eps)[0]


def cast(tree, dtype):
    def leaf(x):
        x = np.asarray(x)
        return jnp.asarray(x, jnp.int32 if x.dtype.kind in "iu" else dtype)

    return jax.tree.map(leaf, tree)


def register(name, init, batch, loss, sites=0, statistics=None):
    assert name not in MODELS, name
    MODELS[name] = Model(name, init, batch, loss, sites, statistics)


# --- data -----------------------------------------------------------------------------------


def vectors(count=6, inputs=4, classes=3):
    """Vectors with labels."""
    return lambda rng: {"x": rng.standard_normal((count, inputs)),
                        "y": rng.integers(0, classes, count)}


def regression(count=6, inputs=4, outputs=3):
    """Vectors with targets."""
    return lambda rng: {"x": rng.standard_normal((count, inputs)),
                        "y": rng.standard_normal((count, outputs))}


def images(count=4, size=4, channels=2, classes=3):
    """Images with labels."""
    return lambda rng: {"x": rng.standard_normal((count, size, size, channels)),
                        "y": rng.integers(0, classes, count)}


def tokens(count=3, time=4, vocabulary=5):
    """Token sequences, each the target of the one before."""

    def draw(rng):
        sequence = rng.integers(0, vocabulary, (count, time + 1))
        return {"x": sequence[:, :-1], "y": sequence[:, 1:]}

    return draw
