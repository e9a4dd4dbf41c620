# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Convolutional networks: every normalisation over channels, groups and batches."""

import jax
import numpy as np

from . import layers as L
from .model import images, register


def network(norm, widths=(2, 4, 4), conv_bias=False, with_affine=True, pool=None, groups=1):
    """Convolution, normalisation, ReLU, twice; a mean over space; a linear head."""

    def init(rng):
        params = {}
        for i, (a, b) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
            split = groups if i else 1
            params[f"conv{i}"] = L.convolution(rng, 3, a // split, b, conv_bias)
            if norm and with_affine:
                params[f"norm{i}"] = L.affine_init(rng, b)
        params["head"] = L.linear(rng, widths[-1], 3)
        return params

    def loss(params, batch, eps):
        h = batch["x"]
        for i in range(len(widths) - 1):
            h = L.conv(params[f"conv{i}"], h, groups=groups if i else 1)
            if norm:
                h = norm(h, eps[i])
                h = L.affine(params[f"norm{i}"], h) if with_affine else h
            h = jax.nn.relu(h)
            h = pool(h) if pool and i == 0 else h
        return L.cross_entropy(L.dense(params["head"], h.mean((1, 2))), batch["y"])

    return init, images(channels=widths[0]), loss, len(widths) - 1 if norm else 0


def group_norm(h, eps):
    return L.group_norm(h, 2, eps)


register("cnn_bias", *network(None, conv_bias=True))
register("cnn_average_pool", *network(None, conv_bias=True, pool=L.average_pool))
register("cnn_batchnorm", *network(L.batch_norm))
register("cnn_batchnorm_max_pool", *network(L.batch_norm, pool=L.max_pool))
register("cnn_batchnorm_dead_bias", *network(L.batch_norm, conv_bias=True))
register("cnn_groupnorm", *network(group_norm))
register("cnn_groupnorm_bias", *network(group_norm, conv_bias=True))
register("cnn_groupnorm_without_affine", *network(group_norm, with_affine=False))
register("cnn_instancenorm", *network(L.instance_norm))
register("cnn_grouped", *network(L.batch_norm, groups=2))
register("cnn_depthwise", *network(L.batch_norm, groups=4))


def running_loss(params, statistics, batch, eps):
    """BatchNorm that also keeps running averages, as training code does."""
    h, updated = batch["x"], {}
    for i in range(2):
        h = L.conv(params[f"conv{i}"], h)
        mean, variance = h.mean((0, 1, 2)), h.var((0, 1, 2))
        old = statistics[f"norm{i}"]
        updated[f"norm{i}"] = {"mean": 0.9 * old["mean"] + 0.1 * mean,
                               "var": 0.9 * old["var"] + 0.1 * variance}
        h = (h - mean) * jax.lax.rsqrt(variance + eps[i])
        h = jax.nn.relu(L.affine(params[f"norm{i}"], h))
    return L.cross_entropy(L.dense(params["head"], h.mean((1, 2))), batch["y"]), updated


def running_statistics():
    return {f"norm{i}": {"mean": np.zeros(4), "var": np.ones(4)} for i in range(2)}


init, batch, _, sites = network(L.batch_norm)
register("cnn_batchnorm_running", init, batch, running_loss, sites, running_statistics)


def residual_init(rng):
    def block(inputs, outputs):
        params = {"conv0": L.convolution(rng, 3, inputs, outputs),
                  "norm0": L.affine_init(rng, outputs),
                  "conv1": L.convolution(rng, 3, outputs, outputs),
                  "norm1": L.affine_init(rng, outputs)}
        if inputs != outputs:
            params["shortcut"] = L.convolution(rng, 1, inputs, outputs)
            params["norm2"] = L.affine_init(rng, outputs)
        return params

    return {"stem": L.convolution(rng, 3, 2, 3), "norm": L.affine_init(rng, 3),
            "blocks": [block(3, 3), block(3, 4)], "head": L.linear(rng, 4, 3)}


def residual_loss(params, batch, eps):
    eps = iter(eps)

    def norm(p, h):
        return L.affine(p, L.batch_norm(h, next(eps)))

    h = jax.nn.relu(norm(params["norm"], L.conv(params["stem"], batch["x"])))
    for p in params["blocks"]:
        strides = (2, 2) if "shortcut" in p else (1, 1)
        y = jax.nn.relu(norm(p["norm0"], L.conv(p["conv0"], h, strides)))
        y = norm(p["norm1"], L.conv(p["conv1"], y))
        if "shortcut" in p:
            h = norm(p["norm2"], L.conv(p["shortcut"], h, strides))
        h = jax.nn.relu(h + y)
    return L.cross_entropy(L.dense(params["head"], h.mean((1, 2))), batch["y"])


register("resnet_batchnorm", residual_init, images(count=6), residual_loss, 6)


def weight_standardisation_loss(params, batch, eps):
    h = batch["x"]
    for i in range(2):
        h = L.conv({"kernel": L.standardize(params[f"conv{i}"]["kernel"], (0, 1, 2), eps[i])}, h)
        h = jax.nn.relu(L.affine(params[f"norm{i}"], h))
    return L.cross_entropy(L.dense(params["head"], h.mean((1, 2))), batch["y"])


register("cnn_weight_standardisation", init, batch, weight_standardisation_loss, 2)
