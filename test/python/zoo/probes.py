# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks chosen for the operations in them: indexing by data, scans, sorts, cuts, shared weights.

Each is a place where a rule that is a little too generous would claim a symmetry that is not there.
"""

import jax
import jax.numpy as jnp
import numpy as np

from . import layers as L
from .model import images, regression, register, tokens, vectors

# --- recurrences ------------------------------------------------------------------------------


def recurrent_init(rng):
    return {"w": L.kernel(rng, 3, 4), "u": L.kernel(rng, 4, 4), "bias": L.bias(rng, 4),
            "head": L.linear(rng, 4, 3)}


def recurrent(cell):
    def loss(params, batch, eps):
        x = batch["x"].reshape(-1, 4, 3)  # four moments of three numbers

        def move(h, x):
            h = cell(params, h, x, eps)
            return h, h

        start = jnp.zeros((x.shape[0], 4), x.dtype)
        h, _ = jax.lax.scan(move, start, jnp.swapaxes(x, 0, 1))
        return L.cross_entropy(L.dense(params["head"], h), batch["y"])

    return recurrent_init, vectors(inputs=12), loss


def relu_cell(params, h, x, eps):
    return jax.nn.relu(x @ params["w"] + h @ params["u"] + params["bias"])


def tanh_cell(params, h, x, eps):
    return jnp.tanh(x @ params["w"] + h @ params["u"] + params["bias"])


def norm_cell(params, h, x, eps):
    return jax.nn.relu(L.rms_norm(x @ params["w"] + h @ params["u"], eps[0]) + params["bias"])


register("recurrent_relu", *recurrent(relu_cell))
register("recurrent_tanh", *recurrent(tanh_cell))
register("recurrent_rmsnorm", *recurrent(norm_cell), 1)


def gated_recurrent_init(rng):
    return {**recurrent_init(rng), "wz": L.kernel(rng, 3, 4), "uz": L.kernel(rng, 4, 4)}


def gated_cell(params, h, x, eps):
    z = jax.nn.sigmoid(x @ params["wz"] + h @ params["uz"])
    return z * h + (1 - z) * jax.nn.relu(x @ params["w"] + h @ params["u"] + params["bias"])


register("recurrent_gated", gated_recurrent_init, *recurrent(gated_cell)[1:])

# --- one hidden layer, and something between its two halves -----------------------------------


def hidden_init(rng, width=6):
    return {"up": L.linear(rng, 4, width), "down": L.linear(rng, width, 3)}


def between(middle, width=6, sites=0, data=None, error=L.cross_entropy):
    def loss(params, batch, eps):
        h = middle(L.dense(params["up"], batch["x"]), batch, eps)
        return error(L.dense(params["down"], h), batch["y"])

    return lambda rng: hidden_init(rng, width), data or vectors(), loss, sites


register("between_sort", *between(lambda h, b, e: jnp.sort(h, axis=-1)))
register("between_cumsum", *between(lambda h, b, e: jax.nn.relu(jnp.cumsum(h, axis=-1))))
register("between_roll", *between(lambda h, b, e: jax.nn.relu(jnp.roll(h, 2, axis=-1))))
register("between_flip", *between(lambda h, b, e: jax.nn.relu(h[:, ::-1])))
register("between_strided", *between(lambda h, b, e: jax.nn.relu(
    jnp.concatenate([h[:, ::2], h[:, 1::2]], -1))))
register("between_pairs", *between(lambda h, b, e: jax.nn.relu(
    (h.reshape(-1, 3, 2) * jnp.asarray([1.0, -2.0], h.dtype)).reshape(-1, 6))))
register("between_pair_maximum", *between(lambda h, b, e: jnp.repeat(
    h.reshape(-1, 3, 2).max(-1), 2, axis=-1)))
register("between_batch_gather", *between(lambda h, b, e: jax.nn.relu(
    jnp.take_along_axis(h, b["y"][:, None] + jnp.arange(6) % 2, axis=1))))
register("between_batch_index", *between(lambda h, b, e: jax.nn.relu(h[b["y"]] + h)))
register("between_one_hot", *between(lambda h, b, e: jax.nn.relu(
    h * (1 + jax.nn.one_hot(b["y"], 6, dtype=h.dtype)))))
register("between_softmax", *between(lambda h, b, e: jax.nn.softmax(h, -1)))
register("between_soft_cap", *between(lambda h, b, e: 3.0 * jnp.tanh(h / 3.0)))
register("between_clip", *between(lambda h, b, e: jnp.clip(h, 0.0, 1.5)))
register("between_l1_norm", *between(lambda h, b, e: jax.nn.relu(
    h / (jnp.abs(h).sum(-1, keepdims=True) + e[0])), sites=1))
register("between_max_norm", *between(lambda h, b, e: jax.nn.relu(
    h / jnp.maximum(jnp.abs(h).max(-1, keepdims=True), e[0])), sites=1))
register("between_residual", *between(lambda h, b, e: h + jax.nn.relu(h)))
register("between_skip_constant", *between(lambda h, b, e: jax.nn.relu(h) + b["x"].sum(
    -1, keepdims=True)))
register("between_cube", *between(lambda h, b, e: h**3))
register("between_square_root", *between(lambda h, b, e: jnp.sqrt(jax.nn.relu(h) + h * h)))
register("between_product", *between(lambda h, b, e: jax.nn.relu(h[:, :3] * h[:, 3:]).repeat(2, 1)))
register("between_outer", *between(lambda h, b, e: jax.nn.relu(
    (h[:, :2, None] * h[:, None, 2:5]).reshape(-1, 6))))
register("between_condition", *between(lambda h, b, e: jax.lax.cond(
    b["x"][0, 0] > 0, jax.nn.relu, lambda h: jnp.abs(h), h)))
register("between_loop", *between(lambda h, b, e: jax.lax.fori_loop(
    0, 3, lambda i, h: jax.nn.relu(h + jnp.roll(h, 1, axis=-1)), h)))
register("between_mean_over_batch", *between(lambda h, b, e: jax.nn.relu(
    h - h.mean(0, keepdims=True))))
register("between_segment_sum", *between(lambda h, b, e: jax.nn.relu(
    jax.ops.segment_sum(h, b["y"], num_segments=3)[b["y"]])))
register("between_scatter", *between(lambda h, b, e: jax.nn.relu(
    jnp.zeros_like(h).at[:, jnp.asarray([5, 0, 3])].set(h[:, :3]) + h)))
register("between_dynamic_slice", *between(lambda h, b, e: jax.nn.relu(
    jax.lax.dynamic_slice_in_dim(jnp.concatenate([h, h], -1), b["y"][0], 6, axis=1))))
register("between_squared_error", *between(
    lambda h, b, e: jax.nn.leaky_relu(h, 0.1), data=regression(), error=L.squared_error))



def padded_init(rng):
    return {"up": L.linear(rng, 4, 5), "down": L.linear(rng, 6, 3, with_bias=False)}


def padded_loss(params, batch, eps):
    """A constant feature beside the hidden ones: its row of the next matrix is the bias."""
    h = jax.nn.relu(jnp.pad(L.dense(params["up"], batch["x"]), ((0, 0), (0, 1)), constant_values=1.0))
    return L.cross_entropy(L.dense(params["down"], h), batch["y"])


register("padded_with_ones", padded_init, vectors(), padded_loss)


def concatenated_loss(params, batch, eps):
    """The same, put beside."""
    h = jax.nn.relu(L.dense(params["up"], batch["x"]))
    h = jnp.concatenate([h, jnp.ones_like(h[:, :1])], axis=-1)
    return L.cross_entropy(L.dense(params["down"], h), batch["y"])


register("concatenated_with_ones", padded_init, vectors(), concatenated_loss)

# --- shared and factored weights ---------------------------------------------------------------


def shared_init(rng):
    return {"w": L.kernel(rng, 4, 4), "scale": L.gain(rng, 4), "head": L.linear(rng, 4, 3)}


def shared(apply, sites=0):
    def loss(params, batch, eps):
        return L.cross_entropy(L.dense(params["head"], apply(params, batch["x"], eps)), batch["y"])

    return shared_init, vectors(), loss, sites


register("shared_layer", *shared(lambda p, x, e: jax.nn.relu(
    jax.nn.relu(x @ p["w"] * p["scale"]) @ p["w"])))
register("shared_transposed", *shared(lambda p, x, e: jax.nn.relu(
    jax.nn.relu(x @ p["w"]) * p["scale"] @ p["w"].T)))
register("frobenius_norm", *shared(lambda p, x, e: jax.nn.relu(
    x @ (p["w"] / jnp.sqrt(jnp.sum(p["w"] ** 2) + e[0])) * p["scale"]), 1))
register("symmetric_weight", *shared(lambda p, x, e: jax.nn.relu(
    x @ (p["w"] + p["w"].T) * p["scale"])))
register("exponential_gain", *shared(lambda p, x, e: jax.nn.relu(
    x @ p["w"] * jnp.exp(p["scale"]))))
register("diagonal_of_weight", *shared(lambda p, x, e: jax.nn.relu(
    x @ p["w"]) * jnp.diagonal(p["w"]) * p["scale"]))
register("triangular_weight", *shared(lambda p, x, e: jax.nn.relu(
    x @ (p["w"] * np.tri(4) + 2 * p["w"]) * p["scale"])))


def low_rank_init(rng):
    return {"a": L.kernel(rng, 4, 2), "b": L.kernel(rng, 2, 6), "frozen": L.kernel(rng, 4, 6),
            "head": L.linear(rng, 6, 3)}


def low_rank_loss(params, batch, eps):
    h = batch["x"] @ params["frozen"] + batch["x"] @ params["a"] @ params["b"]
    return L.cross_entropy(L.dense(params["head"], jax.nn.relu(h)), batch["y"])


register("low_rank", low_rank_init, vectors(), low_rank_loss)


def mixture_init(rng):
    return {"router": L.kernel(rng, 4, 2), "up": rng.standard_normal((2, 4, 5)) / 2,
            "down": rng.standard_normal((2, 5, 3)) / 2}


def mixture_loss(params, batch, eps):
    weights = jax.nn.softmax(batch["x"] @ params["router"])
    h = jax.nn.relu(jnp.einsum("bi,eij->bej", batch["x"], params["up"]))
    return L.cross_entropy(jnp.einsum("bej,ejk,be->bk", h, params["down"], weights), batch["y"])


register("mixture_of_experts", mixture_init, vectors(), mixture_loss)


def routed_loss(params, batch, eps):
    """Each example goes to one expert, chosen by the data."""
    expert = batch["y"] % 2
    h = jax.nn.relu(jnp.einsum("bi,bij->bj", batch["x"], params["up"][expert]))
    logits = jnp.einsum("bj,bjk->bk", h, params["down"][expert])
    return L.cross_entropy(logits + batch["x"] @ params["router"] @ jnp.ones((2, 3)), batch["y"])


register("routed_experts", mixture_init, vectors(), routed_loss)


def mismatched_loss(params, batch, eps):
    """As above, but the second matrix is another expert's: no unit is its own."""
    expert = batch["y"] % 2
    h = jax.nn.relu(jnp.einsum("bi,bij->bj", batch["x"], params["up"][expert]))
    other = (batch["x"][:, 0] > 0).astype(jnp.int32)
    logits = jnp.einsum("bj,bjk->bk", h, params["down"][other])
    return L.cross_entropy(logits + batch["x"] @ params["router"] @ jnp.ones((2, 3)), batch["y"])


