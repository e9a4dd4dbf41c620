# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Steps of PyTorch: run again in XLA they do what PyTorch does, and the facts are those of the same network in JAX."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch_networks as networks
from facts import generators, same_span, summary
from torch_running import arguments, run, to_array
from zoo.reports import log_scale, random_generator

import noether_mlir
from noether_mlir.analysis import analyze_text
from noether_mlir.torch import capture

NAMES = list(networks.MODELS)
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1, eps=1e-3),
}


def snapshot(model, optimizer):
    """Parameters, buffers and states by the names that a captured step has."""
    found = {name: to_array(value) for name, value in [*model.named_parameters(), *model.named_buffers()]}
    for name, parameter in model.named_parameters():
        for key, value in optimizer.state[parameter].items():
            found[f"state[{name!r}].{key}"] = to_array(value)
    return found


@functools.cache
def captured(name, optimizer="sgd", dtype=torch.float64):
    """A model in training, its optimizer, and the captured step."""
    model = networks.model_of(name, dtype)
    chosen = OPTIMIZERS[optimizer](model.parameters())
    networks.step(model, chosen, networks.batch_of(name, dtype, seed=1))  # states exist
    return model, chosen, capture(networks.step, model, chosen, networks.batch_of(name, dtype))


@pytest.mark.parametrize(("name", "dtype"), [
    *((name, torch.float64) for name in NAMES), ("mlp", torch.float32), ("llama", torch.float32)])
def test_runs_again(name, dtype):
    """The loss, the parameters, the buffers and the states after a step."""
    model, optimizer, step = captured(name, "sgd", dtype)
    before = {key: value.copy() for key, value in snapshot(model, optimizer).items()}
    saved = (
        {key: value.clone() for key, value in model.state_dict().items()},
        {p: {k: v.clone() for k, v in s.items()} for p, s in optimizer.state.items()},
    )
    results = run(step, arguments(step))
    loss = networks.step(model, optimizer, networks.batch_of(name, dtype))
    after = snapshot(model, optimizer)
    model.load_state_dict(saved[0])
    for parameter, state in saved[1].items():
        optimizer.state[parameter] = state
    tolerance = 1e-10 if dtype == torch.float64 else 1e-5
    np.testing.assert_allclose(results["loss"], loss.item(), rtol=tolerance)
    moved = 0
    for key, value in after.items():
        if key == "cos" or key == "sin":
            continue
        np.testing.assert_allclose(results[key], value, rtol=tolerance, atol=tolerance, err_msg=key)
        moved += not np.array_equal(value, before[key])
    assert moved >= 2 * len(list(model.parameters())) - 2


def hyper(optimizer):
    return {"sgd": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0},
            "adamw": {"lr": 0.01, "weight_decay": 0.1, "eps": 1e-3}}[optimizer]


def jax_step(name, optimizer):
    """The same step in JAX, and its arguments."""
    loss = networks.jax_loss(name)

    def sgd(w, g, state, h):
        buffer = h["momentum"] * state["momentum_buffer"] + g
        return w - h["lr"] * buffer, {"momentum_buffer": buffer}

    def adamw(w, g, state, h):
        t = state["step"] + 1
        w = w * (1 - h["lr"] * h["weight_decay"])
        m = state["exp_avg"] + (g - state["exp_avg"]) * 0.1
        v = state["exp_avg_sq"] * 0.999 + 0.001 * g * g
        size = h["lr"] / (1 - 0.9**t)
        return w - size * m / (jnp.sqrt(v) / jnp.sqrt(1 - 0.999**t) + h["eps"]), {
            "exp_avg": m, "exp_avg_sq": v, "step": t}

    update = {"sgd": sgd, "adamw": adamw}[optimizer]

    def step(params, state, batch, hyper):
        value, grads = jax.value_and_grad(loss)(params, batch)
        new = {key: update(params[key], grads[key], state[key], hyper) for key in params}
        return {k: w for k, (w, _) in new.items()}, {k: s for k, (_, s) in new.items()}, value

    model, chosen, _ = captured(name, optimizer)
    params = {key: jnp.asarray(to_array(value)) for key, value in model.named_parameters()}
    state = {
        key: {k: jnp.asarray(to_array(v)) for k, v in chosen.state[value].items()}
        for key, value in model.named_parameters()
    }
    batch = {key: jnp.asarray(to_array(value)) for key, value in networks.batch_of(name).items()}
    return step, (params, state, batch, {key: jnp.asarray(value) for key, value in hyper(optimizer).items()})


