# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Loops that carry a state: recurrent cells, differential equations, fixed points, branches.

Sequences are [batch, moment, feature]; the state is [batch, WIDTH].
"""

import jax
import jax.numpy as jnp
import numpy as np

from . import layers as L
from .model import register, vectors

FEATURES, MOMENTS, WIDTH = 3, 4, 4


def sequence(batch):
    return batch["x"].reshape(-1, MOMENTS, FEATURES)


def gates(rng, names, bias=True):
    """For each gate: the matrix that reads the input, the one that reads the state, and a bias."""
    params = {}
    for name in names:
        params[f"w{name}"] = L.kernel(rng, FEATURES, WIDTH)
        params[f"u{name}"] = L.kernel(rng, WIDTH, WIDTH)
        if bias:
            params[f"b{name}"] = L.bias(rng, WIDTH)
    return params


def gate(p, name, x, h):
    return x @ p[f"w{name}"] + h @ p[f"u{name}"] + p[f"b{name}"]


def cell(names, move, states=1, read=lambda p, states: states[0]):
    """A cell scanned over time, and a linear head on what is read of its last states."""

    def init(rng):
        return {**gates(rng, names), "head": L.linear(rng, WIDTH, 3)}

    def loss(params, batch, eps):
        xs = jnp.swapaxes(sequence(batch), 0, 1)
        start = tuple(jnp.zeros((xs.shape[1], WIDTH), xs.dtype) for _ in range(states))
        last, _ = jax.lax.scan(lambda h, x: (move(params, h, x), None), start, xs)
        return L.cross_entropy(L.dense(params["head"], read(params, last)), batch["y"])

    return init, vectors(inputs=MOMENTS * FEATURES), loss


def lstm(p, state, x):
    h, c = state
    i, f, o = (jax.nn.sigmoid(gate(p, n, x, h)) for n in "ifo")
    c = f * c + i * jnp.tanh(gate(p, "g", x, h))
    return o * jnp.tanh(c), c


def relu_lstm(p, state, x):
    """Without squashing the memory: its scale is free."""
    h, c = state
    i, f, o = (jax.nn.sigmoid(gate(p, n, x, h)) for n in "ifo")
    c = f * c + i * jax.nn.relu(gate(p, "g", x, h))
    return o * jax.nn.sigmoid(c), c


def gru(p, state, x):
    h, = state
    z, r = (jax.nn.sigmoid(gate(p, n, x, h)) for n in "zr")
    return (z * h + (1 - z) * jnp.tanh(gate(p, "h", x, r * h)),)


def relu_gru(p, state, x):
    h, = state
    z, r = (jax.nn.sigmoid(gate(p, n, x, h)) for n in "zr")
    return (z * h + (1 - z) * jax.nn.relu(gate(p, "h", x, r * h)),)


def minimal_gru(p, state, x):
    """Gates that read the input alone, and a candidate without a bound."""
    h, = state
    z = jax.nn.sigmoid(x @ p["wz"] + p["bz"])
    return (z * h + (1 - z) * (x @ p["wh"] + p["bh"]),)


register("rnn_lstm", *cell("ifog", lstm, 2))
register("rnn_lstm_relu", *cell("ifog", relu_lstm, 2))
register("rnn_gru", *cell("zrh", gru))
register("rnn_gru_relu", *cell("zrh", relu_gru))


def minimal_init(rng):
    params = {**gates(rng, "zh"), "head": L.linear(rng, WIDTH, 3)}
    return {name: value for name, value in params.items() if not name.startswith("u")}


register("rnn_minimal_gru", minimal_init, *cell("zh", minimal_gru)[1:])


def bidirectional_init(rng):
    return {"forward": gates(rng, "h"), "backward": gates(rng, "h"),
            "head": L.linear(rng, 2 * WIDTH, 3)}


def bidirectional_loss(params, batch, eps):
    xs = jnp.swapaxes(sequence(batch), 0, 1)

    def run(p, xs):
        start = jnp.zeros((xs.shape[1], WIDTH), xs.dtype)
        return jax.lax.scan(lambda h, x: (jax.nn.relu(gate(p, "h", x, h)),) * 2, start, xs)[1]

    h = jnp.concatenate([run(params["forward"], xs), run(params["backward"], xs[::-1])[::-1]], -1)
    return L.cross_entropy(L.dense(params["head"], h.mean(0)), batch["y"])


register("rnn_bidirectional", bidirectional_init, vectors(inputs=MOMENTS * FEATURES), bidirectional_loss)


def stacked_init(rng):
    return {"layers": [gates(rng, "h"), {
        "wh": L.kernel(rng, WIDTH, WIDTH), "uh": L.kernel(rng, WIDTH, WIDTH),
        "bh": L.bias(rng, WIDTH)}], "head": L.linear(rng, WIDTH, 3)}


def stacked_loss(params, batch, eps):
    xs = jnp.swapaxes(sequence(batch), 0, 1)
    for p in params["layers"]:
        start = jnp.zeros((xs.shape[1], WIDTH), xs.dtype)
        _, xs = jax.lax.scan(lambda h, x, p=p: (jax.nn.relu(gate(p, "h", x, h)),) * 2, start, xs)
    return L.cross_entropy(L.dense(params["head"], xs[-1]), batch["y"])


register("rnn_stacked", stacked_init, vectors(inputs=MOMENTS * FEATURES), stacked_loss)


def diagonal_init(rng):
    return {"decay": L.bias(rng, WIDTH), "in": L.kernel(rng, FEATURES, WIDTH),
            "out": L.kernel(rng, WIDTH, 5), "skip": L.kernel(rng, FEATURES, 5),
            "head": L.linear(rng, 5, 3)}


def diagonal_loss(params, batch, eps):
    """A state space model: a linear recurrence, channel by channel, as an associative scan."""
    u = sequence(batch) @ params["in"]
    a = jnp.broadcast_to(jax.nn.sigmoid(params["decay"]), u.shape)

    def combine(left, right):
        return left[0] * right[0], right[0] * left[1] + right[1]

    _, h = jax.lax.associative_scan(combine, (a, u), axis=1)
    y = jax.nn.gelu(h @ params["out"] + sequence(batch) @ params["skip"])
    return L.cross_entropy(L.dense(params["head"], y.mean(1)), batch["y"])


register("state_space_scan", diagonal_init, vectors(inputs=MOMENTS * FEATURES), diagonal_loss)

# --- differential equations and fixed points --------------------------------------------------


def flow_init(rng):
    return {"in": L.linear(rng, 4, WIDTH), "f1": L.linear(rng, WIDTH, 5),
            "f2": L.linear(rng, 5, WIDTH), "head": L.linear(rng, WIDTH, 3)}


def flow(solver, activation=jax.nn.relu):
    """h' = f(h), solved by `solver(f, h)`."""

    def loss(params, batch, eps):
        def f(h):
            return L.dense(params["f2"], activation(L.dense(params["f1"], h)))

        h = solver(f, L.dense(params["in"], batch["x"]))
        return L.cross_entropy(L.dense(params["head"], h), batch["y"])

    return flow_init, vectors(), loss


