# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`track="predict"`: the law of each charge runs beside its measurement, on networks that learn from real data."""

import functools
import re
import unittest.mock
from pydoc_data import topics

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from sklearn.datasets import load_digits

import noether_mlir
from noether_mlir.errors import NoetherError

STEPS = 200
#: Of exact recurrences after so many steps, relative to the size of what is summed.
EXACT = 1e-10


def normal(rng, *shape):
    return jnp.asarray(rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1])))


# --- a convolutional network for handwritten digits -------------------------------------------------


def cnn_parameters():
    rng = np.random.default_rng(0)
    return {
        "conv1": normal(rng, 3, 3, 1, 6), "conv2": normal(rng, 3, 3, 6, 8), "gain": jnp.ones(8), "offset": jnp.zeros(8),
        "hidden": normal(rng, 128, 12), "bias": jnp.zeros(12), "head": normal(rng, 12, 10), "head_bias": jnp.zeros(10),
    }


def cross_entropy(logits, labels):
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), labels[..., None], axis=-1))


def batch_norm(x, eps):
    x = x - x.mean((0, 1, 2))
    return x * jax.lax.rsqrt((x * x).mean((0, 1, 2)) + eps)


def convolve(x, w, stride):
    return jax.lax.conv_general_dilated(x, w, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def cnn_loss(params, batch, eps=0.0):
    x, y = batch
    x = jax.nn.relu(batch_norm(convolve(x, params["conv1"], 1), eps))
    x = batch_norm(convolve(x, params["conv2"], 2), eps) * params["gain"] + params["offset"]
    x = jax.nn.relu(x).reshape(len(x), -1)
    x = jax.nn.relu(x @ params["hidden"] + params["bias"]) @ params["head"] + params["head_bias"]
    return cross_entropy(x, y)


@functools.cache
def digits():
    data = load_digits()
    return data.images[..., None] / 16.0 - 0.3, data.target


def digits_batch(t, size=48):
    images, labels = digits()
    index = np.random.default_rng(t).integers(0, len(labels), size)
    return jnp.asarray(images[index]), jnp.asarray(labels[index])


# --- a small GPT for the text of Python's own documentation -------------------------------------------


WIDTH, HEADS, CONTEXT = 12, 2, 16


@functools.cache
def text():
    letters = re.sub(r"[^a-z .,]", "", " ".join(topics.topics[name] for name in sorted(topics.topics)).lower())
    alphabet = sorted(set(letters))
    return np.array([alphabet.index(letter) for letter in letters[:20000]]), len(alphabet)


def gpt_parameters():
    rng = np.random.default_rng(1)
    size = text()[1]
    return {
        "tokens": normal(rng, size, WIDTH) * 2, "positions": normal(rng, CONTEXT, WIDTH),
        "query": normal(rng, WIDTH, WIDTH), "key": normal(rng, WIDTH, WIDTH), "value": normal(rng, WIDTH, WIDTH),
        "out": normal(rng, WIDTH, WIDTH), "up": normal(rng, WIDTH, 16), "up_bias": jnp.zeros(16),
        "down": normal(rng, 16, WIDTH), "head": normal(rng, WIDTH, size), "head_bias": jnp.zeros(size),
    }


def rms_norm(x):
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True))


def gpt_loss(params, batch):
    x = params["tokens"][batch[:, :-1]] + params["positions"]
    h = rms_norm(x)
    q, k, v = ((h @ params[name]).reshape(*h.shape[:2], HEADS, -1) for name in ("query", "key", "value"))
    scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / np.sqrt(WIDTH / HEADS)
    scores = jnp.where(jnp.tril(jnp.ones((CONTEXT, CONTEXT), bool)), scores, -1e30)
    x = x + jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), v).reshape(x.shape) @ params["out"]
    x = x + jax.nn.relu(rms_norm(x) @ params["up"] + params["up_bias"]) @ params["down"]
    logits = rms_norm(x) @ params["head"] + params["head_bias"]
    return cross_entropy(logits, batch[:, 1:])


def text_batch(t, size=12):
    letters = text()[0]
    start = np.random.default_rng(t).integers(0, len(letters) - CONTEXT - 1, size)
    return jnp.asarray(np.stack([letters[s : s + CONTEXT + 1] for s in start]))


NETWORKS = {"cnn": (cnn_parameters, cnn_loss, digits_batch), "gpt": (gpt_parameters, gpt_loss, text_batch)}


# --- runs ---------------------------------------------------------------------------------------------


def monitored(optimizer, loss, **options):
    def step(params, state, batch):
        value, grads = jax.value_and_grad(loss)(params, batch)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    return noether_mlir.jit(step, track="predict", **options)


def train(name, optimizer, steps=STEPS, loss=None):
    """Yields the charges of each step, with the monitor and the losses."""
    make, own_loss, draw = NETWORKS[name]
    step = monitored(optimizer, loss or own_loss, charges="attribute")
    params = make()
    state = optimizer.init(params)
    for t in range(steps):
        params, state, value = step(params, state, draw(t))
        yield step, step.charges, float(value)


def scheduled(optimizer):
    """With what recipes have around it."""
    return optax.chain(optax.clip_by_global_norm(1.0), optimizer)


RATE = optax.warmup_cosine_decay_schedule(0.0, 0.2, 10, STEPS)
EXACT_OPTIMIZERS = {
    "sgd": optax.chain(optax.add_decayed_weights(1e-2), optax.sgd(0.1)),
    "momentum": scheduled(optax.chain(optax.add_decayed_weights(1e-2), optax.sgd(RATE, momentum=0.9))),
    "nesterov": optax.chain(optax.add_decayed_weights(1e-2), optax.sgd(0.05, momentum=0.9, nesterov=True)),
    "decoupled": optax.chain(optax.ema(0.9), optax.add_decayed_weights(0.1), optax.scale_by_learning_rate(RATE)),
}


