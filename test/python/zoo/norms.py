# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Norms of weights and of features, activations with parameters, gates, losses, number formats."""

import jax
import jax.numpy as jnp
import numpy as np

from . import layers as L
from .model import images, regression, register, vectors

# --- weights that are normalised before they are used --------------------------------------------


def reparametrised(weight, more=None, sites=0, width=6):
    """One hidden layer whose matrix is a function of the parameter: `weight(params, eps)`."""

    def init(rng):
        params = {"w": L.kernel(rng, 4, width), "bias": L.bias(rng, width),
                  "head": L.linear(rng, width, 3)}
        # A name given None is left out.
        params = {**params, **(more(rng, width) if more else {})}
        return {name: value for name, value in params.items() if value is not None}

    def loss(params, batch, eps):
        h = jax.nn.relu(batch["x"] @ weight(params, eps) + params["bias"])
        return L.cross_entropy(L.dense(params["head"], h), batch["y"])

    return init, vectors(), loss, sites


def spectral(params, eps):
    """Divided by its largest singular value, as power iteration finds it from a stored vector."""
    w, u = params["w"], jax.lax.stop_gradient(jnp.ones(params["w"].shape[0], params["w"].dtype))
    for _ in range(2):
        v = w.T @ u
        v = v / jnp.sqrt(jnp.sum(v * v) + eps[0])
        u = w @ v
        u = u / jnp.sqrt(jnp.sum(u * u) + eps[0])
    return w / (u @ w @ v)


register("weight_spectral", *reparametrised(spectral, sites=1))
register("weight_spectral_gain", *reparametrised(
    lambda p, e: p["g"] * spectral(p, e), lambda rng, width: {"g": L.gain(rng)}, 1))
register("weight_unit_columns", *reparametrised(
    lambda p, e: p["w"] / jnp.sqrt(jnp.sum(p["w"] ** 2, 0, keepdims=True) + e[0]), sites=1))
register("weight_unit_rows", *reparametrised(
    lambda p, e: p["w"] / jnp.sqrt(jnp.sum(p["w"] ** 2, 1, keepdims=True) + e[0]), sites=1))
register("weight_standardised", *reparametrised(
    lambda p, e: L.standardize(p["w"], 0, e[0]) * p["g"],
    lambda rng, width: {"g": L.gain(rng, width)}, 1))
register("weight_maximum_norm", *reparametrised(
    lambda p, e: p["w"] / (jnp.max(jnp.abs(p["w"]), 0) + e[0]), sites=1))
register("weight_absolute", *reparametrised(lambda p, e: jnp.abs(p["w"])))
register("weight_squared", *reparametrised(lambda p, e: p["w"] * p["w"]))
register("weight_exponential", *reparametrised(lambda p, e: jnp.exp(p["w"])))
register("weight_softmax", *reparametrised(lambda p, e: jax.nn.softmax(p["w"], 0)))
register("weight_masked", *reparametrised(
    lambda p, e: p["w"] * jnp.asarray(np.arange(24).reshape(4, 6) % 3 > 0, p["w"].dtype)))
register("weight_ternary", *reparametrised(
    lambda p, e: jnp.mean(jnp.abs(p["w"])) * jnp.sign(p["w"]) + p["w"]))
register("weight_low_rank_update", *reparametrised(
    lambda p, e: p["w"] + p["a"] @ p["b"],
    lambda rng, width: {"a": L.kernel(rng, 4, 2), "b": L.kernel(rng, 2, width)}))
register("weight_dora", *reparametrised(
    lambda p, e: p["m"] * (p["w"] + p["a"] @ p["b"]) / jnp.sqrt(
        jnp.sum((p["w"] + p["a"] @ p["b"]) ** 2, 0, keepdims=True) + e[0]),
    lambda rng, width: {"a": L.kernel(rng, 4, 2), "b": L.kernel(rng, 2, width),
                        "m": L.gain(rng, width)}, 1))
register("weight_kronecker", *reparametrised(
    lambda p, e: jnp.kron(p["a"], p["b"]),
    lambda rng, width: {"w": None, "a": L.kernel(rng, 2, 3), "b": L.kernel(rng, 2, 2)}))
