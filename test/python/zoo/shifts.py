# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The translations a loss has, counted from its gradients alone.

Parameters can be moved along a fixed direction n without changing the loss if and only if n.g = 0 at every
point: the null space of the gradients, stacked over random parameters and batches. (Directions that
depend on the parameters, such as a value bias that an output bias absorbs, are not among them.)

    cd test/python && python -m zoo.shifts [MODEL ...]

counts every model of the zoo, and keeps the numbers in shifts.json.
"""

import pathlib
import sys

import conftest  # noqa: F401  (the settings every test shares)
import jax
import jax.numpy as jnp
import numpy as np

from . import tables
from .numerics import flat, null_dimension, points

TABLE = pathlib.Path(__file__).with_name("shifts.json")


def counted_shifts():
    """For each model, the number of directions; parameters the loss does not read are not counted."""
    return tables.read(TABLE)


def gradients(loss, parameters, batches, *rest):
    """One gradient a row: [points, parameters]."""
    stack = lambda trees: jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)

    @jax.jit
    def rows(parameters, batches, *rest):
        def row(params, batch):
            return flat(jax.grad(loss)(params, batch, *rest))

        return jax.lax.map(lambda point: row(*point), (parameters, batches), batch_size=64)

    return np.asarray(rows(stack(parameters), stack(batches), *rest))


def unread(loss, params, batch, *rest):
    """Marks the elements that the loss does not read at all: its Jacobian has no path to them.

    NaN goes wherever it is read, but for what is chosen away.
    """
    structure = jax.tree.structure(params)
    marks = []
    for number, leaf in enumerate(jax.tree.leaves(params)):
        leaves = jax.tree.leaves(params)
        leaves[number] = jnp.full_like(leaf, jnp.nan)
        # The whole leaf first, then, if some is read, no more is known cheaply.
        value = loss(jax.tree.unflatten(structure, leaves), batch, *rest)
        marks.append(np.full(leaf.size, not np.isnan(value)))
    return np.concatenate(marks)


def count_shifts(model, oversampling=1.2):
    """The number of directions, and how far the null space stands out."""
    size = flat(model.parameters(0)).size
    parameters, batches = points(model, int(oversampling * size) + 40)
    eps = tuple(jnp.full(model.sites, 0.3))
    rows = gradients(model.value, parameters, batches, eps)
    read = ~unread(model.value, parameters[0], batches[0], eps)
    found = null_dimension(rows[:, read])
    return found.dimension + found.dead, found.gap


if __name__ == "__main__":
    tables.recount(TABLE, sys.argv[1:], count_shifts)
