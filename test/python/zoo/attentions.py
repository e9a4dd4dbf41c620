# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Ways to attend, to place tokens, to normalise and to read out, one in each model."""

import jax
import jax.numpy as jnp
import numpy as np

from . import layers as L
from .model import images, register, tokens
from .transformers import D, F, H, K, T, V, attention_init, merge, project, qkv

# --- attention: what is done to queries, keys and logits ----------------------------------------


def attend(logits, v, mask=True):
    if mask:
        time = logits.shape[-1]
        logits = jnp.where(jnp.tril(jnp.ones((time, time), bool)), logits, -jnp.inf)
    return jnp.einsum("bhqs,bshk->bqhk", jax.nn.softmax(logits, -1), v)


def attention(logits_of, more=None, sites=0, with_bias=False):
    """One head layer on embedded tokens; `logits_of(params, q, k, eps)`."""

    def init(rng):
        params = attention_init(False)(rng)
        return {**params, **(more(rng) if more else {})}

    def loss(params, batch, eps):
        x = params["embed"][batch["x"]]
        q, k, v = (project(x, params["w" + n]) for n in "qkv")
        if with_bias:
            q, k, v = (a + params["b" + n] for a, n in zip((q, k, v), "qkv", strict=True))
        y = merge(attend(logits_of(params, q, k, eps), v), params["wo"])
        return L.cross_entropy(y @ params["head"], batch["y"])

    return init, tokens(vocabulary=V), loss, sites


def dots(q, k):
    return jnp.einsum("bqhk,bshk->bhqs", q, k) / np.sqrt(q.shape[-1])


def relative(params, q, k, eps):
    """A table of biases, read at the distance of query and key (constant positions)."""
    distance = np.arange(T)[:, None] - np.arange(T)[None, :] + T - 1
    return dots(q, k) + jnp.moveaxis(params["table"][distance], -1, 0)


def slopes(params, q, k, eps):
    """ALiBi: a penalty on the distance, one slope a head."""
    distance = np.arange(T)[:, None] - np.arange(T)[None, :]
    slope = 2.0 ** -np.arange(1, H + 1)
    return dots(q, k) - jnp.asarray(slope[:, None, None] * np.abs(distance), q.dtype)


def full_width_norm(params, q, k, eps):
    """Norms over all heads together, as OLMo 2 has them."""
    def norm(a, gain, eps):
        flat = a.reshape(*a.shape[:2], H * K)
        return (L.rms_norm(flat, eps) * gain).reshape(a.shape)

    return dots(L.rope(norm(q, params["q_gain"], eps[0])), L.rope(norm(k, params["k_gain"], eps[1])))


def cosine(params, q, k, eps):
    """Unit queries and keys, a learned temperature per head."""
    def unit(a, eps):
        return a / jnp.sqrt(jnp.sum(a * a, -1, keepdims=True) + eps)

    return jnp.einsum("bqhk,bshk->bhqs", unit(q, eps[0]), unit(k, eps[1])) * jnp.exp(
        params["temperature"])[:, None, None]


register("attention_relative_bias", *attention(
    relative, lambda rng: {"table": L.bias(rng, 2 * T - 1, H)}))
register("attention_alibi", *attention(slopes))
register("attention_qk_norm", *attention(
    lambda p, q, k, e: dots(L.rms_norm(q, e[0]) * p["q_gain"], L.rms_norm(k, e[1]) * p["k_gain"]),
    lambda rng: {"q_gain": L.gain(rng, K), "k_gain": L.gain(rng, K)}, 2))
register("attention_qk_norm_full", *attention(
    full_width_norm, lambda rng: {"q_gain": L.gain(rng, H * K), "k_gain": L.gain(rng, H * K)}, 2))
register("attention_cosine", *attention(cosine, lambda rng: {"temperature": L.bias(rng, H)}, 2))
register("attention_soft_cap", *attention(lambda p, q, k, e: 5.0 * jnp.tanh(dots(q, k) / 5.0)))
register("attention_partial_rope", *attention(lambda p, q, k, e: dots(
    *(jnp.concatenate([L.rope(a[..., :2]), a[..., 2:]], -1) for a in (q, k)))))
register("attention_biases", *attention(
    lambda p, q, k, e: dots(q, k),
    lambda rng: {"b" + n: L.bias(rng, H, K) for n in "qkv"}, with_bias=True))


def interleaved_rope(x):
    """Rotations of neighbouring channels instead of the two halves."""
    half = x.shape[-1] // 2
    angle = np.arange(x.shape[1])[:, None] * 100.0 ** (-np.arange(half) / half)
    cos, sin = (jnp.asarray(f(angle)[None, :, None, :], x.dtype) for f in (np.cos, np.sin))
    a, b = x[..., ::2], x[..., 1::2]
    return jnp.stack([a * cos - b * sin, a * sin + b * cos], -1).reshape(x.shape)


