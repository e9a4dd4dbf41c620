# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The laws the analysis states for an optimizer are the laws it obeys.

A law says: start from exp(s A) w instead of w, scale the hyperparameters and the optimizer's states
by the degrees stated, and the two runs stay related by the same group element. So run both.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from zoo import MODELS
from zoo.reports import act, block_shape, log_scale, number, report
from zoo.steps import names, training_step

STEPS = 20
TOLERANCE = 1e-9
FACTOR = 1.6

#: For a scale symmetry with exponent 1: hyperparameter -> degree, state -> degree.
LAWS = {
    "sgd": ({"learning_rate": 2, "weight_decay": -2}, {}),
    "momentum": ({"learning_rate": 2, "weight_decay": -2}, {"trace": -1}),
    "adamw": ({"learning_rate": 1, "weight_decay": -1, "eps": -1}, {"mu": -1, "nu": -2}),
}
MODELS_WITH_SCALES = ["mlp_layernorm", "mlp_rmsnorm", "cnn_batchnorm_running", "cnn_groupnorm",
                      "gpt_modern"]
CASES = [(model, optimizer) for model in MODELS_WITH_SCALES for optimizer in LAWS]


@functools.cache
def kinetics_report(name, optimizer, hyper=True, variant="constant"):
    settings = {"eps": 1e-8} if optimizer == "adamw" else {}
    step = training_step(MODELS[name], optimizer, hyper=hyper, variant=variant, **settings)
    return report(step.function, *step.args)


def scales(found):
    """The scale symmetries under which every member has exponent 1, with their kinetics."""
    kinetics = {entry["symmetry"]: entry for entry in found["kinetics"]}
    for symmetry in found["symmetries"]:
        exponents = {number(m["exponent"]) for m in symmetry["members"]}
        if symmetry["family"] == "scale" and exponents == {1}:
            yield symmetry, kinetics[symmetry["id"]]


def degree_of(laws, hyperparameter):
    """The degree stated for a hyperparameter that is an argument of the step."""
    found = [law for law in laws if hyperparameter in law["hyperparameter"]]
    assert len(found) == 1, (hyperparameter, laws)
    return number(found[0]["degree"])


@pytest.mark.parametrize(("name", "optimizer"), CASES)
def test_degrees(name, optimizer):
    laws, states = LAWS[optimizer]
    found = kinetics_report(name, optimizer)
    seen = 0
    for symmetry, kinetics in scales(found):
        seen += 1
        assert kinetics["ksb"] and not kinetics["equivariant"]
        assert not kinetics["breaks"], kinetics["breaks"]
        for hyperparameter, degree in laws.items():
            assert degree_of(kinetics["laws"], hyperparameter) == degree
        members = {m["parameter"].removeprefix("params") for m in symmetry["members"]}
        stated = {state["name"]: number(state["degree"]) for state in kinetics["states"]}
        for kind, degree in states.items():
            of_kind = {n: d for n, d in stated.items() if f".{kind}[" in n}
            assert len(of_kind) == len(members)
            for state_name, found_degree in of_kind.items():
                assert any(state_name.endswith(m) for m in members)
                assert found_degree == degree
    assert seen


@pytest.mark.parametrize("optimizer", LAWS)
def test_constants_of_the_graph_have_the_same_laws(optimizer):
    """A learning rate written into the step obeys the law of one passed to it."""
    laws, _ = LAWS[optimizer]
    found = kinetics_report("mlp_layernorm", optimizer, hyper=False)
    for _, kinetics in scales(found):
        degrees = {number(law["degree"]) for law in kinetics["laws"]}
        assert laws["learning_rate"] in degrees, kinetics
        assert not kinetics["breaks"]


@pytest.mark.parametrize("optimizer", LAWS)
def test_schedule_has_the_same_law(optimizer):
    found = kinetics_report("mlp_layernorm", optimizer, hyper=False, variant="schedule")
    for _, kinetics in scales(found):
        degrees = {number(law["degree"]) for law in kinetics["laws"]}
        assert LAWS[optimizer][0]["learning_rate"] in degrees, kinetics


@pytest.mark.parametrize("optimizer", LAWS)
def test_global_norm_is_named_as_the_coupling(optimizer):
    found = kinetics_report("mlp_layernorm", optimizer, variant="clipping")
    for _, kinetics in scales(found):
        assert kinetics["breaks"], "clipping by the global norm couples all parameters"
        assert all(b["op"] and b["location"] and b["why"] for b in kinetics["breaks"])
        # The law that holds while the bound is not reached is still stated.
        assert degree_of(kinetics["laws"], "learning_rate") == LAWS[optimizer][0]["learning_rate"]


# --- the laws, run -----------------------------------------------------------------------------


def update(optimizer, w, g, state, h, t):
    """One tensor's update, with hyperparameters of its own."""
    if optimizer == "sgd":
        return w - h["learning_rate"] * (g + h["weight_decay"] * w), {}
    if optimizer == "momentum":
        trace = 0.9 * state["trace"] + g + h["weight_decay"] * w
        return w - h["learning_rate"] * trace, {"trace": trace}
    mu = 0.9 * state["mu"] + 0.1 * g
    nu = 0.999 * state["nu"] + 0.001 * g * g
    direction = (mu / (1 - 0.9**t)) / (jnp.sqrt(nu / (1 - 0.999**t)) + h["eps"])
    return w - h["learning_rate"] * (direction + h["weight_decay"] * w), {"mu": mu, "nu": nu}


