# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Steps without their dead parameters compute what they did, to the last bit."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from rewrites import Joint, train, train_rewritten
from test_adaptive_pass import OPTIMIZERS
from zoo import MODELS

import noether_mlir

STEPS = 10


def with_dead(model, transformation):
    """A step of a model with two parameters more, which the loss does not look at."""

    def step(params, state, batch):
        loss, grads = jax.value_and_grad(lambda p: model.loss(p["net"], batch, model.epsilons()))(params)
        updates, state = transformation.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss

    rng = np.random.default_rng(0)
    dead = {"a": jnp.asarray(rng.standard_normal((3, 4))), "b": jnp.asarray(rng.standard_normal(5))}
    params = {"net": model.parameters(0), "unused": dead}
    return step, (params, transformation.init(params)), [model.data(t) for t in range(STEPS)]


def live(tree):
    """The leaves that do not belong to the dead parameters."""
    paths = jax.tree_util.tree_flatten_with_path(tree)[0]
    return [np.asarray(leaf) for path, leaf in paths if "unused" not in jax.tree_util.keystr(path)]


MODEL = MODELS["mlp_layernorm_without_bias"]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_on_three_networks(optimizer):
    step, args, data = with_dead(Joint(), OPTIMIZERS[optimizer]())
    rewritten = noether_mlir.rewrite(step, *args, data[0], passes="eliminate-dead-parameters")
    if optimizer == "accumulating":  # a branch reads all parameters together
        assert not rewritten.changes_arguments
        return
    (restored_params, restored_state), (losses,) = train_rewritten(rewritten, args, data)
    (params, state), (wanted,) = train(step, args, data)
    np.testing.assert_allclose(losses, wanted, rtol=1e-13)
    for found, expected in zip(live((restored_params, restored_state)), live((params, state)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    assert len(jax.tree.leaves(restored_params["unused"])) == 2
    for found, kept in zip(jax.tree.leaves(restored_params["unused"]), jax.tree.leaves(args[0]["unused"])):
        np.testing.assert_array_equal(found, kept)
    assert rewritten.dropped, "nothing was eliminated"


def test_adapt_and_restore_are_inverse():
    step, args, data = with_dead(MODEL, optax.adamw(1e-2))
    rewritten = noether_mlir.rewrite(step, *args, data[0], passes="eliminate-dead-parameters")
    adapted = rewritten.adapt(*args, data[0])
    assert len(jax.tree.leaves(adapted)) == len(jax.tree.leaves((args, data[0])))
    # Two parameters, with two moments each.
    assert len(adapted[-1].dropped) == 6
    restored = rewritten.restore(*adapted)
    assert jax.tree.structure(restored) == jax.tree.structure((*args, data[0]))
    jax.tree.map(np.testing.assert_array_equal, restored, (*args, data[0]))


def test_what_others_read_stays():
    """The norm of all parameters, dead ones too, sets the step of all."""
    model = MODEL

    def step(params, batch):
        loss, grads = jax.value_and_grad(lambda p: model.loss(p["net"], batch, model.epsilons()))(params)
        rate = 0.1 / (1 + optax.global_norm(params))
        return jax.tree.map(lambda p, g: p - rate * (g + 0.1 * p), params, grads), loss

    _, (params, _), data = with_dead(model, optax.sgd(0.1))
    rewritten = noether_mlir.rewrite(step, params, data[0], passes="eliminate-dead-parameters")
    assert not rewritten.changes_arguments
    np.testing.assert_array_equal(
        rewritten(*rewritten.adapt(params, data[0]))[1], jax.jit(step)(params, data[0])[1])


def test_averages():
    """An average of what is dead is dead, that of the others stays."""
    model = MODEL

    def step(params, average, batch):
        loss, grads = jax.value_and_grad(lambda p: model.loss(p["net"], batch, model.epsilons()))(params)
        params = jax.tree.map(lambda p, g: p - 0.1 * (g + 0.1 * p), params, grads)
        return params, jax.tree.map(lambda a, p: 0.9 * a + 0.1 * p, average, params), loss

    _, (params, _), data = with_dead(model, optax.sgd(0.1))
    rewritten = noether_mlir.rewrite(step, params, params, data[0], passes="eliminate-dead-parameters")
    new, average, _, _ = rewritten(*rewritten.adapt(params, params, data[0]))
    assert not jax.tree.leaves(average["unused"])
    wanted = jax.jit(step)(params, params, data[0])[1]
    for found, expected in zip(live(average), live(wanted), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_counters_stay():
    """What no training reaches may still be meant: only tensors leave."""
    model = MODEL

    def step(params, count, key, batch):
        loss, grads = jax.value_and_grad(lambda p: model.loss(p["net"], batch, model.epsilons()))(params)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads), count + 1, key, loss

    _, (params, _), data = with_dead(model, optax.sgd(0.1))
    args = (params, jnp.asarray(0.0), jax.random.PRNGKey(0), data[0])
    rewritten = noether_mlir.rewrite(step, *args, passes="eliminate-dead-parameters")
    adapted = rewritten.adapt(*args)
    assert sorted(np.size(value) for value in adapted[-1].dropped.values()) == [5, 12]
    assert float(rewritten(*adapted)[1]) == 1


def biased_attention(params, batch):
    """A bias of keys shifts all logits of a query alike; the bias before the normalisation is taken away by it."""
    q, k, v = (batch["x"] @ params[name] for name in ("q", "k", "v"))
    k = k + params["key_bias"]
    h = jax.nn.softmax(q @ k.T) @ v + params["bias"] + batch["x"]
    h = h - jnp.mean(h, axis=0)
    h = h * jax.lax.rsqrt(jnp.mean(h * h, axis=0) + 1e-5)
    return jnp.mean((jnp.tanh(h @ params["out"]) - batch["y"]) ** 2)


def attention_step(transformation):
    def step(params, state, batch):
        loss, grads = jax.value_and_grad(biased_attention)(params, batch)
        updates, state = transformation.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss

    rng = np.random.default_rng(0)
    shapes = {"q": (4, 3), "k": (4, 3), "v": (4, 4), "key_bias": (3,), "bias": (4,), "out": (4, 2)}
    params = {name: jnp.asarray(rng.standard_normal(shape)) for name, shape in shapes.items()}
    data = [{"x": jnp.asarray(rng.standard_normal((6, 4))), "y": jnp.asarray(rng.standard_normal((6, 2)))}
            for _ in range(50)]
    return step, (params, transformation.init(params)), data


SHIFTED = {
    "sgd": optax.chain(optax.add_decayed_weights(1e-2), optax.sgd(0.05)),
    "momentum": optax.sgd(0.02, momentum=0.9),
    "adamw": optax.adamw(1e-3, weight_decay=0.1),
    "clipped": optax.chain(optax.clip_by_global_norm(0.1), optax.adam(1e-3)),
}


@pytest.mark.parametrize("optimizer", SHIFTED)
def test_parameters_that_may_be_anything(optimizer):
    """Their places are taken by zeros: the others train as they did."""
    step, args, data = attention_step(SHIFTED[optimizer])
    plain = noether_mlir.rewrite(step, *args, data[0], passes="eliminate-dead-parameters")
    assert not plain.changes_arguments
    rewritten = noether_mlir.rewrite(step, *args, data[0], passes="eliminate-dead-parameters", shifts=True)
    params, state, batch, extra = rewritten.adapt(*args, data[0])
    assert params["key_bias"] is None and params["bias"] is None
    for batch in data:
        params, state, loss, extra = rewritten(params, state, batch, extra)
    wanted, losses = train(step, args, data)
    np.testing.assert_allclose(loss, losses[0][-1], rtol=1e-12)
    for name in ("q", "k", "v", "out"):
        np.testing.assert_allclose(params[name], wanted[0][name], rtol=1e-11, atol=1e-13)
        assert np.abs(params[name] - args[0][name]).max() > 1e-3


def test_what_else_reads_a_bias_keeps_it():
    """A running mean has the bias in it."""
    def step(params, mean, batch):
        def loss(params):
            h = batch["x"] @ params["w"] + params["b"]
            centre = jnp.mean(h, axis=0)
            return jnp.mean(jnp.tanh(h - centre) * batch["y"]), centre

        (value, centre), grads = jax.value_and_grad(loss, has_aux=True)(params)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads), 0.9 * mean + 0.1 * centre, value

    rng = np.random.default_rng(0)
    params = {"w": jnp.asarray(rng.standard_normal((4, 2))), "b": jnp.ones(2)}
    batch = {"x": jnp.asarray(rng.standard_normal((6, 4))), "y": jnp.asarray(rng.standard_normal((6, 2)))}
    args = (params, jnp.zeros(2), batch)
    assert not noether_mlir.rewrite(step, *args, passes="eliminate-dead-parameters", shifts=True).changes_arguments


@pytest.mark.parametrize("second", [("rewrite-adaptive", {"eps": "exact"}), "eliminate-decay"])
def test_several_rewrites_compose(second):
    """Out with what is dead, then another form: one map there and one back."""
    transformation = optax.chain(optax.add_decayed_weights(5e-3), optax.sgd(0.01, momentum=0.9))
    step, args, data = with_dead(MODELS["mlp_layernorm"], transformation)
    rewritten = noether_mlir.rewrite(step, *args, data[0], passes=["eliminate-dead-parameters", second])
    adapted = rewritten.adapt(*args, data[0])
    assert adapted[-1].states and len(adapted[-1].dropped) == 4
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15), rewritten.restore(*adapted),
                 (*args, data[0]))
    params, state, batch, extra = adapted
    for batch in data:
        params, state, loss, extra = rewritten(params, state, batch, extra)
    restored = rewritten.restore(params, state, batch, extra)
    wanted, losses = train(step, args, data)
    np.testing.assert_allclose(loss, losses[0][-1], rtol=1e-12)
    for found, expected in zip(live(restored[:2]), live(wanted), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)