register("attention_interleaved_rope", *attention(
    lambda p, q, k, e: dots(interleaved_rope(q), interleaved_rope(k))))


def grouped_init(rng):
    return {"embed": L.kernel(rng, V, D, fan_in=2), "wq": L.kernel(rng, D, 4, 2, fan_in=D),
            "wk": L.kernel(rng, D, 2, 2, fan_in=D), "wv": L.kernel(rng, D, 2, 2, fan_in=D),
            "wo": L.kernel(rng, 4, 2, D), "head": L.kernel(rng, D, V)}


def grouped(attend_groups):
    """Four heads of queries, two of keys and values."""

    def loss(params, batch, eps):
        x = params["embed"][batch["x"]]
        q, k, v = (project(x, params["w" + n]) for n in "qkv")
        return L.cross_entropy(merge(attend_groups(q, k, v), params["wo"]) @ params["head"], batch["y"])

    return grouped_init, tokens(vocabulary=V), loss


def by_reshape(q, k, v):
    q = q.reshape(*q.shape[:2], 2, 2, 2)
    logits = jnp.einsum("bqghk,bsgk->bghqs", q, k)
    y = jnp.einsum("bghqs,bsgk->bqghk", jax.nn.softmax(logits, -1), v)
    return y.reshape(*y.shape[:2], 4, 2)


register("attention_grouped", *grouped(by_reshape))
register("attention_grouped_repeat", *grouped(
    lambda q, k, v: attend(dots(q, jnp.repeat(k, 2, 2)), jnp.repeat(v, 2, 2))))
register("attention_grouped_tile", *grouped(
    lambda q, k, v: attend(dots(q, jnp.tile(k, (1, 1, 2, 1))), jnp.tile(v, (1, 1, 2, 1)))))


def fused_grouped_init(rng):
    return {"embed": L.kernel(rng, V, D, fan_in=2), "qkv": L.kernel(rng, D, (4 + 2 + 2) * 2),
            "wo": L.kernel(rng, 4, 2, D), "head": L.kernel(rng, D, V)}


def fused_grouped_loss(params, batch, eps):
    """Queries, keys and values of different widths from one matrix."""
    x = params["embed"][batch["x"]]
    q, k, v = (a.reshape(*a.shape[:2], -1, 2) for a in jnp.split(x @ params["qkv"], [8, 12], -1))
    return L.cross_entropy(merge(by_reshape(q, k, v), params["wo"]) @ params["head"], batch["y"])


register("attention_grouped_fused", fused_grouped_init, tokens(vocabulary=V), fused_grouped_loss)


def linear_attention_loss(params, batch, eps):
    """Without a softmax: the sizes of keys and queries, the sum over the past normalised."""
    x = params["embed"][batch["x"]]
    q, k, v = (project(x, params["w" + n]) for n in "qkv")
    q, k = jnp.abs(q), jnp.abs(k)
    state = jnp.cumsum(jnp.einsum("bshk,bshv->bshkv", k, v), axis=1)
    total = jnp.cumsum(k, axis=1)
    y = jnp.einsum("bqhk,bqhkv->bqhv", q, state)
    y = y / (jnp.einsum("bqhk,bqhk->bqh", q, total)[..., None] + eps[0])
    return L.cross_entropy(merge(y, params["wo"]) @ params["head"], batch["y"])


register("attention_linear", attention_init(False), tokens(vocabulary=V), linear_attention_loss, 1)


def cached_loss(params, batch, eps):
    """Keys and values written to a cache position by position, as decoding does."""
    x = params["embed"][batch["x"]]
    q, k, v = (project(x, params["w" + n]) for n in "qkv")
    keys = values = jnp.zeros((x.shape[0], T, H, K), x.dtype)
    outputs = []
    for t in range(T):
        keys = jax.lax.dynamic_update_slice_in_dim(keys, k[:, t:t + 1], t, 1)
        values = values.at[:, t].set(v[:, t])
        logits = jnp.einsum("bhk,bshk->bhs", q[:, t], keys[:, :t + 1])
        outputs.append(jnp.einsum("bhs,bshk->bhk", jax.nn.softmax(logits, -1), values[:, :t + 1]))
    y = merge(jnp.stack(outputs, 1), params["wo"])
    return L.cross_entropy(y @ params["head"], batch["y"])


register("attention_cache", attention_init(False), tokens(vocabulary=V), cached_loss)

