# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Steps without their dead parameters compute what they did, to the last bit."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
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


NAMES = ["mlp_layernorm_without_bias", "cnn_groupnorm", "mlp_rmsnorm"]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", NAMES)
def test_every_optimizer(name, optimizer):
    step, args, data = with_dead(MODELS[name], OPTIMIZERS[optimizer]())
    rewritten = noether_mlir.rewrite(step, *args, data[0], passes="eliminate-dead-parameters")
    params, state, batch, extra = rewritten.adapt(*args, data[0])
    if optimizer == "accumulating":  # a branch reads all parameters together
        assert jax.tree.leaves(params["unused"])
        return
    assert not jax.tree.leaves(params["unused"]), "nothing was eliminated"
    original = jax.jit(step)
    wanted_params, wanted_state = args
    for batch in data:
        params, state, loss, extra = rewritten(params, state, batch, extra)
        wanted_params, wanted_state, wanted_loss = original(wanted_params, wanted_state, batch)
        np.testing.assert_allclose(loss, wanted_loss, rtol=1e-13)
    restored_params, restored_state, _ = rewritten.restore(params, state, data[0], extra)
    for found, wanted in zip(live((restored_params, restored_state)), live((wanted_params, wanted_state)),
                             strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)
    for found, kept in zip(jax.tree.leaves(restored_params["unused"]), jax.tree.leaves(args[0]["unused"])):
        np.testing.assert_array_equal(found, kept)
    sizes = [sum(np.size(leaf) for leaf in jax.tree.leaves(tree)) for tree in ((params, state), args)]
    print(f"{optimizer}: {sizes[1]} numbers were carried, {sizes[0]} are")


def test_adapt_and_restore_are_inverse():
    step, args, data = with_dead(MODELS[NAMES[0]], optax.adamw(1e-2))
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
    model = MODELS[NAMES[0]]

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
    model = MODELS[NAMES[0]]

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
    model = MODELS[NAMES[0]]

    def step(params, count, key, batch):
        loss, grads = jax.value_and_grad(lambda p: model.loss(p["net"], batch, model.epsilons()))(params)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads), count + 1, key, loss

    _, (params, _), data = with_dead(model, optax.sgd(0.1))
    args = (params, jnp.asarray(0.0), jax.random.PRNGKey(0), data[0])
    rewritten = noether_mlir.rewrite(step, *args, passes="eliminate-dead-parameters")
    adapted = rewritten.adapt(*args)
    assert sorted(np.size(value) for value in adapted[-1].dropped.values()) == [5, 12]
    assert float(rewritten(*adapted)[1]) == 1