register("weight_outer", *reparametrised(
    lambda p, e: p["w"] * (1 + p["a"][:, None] * p["b"]),
    lambda rng, width: {"a": L.bias(rng, 4), "b": L.bias(rng, width)}))

# --- features ---------------------------------------------------------------------------------------


def hidden_init(rng):
    return {"up": L.linear(rng, 4, 6), "norm": L.affine_init(rng, 6), "down": L.linear(rng, 6, 3)}


def feature(middle, sites=0, more=None):
    """One hidden layer; `middle(params, h, eps)` before the head."""

    def init(rng):
        return {**hidden_init(rng), **(more(rng) if more else {})}

    def loss(params, batch, eps):
        h = middle(params, L.dense(params["up"], batch["x"]), eps)
        return L.cross_entropy(L.dense(params["down"], h), batch["y"])

    return init, vectors(), loss, sites


def evaluated(params, h, eps):
    """BatchNorm with running averages, which the step does not change."""
    mean, var = (jnp.asarray(np.linspace(a, b, 6), h.dtype) for a, b in ((0.1, 0.6), (0.5, 1.5)))
    return jax.nn.relu(L.affine(params["norm"], (h - mean) / jnp.sqrt(var + eps[0])))


register("feature_batchnorm_evaluated", *feature(evaluated, 1))
register("feature_scale_norm", *feature(lambda p, h, e: jax.nn.relu(L.affine(
    p["norm"], p["g"] * h / jnp.sqrt(jnp.sum(h * h, -1, keepdims=True) + e[0]))), 1,
    lambda rng: {"g": L.gain(rng)}))
register("feature_response_norm", *feature(lambda p, h, e: (lambda a: p["norm"]["scale"] * h * (
    a / (a.mean(-1, keepdims=True) + e[0])) + p["norm"]["bias"] + h)(
        jnp.sqrt(jnp.sum(h * h, 0, keepdims=True))), 1))
register("feature_prelu", *feature(lambda p, h, e: jnp.where(
    h > 0, h, p["slope"] * h) * p["norm"]["scale"] + p["norm"]["bias"], 0, lambda rng: {"slope": L.gain(rng, 6)}))
register("feature_swish_beta", *feature(lambda p, h, e: L.affine(
    p["norm"], h * jax.nn.sigmoid(p["beta"] * h)), 0, lambda rng: {"beta": L.gain(rng, 6)}))
register("feature_softplus", *feature(lambda p, h, e: L.affine(p["norm"], jax.nn.softplus(h))))
register("feature_elu", *feature(lambda p, h, e: L.affine(p["norm"], jax.nn.elu(h))))
register("feature_hard_swish", *feature(lambda p, h, e: L.affine(p["norm"], jax.nn.hard_swish(h))))
register("feature_relu6", *feature(lambda p, h, e: L.affine(p["norm"], jax.nn.relu6(20 * h))))
register("feature_crelu", *feature(lambda p, h, e: L.affine(
    p["norm"], jnp.concatenate([jax.nn.relu(h), jax.nn.relu(-h)], -1)[:, ::1][:, :6]
    + jnp.concatenate([jax.nn.relu(h), jax.nn.relu(-h)], -1)[:, 6:])))
register("feature_max_groups", *feature(lambda p, h, e: jnp.tile(
    jnp.max(h.reshape(-1, 3, 2), -1), 2) * p["norm"]["scale"] + p["norm"]["bias"]))
register("feature_winner", *feature(lambda p, h, e: L.affine(p["norm"], jnp.where(
    h >= jnp.max(h, -1, keepdims=True), h, 0.0))))
register("feature_top_two", *feature(lambda p, h, e: L.affine(p["norm"], jnp.where(
    h >= jax.lax.top_k(h, 2)[0][:, -1:], h, 0.0))))
register("feature_dropout", *feature(lambda p, h, e: L.affine(p["norm"], jnp.where(
    jax.random.bernoulli(jax.random.key(0), 0.8, h.shape), jax.nn.relu(h) / 0.8, 0.0))))
register("feature_noise", *feature(lambda p, h, e: L.affine(p["norm"], jax.nn.relu(
    h * (1 + 0.1 * jax.random.normal(jax.random.key(0), h.shape, h.dtype))))))