@pytest.mark.parametrize("optimizer", EXACT_OPTIMIZERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_exact_laws(name, optimizer):
    """From the first step on, nothing but gradients is measured: the charges of 200 steps follow."""
    losses, sizes = [], {}
    for step, charges, value in train(name, EXACT_OPTIMIZERS[optimizer]):
        losses.append(value)
        assert set(step.prediction_labels.values()) == {"exact"}
        for key in step.prediction_labels:
            found, charge = charges[key].predicted, charges[key]
            size = sizes.setdefault(key, max(1.0, float(abs(charge.charge).max())))
            np.testing.assert_allclose(found.charge, charge.charge, rtol=EXACT, atol=EXACT * size)
            np.testing.assert_allclose(found.next_charge, charge.next_charge, rtol=EXACT, atol=EXACT * size)
    assert losses[-1] < 0.9 * losses[0]
    kinds = {key[0] for key in sizes}
    assert kinds >= {"S", "T"} and len(sizes) >= 3


def test_no_law_where_members_move_apart():
    """The decay leaves biases out: pairs of weight and bias follow no common law."""
    mask = lambda params: jax.tree.map(lambda p: p.ndim > 1, params)
    optimizer = optax.chain(optax.add_decayed_weights(1e-2, mask=mask), optax.sgd(0.1))
    step, charges, _ = next(train("cnn", optimizer, 1))
    found = noether_mlir.analyze(_sgd, cnn_parameters(), digits_batch(0))
    pairs = {s.id for s in found.symmetries if {"params['hidden']", "params['bias']"} <= {m.parameter for m in s.members}}
    assert pairs and not pairs & set(step.prediction_labels)
    assert all(charges[key].predicted is None for key in pairs if key in charges)


def _sgd(params, batch):
    value, grads = jax.value_and_grad(cnn_loss)(params, batch)
    return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads), value


def test_a_wrong_gradient_shows():
    """A derivative that takes the norm's scale for a constant: its degree is right, and it is not orthogonal to the
    weights. Prediction and measurement part."""

    def wrong_norm(x, eps):
        x = x - x.mean((0, 1, 2))
        return x * jax.lax.stop_gradient(jax.lax.rsqrt((x * x).mean((0, 1, 2)) + eps))

    def step(params, batch):
        with unittest.mock.patch(f"{__name__}.batch_norm", wrong_norm):
            grads = jax.grad(cnn_loss)(params, batch)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads), cnn_loss(params, batch)

    tracked = noether_mlir.jit(step, track="predict", charges="attribute")
    params, apart = cnn_parameters(), 0.0
    for t in range(20):
        params, _ = tracked(params, digits_batch(t))
    for charge in tracked.charges.values():
        if charge.predicted is not None and charge.charge.shape == (6,):
            apart = max(apart, float(abs(charge.predicted.next_charge / charge.next_charge - 1).max()))
    assert apart > 1e-6


def test_epsilon_makes_it_leading_order():
    """A norm with an epsilon: the law holds as far as the epsilon is small beside the variance."""
    loss = functools.partial(cnn_loss, eps=1e-5)
    worst = 0.0
    for step, charges, _ in train("cnn", EXACT_OPTIMIZERS["momentum"], loss=loss):
        for key, label in step.prediction_labels.items():
            charge = charges[key]
            if label == "leading order":
                worst = max(worst, float(abs(charge.predicted.next_charge / charge.next_charge - 1).max()))
    assert "leading order" in step.prediction_labels.values() and 1e-9 < worst < 1e-3


def test_leading_order_of_adamw():
    """Norms of weights under AdamW: within 8 % over 200 steps. Pairs are divided by sizes of their own: no law."""
    worst, pairs = 0.0, 0
    for step, charges, _ in train("cnn", optax.adamw(1e-3, weight_decay=0.1)):
        assert set(step.prediction_labels.values()) == {"leading order"}
        for key in step.prediction_labels:
            charge = charges[key]
            worst = max(worst, float(abs(charge.predicted.next_charge / charge.next_charge - 1).max()))
        pairs = len(charges) - len(step.prediction_labels)
    assert pairs > 0 and 1e-6 < worst < 0.08
    # All that a GPT scales is several weights together.
    step, _, _ = next(train("gpt", optax.adamw(1e-3, weight_decay=0.1), 1))
    assert not step.prediction_labels


def test_charges_are_passed_on():
    """The functional form, in a loop of its own."""
    optimizer = EXACT_OPTIMIZERS["momentum"]
    step = monitored(optimizer, cnn_loss)
    params = cnn_parameters()
    (params, state, _), charges = step(params, optimizer.init(params), digits_batch(0))

    def body(carry, batch):
        params, state, charges = carry
        (params, state, value), charges = step(params, state, batch, predict_from=charges)
        return (params, state, charges), value

    batches = jax.tree.map(lambda *leaves: jnp.stack(leaves), *[digits_batch(t) for t in range(1, 12)])
    (_, _, charges), _ = jax.lax.scan(body, (params, state, charges), batches)
    found = [c for c in charges.values() if c.predicted is not None]
    assert found
    for charge in found:
        np.testing.assert_allclose(charge.predicted.next_charge, charge.next_charge, rtol=EXACT, atol=EXACT)


def test_wrong_options():
    with pytest.raises(NoetherError, match="unknown track"):
        noether_mlir.jit(lambda p: p, track="forecast")
    with pytest.raises(NoetherError, match="rewrite"):
        noether_mlir.jit(lambda p: p, track="predict", rewrite="adaptive")