register("routed_experts_crossed", mixture_init, vectors(), mismatched_loss)

# --- convolutions of other kinds ----------------------------------------------------------------


def convolution_loss(apply):
    def init(rng):
        return {"a": L.convolution(rng, 3, 2, 4), "b": L.convolution(rng, 3, 4, 4),
                "norm": L.affine_init(rng, 4), "head": L.linear(rng, 4, 3)}

    def loss(params, batch, eps):
        h = apply(params, jax.nn.relu(L.conv(params["a"], batch["x"])), eps)
        return L.cross_entropy(L.dense(params["head"], jax.nn.relu(h).mean((1, 2))), batch["y"])

    return init, images(), loss


def transposed(params, h, eps):
    h = jax.lax.conv_transpose(h, params["b"]["kernel"], (2, 2), "SAME",
                               dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return L.affine(params["norm"], L.batch_norm(h, eps[0]))


def dilated(params, h, eps):
    h = jax.lax.conv_general_dilated(h, params["b"]["kernel"], (1, 1), "SAME", rhs_dilation=(2, 2),
                                     dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return L.affine(params["norm"], h)


def squeeze_excite(params, h, eps):
    h = L.affine(params["norm"], L.conv(params["b"], h))
    return h * jax.nn.sigmoid(h.mean((1, 2), keepdims=True))


def shuffled(params, h, eps):
    n, y, x, c = h.shape
    h = h.reshape(n, y, x, 2, c // 2).swapaxes(3, 4).reshape(n, y, x, c)
    return L.affine(params["norm"], L.batch_norm(L.conv(params["b"], h), eps[0]))


def space_to_depth(params, h, eps):
    n, y, x, c = h.shape
    h = h.reshape(n, y // 2, 2, x // 2, 2, c).transpose(0, 1, 3, 5, 2, 4).mean((4, 5))
    return L.affine(params["norm"], L.batch_norm(L.conv(params["b"], h), eps[0]))


register("conv_transposed", *convolution_loss(transposed), 1)
register("conv_dilated", *convolution_loss(dilated))
register("conv_squeeze_excite", *convolution_loss(squeeze_excite))
register("conv_channel_shuffle", *convolution_loss(shuffled), 1)
register("conv_space_to_depth", *convolution_loss(space_to_depth), 1)

# --- indexing by tokens ---------------------------------------------------------------------------


def two_tables_init(rng):
    return {"left": L.kernel(rng, 5, 4, fan_in=2), "right": L.kernel(rng, 5, 4, fan_in=2),
            "head": L.linear(rng, 4, 5)}


def two_tables(combine):
    def loss(params, batch, eps):
        return L.cross_entropy(L.dense(params["head"], combine(params, batch["x"])), batch["y"])

    return two_tables_init, tokens(), loss


register("tables_same_index", *two_tables(lambda p, t: jax.nn.relu(p["left"][t] * p["right"][t])))
register("tables_other_index", *two_tables(
    lambda p, t: jax.nn.relu(p["left"][t] * p["right"][jnp.roll(t, 1, 1)])))
register("tables_shifted", *two_tables(
    lambda p, t: jax.nn.relu(p["left"][t] + p["right"][jnp.roll(t, 1, 1)])))
register("tables_quotient", *two_tables(
    lambda p, t: p["left"][t] / (jnp.abs(p["right"][t]) + jnp.abs(p["left"][t]))))
register("tables_scalar_gate", *two_tables(
    lambda p, t: jax.nn.relu(p["left"][t]) * p["right"][t][..., :1] / p["right"][t][..., 1:2]))