register("feature_highway", *feature(
    lambda p, h, e: (lambda t: t * jax.nn.relu(L.dense(p["inner"], h)) + (1 - t) * h)(
        jax.nn.sigmoid(L.dense(p["gate"], h))) * p["norm"]["scale"] + p["norm"]["bias"], 0,
    lambda rng: {"inner": L.linear(rng, 6, 6), "gate": L.linear(rng, 6, 6)}))
register("feature_rezero", *feature(
    lambda p, h, e: L.affine(p["norm"], h + p["alpha"] * jax.nn.relu(L.dense(p["inner"], h))), 0,
    lambda rng: {"inner": L.linear(rng, 6, 6), "alpha": L.gain(rng)}))
register("feature_layer_scale", *feature(
    lambda p, h, e: L.affine(p["norm"], h + p["alpha"] * L.dense(p["out"], jax.nn.gelu(
        L.dense(p["inner"], h)))), 0,
    lambda rng: {"inner": L.linear(rng, 6, 4), "out": L.linear(rng, 4, 6), "alpha": L.gain(rng, 6)}))
register("feature_film", *feature(
    lambda p, h, e: jax.nn.relu(L.affine(p["norm"], L.dense(p["gamma"], h) * L.layer_norm(h, e[0]))), 1,
    lambda rng: {"gamma": L.linear(rng, 6, 6)}))
register("feature_fourier", *feature(lambda p, h, e: L.affine(
    p["norm"], jax.nn.relu(jnp.fft.irfft(jnp.fft.rfft(h) * p["filter"], 6))), 0,
    lambda rng: {"filter": L.gain(rng, 4)}))
register("feature_batch_whitened", *feature(
    lambda p, h, e: L.affine(p["norm"], jax.scipy.linalg.solve_triangular(
        jnp.linalg.cholesky((h.T @ h) / h.shape[0] + 0.1 * jnp.eye(6, dtype=h.dtype)), h.T,
        lower=True).T)))


def low(x):
    """As training in mixed precision has it; in double precision nothing is rounded."""
    return x.astype(jnp.bfloat16) if x.dtype == jnp.float32 else x


def mixed_loss(params, batch, eps):
    h = low(batch["x"]) @ low(params["up"]["kernel"]) + low(params["up"]["bias"])
    h = L.rms_norm(h.astype(batch["x"].dtype), eps[0])
    h = jax.nn.relu(low(h) * low(params["norm"]["scale"]) + low(params["norm"]["bias"]))
    logits = (h @ low(params["down"]["kernel"])).astype(batch["x"].dtype) + params["down"]["bias"]
    return L.cross_entropy(logits, batch["y"])


register("mixed_precision", hidden_init, vectors(), mixed_loss, 1)


def preferred_loss(params, batch, eps):
    """Products of rounded factors, summed in full precision."""
    def dot(x, w):
        return jnp.matmul(low(x), low(w), preferred_element_type=batch["x"].dtype)

    h = jax.nn.relu(dot(batch["x"], params["up"]["kernel"]) + params["up"]["bias"])
    h = L.affine(params["norm"], h)
    return L.cross_entropy(dot(h, params["down"]["kernel"]) + params["down"]["bias"], batch["y"])


register("mixed_precision_dot", hidden_init, vectors(), preferred_loss)


def custom_gradient_init(rng):
    return {"up": L.linear(rng, 4, 6), "down": L.linear(rng, 6, 3)}


@jax.custom_jvp
def guarded_relu(x):
    return jnp.maximum(x, 0.0)


guarded_relu.defjvps(lambda g, y, x: jnp.where(x > 0, g, 0.0))


def custom_gradient_loss(params, batch, eps):
    h = guarded_relu(L.dense(params["up"], batch["x"]))
    return L.cross_entropy(L.dense(params["down"], h), batch["y"])


register("custom_gradient", custom_gradient_init, vectors(), custom_gradient_loss)

# --- losses -------------------------------------------------------------------------------------------


def towers_init(rng):
    return {"left": L.linear(rng, 4, 5), "left_out": L.kernel(rng, 5, 3),
            "right": L.linear(rng, 3, 5), "right_out": L.kernel(rng, 5, 3), "temperature": L.bias(rng)}


