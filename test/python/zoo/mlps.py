# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Multilayer perceptrons: every activation, every normalisation over features."""

import jax
import jax.numpy as jnp

from . import layers as L
from .model import regression, register, vectors

WIDTHS = (4, 6, 5, 3)


def linears(rng, widths=WIDTHS, with_bias=True):
    return {f"fc{i}": L.linear(rng, a, b, with_bias)
            for i, (a, b) in enumerate(zip(widths[:-1], widths[1:], strict=True))}


def plain(activation, widths=WIDTHS, with_bias=True, mean_squared=False):
    """A perceptron without normalisation."""

    def loss(params, batch, eps):
        h = batch["x"]
        last = len(widths) - 2
        for i in range(last + 1):
            h = L.dense(params[f"fc{i}"], h)
            h = activation(h) if i < last else h
        error = L.squared_error if mean_squared else L.cross_entropy
        return error(h, batch["y"])

    data = regression if mean_squared else vectors
    return (lambda rng: linears(rng, widths, with_bias),
            data(inputs=widths[0], **{"outputs" if mean_squared else "classes": widths[-1]}), loss)


register("mlp_relu", *plain(jax.nn.relu))
register("mlp_relu_without_bias", *plain(jax.nn.relu, with_bias=False))
register("mlp_relu_squared_error", *plain(jax.nn.relu, (4, 8, 3), mean_squared=True))
register("mlp_leaky_relu", *plain(jax.nn.leaky_relu))
register("mlp_tanh", *plain(jnp.tanh))
register("mlp_gelu", *plain(jax.nn.gelu))
register("mlp_squared_relu", *plain(L.squared_relu))
register("deep_linear", *plain(lambda h: h, with_bias=False, mean_squared=True))
register("softmax_regression", *plain(jax.nn.relu, (4, 3)))
register("linear_regression", *plain(jax.nn.relu, (4, 3), mean_squared=True))


def normalised(norm, with_bias=True, with_affine=True, affine_bias=True, activation=jax.nn.relu):
    """A perceptron with a normalisation before each activation."""

    def init(rng):
        params = linears(rng, with_bias=with_bias)
        if with_affine:
            for i, width in enumerate(WIDTHS[1:-1]):
                params[f"norm{i}"] = L.affine_init(rng, width, affine_bias)
        return params

    def loss(params, batch, eps):
        h = batch["x"]
        last = len(WIDTHS) - 2
        for i in range(last + 1):
            h = L.dense(params[f"fc{i}"], h)
            if i < last:
                h = norm(h, eps[i])
                h = L.affine(params[f"norm{i}"], h) if with_affine else h
                h = activation(h)
        return L.cross_entropy(h, batch["y"])

    return init, vectors(), loss, len(WIDTHS) - 2


register("mlp_layernorm", *normalised(L.layer_norm))
register("mlp_layernorm_without_affine", *normalised(L.layer_norm, with_affine=False))
register("mlp_layernorm_without_bias", *normalised(L.layer_norm, False, affine_bias=False))
register("mlp_layernorm_gelu", *normalised(L.layer_norm, activation=jax.nn.gelu))
register("mlp_rmsnorm", *normalised(L.rms_norm, affine_bias=False))
register("mlp_batchnorm", *normalised(L.batch_norm, with_bias=False))
register("mlp_batchnorm_dead_bias", *normalised(L.batch_norm))


def weight_norm_loss(params, batch, eps):
    h = batch["x"]
    for i in range(3):
        p = params[f"fc{i}"]
        norm = jnp.sqrt(jnp.sum(p["v"] ** 2, axis=0))
        h = h @ (p["g"] * p["v"] / norm) + p["bias"]
        h = jax.nn.relu(h) if i < 2 else h
    return L.cross_entropy(h, batch["y"])


def weight_norm_init(rng):
    return {f"fc{i}": {"v": L.kernel(rng, a, b), "g": L.gain(rng, b), "bias": L.bias(rng, b)}
            for i, (a, b) in enumerate(zip(WIDTHS[:-1], WIDTHS[1:], strict=True))}


register("mlp_weight_norm", weight_norm_init, vectors(), weight_norm_loss)


def dynamic_tanh_init(rng):
    params = linears(rng, with_bias=False)
    for i, width in enumerate(WIDTHS[1:-1]):
        params[f"dyt{i}"] = {"alpha": L.gain(rng), **L.affine_init(rng, width)}
    return params


def dynamic_tanh_loss(params, batch, eps):
    h = batch["x"]
    for i in range(2):
        p = params[f"dyt{i}"]
        h = L.affine(p, jnp.tanh(p["alpha"] * L.dense(params[f"fc{i}"], h)))
    return L.cross_entropy(L.dense(params["fc2"], h), batch["y"])


register("mlp_dynamic_tanh", dynamic_tanh_init, vectors(), dynamic_tanh_loss)


def residual_init(rng):
    return {"in": L.linear(rng, 4, 5), "blocks": [
        {"up": L.linear(rng, 5, 4), "down": L.linear(rng, 4, 5)} for _ in range(2)],
        "head": L.linear(rng, 5, 3)}


