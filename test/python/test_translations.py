# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Directions in which the analysis says that parameters can be shifted: the loss does not move, and no
direction is missing but for reasons that are stated."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_claims import loss_of
from zoo import MODELS
from zoo.reports import model_report, report
from zoo.shifts import count_shifts, counted_shifts
from zoo.steps import names

from noether_mlir.group_elements import random_element

TOLERANCE = 1e-9
EPSILON = 0.2
# The null space must stand out.
GAP = 1e8
COUNTED = counted_shifts()

#: Where the analysis finds less than there is, and why. It must never find more.
INCOMPLETE = {
    # Elements that no path with a gradient reads: behind a constant mask, in columns or rows left out by a
    # constant index, in a branch not taken.
    "attention_relative_bias", "positions_beside", "weight_masked", "places_diagonal", "rows_clipped_index",
    "rows_masked", "rows_of_other_columns", "rows_squared", "rows_times_row_gain", "between_batch_gather",
    "loss_hinge", "branch_switch", "branch_on_activation", "branch_per_example",
    # A choice of which only some branches move.
    "experts_sorted",
    # A constant piece that has gone through a function, or pieces that repeat one another.
    "places_padded_two", "places_set", "places_zeroed", "places_edge", "places_reflected", "places_repeated",
    "places_differences",
    # The same weights read in two places, or products of what moves with what moves.
    "symmetric_weight", "between_loop", "between_product", "between_pair_maximum", "linen_transformer",
    # What goes into a call of LAPACK; a mean over devices.
    "algebra_qr", "algebra_eigenvectors", "sharded_batchnorm",
}
#: Parameters that choose and have no gradient, which the null space does not see: all codes can be shifted.
DISCRETE = {"memory": 4}


def translations(report):
    return [s for s in report["symmetries"] if s["family"] == "translation"]


def shifted(params, symmetry, rng):
    """The parameters moved by a random multiple of every direction of a translation."""
    arrays = {name: np.asarray(leaf) for name, leaf in names(params).items()}
    moved = random_element(symmetry, arrays, rng, 1.0).act(arrays)
    leaves = [jnp.asarray(moved.get(name, array)) for name, array in arrays.items()]
    return jax.tree.unflatten(jax.tree.structure(params), leaves)


@pytest.mark.parametrize("name", MODELS)
def test_loss_is_invariant(name):
    model, loss, report = MODELS[name], loss_of(name), model_report(name)
    params, batch = model.parameters(0), model.data(0)
    eps = tuple(jnp.full(model.sites, EPSILON))
    rng = np.random.default_rng(0)
    before = float(loss(params, batch, eps))
    # And those that other parameters take up.
    for symmetry in translations(report) + [s for s in report["symmetries"] if s["family"] == "affine"]:
        after = float(loss(shifted(params, symmetry, rng), batch, eps))
        assert abs(after - before) < TOLERANCE * max(1, abs(before)), symmetry


@pytest.mark.parametrize("name", [name for name in MODELS if name in COUNTED])
def test_dimension(name):
    report = model_report(name)
    found = report["dimension"]["translation"]
    assert found == sum(s["dimension"] for s in translations(report))
    there = COUNTED[name] + DISCRETE.get(name, 0)
    assert found < there if name in INCOMPLETE else found == there


# One of each kind is counted again here; `python -m zoo.shifts` counts all.
@pytest.mark.parametrize("name", [
    "mlp_relu", "mlp_layernorm", "mlp_batchnorm_dead_bias", "cnn_groupnorm_bias", "residual_layernorm"])
def test_count(name):
    dimension, gap = count_shifts(MODELS[name])
    assert gap > GAP, "the points chosen do not tell the rank"
    assert dimension == COUNTED[name]


# --- exp and log: a shift becomes a factor and a shift again -------------------------------------

MASK = np.tril(np.ones((4, 4)))[[1, 2, 3, 3, 2, 3]]


def plain_softmax(z):
    e = jnp.exp(z)
    return e / e.sum(-1, keepdims=True)


def masked_softmax(z):
    e = jnp.where(jnp.asarray(MASK) > 0, jnp.exp(z), 0.0)
    return e / e.sum(-1, keepdims=True)


#: What is done to logits x @ w + b with four columns, and the dimension of the shifts that do not matter: those that
#: all columns have in common, 3 of w and 1 of b.
EXPONENTIALS = {
    "softmax": (lambda z: jnp.sum(plain_softmax(z) ** 2), 4),
    "masked": (lambda z: jnp.sum(masked_softmax(z) ** 2), 4),
    "logsumexp": (lambda z: jnp.sum(jnp.sin(z - jnp.log(jnp.exp(z).sum(-1, keepdims=True)))), 4),
    "roots": (lambda z: jnp.sum(jnp.sqrt(jnp.exp(z)) * jnp.sqrt(1 / jnp.exp(z).sum(-1, keepdims=True))), 4),
    "contracted": (lambda z: jnp.sum((jnp.exp(z) @ jnp.ones((4, 4))) / jnp.exp(z)), 4),
    # Not the same factor above and below, or a number that does not scale along.
    "one_more": (lambda z: jnp.sum(jnp.exp(z) / (1 + jnp.exp(z).sum(-1, keepdims=True))), 0),
    "squared": (lambda z: jnp.sum(jnp.exp(z) / jnp.square(jnp.exp(z).sum(-1, keepdims=True))), 0),
    "over_batch": (lambda z: jnp.sum(jnp.exp(z) / jnp.exp(z).sum(0, keepdims=True) * jnp.arange(4.0)), None),
    "shifted_back": (lambda z: jnp.sum(jnp.sin(z - 2 * jnp.log(jnp.exp(z).sum(-1, keepdims=True)))), 0),
    "exponential_of_factor": (lambda z: jnp.sum(jnp.exp(jnp.exp(z)) / jnp.exp(z).sum(-1, keepdims=True)), 0),
}


@pytest.mark.parametrize("name", EXPONENTIALS)
def test_exponentials(name):
    function, dimension = EXPONENTIALS[name]
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 3))
    params = {"w": rng.standard_normal((3, 4)), "b": rng.standard_normal(4)}

    def loss(params, x):
        return function(x @ params["w"] + params["b"])

    def step(params, x):
        value, gradient = jax.value_and_grad(loss)(params, x)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, gradient), value

    narrow = jax.tree.map(lambda a: jnp.asarray(a, jnp.float32), (params, x))
    found = report(step, *narrow)
    # A sum over the batch is invariant under shifts of b, column by column.
    assert found["dimension"]["translation"] == (4 if dimension is None else dimension)
    before = float(loss(params, x))
    for symmetry in translations(found):
        for size in (0.1, 3.0):
            arrays = {f"params['{key}']": array for key, array in params.items()}
            moved = arrays | random_element(symmetry, arrays, rng, size).act(arrays)
            after = float(loss({key: moved[f"params['{key}']"] for key in params}, x))
            assert abs(after - before) < TOLERANCE * max(1, abs(before)), symmetry