# --- blocks ---------------------------------------------------------------------------------------


def block_init(rng):
    return {"embed": L.kernel(rng, V, D, fan_in=2), **qkv(rng), "norm1": L.affine_init(rng, D),
            "norm2": L.affine_init(rng, D), "up": L.linear(rng, D, F), "down": L.linear(rng, F, D),
            "head": L.linear(rng, D, V)}


def post_norm_loss(params, batch, eps):
    """The first transformer's block: the norm after the sum."""
    x = params["embed"][batch["x"]]
    q, k, v = (project(x, params["w" + n]) for n in "qkv")
    y = merge(attend(dots(q, k), v), params["wo"])
    x = L.affine(params["norm1"], L.layer_norm(x + y, eps[0]))
    y = L.dense(params["down"], jax.nn.relu(L.dense(params["up"], x)))
    x = L.affine(params["norm2"], L.layer_norm(x + y, eps[1]))
    return L.cross_entropy(L.dense(params["head"], x), batch["y"])


register("transformer_post_norm", block_init, tokens(vocabulary=V), post_norm_loss, 2)


def branch_norm_loss(params, batch, eps):
    """Norms on what a branch adds, as OLMo 2 has them."""
    x = params["embed"][batch["x"]]
    q, k, v = (project(x, params["w" + n]) for n in "qkv")
    y = merge(attend(dots(q, k), v), params["wo"])
    x = x + L.affine(params["norm1"], L.rms_norm(y, eps[0]))
    y = L.dense(params["down"], jax.nn.relu(L.dense(params["up"], x)))
    x = x + L.affine(params["norm2"], L.rms_norm(y, eps[1]))
    return L.cross_entropy(L.dense(params["head"], x), batch["y"])


register("transformer_branch_norm", block_init, tokens(vocabulary=V), branch_norm_loss, 2)


def gated_unit_init(rng):
    return {"embed": L.kernel(rng, V, D, fan_in=2), "gate": L.linear(rng, D, F),
            "up": L.linear(rng, D, F), "down": L.linear(rng, F, V)}


def gated_unit(activation):
    def loss(params, batch, eps):
        x = params["embed"][batch["x"]]
        h = activation(L.dense(params["gate"], x)) * L.dense(params["up"], x)
        return L.cross_entropy(L.dense(params["down"], h), batch["y"])

    return gated_unit_init, tokens(vocabulary=V), loss


register("gated_gelu", *gated_unit(jax.nn.gelu))
register("gated_silu", *gated_unit(jax.nn.silu))
register("gated_relu", *gated_unit(jax.nn.relu))
register("gated_squared_relu", *gated_unit(L.squared_relu))
register("gated_sigmoid", *gated_unit(jax.nn.sigmoid))


def parallel_loss(params, batch, eps):
    """Attention and perceptron side by side, one norm for both."""
    x = params["embed"][batch["x"]]
    h = L.affine(params["norm1"], L.layer_norm(x, eps[0]))
    q, k, v = (project(h, params["w" + n]) for n in "qkv")
    x = (x + merge(attend(dots(q, k), v), params["wo"])
         + L.dense(params["down"], jax.nn.relu(L.dense(params["up"], h))))
    x = L.affine(params["norm2"], L.layer_norm(x, eps[1]))
    return L.cross_entropy(L.dense(params["head"], x), batch["y"])


register("transformer_parallel", block_init, tokens(vocabulary=V), parallel_loss, 2)


def mixer_init(rng):
    return {"embed": L.kernel(rng, V, D, fan_in=2), "token_up": L.linear(rng, T, F),
            "token_down": L.linear(rng, F, T), "norm1": L.affine_init(rng, D),
            "up": L.linear(rng, D, F), "down": L.linear(rng, F, D),
            "norm2": L.affine_init(rng, D), "head": L.linear(rng, D, V)}


def mixer_loss(params, batch, eps):
    """Perceptrons over tokens and over channels in turn."""
    x = params["embed"][batch["x"]]
    y = jnp.swapaxes(L.affine(params["norm1"], L.layer_norm(x, eps[0])), 1, 2)
    y = L.dense(params["token_down"], jax.nn.relu(L.dense(params["token_up"], y)))
    x = x + jnp.swapaxes(y, 1, 2)
    y = L.affine(params["norm2"], L.layer_norm(x, eps[1]))
    x = x + L.dense(params["down"], jax.nn.relu(L.dense(params["up"], y)))
    return L.cross_entropy(L.dense(params["head"], x), batch["y"])


register("mixer", mixer_init, tokens(vocabulary=V), mixer_loss, 2)


