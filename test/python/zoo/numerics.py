# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The symmetries a loss has, counted from its gradients alone.

A diagonal symmetry theta -> exp(a s) theta leaves the loss unchanged if and only if
sum_i a_i theta_i g_i = 0 at every point. So the torus is the null space of the rows theta * g,
stacked over random parameters and batches. Nothing here knows a layer or a rule.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np


@dataclasses.dataclass(frozen=True)
class Torus:
    dimension: int
    dead: int  # elements whose gradient is zero everywhere
    elements: int
    gap: float  # smallest singular value that counts / largest one that does not
    smallest: float  # smallest singular value that counts, relative to the largest


def flat(tree):
    return jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(tree)])


def gradient_rows(loss, parameters, batches, *rest):
    """Rows theta * g, one per point; `loss(params, batch, *rest)`."""
    stack = lambda trees: jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)

    @jax.jit
    def rows(parameters, batches, *rest):
        def row(params, batch):
            return flat(params) * flat(jax.grad(loss)(params, batch, *rest))

        return jax.lax.map(lambda point: row(*point), (parameters, batches), batch_size=64)

    return rows(stack(parameters), stack(batches), *rest)


def null_dimension(rows, zero=1e-10):
    """The null space of the rows, without the columns that are zero everywhere."""
    rows = np.asarray(rows)
    rows = rows[np.isfinite(rows).all(axis=1)]
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    size = np.sqrt((rows**2).mean(axis=0))
    alive = size > 1e-12
    rows = rows[:, alive] / size[alive]
    assert rows.shape[0] > rows.shape[1], "too few points to tell a rank"
    if rows.shape[1] <= 1000:
        values = np.linalg.svd(rows, compute_uv=False)
    else:  # cheaper, at the price of half the digits, which the gap can spare
        values = np.sqrt(np.abs(np.linalg.eigvalsh(rows.T @ rows)))
        values, zero = np.sort(values)[::-1], max(zero, 1e-6)
    values = values / values[0]
    counted = values[values > zero]
    rest = values[values <= zero]
    gap = counted[-1] / max(rest[0] if len(rest) else 0.0, 1e-17)
    return Torus(len(rest), int((~alive).sum()), len(alive), float(gap), float(counted[-1]))


def points(model, count):
    return ([model.parameters(seed) for seed in range(count)],
            [model.data(seed) for seed in range(count)])


class Counter:
    """The torus of a model's loss, with the epsilons one likes; compiled once."""

    def __init__(self, model, oversampling=1.2):
        self.model = model
        size = flat(model.parameters(0)).size
        self.parameters, self.batches = points(model, int(oversampling * size) + 40)

    def __call__(self, eps):
        eps = tuple(jnp.full(self.model.sites, eps))
        return null_dimension(
            gradient_rows(self.model.value, self.parameters, self.batches, eps))
