# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Rows, experts and codes picked by the data or by what the network computed."""

import jax
import jax.numpy as jnp
import numpy as np

from . import layers as L
from .model import register, tokens, vectors

V, T, D, E, F = 5, 4, 4, 3, 5  # vocabulary, time, width, experts, hidden

# --- tables ---------------------------------------------------------------------------------------


def tables_init(rng):
    return {"left": L.kernel(rng, V, D, fan_in=2), "right": L.kernel(rng, V, D, fan_in=2),
            "head": L.linear(rng, D, V)}


def table_model(combine, init=tables_init, sites=0):
    def loss(params, batch, eps):
        h = combine(params, batch["x"], eps)
        return L.cross_entropy(L.dense(params["head"], h), batch["y"])

    return init, tokens(count=3, vocabulary=V), loss, sites


register("rows_gated_by_rows", *table_model(
    lambda p, t, e: jax.nn.relu(p["left"][t]) * p["right"][t]))
register("rows_normalised", *table_model(lambda p, t, e: L.rms_norm(p["left"][t], e[0]) * p["right"][t],
                                         sites=1))
register("rows_of_unit_length", *table_model(
    lambda p, t, e: (p["left"] / jnp.sqrt(jnp.sum(p["left"] ** 2, -1, keepdims=True) + e[0]))[t]
    + p["right"][t], sites=1))
register("rows_times_row_gain", *table_model(
    lambda p, t, e: p["left"][t] * p["gain"][t][..., None] + p["right"][t] * p["gain"][t][..., None],
    lambda rng: {**tables_init(rng), "gain": L.gain(rng, V)}))
register("rows_divided_by_their_sum", *table_model(
    lambda p, t, e: jnp.abs(p["left"][t]) / jnp.abs(p["left"][t]).sum(-1, keepdims=True) + p["right"][t]))
register("rows_of_other_columns", *table_model(
    lambda p, t, e: p["left"][t] * p["right"].T[:, jnp.arange(V)][jnp.arange(D)][:, 0]))
register("rows_through_a_matrix", *table_model(
    lambda p, t, e: jax.nn.relu(p["left"][t] @ p["mix"]) * p["right"][t],
    lambda rng: {**tables_init(rng), "mix": L.kernel(rng, D, D)}))
register("rows_before_and_after", *table_model(
    lambda p, t, e: p["left"][t] * p["right"][jnp.concatenate([t[:, :1], t[:, :-1]], 1)]))
register("rows_transposed", *table_model(
    lambda p, t, e: jnp.swapaxes(jnp.swapaxes(p["left"][t], 0, 1) * p["right"][t.T], 0, 1)))
register("rows_flattened", *table_model(
    lambda p, t, e: (p["left"][t.reshape(-1)] * p["right"][t].reshape(-1, D)).reshape(*t.shape, D)))
register("rows_by_one_hot", *table_model(
    lambda p, t, e: (jax.nn.one_hot(t, V, dtype=p["left"].dtype) @ p["left"]) * p["right"][t]))
register("rows_summed_in_time", *table_model(
    lambda p, t, e: jnp.cumsum(p["left"][t], 1) * p["right"][t]))
register("rows_of_pairs", *table_model(
    lambda p, t, e: jnp.einsum("btd,bsd->btd", p["left"][t], p["right"][t])))
register("rows_squared", *table_model(
    lambda p, t, e: p["left"][t] * p["right"][(t * t) % V]))
register("rows_mean_pooled", *table_model(
    lambda p, t, e: jnp.broadcast_to((p["left"][t] * p["right"][t]).mean(1, keepdims=True), (*t.shape, D))))
register("rows_masked", *table_model(
    lambda p, t, e: jnp.where((t > 0)[..., None], p["left"][t] * p["right"][t], p["left"][t])))
register("rows_clipped_index", *table_model(
    lambda p, t, e: jnp.take(p["left"], t + 0, axis=0, mode="clip") * jnp.take(
        p["right"], t + 0, axis=0, mode="clip")))
register("rows_filled_index", *table_model(
    lambda p, t, e: jnp.nan_to_num(jnp.take(p["left"], t, axis=0)) * jnp.take(p["right"], t, axis=0)))


def columns_init(rng):
    return {"left": L.kernel(rng, D, V, fan_in=2), "right": L.kernel(rng, D, V, fan_in=2),
            "head": L.linear(rng, D, V)}


register("columns_picked", *table_model(
    lambda p, t, e: jnp.moveaxis(p["left"][:, t] * p["right"][:, t], 0, -1), columns_init))


def product_init(rng):
    return {"table": rng.standard_normal((V, V, D)) / 2, "other": rng.standard_normal((V, V, D)) / 2,
            "head": L.linear(rng, D, V)}


register("bigram_table", *table_model(
    lambda p, t, e: p["table"][t, jnp.roll(t, 1, 1)] * p["other"][t, jnp.roll(t, 1, 1)], product_init))
