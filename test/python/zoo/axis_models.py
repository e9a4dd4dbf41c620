# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small networks for groups that act on axes, with the groups they have."""

import jax
import jax.numpy as jnp
import numpy as np

from . import layers as L
from .model import Model, regression, tokens, vectors

#: By name: the model, its groups as (family, size, block shape, fixes), its permutations' orders.
AXIS_MODELS: dict[str, tuple[Model, set, set]] = {}


def add(name, init, batch, loss, groups=(), permutations=()):
    AXIS_MODELS[name] = (Model(name, init, batch, loss), set(groups), set(permutations))


def general(size, *blocks, fixes=""):
    return ("general_linear", size, blocks, fixes)


def orthogonal(size, fixes=""):
    return ("orthogonal", size, (), fixes)


def complex_linear(*blocks):
    return ("complex_linear", 2, blocks, "")


# --- what stands between two matrices -----------------------------------------------------------


def pair_init(rng):
    return {"a": L.linear(rng, 4, 5), "b": L.kernel(rng, 5, 3), "g": L.gain(rng, 5)}


def between(name, apply, groups=(), permutations=("5!",), data=regression):
    def loss(params, batch, eps):
        h = apply(batch["x"] @ params["a"]["kernel"] + params["a"]["bias"], params, batch)
        return L.squared_error(h @ params["b"], batch["y"])

    add(name, pair_init, data(), loss, groups, permutations)


between("affine_chain", lambda h, p, b: h, [general(5)])
between("scaled_chain", lambda h, p, b: -3.0 * h / 7.0, [general(5)])
between("shifted_chain", lambda h, p, b: h + 1.0, [general(5, fixes="constant")])
between("summed_chain", lambda h, p, b: h * jax.nn.sigmoid(h.sum(-1, keepdims=True)),
        [general(5, fixes="sum")])
between("centred_chain", lambda h, p, b: h - h.mean(-1, keepdims=True),
        [general(5, fixes="constant sum")])
between("masked_by_data", lambda h, p, b: jnp.where(b["x"][:, :1] > 0, h, 0.0), [general(5)])
between("masked_by_index", lambda h, p, b: jnp.where(jnp.arange(5) > 2, h, 2 * h), (), ())
between("gain_between", lambda h, p, b: h * p["g"])
between("absolute", lambda h, p, b: jnp.abs(h))
between("squared", lambda h, p, b: h * h)
between("norm_between", lambda h, p, b: h / jnp.sqrt((h * h).sum(-1, keepdims=True)),
        [orthogonal(5)])
between("norm_of_gain", lambda h, p, b: h * p["g"] / jnp.sqrt((h * h).sum(-1, keepdims=True)))
between("fourth_powers", lambda h, p, b: h / (h**4).sum(-1, keepdims=True))
between("softmax_between", lambda h, p, b: jax.nn.softmax(h))
between("sorted_between", lambda h, p, b: jnp.sort(h, -1), (), ())
between("rolled_between", lambda h, p, b: h + jnp.roll(h, 1, -1), (), ())
between("batch_norm_between", lambda h, p, b: L.batch_norm(h, 0.0))
between("batch_centred", lambda h, p, b: h - h.mean(0), [general(5)])
between("complex_parts", lambda h, p, b: jnp.abs(jax.lax.complex(h, 2 * h)))
# (Sums over windows do not say that their initial value is zero.)
between("cumulative_over_batch", lambda h, p, b: jnp.cumsum(h, 0), [general(5, fixes="constant")])
between("outer_product", lambda h, p, b: jnp.einsum("bi,bj,bj->bi", h, h, h), [orthogonal(5)])

# --- one matrix in several places -----------------------------------------------------------------


def autoencoder_loss(params, batch, eps):
    return L.squared_error(batch["x"] @ params["w"] @ params["w"].T, batch["x"])


add("tied_autoencoder", lambda rng: {"w": L.kernel(rng, 4, 5)}, vectors(), autoencoder_loss,
    [orthogonal(5)], ["5!"])


def recurrent_loss(activation):
    def loss(params, batch, eps):
        def cell(h, x):
            return activation(h @ params["w"] + x @ params["u"]), None

        h, _ = jax.lax.scan(cell, jnp.zeros((4,), params["w"].dtype), batch["x"])
        return L.squared_error(h @ params["head"], batch["y"][0])

    return loss


