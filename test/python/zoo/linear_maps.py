# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The linear symmetries on axes that a loss has, counted from its gradients alone.

A matrix X for each axis of each parameter moves the parameters by the sum of what each does to its
axis. That leaves the loss unchanged if and only if the sum of <X theta, g> is zero at every point, which
is linear in the matrices: they are the null space of the rows sum_k theta[.. j .. k] g[.. i .. k]. What only
shifts the parameters along directions the loss does not see (translations) is counted apart.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from .numerics import points
from .steps import names


@dataclasses.dataclass(frozen=True)
class LinearMaps:
    fields: np.ndarray  # (maps, samples, elements): what each map does to some random parameters
    samples: list[dict[str, np.ndarray]]  # these parameters, by name
    seen: np.ndarray  # (elements, elements): the projection on what the loss sees
    gap: float


def outer(theta, gradient):
    """For each axis the matrix of inner products over all others, as one row."""
    rows = []
    for axis in range(theta.ndim):
        rest = [a for a in range(theta.ndim) if a != axis]
        rows.append(jnp.ravel(jnp.tensordot(gradient, theta, (rest, rest))))
    return jnp.concatenate(rows) if rows else jnp.ravel(theta * gradient)


def null_space(rows, zero=1e-9):
    size = np.sqrt((rows**2).mean(axis=0))
    size = np.where(size > 1e-12, size, 1.0)
    assert rows.shape[0] > rows.shape[1], "too few points to tell a rank"
    _, values, right = np.linalg.svd(rows / size, full_matrices=False)
    kept = values <= zero * values[0]
    first = values[~kept][-1] if (~kept).any() else values[0]
    gap = first / max(values[kept][0] if kept.any() else 0.0, 1e-17 * values[0])
    return right[kept] / size, gap


def move(theta, vector):
    """What a vector of the null space does to one parameter, and the rest of the vector."""
    if theta.ndim == 0:
        return vector[0] * theta, vector[1:]
    moved = np.zeros_like(theta)
    for axis, length in enumerate(theta.shape):
        matrix, vector = vector[: length**2].reshape(length, length), vector[length**2:]
        moved += np.moveaxis(np.tensordot(matrix, theta, (1, axis)), 0, axis)
    return moved, vector


def linear_maps(model, eps=0.0, oversampling=1.2):
    example = names(model.parameters(0))
    columns = sum(sum(n**2 for n in value.shape) or 1 for value in example.values())
    elements = sum(value.size for value in example.values())
    parameters, batches = points(model, int(oversampling * max(columns, elements)) + 40)
    stack = lambda trees: jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)
    eps = tuple(jnp.full(model.sites, eps))

    @jax.jit
    def rows(parameters, batches):
        def row(point):
            params, batch = point
            gradient = jax.grad(model.value)(params, batch, eps)
            pairs = list(zip(jax.tree.leaves(params), jax.tree.leaves(gradient), strict=True))
            return (jnp.concatenate([outer(t, g) for t, g in pairs]),
                    jnp.concatenate([jnp.ravel(g) for _, g in pairs]))

        return jax.lax.map(row, (parameters, batches), batch_size=32)

    products, gradients = (np.asarray(a) for a in rows(stack(parameters), stack(batches)))
    finite = np.isfinite(products).all(axis=1)
    maps, gap = null_space(products[finite])
    blind, blind_gap = null_space(gradients[finite])
    blind = np.linalg.qr(blind.T)[0] if len(blind) else np.zeros((elements, 0))

    samples = [names(params) for params in parameters[: 3 + 2 * len(maps) // elements]]
    fields = np.zeros((len(maps), len(samples), elements))
    for m, vector in enumerate(maps):
        for s, sample in enumerate(samples):
            rest, parts = vector, []
            for value in sample.values():
                moved, rest = move(np.asarray(value), rest)
                parts.append(np.ravel(moved))
            fields[m, s] = np.concatenate(parts)
    return LinearMaps(fields, samples, np.eye(elements) - blind @ blind.T, min(gap, blind_gap))


def rank(fields, seen, zero=1e-7):
    """The dimension of the span of fields, of what the loss sees of them."""
    if len(fields) == 0:
        return 0
    rows = (np.asarray(fields) @ seen).reshape(len(fields), -1)
    size = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows[size[:, 0] > 1e-9] / size[size[:, 0] > 1e-9]
    return int((np.linalg.svd(rows, compute_uv=False) > zero).sum()) if len(rows) else 0