def euler(f, h):
    return jax.lax.fori_loop(0, 4, lambda i, h: h + 0.25 * f(h), h)


def runge_kutta(f, h):
    def move(h, _):
        k1 = f(h)
        k2 = f(h + 0.25 * k1)
        k3 = f(h + 0.25 * k2)
        k4 = f(h + 0.5 * k3)
        return h + 0.5 / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

    return jax.lax.scan(move, h, None, length=2)[0]


register("ode_euler", *flow(euler))
register("ode_runge_kutta", *flow(runge_kutta))
register("ode_euler_tanh", *flow(euler, jnp.tanh))
register("ode_remat", *flow(lambda f, h: jax.checkpoint(f)(jax.checkpoint(f)(h) + h)))


def long_scan(f, h):
    """More iterations than are followed one by one."""
    return jax.lax.scan(lambda h, _: (h + 0.001 * f(h), None), h, None, length=600)[0]


register("ode_long", *flow(long_scan))


def shared_depth_init(rng):
    return {"in": L.linear(rng, 4, WIDTH), "w": 0.3 * L.kernel(rng, WIDTH, WIDTH),
            "scale": L.gain(rng, WIDTH), "head": L.linear(rng, WIDTH, 3)}


def shared_depth_loss(params, batch, eps):
    """A layer applied again and again, each time with what came in."""
    x = L.dense(params["in"], batch["x"])
    h = jax.lax.scan(lambda h, _: (jax.nn.relu(h @ params["w"] * params["scale"] + x), None),
                     jnp.zeros_like(x), None, length=3)[0]
    return L.cross_entropy(L.dense(params["head"], h), batch["y"])


register("fixed_point", shared_depth_init, vectors(), shared_depth_loss)

