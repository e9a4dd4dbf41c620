# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The values the compiler takes for gradients are those `jax.grad` computes.

A gradient that is not found is no error (claims that need it are then not made), unless the case is one that must
be found. A wrong one is.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree

from noether_mlir.primitive import ModuleFunction
from noether_mlir.tool import run_tool
from running import run_module

RNG = np.random.default_rng(0)


def normal(*shape, scale=0.5, dtype=jnp.float32):
    return jnp.asarray(RNG.normal(size=shape) * scale, dtype)


@dataclasses.dataclass(frozen=True)
class Net:
    """A loss `loss(params, batch)` with parameters and data."""

    loss: Callable[..., Any]
    params: Any
    batch: Any


X, Y = normal(6, 5), normal(6, 4)
LABELS = jnp.asarray(RNG.integers(0, 4, size=6))


def mse(prediction, target):
    return jnp.mean((prediction - target) ** 2)


def mlp():
    def loss(p, batch):
        h = jax.nn.relu(batch[0] @ p["w1"] + p["b1"])
        return mse(h @ p["w2"] + p["b2"], batch[1])
    return Net(loss, {"w1": normal(5, 8), "b1": normal(8), "w2": normal(8, 4), "b2": normal(4)}, (X, Y))


def square():
    """Every transpose has its parameter's type."""
    def loss(p, batch):
        h = jnp.tanh(batch[0] @ p["a"])
        return mse(jax.nn.gelu(h @ p["b"]) @ p["a"].T, batch[0])
    return Net(loss, {"a": normal(5, 5), "b": normal(5, 5)}, (normal(5, 5),))


def tied():
    def loss(p, batch):
        x = p["embed"][batch[0]]
        x = x / jnp.sqrt(jnp.mean(x**2, -1, keepdims=True) + 1e-6) * p["gain"]
        logits = jax.nn.silu(x @ p["w"]) @ p["embed"].T
        return optax.softmax_cross_entropy_with_integer_labels(logits, batch[1]).mean()
    return Net(loss, {"embed": normal(9, 6), "gain": normal(6), "w": normal(6, 6)},
               (jnp.asarray(RNG.integers(0, 9, size=7)), jnp.asarray(RNG.integers(0, 9, size=7))))


def weight_norm():
    def loss(p, batch):
        w = p["g"] * p["v"] / jnp.linalg.norm(p["v"], axis=0)
        return mse(jax.nn.relu(batch[0] @ w) @ p["out"], batch[1])
    return Net(loss, {"v": normal(5, 8), "g": normal(8), "out": normal(8, 4)}, (X, Y))


def layer_norm():
    def loss(p, batch):
        h = batch[0] @ p["w"] + p["b"]
        h = (h - h.mean(-1, keepdims=True)) * jax.lax.rsqrt(h.var(-1, keepdims=True) + 1e-5)
        return mse(jax.nn.relu(h * p["gain"] + p["shift"]) @ p["out"], batch[1])
    return Net(loss, {"w": normal(5, 8), "b": normal(8), "gain": normal(8), "shift": normal(8),
                      "out": normal(8, 4)}, (X, Y))


