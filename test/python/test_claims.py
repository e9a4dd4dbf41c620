# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every symmetry the analysis claims is one: the loss does not move when its group acts."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from zoo import MODELS
from zoo.reports import act, block_shape, log_scale, model_report, number, random_generator
from zoo.steps import names

TOLERANCE = 1e-9
EPSILON = 0.2  # large, so that what it breaks is seen to be broken


@functools.cache
def loss_of(name):
    model = MODELS[name]
    return jax.jit(model.value)


def shapes_of(params):
    return {name: leaf.shape for name, leaf in names(params).items()}


def torus(report):
    return [s for s in report["symmetries"] if s["family"] in ("scale", "rescale")]


def relative(a, b):
    return abs(float(a) - float(b)) / abs(float(b))


@pytest.mark.parametrize("name", MODELS)
def test_loss_is_invariant(name):
    model, loss, report = MODELS[name], loss_of(name), model_report(name)
    params, batch = model.parameters(0), model.data(0)
    shapes = shapes_of(params)
    zero = tuple(jnp.zeros(model.sites))
    large = tuple(jnp.full(model.sites, EPSILON))
    rng = np.random.default_rng(0)
    for symmetry in torus(report):
        element = random_generator(symmetry, shapes, rng)
        moved = act(params, log_scale(symmetry, element, shapes))
        assert relative(loss(moved, batch, zero), loss(params, batch, zero)) < TOLERANCE, symmetry
        change = relative(loss(moved, batch, large), loss(params, batch, large))
        if symmetry["exact"]:
            assert change < TOLERANCE, symmetry
        elif np.ptp(element) or element.ndim == 0:
            assert change > TOLERANCE or name in INACTIVE_BOUND, ("said to be broken, yet holds", symmetry)


def moved_epsilons(model, symmetry, factor):
    """The epsilons, scaled by the degrees with which the report says they break a symmetry."""
    eps = np.full(model.sites, EPSILON)
    usual = np.asarray(model.epsilons())
    sites = set()
    for breaking in symmetry["broken_by"]:
        site = int(np.argmin(abs(usual - breaking["constant"])))
        assert abs(usual[site] / breaking["constant"] - 1) < 1e-3, breaking
        if site not in sites:
            eps[site] *= factor ** float(number(breaking["degree"]))
            sites.add(site)
    return eps


# One epsilon for all iterations of a loop, of which a symmetry of one layer needs its own: the model has no
# argument to scale it by.
SHARED_EPSILON = {"scanned_layers"}
# A lower bound that no value reaches breaks nothing at this point, though it may at others.
INACTIVE_BOUND = {"between_max_norm"}


@pytest.mark.parametrize("name", [n for n, m in MODELS.items() if m.sites and n not in SHARED_EPSILON])
def test_broken_symmetry_is_restored_when_its_constant_scales(name):
    """With the constants scaled by the degrees stated, what they break holds again."""
    model, loss, report = MODELS[name], loss_of(name), model_report(name)
    params, batch = model.parameters(0), model.data(0)
    shapes = shapes_of(params)
    before = loss(params, batch, tuple(jnp.full(model.sites, EPSILON)))
    factor = 1.7
    for symmetry in torus(report):
        if symmetry["exact"] or symmetry.get("traceless"):
            continue  # a traceless family needs one constant per block: see the invariance test
        element = np.full(block_shape(symmetry, shapes), np.log(factor))
        moved = act(params, log_scale(symmetry, element, shapes))
        eps = tuple(jnp.asarray(moved_epsilons(model, symmetry, factor)))
        assert relative(loss(moved, batch, eps), before) < TOLERANCE, symmetry


def generators(report, shapes, exact_only=False):
    """A basis of what is claimed, one row per independent direction, one column per element."""
    rows = []
    for symmetry in torus(report):
        if (exact_only and not symmetry["exact"]) or symmetry.get("undescribed"):
            continue
        shape = block_shape(symmetry, shapes)
        for index in np.ndindex(*shape):
            element = np.zeros(shape)
            element[index] = 1
            if symmetry.get("traceless"):
                for axis in range(element.ndim):
                    element = element - element.mean(axis=axis, keepdims=True)
            scales = log_scale(symmetry, element, shapes)
            rows.append(np.concatenate(
                [np.ravel(scales.get(n, np.zeros(s))) for n, s in shapes.items()]))
    return np.array(rows).reshape(len(rows), sum(int(np.prod(s)) for s in shapes.values()))


@pytest.mark.parametrize("name", MODELS)
def test_claims_are_independent(name):
    """The symmetries listed span exactly the dimension stated; none is counted twice."""
    report = model_report(name)
    shapes = shapes_of(MODELS[name].parameters(0))
    rows = generators(report, shapes)
    rank = np.linalg.matrix_rank(rows) if len(rows) else 0
    undescribed = sum(s["dimension"] for s in torus(report) if s.get("undescribed"))
    assert rank + undescribed == report["dimension"]["torus"]


@pytest.mark.parametrize("name", MODELS)
def test_parameters_point_to_their_symmetries(name):
    report = model_report(name)
    shapes = shapes_of(MODELS[name].parameters(0))
    listed = {p["name"]: set(p["symmetries"]) for p in report["parameters"]}
    assert set(listed) == set(shapes)
    for parameter in report["parameters"]:
        assert tuple(parameter["shape"]) == shapes[parameter["name"]]
        assert parameter["role"] == "param" and not parameter["dead"]
        if not parameter["symmetries"]:
            reasons = parameter["no_symmetry_because"]
            assert reasons and all(r["op"] and r["says"] for r in reasons), parameter
    for symmetry in torus(report):
        for member in symmetry["members"]:
            assert symmetry["id"] in listed[member["parameter"]]