def fourier_loss(params, batch, eps):
    """Tokens mixed by a Fourier transform (FNet)."""
    x = params["embed"][batch["x"]]
    x = x + jnp.fft.fft(jnp.fft.fft(x, axis=-1), axis=-2).real
    y = L.affine(params["norm1"], L.layer_norm(x, eps[0]))
    x = x + L.dense(params["down"], jax.nn.relu(L.dense(params["up"], y)))
    x = L.affine(params["norm2"], L.layer_norm(x, eps[1]))
    return L.cross_entropy(L.dense(params["head"], x), batch["y"])


register("fourier_mixing", lambda rng: {k: v for k, v in block_init(rng).items() if k[0] != "w"},
         tokens(vocabulary=V), fourier_loss, 2)


def patch_init(rng):
    return {"patch": L.linear(rng, 2 * 2 * 2, D), "class": L.bias(rng, D), "position": L.bias(rng, 5, D),
            **qkv(rng), "norm": L.affine_init(rng, D), "head": L.linear(rng, D, 3)}


def patch_loss(params, batch, eps):
    """A vision transformer: patches of 2 by 2, a token for the class, positions."""
    x = batch["x"]
    n = x.shape[0]
    x = x.reshape(n, 2, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4, 5).reshape(n, 4, 8)
    x = L.dense(params["patch"], x)
    first = jnp.broadcast_to(params["class"], (n, 1, D))
    x = jnp.concatenate([first, x], 1) + params["position"]
    q, k, v = (project(x, params["w" + n]) for n in "qkv")
    x = x + merge(attend(dots(q, k), v, mask=False), params["wo"])
    x = L.affine(params["norm"], L.layer_norm(x, eps[0]))
    return L.cross_entropy(L.dense(params["head"], x[:, 0]), batch["y"])


register("vision_transformer", patch_init, images(), patch_loss, 1)

# --- reading out ----------------------------------------------------------------------------------


def head_init(rng):
    return {"embed": L.kernel(rng, V, D, fan_in=2), "fc": L.linear(rng, D, F),
            "out": L.linear(rng, F, D), "norm": L.affine_init(rng, D)}


def tied(read):
    """The embedding read out again: `read(params, x, labels, eps)`."""

    def loss(params, batch, eps):
        x = params["embed"][batch["x"]]
        x = x + L.dense(params["out"], jax.nn.relu(L.dense(params["fc"], x)))
        return read(params, L.affine(params["norm"], L.rms_norm(x, eps[0])), batch["y"], eps)

    return head_init, tokens(vocabulary=V), loss, 1


def z_loss(params, x, labels, eps):
    logits = x @ params["embed"].T
    z = jax.nn.logsumexp(logits, -1)
    return L.cross_entropy(logits, labels) + 0.1 * jnp.mean(z * z)


register("tied_head", *tied(lambda p, x, y, e: L.cross_entropy(x @ p["embed"].T, y)))
register("tied_head_scaled", *tied(lambda p, x, y, e: L.cross_entropy(x @ p["embed"].T / 2.0, y)))
register("tied_head_z_loss", *tied(z_loss))
register("tied_head_soft_cap", *tied(lambda p, x, y, e: L.cross_entropy(
    3.0 * jnp.tanh(x @ p["embed"].T / 3.0), y)))
register("tied_head_smoothed", *tied(lambda p, x, y, e: -jnp.mean(jnp.sum(
    (0.9 * jax.nn.one_hot(y, V, dtype=x.dtype) + 0.1 / V) * jax.nn.log_softmax(x @ p["embed"].T), -1))))


def positions_init(rng):
    return {"embed": L.kernel(rng, V, D, fan_in=2), "position": L.kernel(rng, T, D, fan_in=2),
            "fc": L.linear(rng, D, F), "head": L.linear(rng, F, V)}


def positions(place):
    def loss(params, batch, eps):
        h = jax.nn.relu(L.dense(params["fc"], place(params, batch["x"])))
        return L.cross_entropy(L.dense(params["head"], h), batch["y"])

    return positions_init, tokens(vocabulary=V), loss


register("positions_added", *positions(lambda p, t: p["embed"][t] + p["position"]))
register("positions_multiplied", *positions(lambda p, t: p["embed"][t] * p["position"]))
register("positions_looked_up", *positions(
    lambda p, t: p["embed"][t] * p["position"][jnp.arange(t.shape[1])]))
register("positions_beside", *positions(lambda p, t: jnp.concatenate(
    [p["embed"][t] * 1.5, jnp.broadcast_to(p["position"], (*t.shape, D))], -1)[..., ::2]
    + p["embed"][t] + p["position"]))