def hyperparameters(optimizer):
    # An epsilon that matters, so that a wrong degree for it would be seen.
    return {"sgd": {"learning_rate": 0.1, "weight_decay": 0.02},
            "momentum": {"learning_rate": 0.02, "weight_decay": 0.02},
            "adamw": {"learning_rate": 0.01, "weight_decay": 0.1, "eps": 1e-3}}[optimizer]


def runner(model, optimizer, eps):
    """Many steps in which every tensor has hyperparameters of its own."""
    leaf_names = list(names(model.parameters(0)))

    @jax.jit
    def run(params, states, hyper, batches):
        def step(carry, batch):
            params, states, t = carry
            grads = dict(zip(leaf_names, jax.tree.leaves(
                jax.grad(model.value)(params, batch, eps)), strict=True))
            weights = dict(zip(leaf_names, jax.tree.leaves(params), strict=True))
            new, next_states = {}, {}
            for n in leaf_names:
                new[n], next_states[n] = update(
                    optimizer, weights[n], grads[n], states[n], hyper[n], t)
            return (rename_traced(params, new), next_states, t + 1.0), None

        (params, states, _), _ = jax.lax.scan(step, (params, states, 1.0), batches)
        return params, states

    return run


def rename_traced(params, values):
    return jax.tree.unflatten(jax.tree.structure(params), list(values.values()))


def stacked(model, count):
    return jax.tree.map(lambda *a: jnp.stack(a), *[model.data(100 + t) for t in range(count)])


@pytest.mark.parametrize(("name", "optimizer"), CASES)
def test_laws_hold(name, optimizer):
    model = MODELS[name]
    found = kinetics_report(name, optimizer)
    eps = tuple(jnp.zeros(model.sites))
    run = runner(model, optimizer, eps)
    batches = stacked(model, STEPS)
    params = model.parameters(0)
    leaves = names(params)
    shapes = {n: leaf.shape for n, leaf in leaves.items()}
    rng = np.random.default_rng(0)
    kinds = LAWS[optimizer][1]
    # States as they are in the midst of a training, not zeros, which any degree would scale.
    states = {n: {kind: jnp.asarray(abs(rng.standard_normal(leaf.shape)) * 0.01)
                  for kind in kinds} for n, leaf in leaves.items()}
    hyper = {n: {k: jnp.asarray(v) for k, v in hyperparameters(optimizer).items()} for n in leaves}
    plain, plain_states = run(params, states, hyper, batches)

    for symmetry, kinetics in scales(found):
        element = np.full(block_shape(symmetry, shapes), math.log(FACTOR))
        if symmetry.get("traceless"):
            continue
        exponents = log_scale(symmetry, element, shapes)
        stated = {s["name"]: float(number(s["degree"])) for s in kinetics["states"]}
        moved_hyper, moved_states = dict(hyper), dict(states)
        for n in exponents:
            # Parts of a tensor that do not move keep their hyperparameters: scales are arrays.
            moved_hyper[n] = {
                k: v * np.exp(exponents[n] * float(degree_of(kinetics["laws"], k)))
                for k, v in hyper[n].items()}
            moved_states[n] = {
                kind: v * np.exp(exponents[n] * next(
                    d for s, d in stated.items()
                    if f".{kind}[" in s and s.endswith(n.removeprefix("params"))))
                for kind, v in states[n].items()}
        ended, _ = run(act(params, exponents), moved_states, moved_hyper, batches)
        expected = names(act(plain, exponents))
        for n, leaf in names(ended).items():
            error = np.linalg.norm(leaf - expected[n]) / np.linalg.norm(expected[n])
            assert error < TOLERANCE, (symmetry["id"], n, error)


def test_run_is_optax():
    """The optimizers run above are those the analysis reads."""
    model = MODELS["mlp_layernorm"]
    epsilons = model.epsilons()
    for optimizer, (_, kinds) in LAWS.items():
        values = hyperparameters(optimizer)
        step = training_step(model, optimizer, hyper=True, dtype=jnp.float64, **values)
        params, state = step.args[:2]
        leaves = names(params)
        states = {n: {kind: jnp.zeros(leaf.shape) for kind in kinds} for n, leaf in leaves.items()}
        hyper = {n: {k: jnp.asarray(v) for k, v in values.items()} for n in leaves}
        batches = stacked(model, 5)
        ours, _ = runner(model, optimizer, epsilons)(params, states, hyper, batches)
        function = jax.jit(step.function)
        for t in range(5):
            batch = jax.tree.map(lambda a, t=t: a[t], batches)
            params, state, _ = function(params, state, batch, step.args[-1])
        for n, leaf in names(params).items():
            np.testing.assert_allclose(names(ours)[n], leaf, rtol=1e-10, atol=1e-12)