register("bigram_table_swapped", *table_model(
    lambda p, t, e: p["table"][t, jnp.roll(t, 1, 1)] * p["other"][jnp.roll(t, 1, 1), t], product_init))


def edge_init(rng):
    return {"node": L.kernel(rng, V, D, fan_in=2), "message": L.linear(rng, D, F),
            "update": L.linear(rng, F, D), "head": L.linear(rng, D, V)}


def graph(params, t, eps):
    """Messages along edges (each token to the next), summed where they arrive."""
    n = params["node"]
    source, target = t[:, :-1].reshape(-1), t[:, 1:].reshape(-1)
    messages = jax.nn.relu(L.dense(params["message"], n[source]))
    arrived = jax.ops.segment_sum(messages, target, num_segments=V)
    return (n + L.dense(params["update"], arrived))[t]


register("graph_messages", *table_model(graph, edge_init))


def update_rows(params, t, eps):
    """Some rows replaced, some added to, at places the data says."""
    table = params["left"].at[t[0]].add(params["right"][t[0]])
    return table[t]


register("rows_updated", *table_model(update_rows))
register("rows_replaced", *table_model(
    lambda p, t, e: p["left"].at[t[0]].set(p["right"][t[0]])[t]))
register("rows_scaled_in_place", *table_model(
    lambda p, t, e: p["left"].at[t[0]].multiply(2.0)[t] * p["right"][t]))

# --- experts -----------------------------------------------------------------------------------------


def experts_init(rng):
    return {"router": L.kernel(rng, 4, E), "up": rng.standard_normal((E, 4, F)) / 2,
            "bias": L.bias(rng, E, F), "down": rng.standard_normal((E, F, 3)) / 2}


def expert_model(apply, sites=0):
    def loss(params, batch, eps):
        return L.cross_entropy(apply(params, batch["x"], eps), batch["y"])

    return experts_init, vectors(count=8), loss, sites


def top_k_dense(params, x, eps):
    """All experts run, the best two count."""
    logits = x @ params["router"]
    best, index = jax.lax.top_k(logits, 2)
    weight = jnp.einsum("bk,bke->be", jax.nn.softmax(best), jax.nn.one_hot(index, E, dtype=x.dtype))
    h = jax.nn.relu(jnp.einsum("bi,eij->bej", x, params["up"]) + params["bias"])
    return jnp.einsum("bej,ejk,be->bk", h, params["down"], weight)


def top_k_gathered(params, x, eps):
    """The matrices of the chosen experts are fetched."""
    best, index = jax.lax.top_k(x @ params["router"], 2)
    h = jax.nn.relu(jnp.einsum("bi,bkij->bkj", x, params["up"][index]) + params["bias"][index])
    y = jnp.einsum("bkj,bkjo->bko", h, params["down"][index])
    return jnp.einsum("bko,bk->bo", y, jax.nn.softmax(best))


def top_one_dispatched(params, x, eps):
    """Examples are sorted into the experts' queues, and back (capacity for all)."""
    probability = jax.nn.softmax(x @ params["router"])
    expert = jnp.argmax(probability, -1)
    mask = jax.nn.one_hot(expert, E, dtype=jnp.int32)
    place = (jnp.cumsum(mask, 0) * mask).sum(-1) - 1
    queues = jnp.zeros((E, x.shape[0], x.shape[1]), x.dtype).at[expert, place].set(x)
    h = jax.nn.relu(jnp.einsum("eci,eij->ecj", queues, params["up"]) + params["bias"][:, None])
    y = jnp.einsum("ecj,ejk->eck", h, params["down"])
    return y[expert, place] * jnp.take_along_axis(probability, expert[:, None], 1)


def soft_experts(params, x, eps):
    weight = jax.nn.softmax(x @ params["router"])
    h = jax.nn.relu(jnp.einsum("bi,eij->bej", x, params["up"]) + params["bias"])
    return jnp.einsum("bej,ejk,be->bk", h, params["down"], weight)


def sorted_experts(params, x, eps):
    """Examples ordered by expert, one matrix product a group (a ragged product by masks)."""
    expert = jnp.argmax(x @ params["router"], -1)
    order = jnp.argsort(expert)
    xs, es = x[order], expert[order]
    y = jnp.zeros((x.shape[0], 3), x.dtype)
    for e in range(E):
        h = jax.nn.relu(xs @ params["up"][e] + params["bias"][e])
        y = y + jnp.where((es == e)[:, None], h @ params["down"][e], 0.0)
    probability = jnp.max(jax.nn.softmax(x @ params["router"]), -1, keepdims=True)
    return y[jnp.argsort(order)] * probability


register("experts_soft", *expert_model(soft_experts))
register("experts_top_two", *expert_model(top_k_dense))
register("experts_top_two_gathered", *expert_model(top_k_gathered))
register("experts_dispatched", *expert_model(top_one_dispatched))
register("experts_sorted", *expert_model(sorted_experts))

# --- codes -------------------------------------------------------------------------------------------


