# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Steps whose update runs in kernels of our own: what they compute, in every type, in place."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from zoo import MODELS
from zoo.steps import training_step

import noether_mlir
from noether_mlir import kernels

#: Sizes with and without a tail, smaller than a vector, larger than a chunk.
SHAPES = [(3,), (33,), (64, 65), (1, 70001), (17,), (2, 3, 5, 7)]
RULES = {
    "sgd": optax.sgd(1e-2),
    "momentum": optax.sgd(1e-2, momentum=0.9),
    "adamw": optax.adamw(1e-2),
    "lion": optax.lion(1e-2),
    "clipped": optax.chain(optax.clip_by_global_norm(0.1), optax.adam(1e-2)),
    "lamb": optax.lamb(1e-2),
    "adafactor": optax.adafactor(1e-2, min_dim_size_to_factor=2),
    "yogi": optax.yogi(1e-2),
    "signed": optax.chain(optax.scale_by_sign(), optax.scale(-1e-2)),
}


def squares(optimizer, dtype, seed=0):
    """A step of elementwise losses: gradients differ from element to element."""

    def step(params, state, batch):
        def loss(params):
            return sum(jnp.sum(jnp.sin(p * b) * b) for p, b in zip(params, batch))

        value, grads = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    rng = np.random.default_rng(seed)
    params = [jnp.asarray(rng.normal(size=s), dtype) for s in SHAPES]
    batch = [jnp.asarray(rng.normal(size=s), dtype) for s in SHAPES]
    return step, [params, optimizer.init(params), batch]


def run(function, args, steps=3):
    for _ in range(steps):
        *carried, value = function(*args)
        args = [*carried, args[-1]]
    return jax.tree.leaves((carried, value))


@pytest.mark.parametrize("name", RULES)
def test_double(name):
    """In f64 nothing but the order of sums and fused products differ."""
    step, args = squares(RULES[name], jnp.float64)
    expected = run(jax.jit(step), args)
    found = run(noether_mlir.jit(step, kernels=True), args)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


#: Units in the last place that fused products and the host compiler's own choices may differ by.
ULPS = 2


@pytest.mark.parametrize("name", ["sgd", "momentum", "adamw", "lion"])
def test_single(name):
    """One step in f32: within 2 ulp of the values, and where the step is as large as they are, 2 ulp of the step."""
    step, args = squares(RULES[name], jnp.float32)
    expected = run(jax.jit(step), args, steps=1)
    found = run(noether_mlir.jit(step, kernels=True), args, steps=1)
    before = jax.tree.leaves((args[:2], expected[-1]))
    for old, a, b in zip(before, found, expected, strict=True):
        old, a, b = map(np.asarray, (old, a, b))
        assert a.dtype == b.dtype
        if b.dtype.kind == "f":
            allowed = np.spacing(np.maximum(abs(old), abs(b))) + np.spacing(abs(b - old))
            assert (abs(a - b) <= ULPS * allowed).all()


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16], ids=["bf16", "f16"])
def test_narrow(dtype):
    """Narrow types are computed with in f32 and rounded once: not after each operation."""
    optimizer, dtype = optax.sgd(1e-2, momentum=0.9), jnp.dtype(dtype)

    def step(params, state, batch):  # the gradient is the batch
        value, grads = jax.value_and_grad(lambda params: sum(jnp.vdot(p, b) for p, b in zip(params, batch)))(params)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    rng = np.random.default_rng(3)
    w, m, g = ([jnp.asarray(rng.normal(size=s), dtype) for s in SHAPES] for _ in range(3))
    state = jax.tree.unflatten(jax.tree.structure(optimizer.init(w)), m)
    found = noether_mlir.jit(step, kernels=True)(w, state, g)
    rate, decay = (np.asarray(x, dtype).astype("f8") for x in (1e-2, 0.9))
    for w, m, g, next_w, next_m in zip(w, m, g, found[0], jax.tree.leaves(found[1]), strict=True):
        w, m, g = (np.asarray(x).astype("f8") for x in (w, m, g))
        exact = decay * m + g
        np.testing.assert_array_equal(next_m, exact.astype("f4").astype(dtype))
        step_size = (rate * exact).astype("f4")
        close = np.asarray(next_w) == (w - step_size).astype("f4").astype(dtype)
        assert close.mean() > 0.99  # all but halves that f32 rounds to the other side