def recurrent_init(rng):
    return {"w": L.kernel(rng, 4, 4), "u": L.kernel(rng, 4, 4), "head": L.kernel(rng, 4, 3)}


add("recurrent_linear", recurrent_init, regression(), recurrent_loss(lambda h: h), [general(4)], ["4!"])
add("recurrent_relu", recurrent_init, regression(), recurrent_loss(jax.nn.relu), [], ["4!"])


def experts_loss(activation):
    def loss(params, batch, eps):
        weights = jax.nn.softmax(batch["x"] @ params["router"])
        h = activation(jnp.einsum("bi,eij->ebj", batch["x"], params["up"]))
        return L.squared_error(jnp.einsum("ebj,ejk,be->bk", h, params["down"], weights), batch["y"])

    return loss


def experts_init(rng):
    return {"router": L.kernel(rng, 4, 2), "up": rng.standard_normal((2, 4, 5)) / 2,
            "down": rng.standard_normal((2, 5, 3)) / 2}


add("linear_experts", experts_init, regression(), experts_loss(lambda h: h), [general(5, 2)],
    ["(5!)^2", "2!"])
add("relu_experts", experts_init, regression(), experts_loss(jax.nn.relu), [], ["(5!)^2", "2!"])


def towers_loss(params, batch, eps):
    """Contrastive: cosines between two encodings."""
    def unit(h):
        return h / jnp.sqrt((h * h).sum(-1, keepdims=True))

    left, right = unit(batch["x"] @ params["left"]), unit(batch["x"] ** 2 @ params["right"])
    return -jnp.mean(jnp.diagonal(jax.nn.log_softmax(left @ right.T / 0.3)))


add("two_towers", lambda rng: {"left": L.kernel(rng, 4, 5), "right": L.kernel(rng, 4, 5)}, vectors(),
    towers_loss, [orthogonal(5)], ["5!"])


def convolutions_loss(params, batch, eps):
    h = L.conv(params["b"], L.conv(params["a"], batch["x"]))
    return L.squared_error(h.mean((1, 2)), jax.nn.one_hot(batch["y"], 3))


def images(rng):
    return {"x": rng.standard_normal((3, 4, 4, 2)), "y": rng.integers(0, 3, 3)}


add("linear_convolutions", lambda rng: {"a": L.convolution(rng, 3, 2, 4, True),
                                        "b": L.convolution(rng, 3, 4, 3)},
    images, convolutions_loss, [general(4)], ["4!"])
add("linear_convolutions_one_by_one", lambda rng: {"a": L.convolution(rng, 3, 2, 4),
                                              "b": L.convolution(rng, 1, 4, 3)},
    images, convolutions_loss, [general(4)], ["4!"])

# --- residual streams --------------------------------------------------------------------------------


def stream(norm, tied):
    def init(rng):
        params = {"embed": L.kernel(rng, 5, 4, fan_in=2), "up": L.kernel(rng, 4, 3),
                  "down": L.kernel(rng, 3, 4), "bias": L.bias(rng, 4)}
        return params if tied else {**params, "head": L.kernel(rng, 4, 5)}

    def loss(params, batch, eps):
        x = params["embed"][batch["x"]]
        x = x + jax.nn.gelu(norm(x, 0.1) @ params["up"]) @ params["down"] + params["bias"]
        head = params["embed"].T if tied else params["head"]
        return L.cross_entropy(norm(x, 0.1) @ head, batch["y"])

    return init, tokens(), loss


add("stream_rms", *stream(L.rms_norm, False), [orthogonal(4)], ["4!", "3!"])
add("stream_rms_square", *stream(lambda h, e: h * jax.lax.rsqrt(jnp.mean(jnp.square(h), -1, keepdims=True) + e), False),
    [orthogonal(4)], ["4!", "3!"])
add("stream_rms_tied", *stream(L.rms_norm, True), [orthogonal(4)], ["4!", "3!"])
add("stream_layernorm", *stream(L.layer_norm, False), [orthogonal(4, "constant sum")], ["4!", "3!"])

# --- attention -----------------------------------------------------------------------------------------

T, D, G, R, K = 4, 4, 2, 2, 4  # time, model, groups, queries of a group, channels


