# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks under `shard_map`, with the collectives written out.

The mesh has one device, so that the numbers can be counted anywhere; the program is that of any number.
"""

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec as P

from . import layers as L
from .model import regression, register


def mapped(function, inputs, outputs=P()):
    """A function of (params, batch) on each device's part."""

    def loss(params, batch, eps):
        mesh = jax.make_mesh((1,), ("d",), axis_types=(jax.sharding.AxisType.Auto,))
        part = lambda params, batch: function(params, batch, eps)
        return jax.shard_map(part, mesh=mesh, in_specs=inputs, out_specs=outputs, check_vma=False)(params, batch)

    return loss


def init(rng):
    return {"up": L.linear(rng, 4, 6), "down": L.linear(rng, 6, 3)}


def norm_init(rng):
    return {**init(rng), "norm": L.affine_init(rng, 6)}


def squares(h, y):
    return jnp.mean((h - y) ** 2)


def data_parallel(params, batch, eps):
    h = jax.nn.relu(L.dense(params["up"], batch["x"]))
    return jax.lax.pmean(squares(L.dense(params["down"], h), batch["y"]), "d")


def synchronised_norm(params, batch, eps):
    """BatchNorm with the statistics of all devices."""
    h = L.dense(params["up"], batch["x"])
    mean = jax.lax.pmean(jnp.mean(h, 0), "d")
    variance = jax.lax.pmean(jnp.mean((h - mean) ** 2, 0), "d")
    h = jax.nn.relu(L.affine(params["norm"], (h - mean) * jax.lax.rsqrt(variance + eps[0])))
    return jax.lax.pmean(squares(L.dense(params["down"], h), batch["y"]), "d")


def tensor_parallel(params, batch, eps):
    """The hidden features are split: a sum over devices in the second product."""
    h = jax.nn.relu(L.dense(params["up"], batch["x"]))
    out = jax.lax.psum(h @ params["down"]["kernel"], "d") + params["down"]["bias"]
    return squares(out, batch["y"])


def gathered(params, batch, eps):
    """The features of all devices, gathered; and each device's part of the sum, scattered."""
    h = jax.nn.relu(L.dense(params["up"], batch["x"]))
    h = jax.lax.all_gather(h, "d", axis=1, tiled=True)
    out = jax.lax.psum_scatter(h @ params["down"]["kernel"], "d", scatter_dimension=1, tiled=True)
    return jax.lax.pmean(squares(out + params["down"]["bias"], batch["y"]), "d")


def rotated(params, batch, eps):
    """Features sent round, as in a ring."""
    h = jax.nn.relu(L.dense(params["up"], batch["x"]))
    h = jax.lax.ppermute(h, "d", [(0, 0)])
    return jax.lax.pmean(squares(L.dense(params["down"], h), batch["y"]), "d")


def exchanged(params, batch, eps):
    """Rows for features, and back."""
    h = jax.nn.relu(L.dense(params["up"], batch["x"]))
    h = jax.lax.all_to_all(h, "d", 1, 0, tiled=True)
    h = jax.lax.all_to_all(jnp.abs(h), "d", 0, 1, tiled=True)
    return jax.lax.pmean(squares(L.dense(params["down"], h), batch["y"]), "d")


def contrastive(params, batch, eps):
    """Each device's examples against those of all, by their cosines."""
    unit = lambda h, e: h * jax.lax.rsqrt(jnp.sum(h * h, -1, keepdims=True) + e)
    left = unit(L.dense(params["down"], jax.nn.relu(L.dense(params["up"], batch["x"]))), eps[0])
    right = jax.lax.all_gather(unit(batch["y"], eps[1]), "d", axis=0, tiled=True)
    logits = left @ right.T
    return -jax.lax.pmean(jnp.mean(jnp.diagonal(jax.nn.log_softmax(logits))), "d")


ROWS = (P(), P("d"))
SPLIT = ({"up": {"kernel": P(None, "d"), "bias": P("d")}, "down": {"kernel": P("d", None), "bias": P()}}, P())

register("sharded_data_parallel", init, regression(), mapped(data_parallel, ROWS))
register("sharded_batchnorm", norm_init, regression(), mapped(synchronised_norm, ROWS), 1)
register("sharded_tensor_parallel", init, regression(), mapped(tensor_parallel, SPLIT))
register("sharded_gathered", init, regression(), mapped(gathered, ROWS))
register("sharded_rotated", init, regression(), mapped(rotated, ROWS))
register("sharded_exchanged", init, regression(), mapped(exchanged, ROWS))
register("sharded_contrastive", init, regression(), mapped(contrastive, ROWS), 2)