def contrastive_loss(params, batch, eps):
    """Two towers, unit vectors, a learned temperature: each example against the others."""
    def unit(a, eps):
        return a / jnp.sqrt(jnp.sum(a * a, -1, keepdims=True) + eps)

    a = unit(jax.nn.relu(L.dense(params["left"], batch["x"])) @ params["left_out"], eps[0])
    b = unit(jax.nn.relu(L.dense(params["right"], batch["y"])) @ params["right_out"], eps[1])
    logits = a @ b.T * jnp.exp(params["temperature"])
    labels = jnp.arange(logits.shape[0])
    return L.cross_entropy(logits, labels) + L.cross_entropy(logits.T, labels)


register("loss_contrastive", towers_init, regression(), contrastive_loss, 2)


def loss_init(outputs):
    return lambda rng: {"up": L.linear(rng, 4, 6), "down": L.linear(rng, 6, outputs)}


def read_out(error, data, outputs=3):
    def loss(params, batch, eps):
        h = jax.nn.relu(L.dense(params["up"], batch["x"]))
        return error(L.dense(params["down"], h), batch["y"])

    return loss_init(outputs), data, loss


def binary(z, y):
    target = (y % 2).astype(z.dtype)[:, None]
    return jnp.mean(jnp.maximum(z, 0) - z * target + jnp.log1p(jnp.exp(-jnp.abs(z))))


def mixture_density(z, y):
    """Three Gaussians in one dimension: weights, means, log-deviations."""
    weight, mean, spread = jnp.split(z, 3, -1)
    deviation = (y[:, :1] - mean) * jnp.exp(-spread)
    return -jnp.mean(jax.nn.logsumexp(jax.nn.log_softmax(weight) - 0.5 * deviation**2 - spread, -1))


def hinge(z, y):
    right = jnp.take_along_axis(z, y[:, None], 1)
    return jnp.mean(jnp.sum(jnp.maximum(0.0, 1.0 + z - right), -1))


def perceptron(z, y):
    """Invariant up to a factor: the margin is zero."""
    right = jnp.take_along_axis(z, y[:, None], 1)
    return jnp.mean(jnp.max(z, -1, keepdims=True) - right)


def correlation(z, y):
    """The correlation of output and target: any scale of the output will do."""
    z, y = z - z.mean(0), y - y.mean(0)
    return -jnp.mean(jnp.sum(z * y, 0) / jnp.sqrt(jnp.sum(z * z, 0) * jnp.sum(y * y, 0)))


register("loss_binary", *read_out(binary, vectors(), 1))
register("loss_huber", *read_out(lambda z, y: jnp.mean(jnp.where(
    jnp.abs(z - y) < 1.0, 0.5 * (z - y) ** 2, jnp.abs(z - y) - 0.5)), regression()))
register("loss_absolute", *read_out(lambda z, y: jnp.mean(jnp.abs(z - y)), regression()))
register("loss_mixture_density", *read_out(mixture_density, regression(), 9))
register("loss_hinge", *read_out(hinge, vectors()))
register("loss_correlation", *read_out(correlation, regression()))
register("loss_cosine", *read_out(lambda z, y: -jnp.mean(jnp.sum(z * y, -1) / jnp.sqrt(
    jnp.sum(z * z, -1) * jnp.sum(y * y, -1))), regression()))
register("loss_relative", *read_out(lambda z, y: jnp.mean(jnp.sum((z - y) ** 2, -1) / jnp.sum(
    z * z + y * y, -1)), regression()))
register("loss_focal", *read_out(lambda z, y: jnp.mean((
    lambda p: -((1 - jnp.exp(p)) ** 2) * p)(jnp.take_along_axis(
        jax.nn.log_softmax(z), y[:, None], 1))), vectors()))


def adversarial_loss(params, batch, eps):
    """A difference of two means (a critic's), and its gradient's norm as a penalty."""
    def critic(x):
        return jnp.sum(L.dense(params["down"], jax.nn.relu(L.dense(params["up"], x))), -1)

    slope = jax.vmap(jax.grad(lambda x: critic(x[None])[0]))(batch["x"])
    penalty = jnp.mean((jnp.sqrt(jnp.sum(slope**2, -1)) - 1) ** 2)
    return jnp.mean(critic(batch["x"])) - jnp.mean(critic(-batch["x"])) + penalty


