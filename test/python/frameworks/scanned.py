# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Steps as large models are trained: layers that are scanned and computed again, parameters and batches on a mesh.

One transformer, written out; with stacked layers under `lax.scan` and `shard_map`; in linen with logical axes, as MaxText has
it; in Equinox with a stack of blocks, as Levanter has it. Prints what is found as JSON. A program of its own: the number
of devices is fixed when JAX starts.
"""

import json
import os
from functools import partial

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import equinox as eqx  # noqa: E402
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import optax  # noqa: E402
from flax import linen as nn  # noqa: E402
from flax.training.train_state import TrainState  # noqa: E402
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P  # noqa: E402

import noether_mlir  # noqa: E402

LAYERS, WIDTH, HIDDEN, VOCABULARY, TIME, BATCH = 3, 8, 12, 11, 5, 16
NAMES = {"gain1": (WIDTH,), "q": (WIDTH, WIDTH), "k": (WIDTH, WIDTH), "v": (WIDTH, WIDTH), "o": (WIDTH, WIDTH),
         "gain2": (WIDTH,), "up": (WIDTH, HIDDEN), "down": (HIDDEN, WIDTH)}
OPTIMIZER = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-3, weight_decay=0.1))
TOKENS = jax.ShapeDtypeStruct((BATCH, TIME + 1), jnp.int32)


def rms_norm(x, gain):
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-6) * gain


def block(p, x):
    h = rms_norm(x, p["gain1"])
    scores = (h @ p["q"]) @ jnp.swapaxes(h @ p["k"], -1, -2)
    scores = jnp.where(jnp.tril(jnp.ones((TIME, TIME), bool)), scores, -1e9)
    x = x + jax.nn.softmax(scores, -1) @ (h @ p["v"]) @ p["o"]
    h = rms_norm(x, p["gain2"])
    return x + jax.nn.relu(h @ p["up"]) @ p["down"]


def next_token_loss(logits, tokens):
    return optax.softmax_cross_entropy_with_integer_labels(logits, tokens[:, 1:]).mean()


def tables():
    return {"tokens": jnp.ones((VOCABULARY, WIDTH)), "gain": jnp.ones(WIDTH), "head": jnp.ones((WIDTH, VOCABULARY))}


def step_of(loss):
    def step(params, state, tokens):
        value, grads = jax.value_and_grad(loss)(params, tokens)
        updates, state = OPTIMIZER.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    return step


def with_states(params):
    return params, jax.eval_shape(OPTIMIZER.init, params), TOKENS


# --- written out, and scanned ---------------------------------------------------------------------


def written_out():
    def loss(p, tokens):
        x = p["tokens"][tokens[:, :-1]]
        for layer in p["layers"]:
            x = block(layer, x)
        return next_token_loss(rms_norm(x, p["gain"]) @ p["head"], tokens)

    layers = [{name: jnp.ones(shape) for name, shape in NAMES.items()} for _ in range(LAYERS)]
    return step_of(loss), with_states({**tables(), "layers": layers})


def scanned_loss(p, tokens):
    body = lambda x, layer: (jax.checkpoint(block)(layer, x), None)
    x, _ = jax.lax.scan(body, p["tokens"][tokens[:, :-1]], p["layers"])
    return next_token_loss(rms_norm(x, p["gain"]) @ p["head"], tokens)


def stacked():
    return {**tables(), "layers": {name: jnp.ones((LAYERS, *shape)) for name, shape in NAMES.items()}}


def scanned():
    return step_of(scanned_loss), with_states(stacked())


def sharded():
    """Data parallel by hand: each device has a part of the batch, and gradients are averaged."""
    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))

    @partial(jax.shard_map, mesh=mesh, in_specs=(P(), P("data")), out_specs=P(), check_vma=False)
    def loss_and_gradients(p, tokens):
        return jax.lax.pmean(jax.value_and_grad(scanned_loss)(p, tokens), "data")

    def step(params, state, tokens):
        value, grads = loss_and_gradients(params, tokens)
        updates, state = OPTIMIZER.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    return step, with_states(stacked())


# --- linen, with logical axes on a mesh -----------------------------------------------------------


RULES = (("batch", "data"), ("hidden", "model"), ("embed", None), ("layers", None))


class Block(nn.Module):
    @nn.compact
    def __call__(self, x, _):
        def parameter(name):
            axes = {"up": ("embed", "hidden"), "down": ("hidden", "embed")}.get(name, (None,) * len(NAMES[name]))
            return self.param(name, nn.with_logical_partitioning(nn.initializers.ones, axes), NAMES[name])

        x = nn.with_logical_constraint(x, ("batch", None, None))
        return block({name: parameter(name) for name in NAMES}, x), None


class Decoder(nn.Module):
    @nn.compact
    def __call__(self, tokens):
        table = self.param("tokens", nn.initializers.ones, (VOCABULARY, WIDTH))
        stack = nn.scan(nn.remat(Block, prevent_cse=False), variable_axes={"params": 0}, split_rngs={"params": True},
                        length=LAYERS, metadata_params={nn.PARTITION_NAME: "layers"})
        x, _ = stack(name="layers")(table[tokens], None)
        x = rms_norm(x, self.param("gain", nn.initializers.ones, (WIDTH,)))
        return x @ self.param("head", nn.initializers.ones, (WIDTH, VOCABULARY))


def linen():
    mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(AxisType.Auto,) * 2)
    model = Decoder()

    def init():
        params = model.init(jax.random.key(0), jnp.zeros((1, TIME), jnp.int32))["params"]
        return TrainState.create(apply_fn=model.apply, params=params, tx=OPTIMIZER)

    def step(state, tokens):
        def loss(params):
            return next_token_loss(state.apply_fn({"params": params}, tokens[:, :-1]), tokens)

        value, grads = jax.value_and_grad(loss)(state.params)
        return state.apply_gradients(grads=grads), value

    with mesh, nn.logical_axis_rules(RULES):
        state = jax.eval_shape(init)
        shardings = nn.logical_to_mesh_sharding(nn.get_partition_spec(state), mesh, RULES)
        batch = NamedSharding(mesh, P("data"))
        jitted = jax.jit(step, in_shardings=(shardings, batch), out_shardings=(shardings, None), donate_argnums=0)
        return jitted.lower(state, TOKENS), ()


# --- Equinox: a stack of blocks -------------------------------------------------------------------


class EquinoxBlock(eqx.Module):
    weights: dict
    activation: callable = jax.nn.relu

    def __init__(self, key):
        self.weights = {name: jnp.ones(shape) for name, shape in NAMES.items()}

    def __call__(self, x):
        return block(self.weights, x)


class Stacked(eqx.Module):
    stack: EquinoxBlock

    def __init__(self, key):
        self.stack = eqx.filter_vmap(EquinoxBlock)(jax.random.split(key, LAYERS))

    def fold(self, x):
        dynamic, static = eqx.partition(self.stack, eqx.is_array)
        body = lambda x, layer: (eqx.combine(layer, static)(x), None)
        return jax.lax.scan(jax.checkpoint(body), x, dynamic)[0]


class Language(eqx.Module):
    tokens: jax.Array
    layers: Stacked
    gain: jax.Array
    head: jax.Array

    def __init__(self, key):
        self.layers = Stacked(key)
        self.tokens, self.gain, self.head = (tables()[name] for name in ("tokens", "gain", "head"))

    def __call__(self, tokens):
        return rms_norm(self.layers.fold(self.tokens[tokens]), self.gain) @ self.head


def equinox():
    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))
    model = Language(jax.random.key(0))

    @eqx.filter_jit(donate="all")
    def step(model, state, tokens):
        tokens = jax.lax.with_sharding_constraint(tokens, NamedSharding(mesh, P("data")))
        loss = lambda model: next_token_loss(model(tokens[:, :-1]), tokens)
        value, grads = eqx.filter_value_and_grad(loss)(model)
        updates, state = OPTIMIZER.update(grads, state, eqx.filter(model, eqx.is_inexact_array))
        return eqx.apply_updates(model, updates), state, value

    return step, (model, OPTIMIZER.init(eqx.filter(model, eqx.is_inexact_array)), TOKENS)


# --- what is found --------------------------------------------------------------------------------


def facts(make):
    step, args = make()
    analysis = noether_mlir.analyze(step, *args)
    laws = {law.text for entry in analysis.kinetics for law in entry.laws}
    dimension = analysis.dimension
    return {
        "dimension": [dimension.torus, dimension.torus_exact, dimension.translation, dimension.affine, dimension.linear],
        "parameters": sum(int(np.prod(parameter.shape)) for parameter in analysis.parameters),
        "laws": sorted(laws), "unknown": [item.op for item in analysis.unknown_operations],
        "mismatches": len(analysis.gradient_mismatches),
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps({make.__name__: facts(make) for make in (written_out, scanned, sharded, linen, equinox)}))
