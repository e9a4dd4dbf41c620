# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Groups of matrices that act on axes: all claimed ones are symmetries, and none is missing."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from zoo import MODELS
from zoo.groups import act, axis_groups, generators, random_element, velocity
from zoo.reports import model_report
from zoo.steps import names, rename

TOLERANCE = 1e-9


@functools.cache
def loss_of(name):
    return jax.jit(MODELS[name].value)


def invariance(name, group, rng, far):
    """By how much a random element changes the loss, relative to the loss."""
    model, loss = MODELS[name], loss_of(name)
    params, batch = model.parameters(0), model.data(0)
    eps = tuple(jnp.full(model.sites, 0.2))
    moved = rename(params, act(names(params), group, random_element(group, rng, far)))
    before = float(loss(params, batch, eps))
    return abs(float(loss(moved, batch, eps)) - before) / abs(before)


@pytest.mark.parametrize("name", MODELS)
def test_loss_is_invariant(name):
    rng = np.random.default_rng(0)
    for group in axis_groups(model_report(name)):
        for far in (False, True):
            assert invariance(name, group, rng, far) < TOLERANCE, group


@pytest.mark.parametrize("name", MODELS)
def test_loss_is_invariant_under_permutations(name):
    rng = np.random.default_rng(0)
    for group in axis_groups(model_report(name), ("permutation",)):
        assert invariance(name, group, rng, True) < TOLERANCE, group


@pytest.mark.parametrize("name", MODELS)
def test_dimension_is_that_of_the_algebra(name):
    params = names(MODELS[name].parameters(0))
    for group in axis_groups(model_report(name)):
        algebra = generators(group)
        assert len(algebra) == group["dimension"]
        diagonal = [g for g in algebra if all(
            np.count_nonzero(m - np.diag(np.diagonal(m))) == 0 for m in g.reshape(-1, *g.shape[-2:]))]
        fields = np.array([np.concatenate([np.ravel(v) for v in velocity(params, group, g).values()])
                           for g in algebra])
        assert fields.any(axis=1).all(), "an element that moves nothing"
        if group["family"] == "general_linear":
            assert len(diagonal) == group["dimension_in_torus"]