def residual_loss(params, batch, eps):
    h = L.dense(params["in"], batch["x"])
    for i, p in enumerate(params["blocks"]):
        h = h + L.dense(p["down"], jax.nn.relu(L.dense(p["up"], L.layer_norm(h, eps[i]))))
    return L.cross_entropy(L.dense(params["head"], L.layer_norm(h, eps[2])), batch["y"])


register("residual_layernorm", residual_init, vectors(), residual_loss, 3)


def scanned_init(rng):
    return {"in": L.kernel(rng, 4, 5), "layers": {
        "kernel": rng.standard_normal((3, 5, 5)) / 2, "scale": L.gain(rng, 3, 5),
        "bias": L.bias(rng, 3, 5)},
        "head": L.linear(rng, 5, 3)}


def scanned_loss(params, batch, eps):
    def layer(h, p):
        return jax.nn.relu(L.affine(p, L.rms_norm(h @ p["kernel"], eps[0]))), None

    h, _ = jax.lax.scan(layer, batch["x"] @ params["in"], params["layers"])
    return L.cross_entropy(L.dense(params["head"], h), batch["y"])


register("scanned_layers", scanned_init, vectors(), scanned_loss, 1)


# --- other ways to write and to combine -------------------------------------------------------


def paired_init(rng):
    return {"a": L.linear(rng, 4, 6), "b": L.linear(rng, 4, 6), "head": L.linear(rng, 6, 3)}


def paired(combine):
    def loss(params, batch, eps):
        h = combine(L.dense(params["a"], batch["x"]), L.dense(params["b"], batch["x"]))
        return L.cross_entropy(L.dense(params["head"], h), batch["y"])

    return paired_init, vectors(), loss


register("maxout", *paired(jnp.maximum))
register("bilinear", *paired(jnp.multiply))
register("quotient", *paired(lambda a, b: a / (jnp.abs(b) + jnp.abs(a))))
register("hard_tanh_gate", *paired(lambda a, b: a * jnp.clip(b, -1.0, 1.0)))

init, batch, plain_loss, sites = normalised(L.rms_norm, affine_bias=False)
register("mlp_rmsnorm_checkpoint", init, batch,
         lambda params, batch, eps: jax.checkpoint(plain_loss)(params, batch, eps), sites)
register("mlp_rmsnorm_vmap", init, batch, lambda params, batch, eps: jnp.mean(jax.vmap(
    lambda x, y: plain_loss(params, {"x": x[None], "y": y[None]}, eps))(batch["x"], batch["y"])),
    sites)


def variance_loss(params, batch, eps):
    """LayerNorm through jnp.var and a scale of 1 + gain, the mean of squares less the square."""
    h = L.dense(params["fc0"], batch["x"])
    h = (h - h.mean(-1, keepdims=True)) * jax.lax.rsqrt(h.var(-1, keepdims=True) + eps[0])
    h = jax.nn.relu(h * (1 + params["norm0"]["scale"]))
    h = L.dense(params["fc1"], h)
    mean = h.mean(-1, keepdims=True)
    variance = (h * h).mean(-1, keepdims=True) - mean * mean
    h = jax.nn.relu((h - mean) * jax.lax.rsqrt(variance + eps[1]) * params["norm1"]["scale"])
    return L.cross_entropy(L.dense(params["fc2"], h), batch["y"])


register("mlp_layernorm_variance", init, batch, variance_loss, 2)


def accumulated_loss(params, batch, eps):
    """A mean over parts of the batch, one after the other."""
    parts = jax.tree.map(lambda a: a.reshape(3, -1, *a.shape[1:]), batch)

    def part(total, b):
        return total + plain_loss(params, b, eps), None

    return jax.lax.scan(part, jnp.zeros((), batch["x"].dtype), parts)[0] / 3


register("mlp_rmsnorm_accumulated", init, batch, accumulated_loss, sites)


def l2_loss(params, batch, eps):
    """A penalty on the weights that is part of the loss, on some of them."""
    h = jax.nn.relu(L.dense(params["a"], batch["x"])) + jax.nn.relu(L.dense(params["b"], batch["x"]))
    loss = L.cross_entropy(L.dense(params["head"], h), batch["y"])
    return loss + 0.1 * jnp.sum(params["a"]["kernel"] ** 2)


register("mlp_penalty", paired_init, vectors(), l2_loss)


def cosine_loss(params, batch, eps):
    """A head on the sphere: features and class vectors normalised, a learned temperature."""
    h = jax.nn.relu(L.dense(params["fc0"], batch["x"]))
    h = L.dense(params["fc1"], h)
    h = h / jnp.sqrt(jnp.sum(h * h, -1, keepdims=True) + eps[0])
    w = params["fc2"]["kernel"]
    w = w / jnp.sqrt(jnp.sum(w * w, 0, keepdims=True) + eps[1])
    return L.cross_entropy(jnp.exp(params["temperature"]) * (h @ w), batch["y"])


def cosine_init(rng):
    params = linears(rng)
    del params["fc2"]["bias"]
    return {**params, "temperature": L.bias(rng)}


register("mlp_cosine_head", cosine_init, vectors(), cosine_loss, 2)