# --- branches -----------------------------------------------------------------------------------


def branch_init(rng):
    return {"up": L.linear(rng, 4, 6), "down": L.linear(rng, 6, 3), "other": L.linear(rng, 6, 3)}


def branches(choose):
    def loss(params, batch, eps):
        h = jax.nn.relu(L.dense(params["up"], batch["x"]))
        return L.cross_entropy(choose(params, batch, h), batch["y"])

    return branch_init, vectors(), loss


register("branch_cond", *branches(lambda p, b, h: jax.lax.cond(
    b["x"][0, 0] > 0, lambda h: L.dense(p["down"], h), lambda h: L.dense(p["other"], h), h)))
register("branch_switch", *branches(lambda p, b, h: jax.lax.switch(
    b["y"][0], [lambda h: L.dense(p["down"], h), lambda h: L.dense(p["other"], h),
                lambda h: L.dense(p["down"], jnp.abs(h)) + L.dense(p["other"], h)], h)))
register("branch_on_activation", *branches(lambda p, b, h: jnp.where(
    h[:, :1] > 0.2, L.dense(p["down"], h), L.dense(p["other"], h))))
register("branch_per_example", *branches(lambda p, b, h: jax.vmap(
    lambda y, h: jax.lax.cond(y > 0, lambda h: L.dense(p["down"], h),
                              lambda h: L.dense(p["other"], h), h))(b["y"], h)))


def stacked_scan_init(rng):
    return {"in": L.linear(rng, 4, 5), "layers": {
        "up": rng.standard_normal((3, 5, 6)) / 2, "down": rng.standard_normal((3, 6, 5)) / 2,
        "gain": L.gain(rng, 3, 5)}, "head": L.linear(rng, 5, 3)}


def stacked_scan(wrap):
    """Residual blocks with stacked parameters."""

    def loss(params, batch, eps):
        def block(h, p):
            y = L.rms_norm(h, eps[0]) * p["gain"]
            return h + jax.nn.relu(y @ p["up"]) @ p["down"], None

        h, _ = jax.lax.scan(wrap(block), L.dense(params["in"], batch["x"]), params["layers"])
        return L.cross_entropy(L.dense(params["head"], L.rms_norm(h, eps[1])), batch["y"])

    return stacked_scan_init, vectors(), loss, 2


register("scanned_residual", *stacked_scan(lambda block: block))
register("scanned_residual_remat", *stacked_scan(jax.checkpoint))


def unrolled_loss(params, batch, eps):
    """Stacked parameters taken apart by hand."""
    h = L.dense(params["in"], batch["x"])
    for i in range(3):
        p = jax.tree.map(lambda a, i=i: a[i], params["layers"])
        h = h + jax.nn.relu((L.rms_norm(h, eps[0]) * p["gain"]) @ p["up"]) @ p["down"]
    return L.cross_entropy(L.dense(params["head"], L.rms_norm(h, eps[1])), batch["y"])


register("stacked_unrolled", stacked_scan_init, vectors(), unrolled_loss, 2)


def reversed_scan_loss(params, batch, eps):
    """Stacked blocks, the last one first, and what each gives, kept."""
    def block(h, p):
        h = h + jax.nn.relu(h * p["gain"] @ p["up"]) @ p["down"]
        return h, h

    h = L.dense(params["in"], batch["x"])
    _, hs = jax.lax.scan(block, h, params["layers"], reverse=True)
    return L.cross_entropy(L.dense(params["head"], hs.sum(0)), batch["y"])


register("scanned_reversed", stacked_scan_init, vectors(), reversed_scan_loss)


def pooled_moments_loss(params, batch, eps):
    """Cumulative mean, maximum and product over time."""
    h = jax.nn.relu(sequence(batch) @ params["w"])
    steps = jnp.asarray(np.arange(1, MOMENTS + 1)[None, :, None], h.dtype)
    mean = jnp.cumsum(h, axis=1) / steps
    top = jax.lax.cummax(h @ params["v"], axis=1)
    return L.cross_entropy(L.dense(params["head"], (mean @ params["m"] + top).mean(1)), batch["y"])


register("cumulative_pools", lambda rng: {
    "w": L.kernel(rng, FEATURES, 5), "v": L.kernel(rng, 5, 4), "m": L.kernel(rng, 5, 4),
    "head": L.linear(rng, 4, 3)}, vectors(inputs=MOMENTS * FEATURES), pooled_moments_loss)