def attention_init(rng):
    return {"embed": L.kernel(rng, 5, D, fan_in=2), "gain": L.gain(rng, D),
            "q": L.kernel(rng, D, G, R, K, fan_in=D), "k": L.kernel(rng, D, G, K, fan_in=D),
            "v": L.kernel(rng, D, G, K, fan_in=D), "o": L.kernel(rng, G, R, K, D)}


def attention(rotate=lambda x: x, repeat=False):
    def loss(params, batch, eps):
        x = params["embed"][batch["x"]] * params["gain"]
        q = jnp.einsum("btd,dgrk->btgrk", x, params["q"])
        k, v = (jnp.einsum("btd,dgk->btgk", x, params[n]) for n in "kv")
        if repeat:
            q = q.reshape(*q.shape[:2], G * R, K)
            k, v = (jnp.repeat(a, R, axis=2) for a in (k, v))
            h = L.causal_attention(rotate(q), rotate(k), v).reshape(*q.shape[:2], G, R, K)
        else:
            q, k = rotate(q.reshape(*q.shape[:2], G * R, K)).reshape(q.shape), rotate(k)
            weights = jax.nn.softmax(jnp.einsum("bqgrk,bsgk->bgrqs", q, k), -1)
            h = jnp.einsum("bgrqs,bsgk->bqgrk", weights, v)
        out = jnp.einsum("bqgrk,grkd->bqd", h, params["o"]) * params["gain"]
        return L.cross_entropy(out @ params["embed"].T, batch["y"])

    return attention_init, tokens(time=T), loss


def angles(x, scale=1.0):
    half = x.shape[-1] // 2
    angle = scale * np.arange(x.shape[1])[:, None] * 10.0 ** (-np.arange(half) / half)
    return angle[None, :, None, :]


def turned(c, s, c2=None, s2=None):
    """(c a - s b, s2 a + c2 b), for functions c and s of the positions' angles."""

    def apply(x):
        a, b = jnp.split(x, 2, -1)
        angle = angles(x)
        return jnp.concatenate([a * c(angle) - b * s(angle),
                                a * (s2 or s)(angle) + b * (c2 or c)(angle)], -1)

    return apply


def every_second(c, s, s2=None):
    """The same for neighbours instead of halves."""

    def apply(x):
        a, b = x[..., ::2], x[..., 1::2]
        angle = angles(x)
        return jnp.stack([a * c(angle) - b * s(angle), a * (s2 or s)(angle) + b * c(angle)], -1).reshape(x.shape)

    return apply


def rotate_half(x):
    angle = jnp.asarray(angles(x), x.dtype)
    angle = jnp.concatenate([angle, angle], -1)
    a, b = jnp.split(x, 2, -1)
    return x * jnp.cos(angle) + jnp.concatenate([-b, a], -1) * jnp.sin(angle)


def leaking(x):
    a, _ = jnp.split(x, 2, -1)
    return turned(np.cos, np.sin)(x) * jax.nn.sigmoid(a.sum(-1, keepdims=True))


VO = general(K, G)
HEADS = ("4!", "2!", "(2!)^2", "(4!)^2")
add("gqa", *attention(), [general(K, G), VO], HEADS)
add("gqa_repeated", *attention(repeat=True), [general(K, G), VO], HEADS)
add("gqa_rope", *attention(turned(np.cos, np.sin)), [complex_linear(G, K // 2), VO], HEADS)
add("gqa_rope_repeated", *attention(turned(np.cos, np.sin), True), [complex_linear(G, K // 2), VO], HEADS)
add("gqa_rotate_half", *attention(rotate_half), [complex_linear(G, K // 2), VO], HEADS)
add("gqa_rope_every_second", *attention(every_second(np.cos, np.sin)), [complex_linear(G, K // 2), VO], HEADS)
add("gqa_hyperbolic_every_second", *attention(every_second(np.cosh, lambda t: -np.sinh(t), np.sinh)), [VO], HEADS)
add("gqa_hyperbolic", *attention(turned(np.cosh, lambda t: -np.sinh(t), np.cosh, np.sinh)), [VO], HEADS)
add("gqa_two_frequencies", *attention(turned(np.cos, np.sin, lambda t: np.cos(2 * t))), [VO], HEADS)
add("gqa_rope_leaking", *attention(leaking), [VO], HEADS)
