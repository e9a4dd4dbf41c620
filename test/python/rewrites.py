# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Steps, and runs of rewritten ones beside the originals, in double precision."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from zoo import MODELS

STEPS = 50
#: Programs run once: compiling them is what takes time.
QUICK = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


class Joint:
    """Three networks trained as one, so that one program tries all: their losses are added."""

    NAMES = ("mlp_layernorm_without_bias", "mlp_rmsnorm", "mlp_batchnorm")

    def __init__(self):
        self.models = {name: MODELS[name] for name in self.NAMES}

    def parameters(self, seed):
        return {name: model.parameters(seed) for name, model in self.models.items()}

    def data(self, seed):
        return {name: model.data(seed) for name, model in self.models.items()}

    def epsilons(self):
        return {name: model.epsilons() for name, model in self.models.items()}

    def initial_statistics(self):
        return None

    def loss(self, params, batch, epsilons):
        return sum(model.loss(params[name], batch[name], epsilons[name]) for name, model in self.models.items())


def optimized(model, transformation, steps=STEPS):
    """A step of a model of the zoo, its carried arguments, and the batches."""
    statistics = model.initial_statistics()

    def value(params, statistics, batch):
        if statistics is None:
            return model.loss(params, batch, model.epsilons()), None
        return model.loss(params, statistics, batch, model.epsilons())

    def update(params, state, statistics, batch):
        (loss, statistics), grads = jax.value_and_grad(value, has_aux=True)(params, statistics, batch)
        updates, state = transformation.update(grads, state, params)
        return optax.apply_updates(params, updates), state, statistics, loss

    if statistics is None:
        def step(params, state, batch):
            params, state, _, loss = update(params, state, None, batch)
            return params, state, loss
    else:
        def step(params, state, statistics, batch):
            return update(params, state, statistics, batch)

    params = model.parameters(0)
    carried = (params, transformation.init(params))
    carried += () if statistics is None else (statistics,)
    return step, carried, [model.data(t) for t in range(steps)]


def distance(a, b):
    """The largest distance of two trees' float leaves, relative to their norms (or absolute, of what is zero)."""
    worst = 0.0
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        x, y = np.asarray(x), np.asarray(y)
        if x.dtype.kind != "f" or not x.size:
            continue
        assert np.isfinite(x).all() and np.isfinite(y).all()
        norm = float(np.linalg.norm(y))
        worst = max(worst, float(np.linalg.norm(x - y)) / (norm if norm > 1e-12 else 1.0))
    return worst


def nudged(tree):
    """One unit in the last place away."""
    rng = np.random.default_rng(0)
    return jax.tree.map(lambda x: x * (1 + 2.2e-16 * jnp.asarray(rng.integers(-1, 2, x.shape))), tree)


def stack(trees):
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


def train(step, args, data):
    """The carried arguments at the end, and the other results of every step, stacked."""
    count = len(args)

    def body(carried, batch):
        out = step(*carried, batch)
        return out[:count], out[count:]

    return jax.jit(lambda args, data: jax.lax.scan(body, args, data), compiler_options=QUICK)(args, stack(data))


def train_rewritten(rewritten, args, data):
    """The same of a rewritten step, restored."""
    count = len(args)

    def body(carry, batch):
        carried, extra = carry
        *out, extra = rewritten(*carried, batch, extra)
        return (tuple(out[:count]), extra), tuple(out[count:])

    @functools.partial(jax.jit, compiler_options=QUICK)
    def run(args, data):
        first = jax.tree.map(lambda a: a[0], data)
        *carried, _, extra = rewritten.adapt(*args, first)
        (carried, extra), rest = jax.lax.scan(body, (tuple(carried), extra), data)
        return rewritten.restore(*carried, first, extra)[:count], rest

    return run(args, stack(data))


def compare(step, rewritten, args, data, tolerance):
    """Fails if the two differ by more than the tolerance, or ten times what rounding at the start makes of it."""
    wanted, wanted_rest = train(step, args, data)
    found, found_rest = train_rewritten(rewritten, args, data)
    error = distance((found, found_rest), (wanted, wanted_rest))
    moved = distance(wanted[0], args[0])
    print(f"rewritten {error:.1e}, moved {moved:.1e}")
    assert moved > 1e-3, "nothing was trained"
    if error > tolerance:
        control, control_rest = train(step, (nudged(args[0]), *args[1:]), data)
        noise = distance((control, control_rest), (wanted, wanted_rest))
        print(f"one-ulp control {noise:.1e}")
        assert error <= 10 * noise