CHARGED = ["mlp_relu", "cnn_batchnorm", "cnn_groupnorm", "gpt_fused_qkv", "scanned_layers"]


@pytest.mark.parametrize("name", CHARGED)
def test_charges(name):
    """Charges per channel, head and layer are those of the tracked step without kernels."""
    step = training_step(MODELS[name], "adamw", dtype=jnp.float64)
    expected, charges = noether_mlir.jit(step.function, track=True)(*step.args)
    found, measured = noether_mlir.jit(step.function, track=True, kernels=True)(*step.args)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-14)
    assert set(measured) == set(charges) and charges
    for symmetry, numbers in charges.items():
        for a, b in zip(measured[symmetry], numbers, strict=True):
            if b is None:
                assert a is None
            else:
                np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12 * (1 + abs(np.asarray(b)).max()))


def scaled(size):
    """A step that is invariant under scalings of a flat weight of as many numbers."""

    def step(w, batch):
        def loss(w):
            return jnp.sum((w @ batch) / jnp.linalg.norm(w)) ** 2

        value, gradient = jax.value_and_grad(loss)(w)
        return w - 0.1 * gradient, value

    rng = np.random.default_rng(1)
    return step, (jnp.asarray(rng.normal(size=size), jnp.float32), jnp.asarray(rng.normal(size=(size, 2)), jnp.float32))


def test_sums_are_exact():
    """Charges of a large f32 tensor are right to 1e-7, as if taken in f64, and the same for any number of threads."""
    step, args = scaled((1 << 22) + 12345)
    tracked = noether_mlir.jit(step, track=True, kernels=True)
    results = []
    for threads in (1, 2, 5):
        kernels.set_num_threads(threads)
        (after, _), charges = tracked(*args)
        (charge,) = charges.values()
        results.append([np.asarray(x).tobytes() for x in (after, *charge)])
    kernels.set_num_threads(0)
    assert results[0] == results[1] == results[2]
    w, after = (np.asarray(x).astype(float) for x in (args[0], after))
    np.testing.assert_allclose(np.asarray(charge.charge), w @ w, rtol=1e-7)
    np.testing.assert_allclose(np.asarray(charge.next_charge), after @ after, rtol=1e-7)


def test_in_place():
    """Donated parameters and states are overwritten where they lie."""
    step, args = squares(optax.adamw(1e-2), jnp.float32)
    jitted = noether_mlir.jit(step, kernels=True, donate_argnums=(0, 1))
    args[:2] = jax.tree.map(jnp.copy, args[:2])
    before = [leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves(args[:2]) if leaf.size > 1]
    params, state, _ = jax.block_until_ready(jitted(*args))
    after = [leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves((params, state)) if leaf.size > 1]
    assert after == before
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(args[0]))


def test_not_donated():
    """Arguments that are not donated stay what they were."""
    step, args = squares(optax.adamw(1e-2), jnp.float32)
    before = [np.array(leaf) for leaf in jax.tree.leaves(args)]
    noether_mlir.jit(step, kernels=True)(*args)
    for old, leaf in zip(before, jax.tree.leaves(args), strict=True):
        np.testing.assert_array_equal(leaf, old)


def test_rewritten():
    """The adaptive form runs in kernels too."""
    step = training_step(MODELS["mlp_layernorm"], "momentum", dtype=jnp.float64)
    plain = noether_mlir.jit(step.function, rewrite="adaptive")
    ours = noether_mlir.jit(step.function, rewrite="adaptive", kernels=True)
    expected, found = plain(*step.args), ours(*step.args)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


def test_refused():
    """Steps for several devices are left to XLA, with one line that says so."""
    with pytest.raises(noether_mlir.UnsupportedStep, match="one device, and the step is for 2"):
        kernels.check_step("module attributes {mhlo.num_partitions = 2 : i32} {}")
    kernels.check_step("module attributes {mhlo.num_partitions = 1 : i32} {}")