register("loss_gradient_penalty", loss_init(1), vectors(), adversarial_loss)


def autoencoder_init(rng):
    return {"encode": L.linear(rng, 4, 6), "mean": L.linear(rng, 6, 2), "spread": L.linear(rng, 6, 2),
            "decode": L.linear(rng, 2, 6), "out": L.linear(rng, 6, 4)}


def variational_loss(params, batch, eps):
    h = jax.nn.relu(L.dense(params["encode"], batch["x"]))
    mean, spread = L.dense(params["mean"], h), L.dense(params["spread"], h)
    noise = jax.random.normal(jax.random.key(0), mean.shape, mean.dtype)
    z = mean + jnp.exp(spread) * noise
    out = L.dense(params["out"], jax.nn.relu(L.dense(params["decode"], z)))
    divergence = 0.5 * jnp.sum(mean**2 + jnp.exp(2 * spread) - 2 * spread - 1, -1)
    return jnp.mean((out - batch["x"]) ** 2) + 0.1 * jnp.mean(divergence)


register("autoencoder_variational", autoencoder_init, vectors(), variational_loss)

# --- images ----------------------------------------------------------------------------------------------


def image_model(init, apply, sites=0):
    def loss(params, batch, eps):
        h = apply(params, jax.nn.relu(L.conv(params["stem"], batch["x"])), eps)
        return L.cross_entropy(L.dense(params["head"], h.mean((1, 2))), batch["y"])

    return (lambda rng: {"stem": L.convolution(rng, 3, 2, 4, True), **init(rng),
                         "head": L.linear(rng, 4, 3)}), images(), loss, sites


def separable(params, h, eps):
    h = jax.nn.relu(L.conv(params["depth"], h, groups=4))
    return jax.nn.relu(L.conv(params["point"], h))


register("image_separable", *image_model(lambda rng: {
    "depth": L.convolution(rng, 3, 1, 4, True), "point": L.convolution(rng, 1, 4, 4, True)}, separable))


def excited(params, h, eps):
    s = jax.nn.sigmoid(L.dense(params["expand"], jax.nn.relu(L.dense(params["squeeze"], h.mean((1, 2))))))
    return h * s[:, None, None, :]


register("image_squeeze_excite", *image_model(lambda rng: {
    "squeeze": L.linear(rng, 4, 2), "expand": L.linear(rng, 2, 4)}, excited))


def u_net(params, h, eps):
    """Down, up by repetition, and the skip put beside."""
    low = jax.nn.relu(L.conv(params["down"], L.max_pool(h)))
    high = jnp.repeat(jnp.repeat(low, 2, 1), 2, 2)
    return jax.nn.relu(L.conv(params["join"], jnp.concatenate([h, high], -1)))


register("image_u_net", *image_model(lambda rng: {
    "down": L.convolution(rng, 3, 4, 5, True), "join": L.convolution(rng, 3, 9, 4, True)}, u_net))


def resized(params, h, eps):
    low = jax.nn.relu(L.conv(params["down"], L.average_pool(h)))
    high = jax.image.resize(low, (*h.shape[:3], low.shape[-1]), "bilinear")
    return jax.nn.relu(L.conv(params["join"], jnp.concatenate([h, high], -1)))


register("image_resized", *image_model(lambda rng: {
    "down": L.convolution(rng, 3, 4, 5, True), "join": L.convolution(rng, 3, 9, 4, True)}, resized))


def dense_net(params, h, eps):
    h = jnp.concatenate([h, jax.nn.relu(L.conv(params["grow1"], h))], -1)
    h = jnp.concatenate([h, jax.nn.relu(L.conv(params["grow2"], h))], -1)
    return jax.nn.relu(L.conv(params["join"], h))


register("image_dense_net", *image_model(lambda rng: {
    "grow1": L.convolution(rng, 3, 4, 2, True), "grow2": L.convolution(rng, 3, 6, 2, True),
    "join": L.convolution(rng, 1, 8, 4, True)}, dense_net))