def codebook_init(rng):
    return {"encode": L.linear(rng, 4, D), "codes": L.kernel(rng, V, D, fan_in=2),
            "head": L.linear(rng, D, 3)}


def nearest_loss(params, batch, eps):
    """The nearest code is taken: distances tie the codes to what is encoded."""
    z = L.dense(params["encode"], batch["x"])
    distance = jnp.sum((z[:, None] - params["codes"]) ** 2, -1)
    code = params["codes"][jnp.argmin(distance, -1)]
    return L.cross_entropy(L.dense(params["head"], code * z), batch["y"])


register("codebook", codebook_init, vectors(), nearest_loss)


def memory_loss(params, batch, eps):
    """The most similar key's value is read."""
    z = L.dense(params["encode"], batch["x"])
    found = jnp.argmax(z @ params["codes"].T, -1)
    return L.cross_entropy(L.dense(params["head"], z * jax.nn.relu(params["values"][found])), batch["y"])


register("memory", lambda rng: {**codebook_init(rng), "values": L.kernel(rng, V, D, fan_in=2)},
         vectors(), memory_loss)

# --- places that are constants -------------------------------------------------------------------------


def hidden_init(rng):
    return {"up": L.linear(rng, 4, 6), "down": L.linear(rng, 6, 3)}


def constant_places(middle):
    def loss(params, batch, eps):
        h = middle(L.dense(params["up"], batch["x"]))
        return L.cross_entropy(L.dense(params["down"], h), batch["y"])

    return hidden_init, vectors(), loss


register("places_permuted", *constant_places(lambda h: jax.nn.relu(h[:, np.array([3, 0, 5, 1, 4, 2])])))
register("places_repeated", *constant_places(lambda h: jax.nn.relu(h[:, np.array([3, 3, 5, 1, 1, 2])])))
register("places_taken", *constant_places(
    lambda h: jax.nn.relu(jnp.take(h, jnp.asarray([3, 0, 5, 1, 4, 2]), axis=1))))
register("places_set", *constant_places(lambda h: jax.nn.relu(h.at[:, 2].set(1.0))))
register("places_zeroed", *constant_places(lambda h: jax.nn.relu(h.at[:, 2:4].set(0.0))))
register("places_added", *constant_places(lambda h: jax.nn.relu(h.at[:, 2].add(h[:, 0]))))
register("places_interleaved", *constant_places(lambda h: jax.nn.relu(
    jnp.stack([h[:, :3], h[:, 3:]], -1).reshape(-1, 6))))
register("places_strided", *constant_places(lambda h: jax.nn.relu(
    jnp.concatenate([h[:, ::3], h[:, 1::3], h[:, 2::3]], -1))))
register("places_reversed_half", *constant_places(lambda h: jax.nn.relu(
    jnp.concatenate([h[:, :3][:, ::-1], h[:, 3:]], -1))))
register("places_spread", *constant_places(lambda h: jax.nn.relu(jax.lax.pad(
    h[:, :3], jnp.zeros((), h.dtype), ((0, 0, 0), (0, 1, 1))) + h)))
register("places_padded_two", *constant_places(lambda h: jax.nn.relu(
    jnp.pad(h[:, :4], ((0, 0), (1, 1)), constant_values=2.0))))
register("places_edge", *constant_places(lambda h: jax.nn.relu(jnp.pad(h[:, :4], ((0, 0), (1, 1)), mode="edge"))))
register("places_reflected", *constant_places(lambda h: jax.nn.relu(
    jnp.pad(h[:, :4], ((0, 0), (1, 1)), mode="reflect"))))
register("places_uneven", *constant_places(lambda h: jax.nn.relu(
    jnp.concatenate([h[:, 4:], h[:, :1], h[:, 1:4]], -1))))
register("places_products", *constant_places(lambda h: jax.nn.relu(
    (h[:, :2, None] * h[:, None, 2:5]).reshape(-1, 6) + jnp.ones((1, 6)) * h[:, 5:])))
register("places_differences", *constant_places(lambda h: jnp.pad(jnp.abs(h[:, 1:] - h[:, :-1]), ((0, 0), (0, 1)), mode="edge")))
register("places_triangle", *constant_places(lambda h: jax.nn.relu(
    jnp.einsum("bi,bj->bij", h[:, :3], h[:, 3:])[:, *np.triu_indices(3)])))
register("places_diagonal", *constant_places(lambda h: jax.nn.relu(jnp.tile(jnp.diagonal(
    h[:, :4].reshape(-1, 2, 2), axis1=1, axis2=2), 3) + h)))
register("places_split_sort", *constant_places(lambda h: jax.nn.relu(
    jnp.concatenate([jnp.sort(h[:, :3], -1), h[:, 3:]], -1))))
register("places_sorted_by_label", *constant_places(lambda h: jax.nn.relu(
    h[:, jnp.argsort(jnp.asarray([2, 0, 1, 5, 3, 4]))])))
