# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Groups of matrices that act on axes: all claimed ones are symmetries, and none is missing."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from zoo import MODELS
from zoo.axis_models import AXIS_MODELS
from zoo.groups import act, axis_groups, generators, random_element, velocity
from zoo.linear_maps import linear_maps, rank
from zoo.reports import model_report, report
from zoo.steps import names, rename, training_step

from test_claims import generators as torus_generators

TOLERANCE = 1e-9


@functools.cache
def loss_of(model):
    return jax.jit(model.value)


def invariance(model, group, rng, far):
    """By how much a random element changes the loss, relative to the loss."""
    loss = loss_of(model)
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
            assert invariance(MODELS[name], group, rng, far) < TOLERANCE, group


@pytest.mark.parametrize("name", MODELS)
def test_loss_is_invariant_under_permutations(name):
    rng = np.random.default_rng(0)
    for group in axis_groups(model_report(name), ("permutation",)):
        assert invariance(MODELS[name], group, rng, True) < TOLERANCE, group


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


def claimed_fields(report, samples):
    """What each claimed generator does to some parameters. Shape (generators, samples, elements)."""
    flat = lambda arrays: np.concatenate([np.ravel(a) for a in arrays.values()])
    torus = torus_generators(report, {n: v.shape for n, v in samples[0].items()})
    fields = [[row * flat(sample) for sample in samples] for row in torus]
    fields += [[flat(velocity(sample, group, generator)) for sample in samples]
               for group in axis_groups(report) for generator in generators(group)]
    return np.array(fields).reshape(len(fields), len(samples), flat(samples[0]).size)


# Counting all takes an hour; all of them agree.
@pytest.mark.parametrize("name", [
    "mlp_relu_squared_error", "deep_linear", "low_rank", "embedding_relu", "residual_layernorm",
    "mlp_cosine_head", "attention", "attention_shared_keys", "embedding_bag_layernorm"])
def test_linear_maps_on_axes_are_all_claimed(name):
    """All linear maps on axes that leave the loss alone, but for what shifts along translations."""
    report, truth = model_report(name), linear_maps(MODELS[name])
    assert truth.gap > 1e6, "the points chosen do not tell the rank"
    claimed = claimed_fields(report, truth.samples)
    dimension = rank(claimed, truth.seen)
    counted = report["dimension"]
    assert dimension == counted["linear"] - counted["translation"] - counted["affine"]
    assert rank(np.concatenate([claimed, truth.fields]), truth.seen) == dimension


@functools.cache
def axis_report(name):
    step = training_step(AXIS_MODELS[name][0])
    return report(step.function, *step.args)


def summary(group):
    fixes = [what for what in ("constant", "sum") if group[f"fixes_{what}"]]
    return group["family"], group["size"], tuple(group["block_shape"]), " ".join(fixes)


@pytest.mark.parametrize("name", AXIS_MODELS)
def test_groups_expected(name):
    model, groups, permutations = AXIS_MODELS[name]
    found, rng = axis_report(name), np.random.default_rng(0)
    for group in axis_groups(found):
        for far in (False, True):
            assert invariance(model, group, rng, far) < TOLERANCE, group
    for group in axis_groups(found, ("permutation",)):
        assert invariance(model, group, rng, True) < TOLERANCE, group
    assert {summary(group) for group in axis_groups(found)} == groups
    assert {group["order"] for group in axis_groups(found, ("permutation",))} == permutations
