# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks whose features are gathered, scattered or exchanged between four devices of the CPU.

Usage: collective_claims.py KIND, as test_collectives.py calls it: the number of devices is settled
when a process starts. Prints what is claimed, how far each claim is off, and what there is, as JSON.
"""

import json
import os
import sys

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import conftest  # noqa: E402, F401  (the settings every test shares)
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jax.sharding import PartitionSpec as P  # noqa: E402

import noether_mlir  # noqa: E402
from noether_mlir.group_elements import random_element  # noqa: E402

SHAPES = {"up": (5, 6), "bias": (6,), "down": (24, 3), "wide": (6, 12), "last": (3, 3)}


def gathered(params, h, y):
    h = jax.lax.all_gather(h, "d", axis=1, tiled=True)
    return jnp.mean((h @ params["down"] - y) ** 2)


def normalised(params, h, y):
    h = jax.lax.all_gather(h, "d", axis=1, tiled=True)
    h = h * jax.lax.rsqrt(jnp.mean(h * h, -1, keepdims=True))
    return jnp.mean((h @ params["down"] - y) ** 2)


def scattered(params, h, y):
    h = jax.lax.psum_scatter(h @ params["wide"], "d", scatter_dimension=1, tiled=True)
    return jnp.mean((jax.nn.relu(h) @ params["last"] - y) ** 2)


def exchanged(params, h, y):
    h = jax.lax.all_to_all(h @ params["wide"], "d", 1, 0, tiled=True)
    return jnp.mean((jax.nn.relu(h) @ params["last"]) ** 2)


KINDS = {
    "gathered": (gathered, ("up", "bias", "down")),
    "normalised": (normalised, ("up", "bias", "down")),
    "scattered": (scattered, ("up", "bias", "wide", "last")),
    "exchanged": (exchanged, ("up", "bias", "wide", "last")),
}


def loss_of(function):
    """The loss of (params, x, y), the rows of x and y split over the devices."""

    def on_device(params, x, y):
        h = jax.nn.relu(x @ params["up"] + params["bias"])
        return jax.lax.pmean(function(params, h, y), "d")

    mesh = jax.make_mesh((4,), ("d",), axis_types=(jax.sharding.AxisType.Auto,))
    return jax.shard_map(on_device, mesh=mesh, in_specs=(P(), P("d"), P("d")), out_specs=P(), check_vma=False)


def counted(loss, names, y, rng):
    """The dimension of the scale and rescale symmetries: of the null space of w * dL/dw."""
    gradient = jax.jit(jax.grad(loss))
    rows = []
    for _ in range(150):
        params = {name: jnp.asarray(rng.standard_normal(SHAPES[name])) for name in names}
        of = gradient(params, jnp.asarray(rng.standard_normal((8, 5))), y)
        row = np.concatenate([np.ravel(params[name] * of[name]) for name in names])
        rows.append(row / np.linalg.norm(row))
    values = np.linalg.svd(np.array(rows), compute_uv=False)
    return len(rows[0]) - int((values > 1e-9 * values[0]).sum())


def main(kind):
    function, names = KINDS[kind]
    loss, rng = loss_of(function), np.random.default_rng(0)
    params = {name: jnp.asarray(rng.standard_normal(SHAPES[name])) for name in names}
    x, y = (jnp.asarray(rng.standard_normal((8, size))) for size in (5, 3))

    def step(params, x, y):
        value, gradient = jax.value_and_grad(loss)(params, x, y)
        return jax.tree.map(lambda w, g: w - 0.1 * g, params, gradient), value

    report = noether_mlir.analyze(step, params, x, y).data
    leaf = {f"params['{name}']": name for name in names}
    arrays = {key: np.asarray(params[name]) for key, name in leaf.items()}
    compiled = jax.jit(loss)
    before, off = float(compiled(params, x, y)), {}
    for symmetry in report["symmetries"]:
        moved = random_element(symmetry, arrays, rng).act(arrays)
        after = compiled({name: jnp.asarray(moved.get(key, arrays[key])) for key, name in leaf.items()}, x, y)
        off[symmetry["id"]] = abs(float(after) - before) / abs(before)
    families = [symmetry["family"] for symmetry in report["symmetries"]]
    print(json.dumps({"torus": report["dimension"]["torus"], "counted": counted(loss, names, y, rng), "off": off,
                      "families": families}))


main(sys.argv[1])
