# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The outlined step computes what the original does, and its update is all in functions."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from running import run_module
from zoo import MODELS
from zoo.steps import training_step

from noether_mlir.lowering import lower_to_text
from noether_mlir.tool import run_tool

CHARGES = ["--noether-track-charges", "--noether-lower-charges"]
ADAPTIVE = ["--noether-rewrite-adaptive"]
PRINT = ["--mlir-print-op-generic"]


def outlined(text, passes=()):
    """The module without and with the update outlined."""
    before = run_tool([*passes, *PRINT], text)
    return before, run_tool(["--noether-outline-update", *PRINT], before)


def assert_equal(before, after, args, tolerance=1e-12):
    args = [jnp.asarray(a) for a in jax.tree.leaves(args)]
    if before.count("noether.radius") or "noether.adaptive" in before:
        args = run_module(before, args, "noether_adapt")
    expected, found = run_module(before, args), run_module(after, args)
    for a, b in zip(found, expected, strict=True):
        if a.dtype.kind == "f":
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * (1 + abs(b).max(initial=0)))
        else:
            np.testing.assert_array_equal(a, b)


def functions(text):
    return len(re.findall("noether.kernel", text))


def calls(text):
    """The phase of each call."""
    return [int(phase) for phase in re.findall(r"noether\.phase = (\d+)", text)]


@pytest.mark.parametrize(
    "name, optimizer, variant, passes",
    [
        ("mlp_layernorm", "adamw", "schedule", CHARGES),
        ("mlp_layernorm", "momentum", "constant", ADAPTIVE),
        ("cnn_batchnorm_running", "sgd", "clipping", CHARGES),
        ("gpt_fused_qkv", "adamw", "clipping", CHARGES),
    ],
)
def test_equal(name, optimizer, variant, passes):
    step = training_step(MODELS[name], optimizer, variant=variant, dtype=jnp.float64)
    before, after = outlined(lower_to_text(step.function, step.args).text, passes)
    assert functions(after)
    assert_equal(before, after, step.args)


def dense(optimizer, shapes):
    """A step whose gradients are products, for parameters of the given shapes."""

    def step(params, state, batch):
        def loss(params):
            return sum(jnp.sum(jnp.tanh(b @ p.reshape(b.shape[1], -1)) ** 2) for b, p in zip(batch, params))

        value, grads = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    rng = np.random.default_rng(0)
    params = [jnp.asarray(rng.normal(size=s)) for s in shapes]
    batch = [jnp.asarray(rng.normal(size=(4, s[0]))) for s in shapes]
    return step, (params, optimizer.init(params), batch)


SHAPES = [(6, 8), (6, 8), (6, 8), (12, 5)]
#: Optimizer, functions, phases. Each parameter has one call a phase.
RULES = {
    "adamw": (optax.adamw(1e-2), 2, 1),
    "lion": (optax.lion(1e-2), 2, 1),
    "sgd": (optax.sgd(1e-2), 2, 1),
    "clipped": (optax.chain(optax.clip_by_global_norm(0.1), optax.adam(1e-2)), 4, 2),
    "lamb": (optax.lamb(1e-2), 6, 3),
    "lars": (optax.lars(1e-2), 6, 3),
    "adafactor": (optax.adafactor(1e-2, min_dim_size_to_factor=2), None, None),
    "novograd": (optax.novograd(1e-2), None, None),
    "yogi": (optax.yogi(1e-2), 2, 1),
    "rprop": (optax.rprop(1e-2), None, None),
    "amsgrad": (optax.amsgrad(1e-2), 2, 1),
    "noisy": (optax.noisy_sgd(1e-2), None, None),
    "ema of parameters": (optax.chain(optax.adam(1e-2), optax.ema(0.9)), 2, 1),
    "muon": (optax.contrib.muon(1e-2), None, None),
}


@pytest.mark.parametrize("name", RULES)
def test_rules(name):
    optimizer, count, phases = RULES[name]
    step, args = dense(optimizer, SHAPES)
    before, after = outlined(lower_to_text(step, args).text)
    assert_equal(before, after, args)
    if count:
        found = calls(after)
        assert functions(after) == count
        assert sorted(found) == sorted(list(range(phases)) * len(SHAPES))