def conv():
    def loss(p, batch):
        x = jax.lax.conv_general_dilated(batch[0], p["k"], (1, 1), "SAME",
                                         dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(x + p["b"])
        x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        return mse(x.mean((1, 2)) @ p["w"], batch[1])
    return Net(loss, {"k": normal(3, 3, 2, 6), "b": normal(6), "w": normal(6, 4)}, (normal(3, 6, 6, 2), Y[:3]))


def scalars():
    """A temperature, and a DyT."""
    def loss(p, batch):
        h = p["gain"] * jnp.tanh(p["alpha"] * (batch[0] @ p["w"])) + p["shift"]
        return optax.softmax_cross_entropy_with_integer_labels(jnp.exp(p["t"]) * (h @ p["out"]), batch[1]).mean()
    return Net(loss, {"w": normal(5, 8), "alpha": jnp.float32(0.7), "gain": normal(8), "shift": normal(8),
                      "out": normal(8, 4), "t": jnp.float32(0.2)}, (X, LABELS))


def single_numbers():
    """The same, each of one element along axes of size 1."""
    def loss(p, batch):
        h = p["gain"] * jnp.tanh(p["alpha"] * (batch[0] @ p["w"]))
        return optax.softmax_cross_entropy_with_integer_labels(jnp.exp(p["t"]) * (h @ p["out"]), batch[1]).mean()
    return Net(loss, {"w": normal(5, 8), "alpha": normal(1), "gain": normal(1, 8), "out": normal(8, 4),
                      "t": normal(1, 1)}, (X, LABELS))


def penalized():
    """The loss itself has weight decay, on some parameters."""
    def loss(p, batch):
        data = mse(jax.nn.relu(batch[0] @ p["w1"]) @ p["w2"], batch[1])
        return data + 0.05 * jnp.sum(p["w1"] ** 2)
    return Net(loss, {"w1": normal(5, 8), "w2": normal(8, 4)}, (X, Y))


def equalized():
    """Each weight is scaled by a constant where it is used."""
    def loss(p, batch):
        return mse(jax.nn.relu(batch[0] @ (p["w1"] * 0.1)) @ (p["w2"] * 0.5), batch[1])
    return Net(loss, {"w1": normal(5, 8), "w2": normal(8, 4)}, (X, Y))


def scanned():
    def loss(p, batch):
        h, _ = jax.lax.scan(lambda h, q: (jnp.tanh(h @ q["w"] + q["b"]), None), batch[0], p["layers"])
        return mse(h @ p["out"], batch[1])
    return Net(loss, {"layers": {"w": normal(3, 5, 5), "b": normal(3, 5)}, "out": normal(5, 4)}, (X, Y))


def remat():
    def loss(p, batch):
        block = jax.checkpoint(lambda h, w: jax.nn.gelu(h @ w))
        return mse(block(block(batch[0], p["a"]), p["b"]) @ p["out"], batch[1])
    return Net(loss, {"a": normal(5, 5), "b": normal(5, 5), "out": normal(5, 4)}, (X, Y))


def sliced():
    """Fused projections, concatenation, a mask."""
    def loss(p, batch):
        q, k, v = jnp.split(batch[0] @ p["qkv"], 3, axis=-1)
        a = jax.nn.softmax(q @ k.T / 2.0)
        w = jnp.concatenate([p["top"], p["bottom"]], 0) * jnp.tril(jnp.ones((5, 4)))
        return mse((a @ v) @ w + p["table"][2], batch[1])
    return Net(loss, {"qkv": normal(5, 15), "top": normal(2, 4), "bottom": normal(3, 4), "table": normal(5, 4)}, (X, Y))


def jitted_parts():
    layer = jax.jit(lambda x, w, b: jax.nn.relu(x @ w + b))

    def loss(p, batch):
        return mse(layer(layer(batch[0], p["w1"], p["b1"]), p["w2"], p["b2"]), batch[1])
    return Net(loss, {"w1": normal(5, 8), "b1": normal(8), "w2": normal(8, 4), "b2": normal(4)}, (X, Y))


def additive():
    """Parameters that are added as they are: no operation marks the end of their gradients."""
    def loss(p, batch):
        h = jnp.tanh(batch[0] + p["position"]) @ jnp.exp(p["logw"])
        return mse(h, batch[1])
    return Net(loss, {"position": normal(6, 5), "logw": normal(5, 4)}, (X, Y))


NETS = [mlp, square, tied, weight_norm, layer_norm, conv, scalars, single_numbers, penalized, equalized, scanned, remat,
        sliced, jitted_parts, additive]


def chain(*parts):
    return optax.chain(*parts)


SCHEDULE = optax.warmup_cosine_decay_schedule(0.01, 0.1, 10, 100)
OPTIMIZERS = {
    "sgd": optax.sgd(0.1),
    "sgd schedule": optax.sgd(SCHEDULE),
    "momentum": optax.sgd(0.1, momentum=0.9),
    "nesterov": optax.sgd(0.1, momentum=0.9, nesterov=True),
    "coupled decay": chain(optax.add_decayed_weights(0.01), optax.sgd(0.1)),
    "coupled decay, momentum": chain(optax.add_decayed_weights(0.01), optax.sgd(0.1, momentum=0.9)),
    "clip, sgd": chain(optax.clip_by_global_norm(0.1), optax.sgd(0.1)),
    "clip, decay, momentum": chain(optax.clip_by_global_norm(0.1), optax.add_decayed_weights(0.01),
                                   optax.sgd(SCHEDULE, momentum=0.9)),
    "adam": optax.adam(1e-3),
    "adam, coupled decay": chain(optax.add_decayed_weights(0.01), optax.adam(1e-3)),
    "adamw": optax.adamw(1e-3, weight_decay=0.1),
    "clip, adamw": chain(optax.clip_by_global_norm(0.1), optax.adamw(SCHEDULE, weight_decay=0.1)),
    "clip elementwise, adam": chain(optax.clip(0.01), optax.adam(1e-3)),
    "nadam": optax.nadam(1e-3),
    "amsgrad": optax.amsgrad(1e-3),
    "adamax": optax.adamax(1e-3),
    "radam": optax.radam(1e-3),
    "lion": optax.lion(1e-3, weight_decay=0.1),
    "rmsprop": optax.rmsprop(1e-3),
    "rmsprop, momentum": optax.rmsprop(1e-3, momentum=0.9, centered=True),
    "adagrad": optax.adagrad(1e-2),
    "adadelta": optax.adadelta(1e-2),
    "adafactor": optax.adafactor(1e-3, min_dim_size_to_factor=4),
    "lars": optax.lars(0.1, weight_decay=0.01),
    "lamb": optax.lamb(1e-3, weight_decay=0.01),
    "sign": optax.sign_sgd(1e-3),
    "ema": chain(optax.ema(0.9), optax.scale(-0.1)),
    "scale by schedule": chain(optax.scale_by_schedule(SCHEDULE), optax.scale(-1.0)),
    "scale first": chain(optax.scale(0.5), optax.sgd(0.1)),
    "noisy": optax.noisy_sgd(0.1),
    "adaptive clip": chain(optax.adaptive_grad_clip(0.1), optax.sgd(0.1)),
    "centralize": chain(optax.centralize(), optax.adam(1e-3)),
    "zero nans": chain(optax.zero_nans(), optax.sgd(0.1)),
    "normalize": chain(optax.normalize_by_update_norm(), optax.sgd(0.1)),
    "inject": optax.inject_hyperparams(optax.adamw)(1e-3, weight_decay=0.1),
    "inject sgd": optax.inject_hyperparams(optax.sgd)(0.1),
    "finite": optax.apply_if_finite(optax.sgd(0.1, momentum=0.9), 3),
    "multi steps": optax.MultiSteps(optax.adam(1e-3), 2),
    "muon": optax.contrib.muon(1e-2),
    "sgd cautious": chain(optax.trace(0.9), optax.scale(-0.1), optax.keep_params_nonnegative()),
}


def find_gradients(step, *args):
    """The gradients the compiler finds in a step, by parameter name."""
    lowered = jax.jit(step, keep_unused=True).lower(*args)
    text = lowered.compiler_ir("stablehlo").operation.get_asm(
        print_generic_op_form=True, enable_debug_info=True, large_elements_limit=None)
    out = run_tool(["--noether-test-gradients", "--mlir-print-op-generic"], text)
    attributes = ModuleFunction(out).signature.result_attributes
    values = run_module(out, jax.tree.leaves(args))
    return {a["noether.name"]: v for a, v in zip(attributes, values, strict=True) if "noether.name" in a}


def names_of(tree, root="params"):
    return {root + jax.tree_util.keystr(path): np.asarray(leaf)
            for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def update_step(net, tx):
    """One step; returns the new parameters, the new state and the loss."""
    def step(params, opt_state, batch):
        loss, grads = jax.value_and_grad(net.loss)(params, batch)
        updates, opt_state = tx.update(grads, opt_state, params)
        return optax.apply_updates(params, updates), opt_state, loss
    return step


def check(found, wanted, tolerance=1e-6):
    """Everything found must be right. Returns what is missing."""
    assert set(found) <= set(wanted)
    for name, value in found.items():
        size = max(np.abs(wanted[name]).max(), 1e-6)
        np.testing.assert_allclose(value, wanted[name], rtol=10 * tolerance, atol=tolerance * size, err_msg=name)
    return set(wanted) - set(found)


#: What cannot be told apart, and so is not claimed: (net, optimizer) to the parameters it concerns.
#: A constant factor that may belong to the loss or the optimizer; decay in the loss and in the optimizer; scalars, whose
#: gradient is of the type of the norm that couples it to all others.
UNKNOWN = {
    ("penalized", "coupled decay"): {"params['w1']"},
    ("penalized", "clip, decay, momentum"): {"params['w1']"},
    ("penalized", "lars"): {"params['w1']"},
    ("scalars", "clip, adamw"): {"params['alpha']", "params['t']"},
    ("scalars", "clip, decay, momentum"): {"params['alpha']", "params['t']"},
    ("single_numbers", "clip, adamw"): {"params['alpha']", "params['t']"},
    ("single_numbers", "clip, decay, momentum"): {"params['alpha']", "params['t']"},
}
#: Optimizers of every kind, for every net; all optimizers meet the net where every transpose has its parameter's type.
TYPICAL = ["coupled decay", "clip, decay, momentum", "clip, adamw", "lion"]
CASES = [(net, name) for net in NETS for name in (OPTIMIZERS if net is square else TYPICAL)]


@pytest.mark.parametrize(("net", "optimizer"), CASES, ids=lambda x: getattr(x, "__name__", x))
def test_gradients_are_those_of_jax(net, optimizer):
    model, tx = net(), OPTIMIZERS[optimizer]
    wanted = names_of(jax.grad(model.loss)(model.params, model.batch))
    found = find_gradients(update_step(model, tx), model.params, tx.init(model.params), model.batch)
    missing = check(found, wanted)
    if optimizer == "scale first":
        return
    assert missing <= UNKNOWN.get((net.__name__, optimizer), set())


def by_hand(net, update):
    """A step with the plain update `update(p, g)`."""
    def step(params, batch):
        loss, grads = jax.value_and_grad(net.loss)(params, batch)
        return jax.tree.map(update, params, grads), loss
    return step


@pytest.mark.parametrize(("update", "all_found"), [
    (lambda p, g: p - 0.1 * g, True),
    (lambda p, g: p * (1 - 0.1 * 0.01) - 0.1 * g, True),
    (lambda p, g: 0.9 * p + 0.1 * (p - 0.1 * g), False),
    (lambda p, g: p - 0.1 * (g + 0.01 * p), True),
    (lambda p, g: p - 0.1 * g * jnp.minimum(1.0, 1.0 / jnp.linalg.norm(g)), True),
    (lambda p, g: p - 0.1 * g * (jnp.linalg.norm(p) / jnp.linalg.norm(g)), True),
    (lambda p, g: p - 0.1 * jnp.sign(g), True),
    (lambda p, g: p - 0.1 * g / (jnp.abs(g) + 1e-3), True),
    (lambda p, g: p - 0.1 * jnp.tanh(g) * jnp.tanh(p), False),
    (lambda p, g: (p - 0.1 * g) / jnp.linalg.norm(p - 0.1 * g), True),
    (lambda p, g: p * jnp.exp(-0.1 * g * jnp.sign(p)), False),
    (lambda p, g: p - 0.1 * (0.25 * g), False),
    (lambda p, g: p - 0.1 * (g / 1024), False),
], ids=["sgd", "decay", "average", "coupled_decay", "clip", "trust_ratio", "sign", "normalized", "bounded",
        "projected", "exponentiated", "scaled", "unscaled"])
@pytest.mark.parametrize("net", [square, weight_norm, additive])
def test_updates_by_hand(net, update, all_found):
    model = net()
    wanted = names_of(jax.grad(model.loss)(model.params, model.batch))
    found = find_gradients(by_hand(model, update), model.params, model.batch)
    missing = check(found, wanted)
    assert not (all_found and missing)


# --- whole steps, with the number of gradients that must be found (-1: nothing may be) --------------


def sgd(params, grads):
    return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads)


def step_plain(net):
    def step(params, batch):
        loss, grads = jax.value_and_grad(net.loss)(params, batch)
        return sgd(params, grads), loss
    return step


def step_sharpness_aware(net):
    """The gradient the update uses is that at another point."""
    def step(params, batch):
        loss, grads = jax.value_and_grad(net.loss)(params, batch)
        norm = optax.global_norm(grads)
        grads = jax.grad(net.loss)(jax.tree.map(lambda p, g: p + 0.05 * g / norm, params, grads), batch)
        return sgd(params, grads), loss
    return step


def step_jitted_gradient(net):
    value_and_grad = jax.jit(jax.value_and_grad(net.loss))

    def step(params, batch):
        loss, grads = value_and_grad(params, batch)
        return sgd(params, grads), loss
    return step


def step_wrapped(net):
    """All of the step is one call of the entry function."""
    return jax.jit(step_plain(net))


def step_jitted_loss(net):
    return step_plain(dataclasses.replace(net, loss=jax.jit(net.loss)))


def step_orthogonalized(net):
    """What the optimizer makes of the gradient are products too."""
    orthogonalize = jax.jit(lambda g: 1.5 * g - 0.5 * g @ g.T @ g)

    def step(params, batch):
        loss, grads = jax.value_and_grad(net.loss)(params, batch)
        return sgd(params, jax.tree.map(lambda g: orthogonalize(g) if g.ndim == 2 else g, grads)), loss
    return step


def step_accumulated(net):
    """The mean over microbatches, in a loop."""
    def step(params, batch):
        parts = jax.tree.map(lambda x: x.reshape(len(x), 1, *x.shape[1:]), batch)

        def body(total, part):
            return jax.tree.map(jnp.add, total, jax.value_and_grad(net.loss)(params, part)), None
        zero = (jnp.zeros((), jnp.float32), jax.tree.map(jnp.zeros_like, params))
        (loss, grads), _ = jax.lax.scan(body, zero, parts)
        count = len(jax.tree.leaves(batch)[0])
        return sgd(params, jax.tree.map(lambda g: g / count, grads)), loss / count
    return step


def step_loss_scaled(net):
    def step(params, batch):
        def scaled(params):
            loss = net.loss(params, batch)
            return 1024 * loss, loss
        (_, loss), grads = jax.value_and_grad(scaled, has_aux=True)(params)
        return sgd(params, jax.tree.map(lambda g: g * (1 / 1024), grads)), loss
    return step


def unscaled(by, reported="loss"):
    """The loss is multiplied by a number that is an argument, and the gradient divided by it again."""
    def step(params, scale, batch):
        def scaled(params):
            loss = net_loss(params, batch)
            return loss * scale, loss

        net_loss = mlp().loss
        (value, loss), grads = jax.value_and_grad(scaled, has_aux=True)(params)
        kept = {"loss": loss, "divided": value / scale, "scaled": value}[reported]
        finite = jnp.isfinite(optax.tree.norm(grads))
        new = sgd(params, jax.tree.map(lambda g: by(g, scale), grads))
        new = jax.tree.map(lambda a, b: jnp.where(finite, a, b), new, params)
        return new, kept, jnp.where(finite, scale, scale / 2)
    return step


@pytest.mark.parametrize(("by", "reported", "found"), [
    (lambda g, scale: g / scale, "loss", 4), (lambda g, scale: g * (1 / scale), "loss", 4),
    (lambda g, scale: g / scale, "divided", 0), (lambda g, scale: g / scale, "scaled", 4),
    (lambda g, scale: g, "scaled", 4), (lambda g, scale: g, "loss", 0),
    (lambda g, scale: g / scale**2, "loss", 0), (lambda g, scale: g * scale, "loss", 0),
], ids=["over", "inverse", "divided", "scaled", "kept", "not unscaled", "squared", "times"])
def test_loss_scaling(by, reported, found):
    net, scale = mlp(), jnp.float32(1024)
    factor = scale if reported == "scaled" else 1
    wanted = names_of(jax.grad(lambda *args: net.loss(*args) * factor)(net.params, net.batch))
    seen = find_gradients(unscaled(by, reported), net.params, scale, net.batch)
    check(seen, wanted, 2e-6)
    assert len(seen) == found


def step_penalty_not_differentiated(net):
    """The loss that is returned has a term the gradient does not know."""
    def step(params, batch):
        loss, grads = jax.value_and_grad(net.loss)(params, batch)
        return sgd(params, grads), loss + sum(jnp.sum(p**2) for p in jax.tree.leaves(params))
    return step


@pytest.mark.parametrize(("make", "must_find"), [
    (step_plain, 4), (step_sharpness_aware, -1), (step_jitted_gradient, 4), (step_wrapped, 4),
    (step_jitted_loss, 4),
    (step_orthogonalized, 4), (step_accumulated, 4), (step_loss_scaled, 0), (step_penalty_not_differentiated, -1),
], ids=lambda x: getattr(x, "__name__", None))
def test_whole_steps(make, must_find):
    net = mlp()
    wanted = names_of(jax.grad(net.loss)(net.params, net.batch))
    found = find_gradients(make(net), net.params, net.batch)
    if must_find < 0:
        assert not found
    check(found, wanted, 2e-6)
    assert len(found) >= must_find


def test_stopped_gradient_is_not_the_gradient():
    """A parameter of which one use was hidden from differentiation."""
    def loss(p, batch):
        h = jax.nn.relu(batch[0] @ p["w1"])
        hidden = jax.nn.relu(batch[0] @ jax.lax.stop_gradient(p["w1"]))
        return mse(h @ p["w2"], batch[1]) + mse(hidden, h)

    params = {"w1": normal(5, 8), "w2": normal(8, 4)}
    found = find_gradients(step_plain(Net(loss, params, (X, Y))), params, (X, Y))
    assert set(found) == {"params['w2']"}


def test_half_precision():
    """Weights in bfloat16; then weights in float32 that are used in bfloat16."""
    net = mlp()
    half = jax.tree.map(lambda x: x.astype(jnp.bfloat16), net.params)

    def loss(p, batch):
        cast = jax.tree.map(lambda x: x.astype(jnp.bfloat16), (p, batch))
        return net.loss(*cast).astype(jnp.float32)
    for params in (half, net.params):
        wanted = names_of(jax.jit(jax.grad(loss))(params, net.batch))
        found = find_gradients(step_plain(Net(loss, params, net.batch)), params, net.batch)
        assert set(found) == set(wanted)
        for name, value in found.items():
            np.testing.assert_array_equal(np.asarray(value, np.float32), np.asarray(wanted[name], np.float32))


def test_flax_train_state():
    import flax.linen as nn
    from flax.training import train_state

    class State(train_state.TrainState):
        batch_stats: dict

    class Network(nn.Module):
        @nn.compact
        def __call__(self, x, train):
            x = nn.relu(nn.BatchNorm(use_running_average=not train)(nn.Dense(8, use_bias=False)(x)))
            return nn.Dense(4)(nn.Dropout(0.1, deterministic=not train)(x))

    network, key = Network(), jax.random.PRNGKey(1)
    variables = network.init(jax.random.key(0), X, False)
    state = State.create(apply_fn=network.apply, params=variables["params"], batch_stats=variables["batch_stats"],
                         tx=optax.chain(optax.clip_by_global_norm(0.1), optax.adamw(1e-3)))

    def loss(params, stats, batch, key):
        out, mutated = network.apply({"params": params, "batch_stats": stats}, batch[0], True,
                                     mutable=["batch_stats"], rngs={"dropout": key})
        return mse(out, batch[1]), mutated["batch_stats"]

    def step(state, batch, key):
        (value, stats), grads = jax.value_and_grad(loss, has_aux=True)(
            state.params, state.batch_stats, batch, key)
        return state.apply_gradients(grads=grads, batch_stats=stats), value

    grads, _ = jax.jit(jax.grad(loss, has_aux=True))(state.params, state.batch_stats, (X, Y), key)
    found = find_gradients(step, state, (X, Y), key)
    assert not check(found, names_of(grads, "state.params"))