def inverted(params, h, eps):
    """An inverted residual: expand, filter by channel, project, add."""
    y = jax.nn.leaky_relu(L.affine(params["norm1"], L.batch_norm(L.conv(params["expand"], h), eps[0])))
    y = jax.nn.leaky_relu(L.affine(params["norm2"], L.batch_norm(L.conv(params["depth"], y, groups=6), eps[1])))
    return h + L.affine(params["norm3"], L.batch_norm(L.conv(params["project"], y), eps[2]))


register("image_inverted_residual", *image_model(lambda rng: {
    "expand": L.convolution(rng, 1, 4, 6), "norm1": L.affine_init(rng, 6),
    "depth": L.convolution(rng, 3, 1, 6), "norm2": L.affine_init(rng, 6),
    "project": L.convolution(rng, 1, 6, 4), "norm3": L.affine_init(rng, 4)}, inverted, 3))


def convnext(params, h, eps):
    y = L.conv(params["depth"], h, groups=4)
    y = L.affine(params["norm"], L.layer_norm(y, eps[0]))
    y = jax.nn.gelu(L.dense(params["up"], y))
    size = jnp.sqrt(jnp.sum(y * y, (1, 2), keepdims=True))
    y = params["grn"]["scale"] * (y * (size / (size.mean(-1, keepdims=True) + eps[1]))) + params[
        "grn"]["bias"] + y
    return h + L.dense(params["down"], y)


register("image_convnext", *image_model(lambda rng: {
    "depth": L.convolution(rng, 3, 1, 4, True), "norm": L.affine_init(rng, 4),
    "up": L.linear(rng, 4, 5), "grn": L.affine_init(rng, 5), "down": L.linear(rng, 5, 4)}, convnext, 2))


def gated(params, h, eps):
    return jnp.tanh(L.conv(params["filter"], h)) * jax.nn.sigmoid(L.conv(params["gate"], h))


register("image_gated", *image_model(lambda rng: {
    "filter": L.convolution(rng, 3, 4, 4, True), "gate": L.convolution(rng, 3, 4, 4, True)}, gated))


def shuffled_up(params, h, eps):
    """Depth to space."""
    y = L.conv(params["up"], h)
    n, a, b, _ = y.shape
    y = y.reshape(n, a, b, 2, 2, 2).transpose(0, 1, 3, 2, 4, 5).reshape(n, 2 * a, 2 * b, 2)
    return jax.nn.relu(L.conv(params["join"], jax.nn.relu(y)))


register("image_pixel_shuffle", *image_model(lambda rng: {
    "up": L.convolution(rng, 3, 4, 8, True), "join": L.convolution(rng, 3, 2, 4, True)}, shuffled_up))


def local_response(params, h, eps):
    """Divided by what the neighbouring channels have."""
    total = jnp.mean(h * h, (1, 2, 3), keepdims=True) + jax.lax.reduce_window(h * h, 0.0, jax.lax.add, (1, 1, 1, 3), (1, 1, 1, 1), "SAME")
    return jax.nn.relu(L.conv(params["join"], h / (eps[0] + total) ** 0.75))


register("image_local_response", *image_model(
    lambda rng: {"join": L.convolution(rng, 3, 4, 4, True)}, local_response, 1))


def coordinate(params, h, eps):
    """Positions beside the channels."""
    n, a, b, _ = h.shape
    grid = jnp.asarray(np.stack(np.meshgrid(np.arange(a), np.arange(b), indexing="ij"), -1) / 4.0, h.dtype)
    return jax.nn.relu(L.conv(params["join"], jnp.concatenate(
        [h, jnp.broadcast_to(grid, (n, a, b, 2))], -1)))


register("image_coordinates", *image_model(
    lambda rng: {"join": L.convolution(rng, 3, 6, 4, True)}, coordinate))
register("image_shift", *image_model(
    lambda rng: {"join": L.convolution(rng, 1, 4, 4, True)},
    lambda p, h, e: jax.nn.relu(L.conv(p["join"], jnp.concatenate(
        [jnp.roll(h[..., :2], 1, 1), jnp.roll(h[..., 2:], 1, 2)], -1)))))
