# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A BatchNorm CNN on 8x8 digits, trained by SGD with momentum and weight decay, in plain JAX.

Nothing here knows of Noether: this is the step as anyone would write it.
"""

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.datasets import load_digits

LEARNING_RATE = 0.05
MOMENTUM = 0.9
WEIGHT_DECAY = 3e-3
EPSILON = 1e-9
WIDTHS = (16, 32, 32)


def digits():
    """The handwritten digits that come with scikit-learn: (train, test), each with image [n, 8, 8, 1] and label [n]."""
    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 8, 8, 1) / 16).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(images))
    split = lambda part: {"image": images[part], "label": labels[part].astype(np.int32)}
    return split(order[:1500]), split(order[1500:])


def initial(seed=0):
    """Parameters, momenta and running statistics."""
    rng = np.random.default_rng(seed)
    params, statistics, width = {}, {}, 1
    for layer, out in enumerate(WIDTHS, start=1):
        params[f"conv{layer}"] = {"kernel": rng.normal(size=(3, 3, width, out)) * np.sqrt(2 / (9 * width))}
        params[f"norm{layer}"] = {"scale": np.ones(out), "bias": np.zeros(out)}
        statistics[f"norm{layer}"] = {"mean": np.zeros(out), "var": np.ones(out)}
        width = out
    params["head"] = {"kernel": rng.normal(size=(width, 10)) * np.sqrt(1 / width), "bias": np.zeros(10)}
    state = (params, jax.tree.map(np.zeros_like, params), statistics)
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), state)


def network(params, statistics, image, training):
    """Logits [n, 10] and the next running statistics."""
    hidden, following = image, {}
    for layer in range(1, len(WIDTHS) + 1):
        stride = (1, 1) if layer == 1 else (2, 2)
        kernel, affine, name = params[f"conv{layer}"]["kernel"], params[f"norm{layer}"], f"norm{layer}"
        hidden = jax.lax.conv_general_dilated(
            hidden, kernel, stride, "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        mean, var = statistics[name]["mean"], statistics[name]["var"]
        if training:
            batch_mean, batch_var = hidden.mean((0, 1, 2)), hidden.var((0, 1, 2))
            following[name] = {"mean": 0.9 * mean + 0.1 * batch_mean, "var": 0.9 * var + 0.1 * batch_var}
            mean, var = batch_mean, batch_var
        hidden = (hidden - mean) * jax.lax.rsqrt(var + EPSILON) * affine["scale"] + affine["bias"]
        hidden = jax.nn.relu(hidden)
    return hidden.mean((1, 2)) @ params["head"]["kernel"] + params["head"]["bias"], following


def loss_of(params, statistics, batch):
    logits, statistics = network(params, statistics, batch["image"], training=True)
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), batch["label"][:, None], axis=1)
    return -chosen.mean(), statistics


def step(params, momentum, statistics, batch):
    """One step of training: v <- beta v + g + lambda w, w <- w - eta v."""
    (loss, statistics), grads = jax.value_and_grad(loss_of, has_aux=True)(params, statistics, batch)
    momentum = jax.tree.map(lambda v, g, w: MOMENTUM * v + g + WEIGHT_DECAY * w, momentum, grads, params)
    params = jax.tree.map(lambda w, v: w - LEARNING_RATE * v, params, momentum)
    return params, momentum, statistics, loss


@jax.jit
def accuracy(params, statistics, batch):
    """The fraction of a data set that is classified correctly, with running statistics."""
    logits, _ = network(params, statistics, batch["image"], training=False)
    return jnp.mean(jnp.argmax(logits, -1) == batch["label"])


def batches(data, count, size=64, seed=0):
    """`count` random mini-batches."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        chosen = rng.choice(len(data["label"]), size, replace=False)
        yield {name: values[chosen] for name, values in data.items()}


def make():
    """The step and its arguments, for `noether analyze examples/digits/model.py:make`."""
    train, _ = digits()
    return step, (*initial(), next(batches(train, 1)))
