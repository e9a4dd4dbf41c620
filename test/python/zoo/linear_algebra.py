# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks with decompositions in them, which JAX lowers to calls of LAPACK.

A call says nothing of what it computes: what goes into it keeps no symmetry in a report, unless the call has a rule.
"""

import jax
import jax.numpy as jnp

from . import layers as L
from .model import regression, register


def init(rng):
    return {"w": L.kernel(rng, 4, 4), "up": L.linear(rng, 4, 4), "down": L.linear(rng, 4, 3)}


def network(weight):
    """A ReLU network whose first matrix is made of a parameter."""

    def loss(params, batch, eps):
        h = jax.nn.relu(L.dense(params["up"], batch["x"] @ weight(params["w"])))
        return jnp.mean((L.dense(params["down"], h) - batch["y"]) ** 2)

    return init, regression(), loss


def eigenvectors(w):
    """Of w + w^T, up to their signs."""
    vectors = jnp.linalg.eigh(w + w.T)[1]
    return vectors * vectors


def flow_loss(params, batch, eps):
    """A flow with an invertible linear layer: its volume is in the loss."""
    h = batch["x"] @ params["w"]
    volume = jnp.linalg.slogdet(params["w"])[1]
    scale = L.dense(params["down"], jax.nn.relu(L.dense(params["up"], h)))
    return jnp.mean((h[:, :3] - scale) ** 2) - volume


register("algebra_qr", *network(lambda w: jnp.linalg.qr(w)[0]))
register("algebra_qr_triangle", *network(lambda w: jnp.linalg.qr(w)[1]))
register("algebra_lu_solve", *network(lambda w: jnp.linalg.solve(w, jnp.eye(4, dtype=w.dtype))))
register("algebra_lu_flow", init, regression(), flow_loss)
register("algebra_eigenvectors", *network(eigenvectors))
register("algebra_eigenvalues", *network(lambda w: w / jnp.max(jnp.abs(jnp.linalg.eigvalsh(w + w.T)))))
register("algebra_spectral_radius", *network(lambda w: w / jnp.max(jnp.abs(jnp.linalg.eigvals(w)))))
register("algebra_spectral_norm", *network(lambda w: w / jnp.linalg.norm(w, 2)))
register("algebra_nuclear_norm", *network(lambda w: w / jnp.linalg.norm(w, "nuc")))
register("algebra_determinant", *network(lambda w: w * jnp.abs(jnp.linalg.det(w)) ** (-1 / 4)))
