# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs one sharded training step on eight devices of the CPU; prints what came out as JSON.

Usage: sharded_steps.py LAYOUT MODE OPTIMIZER, as test_sharding.py calls it: the number of devices
is fixed when JAX starts, so this is a program of its own.
"""

import json
import os
import sys

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"

import conftest  # noqa: E402, F401  (the settings every test shares)
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P  # noqa: E402
from zoo import layers as L  # noqa: E402
from zoo.model import Model  # noqa: E402
from zoo.steps import names, training_step  # noqa: E402

import noether_mlir  # noqa: E402

WIDTH = 16


def init(rng):
    return {"fc0": L.linear(rng, 8, WIDTH), "norm": L.affine_init(rng, WIDTH),
            "fc1": L.linear(rng, WIDTH, 8), "head": L.linear(rng, 8, 4)}


def loss(params, batch, eps):
    h = L.dense(params["fc0"], batch["x"])
    h = jax.nn.relu(L.affine(params["norm"], L.layer_norm(h, eps[0])))
    h = jax.nn.relu(L.dense(params["fc1"], h))
    return L.cross_entropy(L.dense(params["head"], h), batch["y"])


def data(rng):
    return {"x": rng.standard_normal((16, 8)), "y": rng.integers(0, 4, 16)}


MODEL = Model("sharded", init, data, loss, 1)

#: Tensor parallelism: the hidden features of the first pair of layers are split.
SPLIT = {"['fc0']['kernel']": P(None, "model"), "['fc0']['bias']": P("model"),
         "['norm']['scale']": P("model"), "['norm']['bias']": P("model"),
         "['fc1']['kernel']": P("model", None)}


def place(args, mesh, layout):
    """Parameters and states by name, the batch over the data axis."""
    def leaf(path, value):
        name = jax.tree_util.keystr(path)
        spec = P()
        if layout == "tensor":
            spec = next((s for n, s in SPLIT.items() if name.endswith(n)), P())
        return jax.device_put(value, NamedSharding(mesh, spec))

    *carried, batch = args
    carried = [jax.tree_util.tree_map_with_path(leaf, tree) for tree in carried]
    batch = jax.tree.map(lambda a: jax.device_put(a, NamedSharding(mesh, P("data"))), batch)
    return (*carried, batch)


def distance(a, b):
    return max(float(np.max(np.abs(x - y)) / np.max(np.abs(y)))
               for x, y in zip(jax.tree.leaves(jax.device_get(a)), jax.tree.leaves(b), strict=True)
               if np.max(np.abs(y)))


def main(layout, mode, optimizer):
    step = training_step(MODEL, optimizer, dtype=jnp.float64)
    mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(AxisType.Auto,) * 2)
    args = place(step.args, mesh, layout)
    reference = jax.device_get(jax.jit(step.function)(*step.args))  # one device
    plain = jax.jit(step.function)(*args)
    result = {"devices": len(jax.devices())}

    if mode.startswith("track"):
        options = {}
        if mode == "track-stated":  # shardings stated, not inferred
            shardings = lambda tree: jax.tree.map(lambda a: a.sharding, tree)  # noqa: E731
            options = {"in_shardings": shardings(args), "out_shardings": shardings(plain)}
        tracked = noether_mlir.jit(step.function, track=True, **options)
        out, charges = tracked(*args)
        _, expected = noether_mlir.jit(step.function, track=True)(*step.args)
        # The identity is small or zero: what it is compared by is the size of the others.
        expected = jax.device_get(expected)
        result["identity"] = max(float(np.max(np.abs(charges[key].identity - c.identity)))
                                 for key, c in expected.items())
        charges, expected = ({key: c._replace(identity=None) for key, c in found.items()}
                             for found in (charges, expected))
        result["charges"] = distance(charges, expected)
        result["symmetries"] = len(charges)
        params, loss_value = out[0], out[-1]
        result["states"] = distance(out[1], reference[1])
    else:
        rewritten = noether_mlir.jit(step.function, rewrite="adaptive")
        adapted = rewritten.adapt(*args)
        out = rewritten(*adapted)
        loss_value = out[-1]
        restored = rewritten.restore(*out[:-1], args[-1])
        params = restored[0]
        result["states"] = distance(restored[1], reference[1])
        polar = jax.tree.leaves(out[0], is_leaf=lambda n: isinstance(n, noether_mlir.Polar))
        directions = [p.direction if isinstance(p, noether_mlir.Polar) else p for p in polar]
        result["adapted"] = sum(isinstance(p, noether_mlir.Polar) for p in polar)
        wanted = jax.tree.leaves(plain[0])
        result["direction_shardings"] = [
            d.sharding.is_equivalent_to(w.sharding, w.ndim)
            for d, w in zip(directions, wanted, strict=True)]
    result["params"] = distance(params, reference[0])
    result["loss"] = abs(float(loss_value) / float(reference[-1]) - 1)
    result["shardings"] = {
        n: a.sharding.is_equivalent_to(b.sharding, b.ndim)
        for n, a, b in zip(names(params), jax.tree.leaves(params), jax.tree.leaves(plain[0]),
                           strict=True)}
    result["split"] = sum(not a.sharding.is_fully_replicated for a in jax.tree.leaves(params))
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