@functools.cache
def analyses(name, optimizer):
    step = captured(name, optimizer)[2]
    ours = analyze_text(step.text, step.name, numbers=step.numbers)
    function, args = jax_step(name, optimizer)
    return ours, noether_mlir.analyze(function, *args, numbers=hyper(optimizer))


@pytest.mark.parametrize(("name", "optimizer"), [*((name, "sgd") for name in NAMES), ("mlp", "adamw"), ("llama", "adamw")])
def test_facts_are_those_of_jax(name, optimizer):
    """Symmetries, dimensions and laws."""
    ours, theirs = analyses(name, optimizer)
    assert not ours.unknown_operations and not ours.gradient_mismatches
    assert [p.name for p in ours.parameters] == [key for key, _ in captured(name)[0].named_parameters()]
    assert ours.dimension == theirs.dimension
    assert summary(ours) == summary(theirs)


@pytest.mark.parametrize("families", [("scale", "rescale"), ("translation",)], ids=["torus", "translations"])
@pytest.mark.parametrize("name", NAMES)
def test_symmetries_are_those_of_jax(name, families):
    """Not only as many: the same transformations."""
    ours, theirs = analyses(name, "sgd")
    order = [key for key, _ in captured(name)[0].named_parameters()]
    assert same_span(generators(ours, families, order), generators(theirs, families, order))


def eager_loss(name, model):
    batch = networks.batch_of(name)
    with torch.no_grad():
        return torch.nn.functional.cross_entropy(model(batch["x"]).flatten(0, -2), batch["y"].flatten()).item()


@pytest.mark.parametrize("name", NAMES)
def test_symmetries_hold_in_eager_mode(name):
    """A random element of each torus and each group of shifts, applied to the model itself: the loss stays."""
    model, analysis = networks.model_of(name), analyses(name, "sgd")[0]
    for module in model.modules():
        if isinstance(getattr(module, "eps", None), float):
            module.eps = 1e-25  # exact symmetries are of the network with its epsilons, the others of one without
    own = dict(model.named_parameters())
    shapes = {key: tuple(value.shape) for key, value in own.items()}
    saved = {key: value.detach().clone() for key, value in own.items()}
    before, rng, tried = eager_loss(name, model), np.random.default_rng(0), 0
    for symmetry in analysis.data["symmetries"]:
        if symmetry["family"] not in ("scale", "rescale", "translation"):
            continue
        logs = log_scale(symmetry, random_generator(symmetry, shapes, rng), shapes)
        for wrong in (False, True):
            with torch.no_grad():
                for key, log in logs.items():
                    change = torch.tensor(log) * (1 + wrong * (torch.rand(shapes[key], dtype=torch.float64) > 0.5))
                    moved = saved[key] + change if symmetry["family"] == "translation" else saved[key] * change.exp()
                    own[key].copy_(moved)
            error = abs(eager_loss(name, model) - before)
            assert error < 1e-11 or wrong, (symmetry["id"], error)
            tried += wrong and error > 1e-9
            with torch.no_grad():
                for key, value in saved.items():
                    own[key].copy_(value)
    assert tried >= 3  # changed a little, they are no symmetries


def test_the_text_is_the_same_each_time():
    model, optimizer, step = captured("mlp")
    assert capture(networks.step, model, optimizer, networks.batch_of("mlp")).text == step.text


def test_models_without_memory():
    """On the device \"meta\" a model has shapes only."""
    with torch.device("meta"):
        model = networks.Gpt(vocabulary=50000, width=512, heads=8)
    step = capture(networks.step, model, torch.optim.SGD(model.parameters(), lr=0.1), networks.batch_of("gpt"))
    assert "tensor<50000x512xf32>" in step.text


def test_tied_weights_are_one_parameter():
    _, _, step = captured("gpt")
    names = [item.name for item in step.inputs if item.role == "param"]
    assert "tokens.weight" in names and "head.weight" not in names


def test_lines_are_those_of_the_users_program():
    """Operations of the backward pass have the line of what they are the derivative of."""
    ours, _ = analyses("llama", "adamw")
    text = captured("llama", "adamw")[2].text
    lines = {line.split('"')[1] for line in text.splitlines() if line.startswith("#loc") and '"' in line}
    assert lines == {"test/python/torch/torch_networks.py", "torch/optim/adam.py"}
    places = [item.location for symmetry in ours.symmetries for item in symmetry.broken_by]
    source = open(networks.__file__).read().splitlines()
    for place in places:
        file, line, *_ = place.split(":")
        assert file.endswith("torch_networks.py") and "norm" in source[int(line) - 1], place
