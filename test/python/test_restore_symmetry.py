# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Updates without their radial part: norms stay, directions move as they did."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from rewrites import Joint, distance, optimized, train, train_rewritten
from test_adaptive_pass import OPTIMIZERS as ALL
from test_eliminate_decay import column_step

import noether_mlir

#: (An optimizer that accumulates changes the type of its state in its first step.)
OPTIMIZERS = {name: make for name, make in ALL.items() if name != "accumulating"}


def blocks(step, *args):
    """The parts that are held fixed: (names, view, axes) of whole parameters of a scale symmetry."""
    found = noether_mlir.analyze(step, *args).data
    return [s for s in found["symmetries"] if s["family"] == "scale"]


def norms(params, symmetry):
    """|w| for each index of a symmetry's block, over all members."""
    total = 0.0
    for member in symmetry["members"]:
        leaves, _ = jax.tree_util.tree_flatten_with_path(params)
        value = {"params" + jax.tree_util.keystr(path): leaf for path, leaf in leaves}[member["parameter"]]
        value = np.asarray(value).reshape(member.get("view") or np.shape(value))
        others = tuple(axis for axis in range(value.ndim) if axis not in member["axes"])
        total = total + np.sum(value**2, axis=others)
    return np.sqrt(total)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_norms_stay_on_three_networks(optimizer):
    step, args, data = optimized(Joint(), OPTIMIZERS[optimizer](), steps=8)
    rewritten = noether_mlir.rewrite(step, *args, data[0], passes="restore-symmetry")
    assert not rewritten.changes_arguments
    carried, _ = train_rewritten(rewritten, args, data)
    plain, _ = train(step, args, data)
    symmetries, moved = blocks(step, *args, data[0]), 0
    for symmetry in symmetries:
        if any(member.get("view") for member in symmetry["members"]):
            continue
        before = norms(args[0], symmetry)
        moved += bool(np.any(np.abs(norms(plain[0], symmetry) / before - 1) > 1e-9))
        np.testing.assert_allclose(norms(carried[0], symmetry), before, rtol=1e-12)
    assert moved, "the norms stay without it"


def test_one_step_is_the_tangent_step():
    """Against the formula, column by column."""
    step, args, data = column_step(optax.adamw(0.05, weight_decay=0.3))
    old = np.asarray(args[0]["w"])
    new = np.asarray(step(*args, data[0])[0]["w"])
    radial = np.sum(old * (new - old), axis=0) / np.sum(old * old, axis=0)
    assert np.all(np.abs(radial) > 1e-4)
    tangent = new - radial * old
    for form, wanted in [("projected", tangent),
                         ("sphere", tangent * np.linalg.norm(old, axis=0) / np.linalg.norm(tangent, axis=0))]:
        rewritten = noether_mlir.rewrite(step, *args, data[0], passes="restore-symmetry", form=form)
        found = rewritten(*rewritten.adapt(*args, data[0]))[0]["w"]
        np.testing.assert_allclose(found, wanted, rtol=1e-14)


def test_projected_gradient_descent_is_that_without_decay():
    """Exact: the gradient has no radial part, the decay has nothing else."""
    step, args, data = column_step(optax.chain(optax.add_decayed_weights(0.1), optax.sgd(0.1)))
    free, _, _ = column_step(optax.sgd(0.1))
    rewritten = noether_mlir.rewrite(step, *args, data[0], passes="restore-symmetry", form="projected")
    args = (args[0], optax.sgd(0.1).init(args[0]))
    params, state, batch, extra = rewritten.adapt(args[0], step_state(args), data[0])
    for batch in data:
        params, state, _, extra = rewritten(params, state, batch, extra)
    wanted, _ = train(free, args, data)
    assert distance(params, wanted[0]) < 1e-12


def step_state(args):
    return optax.chain(optax.add_decayed_weights(0.1), optax.sgd(0.1)).init(args[0])


def test_averages_see_the_new_weights():
    def step(params, average, batch):
        loss, grads = jax.value_and_grad(
            lambda p: jnp.mean(jnp.tanh(batch["x"] @ (p["w"] / jnp.linalg.norm(p["w"]))) * batch["y"]))(params)
        params = jax.tree.map(lambda p, g: p - 0.1 * (g + p), params, grads)
        return params, jax.tree.map(lambda a, p: 0.5 * a + 0.5 * p, average, params), loss

    _, (params, _), data = column_step(optax.sgd(0.1))
    zeros = jax.tree.map(jnp.zeros_like, params)
    rewritten = noether_mlir.rewrite(step, params, zeros, data[0], passes="restore-symmetry")
    new, average, _, _ = rewritten(*rewritten.adapt(params, zeros, data[0]))
    np.testing.assert_allclose(average["w"], 0.5 * new["w"], rtol=1e-15)
    np.testing.assert_allclose(np.linalg.norm(new["w"]), np.linalg.norm(params["w"]), rtol=1e-14)
