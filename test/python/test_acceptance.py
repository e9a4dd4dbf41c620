# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Numbers of the theory (T1 to T9, T12, T18 to T21, T23), each against what Noether says and, where a run is meant, a run.

Sources: Tanaka and Kunin 2021 (T1, T2, T6, T23), Wan et al. 2021 and Kosson et al. 2024 (T3 to T5), Li and Arora 2020 (T7),
Kunin et al. 2021 (T8, T9, T20), Marcotte et al. 2024 (T12), Gould and Tanaka 2024 (T18), Saul 2023 (T19).
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from invariant import COLUMNS, SIZE, draw, heavy_ball, predict, step_of, value
from zoo.reports import block_shape, log_scale

import noether_mlir


def drawn_run(update, start, steps, skip, seed=0, width=SIZE):
    """Drives a scale-invariant vector by gradients of unit size, over its norm, that are not correlated.

    Args:
        update: (gradient, state, w) -> (the change of w, the next state).

    Returns:
        Mean square of the norm, and root mean square of the chord on the sphere, after `skip` steps.
    """
    w, state = start

    def step(carry, key):
        w, state = carry
        g = jax.random.normal(key, (width,))
        g -= w * jnp.dot(g, w) / jnp.dot(w, w)
        g /= jnp.linalg.norm(g) * jnp.linalg.norm(w)
        change, state = update(g, state, w)
        after = w + change
        cosine = jnp.dot(w, after) / jnp.linalg.norm(w) / jnp.linalg.norm(after)
        return (after, state), (jnp.dot(after, after), 2 - 2 * cosine)

    keys = jax.random.split(jax.random.key(seed), steps)
    _, (squares, turns) = jax.jit(lambda w, s: jax.lax.scan(step, (w, s), keys))(w, state)
    return float(squares[skip:].mean()), float(jnp.sqrt(turns[skip:].mean()))


def on_sphere(square, width=SIZE):
    w = np.random.default_rng(3).normal(size=width)
    return jnp.asarray(w / np.linalg.norm(w) * math.sqrt(square))


def optax_run(optimizer, square, steps, skip):
    w = on_sphere(square)
    return drawn_run(optimizer.update, (w, optimizer.init(w)), steps, skip)


# --- T1, T2: the map to RMSProp -----------------------------------------------------------------------


def test_t1_momentum_constants():
    found = predict(heavy_ball(0.1, 5e-4, 0.9))
    coherent, noise = value(found, "coherent_growth") / 0.01, value(found, "noise_growth") / 0.01
    assert (coherent, noise, coherent / noise) == pytest.approx((1900, 100, 19), rel=1e-9)


@pytest.mark.parametrize(("rate", "decay", "forgetting", "coherent", "noise", "angle"), [
    (0.1, 5e-4, 2.0e-3, 19000, 1000.013, 0.00725476), (0.1, 1e-4, 4.0e-4, 95000, 5000, 0.00324443)])
def test_t2_map_to_rmsprop(rate, decay, forgetting, coherent, noise, angle):
    found = predict(heavy_ball(rate, decay, 0.9))
    assert value(found, "rmsprop_forgetting") == pytest.approx(forgetting, rel=1e-9)
    assert value(found, "rmsprop_scale_coherent") == pytest.approx(coherent, rel=1e-9)
    assert value(found, "rmsprop_scale_noise") == pytest.approx(noise, rel=2e-5)
    assert found.rotation_per_step == pytest.approx(angle, rel=1e-6)


# --- T3 to T6: equilibria, predicted and run ------------------------------------------------------------


@pytest.mark.parametrize(("rate", "decay", "momentum", "fourth", "angle"), [
    (0.1, 0.01, 0.0, 5.0025, 0.04472), (0.1, 0.01, 0.9, 50.013, 0.03244),
    (0.05, 0.02, 0.5, 2.5008, 0.03651), (0.2, 0.005, 0.95, 400.10, 0.03203)])
def test_t3_momentum_under_noise(rate, decay, momentum, fourth, angle):
    found = predict(heavy_ball(rate, decay, momentum), gradient_norm=1.0)
    assert found.equilibrium_norm**4 == pytest.approx(fourth, rel=3e-5)
    assert found.rotation_per_step == pytest.approx(angle, rel=2e-4)
    square, turn = optax_run(heavy_ball(rate, decay, momentum), math.sqrt(fourth), 24000, 4000)
    assert (square**2, turn) == pytest.approx((fourth, angle), rel=1e-2)


@pytest.mark.parametrize(("optimizer", "square", "angle", "tolerance"), [
    (optax.adamw(1e-3, weight_decay=0.1, b1=0.9), 1.0, 0.0032444, 0.01),
    (optax.adamw(1e-3, weight_decay=0.5, b1=0.95), 0.2, 0.005064, 0.01),
    (optax.lion(1e-3, weight_decay=0.1, b1=0.9, b2=0.99), 45.25, 0.0021025, 0.02)])
def test_t4_adaptive_updates(optimizer, square, angle, tolerance):
    found = predict(optimizer)
    assert found.equilibrium_norm**2 == pytest.approx(square, rel=1e-2)
    assert found.rotation_per_step == pytest.approx(angle, rel=1e-3)
    measured, turn = optax_run(optimizer, square, 30000, 12000)
    assert (measured, turn) == pytest.approx((square, angle), rel=tolerance)


@pytest.mark.parametrize(("rate", "decay", "first", "cube"), [(1e-3, 1e-3, 0.9, 7.071), (1e-3, 4e-3, 0.0, 1.768)])
def test_t5_decay_inside_adam(rate, decay, first, cube):
    optimizer = optax.chain(optax.add_decayed_weights(decay), optax.adam(rate, b1=first, eps=1e-12))
    found = predict(optimizer, gradient_norm=1.0)
    assert found.equilibrium_norm**3 == pytest.approx(cube, rel=1e-3)
    square, _ = optax_run(optimizer, cube ** (2 / 3), 30000, 15000)
    assert square**1.5 == pytest.approx(cube, rel=1e-2)


@pytest.mark.parametrize(("rate", "decay", "momentum", "fourth"), [
    (1e-3, 0.01, 0.9, 9.5), (1e-4, 0.1, 0.5, 0.003), (1e-3, 0.01, 0.0, 0.05)])
def test_t6_coherent_gradients(rate, decay, momentum, fourth):
    found = predict(heavy_ball(rate, decay, momentum))
    assert value(found, "rmsprop_scale_coherent") == pytest.approx(fourth, rel=1e-9)
    w, v = np.array([fourth**0.25, 0.0]), np.zeros(2)
    for _ in range(int(3 * (1 - momentum) / rate / decay / 4) + 4000):
        v = momentum * v + np.array([-w[1], w[0]]) / (w @ w) + decay * w
        w = w - rate * v
    assert (w @ w) ** 2 == pytest.approx(fourth, rel=1e-3)


# --- T7: decay as a growing learning rate ---------------------------------------------------------------


@pytest.mark.parametrize(("optimizer", "growth"), [
    (heavy_ball(0.1, 5e-4, 0.9), 1.001005300601762), (heavy_ball(0.1, 1e-4, 0.9), 1.000200210400956),
    (heavy_ball(0.1, 5e-4, 0.0), 1.0001000075005), (heavy_ball(0.1, 5e-4, 0.9, nesterov=True), 1.0010048437211287)])
def test_t7_growth(optimizer, growth):
    assert value(predict(optimizer), "learning_rate_growth") == pytest.approx(growth, abs=1e-12)


def test_t7_alpha_and_its_bound():
    assert value(predict(heavy_ball(0.1, 5e-4, 0.9)), "decay_factor") == pytest.approx(0.9994977283678897, abs=1e-13)
    below, above = (predict(heavy_ball(1.0, bound, 0.9)) for bound in (2.6334e-3, 2.6335e-3))
    assert value(below, "decay_factor") is not None and value(above, "decay_factor") is None


def test_t7_trajectories():
    """150 steps of the heavy ball without decay, its rate growing (and so its steps), have the directions of those with it."""
    rate, decay, momentum = 0.1, 5e-4, 0.9
    found = predict(heavy_ball(rate, decay, momentum))
    alpha, growth = value(found, "decay_factor"), value(found, "learning_rate_growth")
    rng = np.random.default_rng(0)
    target = rng.normal(size=(150, 12))

    def gradient(w, t):
        r = np.linalg.norm(w)
        return -(target[t] - w * (w @ target[t]) / r**2) / r

    w = u = rng.normal(size=12)
    before, v = alpha * w, np.zeros(12)
    assert growth == pytest.approx(alpha**-2, rel=1e-12)
    for t in range(150):
        v = momentum * v + gradient(w, t) + decay * w
        w = w - rate * v
        u, before = u + momentum * growth * (u - before) - rate / alpha * growth**t * gradient(u, t), u
        np.testing.assert_allclose(w / np.linalg.norm(w), u / np.linalg.norm(u), atol=1e-12)


# --- T8, T9, T20: charges from step to step ---------------------------------------------------------------


def product_net(optimizer, rank=3):
    """A loss of u @ v alone, trained in double precision: what is predicted of its group, and the run (u, v, step)."""
    rng = np.random.default_rng(0)
    params = {"u": jnp.asarray(rng.normal(size=(4, rank))), "v": jnp.asarray(rng.normal(size=(rank, 5)))}

    def step(params, state, batch):
        x, y = batch
        loss, grads = jax.value_and_grad(lambda p: jnp.mean(jnp.tanh(x @ p["u"] @ p["v"] - y) ** 2))(params)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss

    def batch():
        return jnp.asarray(rng.normal(size=(9, 4))), jnp.asarray(rng.normal(size=(9, 5)))

    state = optimizer.init(params)
    found = noether_mlir.analyze(step, params, state, batch())
    (group,) = [s for s in found.symmetries if s.family == "general_linear"]
    return found.kinetics_of(group.id).prediction, params, state, jax.jit(step), batch


def test_t8_matrix_charges():
    """M = U^T U - V V^T under gradient descent with decay: M' = a^2 M + b^2 (the same of the gradients)."""
    found, params, state, step, batch = product_net(optax.chain(optax.add_decayed_weights(0.1), optax.sgd(0.2)))
    (a,), (b,) = found.motion.transition[0], found.motion.drive
    recurrence = found.quantity("charge_recurrence")
    assert recurrence.label == "exact" and recurrence.text.startswith("M' = a^2 M + b^2 K")
    charge = lambda p: np.asarray(p["u"].T @ p["u"] - p["v"] @ p["v"].T)
    for _ in range(50):
        after, state, _ = step(params, state, batch())
        g = {name: (after[name] - a * params[name]) / b for name in params}
        np.testing.assert_allclose(charge(after), a**2 * charge(params) + b**2 * charge(g), atol=1e-13)
        params = after
    assert found.time_constant_steps == pytest.approx(-1 / math.log(0.98))


def wedge(a, b):
    """The angular momentum along the inner axis."""
    return a["u"].T @ b["u"] - b["u"].T @ a["u"] + a["v"] @ b["v"].T - b["v"] @ a["v"].T


@pytest.mark.parametrize("decay", [0.0, 0.05])
def test_t8_angular_momentum(decay):
    """J' = beta J, whatever the gradients, the learning rate and the decay."""
    found, params, state, step, batch = product_net(heavy_ball(0.3, decay, 0.8))
    factor = value(found, "rotation_charge_factor")
    assert factor == pytest.approx(0.8, abs=1e-14)
    rng = np.random.default_rng(1)
    state = jax.tree.map(lambda s: s + 0.1 * rng.normal(size=s.shape), state)  # a buffer at rest has none
    spins = []
    for _ in range(40):
        after, state, _ = step(params, state, batch())
        spins.append(wedge(after, params))
        params = after
    assert abs(spins[0]).max() > 1e-2
    for before, after in zip(spins, spins[1:], strict=False):
        np.testing.assert_allclose(after, factor * before, atol=1e-14)


def test_t8_nesterov_has_no_such_law():
    found, *_ = product_net(optax.sgd(0.3, momentum=0.8, nesterov=True))
    assert found.quantity("rotation_charge_factor") is None
    assert found.quantity("charge_recurrence").text.startswith("G' = A G A^T")


RELU = {"w1": (6, 8), "b1": (8,), "w2": (8, 3)}


def relu_loss(params, batch):
    x, y = batch
    return jnp.mean((jax.nn.relu(x @ params["w1"] + params["b1"]) @ params["w2"] - y) ** 2)


def relu_run(rate, steps, rates=None):
    """Gradient descent on one batch in double precision: parameters at the beginning and the end, and the sum of
    eta^2 (|g_in|^2 - |g_out|^2), or of eta where `rates` are the parameters' own."""
    rng = np.random.default_rng(0)
    params = {name: jnp.asarray(rng.normal(size=shape) / 2) for name, shape in RELU.items()}
    batch = jnp.asarray(rng.normal(size=(16, 6))), jnp.asarray(rng.normal(size=(16, 3)))
    gradient = jax.jit(jax.grad(relu_loss))
    start, total = params, 0.0
    for _ in range(steps):
        g = gradient(params, batch)
        each = {n: rate * (rates[n] if rates else 1) for n in params}
        total = total + sum((each[n] if rates else each[n] ** 2) * sign * (g[n] ** 2).reshape(-1 if n == "b1" else g[n].shape)
                            .sum(axis) for n, sign, axis in (("w1", 1, 0), ("b1", 1, ()), ("w2", -1, 1)))
        params = {n: w - each[n] * g[n] for n, w in params.items()}
    return start, params, total


def imbalance(params, rates=None):
    parts = {"w1": (params["w1"] ** 2).sum(0), "b1": params["b1"] ** 2, "w2": -(params["w2"] ** 2).sum(1)}
    return sum(part / (rates[n] if rates else 1) for n, part in parts.items())


def relu_analysis(rates=None):
    def step(params, batch):
        loss, grads = jax.value_and_grad(relu_loss)(params, batch)
        return {n: w - (rates[n] if rates else 0.05) * grads[n] for n, w in params.items()}, loss

    params = {name: jax.ShapeDtypeStruct(shape, jnp.float64) for name, shape in RELU.items()}
    batch = jax.ShapeDtypeStruct((16, 6), jnp.float64), jax.ShapeDtypeStruct((16, 3), jnp.float64)
    found = noether_mlir.analyze(step, params, batch)
    (symmetry,) = [s for s in found.symmetries if s.family == "rescale"]
    return found.kinetics_of(symmetry.id).prediction


def test_t8_drift_of_a_rescale_charge():
    assert relu_analysis().quantity("charge_recurrence").label == "exact"
    start, end, total = relu_run(0.05, 200)
    np.testing.assert_allclose(imbalance(end) - imbalance(start), total, atol=1e-13)


def test_t8_weighted_charges():
    """Learning rates of their own: |w_in|^2 / eta_in - |w_out|^2 / eta_out takes the place of the charge."""
    rates = {"w1": 0.03, "b1": 0.03, "w2": 0.12}
    found = relu_analysis(rates)
    assert found.quantity("charge_recurrence") is None
    law = found.quantity("weighted_charge_recurrence")
    assert law.label == "exact" and "params['w2']: 0.12" in law.text
    start, end, total = relu_run(1.0, 200, rates)
    np.testing.assert_allclose(imbalance(end, rates) - imbalance(start, rates), total, atol=1e-12)
    assert abs(imbalance(end) - imbalance(start)).max() > 1e-3  # the plain charge has no such law


def test_t9_half_the_rate_is_half_the_drift():
    drift = [abs(imbalance(end) - imbalance(start)).max()
             for start, end, _ in (relu_run(0.004, 400), relu_run(0.002, 800))]
    assert drift[0] / drift[1] == pytest.approx(2.0, rel=0.01)


def softmax_run(optimizer, steps, start=None):
    """The sums over classes of a softmax classifier's weights after each step, one for each input."""
    rng = np.random.default_rng(0)
    params = {"w": jnp.asarray(rng.normal(size=(5, 4)))}

    def step(params, state, batch):
        x, y = batch
        loss, grads = jax.value_and_grad(
            lambda p: -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(x @ p["w"]), y[:, None], 1)))(params)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss

    state = optimizer.init(params)
    draws = [(jnp.asarray(rng.normal(size=(8, 5))), jnp.asarray(rng.integers(0, 4, 8))) for _ in range(steps)]
    found = noether_mlir.analyze(step, params, state, draws[0])
    (shift,) = [s for s in found.symmetries if s.family == "translation"]
    run, sums = jax.jit(step), [np.asarray(params["w"].sum(1))]
    for batch in draws:
        params, state, _ = run(params, state, batch)
        sums.append(np.asarray(params["w"].sum(1)))
    return found.kinetics_of(shift.id).prediction, sums


def test_t20_translation_under_decay():
    rate, decay, steps = 0.1, 0.05, 400
    found, sums = softmax_run(optax.chain(optax.add_decayed_weights(decay), optax.sgd(rate)), steps)
    factor = value(found, "charge_factor")
    assert found.label == "exact" and factor == pytest.approx(1 - rate * decay, abs=1e-15)
    np.testing.assert_allclose(sums[-1], factor**steps * sums[0], rtol=1e-12)
    # In continuous time it would be the exponential, which is off by this much.
    continuous = math.exp(-rate * decay * steps)
    assert continuous / factor**steps - 1 == pytest.approx((rate * decay) ** 2 * steps / 2, rel=0.02)


def test_t20_translation_under_momentum():
    rate, decay, momentum = 0.1, 0.02, 0.9
    found, sums = softmax_run(heavy_ball(rate, decay, momentum), 100)
    assert found.quantity("charge_recurrence").label == "exact"
    a = np.array(found.motion.transition)
    assert np.trace(a) == pytest.approx(1 + momentum - rate * decay) and np.linalg.det(a) == pytest.approx(momentum)
    for last, now, then in zip(sums, sums[1:], sums[2:], strict=False):
        np.testing.assert_allclose(then, (1 + momentum - rate * decay) * now - momentum * last, atol=1e-15)
    assert value(found, "charge_factor") == pytest.approx(max(abs(np.linalg.eigvals(a))), rel=1e-12)


def test_translations_of_an_adaptive_update_have_no_prediction():
    found, _ = softmax_run(optax.adam(1e-2), 1)
    assert found is None


# --- T12: counts under momentum --------------------------------------------------------------------------


@pytest.mark.parametrize(("rank", "flow", "momentum"), list(zip(
    range(2, 12), (3, 6, 10, 14, 18, 22, 26, 30, 34, 38), (1, 3, 6, 10, 15, 21, 28, 36, 44, 52), strict=True)))
def test_t12_counts(rank, flow, momentum):
    def step(params, batch):
        x, y = batch
        loss, grads = jax.value_and_grad(lambda p: jnp.mean((x @ p["u"] @ p["v"] - y) ** 2))(params)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads), loss

    shape = lambda *sizes: jax.ShapeDtypeStruct(sizes, jnp.float64)
    found = noether_mlir.analyze(step, {"u": shape(2, rank), "v": shape(rank, 2)}, (shape(7, 2), shape(7, 2)))
    (group,) = [s for s in found.symmetries if s.family == "general_linear"]
    assert (group.conserved.gradient_flow, group.conserved.momentum_flow) == (flow, momentum)


# --- T18: the bound of Adam --------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second", "bound", "stability"), [(0.9, 0.999, 7.2703, 0.2212), (0.9, 0.95, 1.1650, 0.1696)])
def test_t18_bound(first, second, bound, stability):
    found = predict(optax.adam(1e-3, b1=first, b2=second))
    assert value(found, "direction_bound") == pytest.approx(bound, abs=5e-5)
    assert value(found, "stability") == pytest.approx(stability, abs=5e-5)


def test_t18_no_bound():
    """The ratio q = b1^2 / b2 is 1.089: gradients that fall by b1 / b2 make updates grow by its root."""
    found = predict(optax.adam(1e-3, b1=0.99, b2=0.9))
    assert value(found, "direction_bound") is None and value(found, "stability") < 0
    optimizer = optax.scale_by_adam(b1=0.99, b2=0.9, eps=0.0)
    sizes = []
    for steps in (40, 80):
        state = optimizer.init(jnp.zeros(()))
        for gradient in (0.99 / 0.9) ** np.arange(steps)[::-1]:
            update, state = optimizer.update(jnp.asarray(gradient), state)
        # Without the corrections for the start.
        sizes.append(float(state.mu / jnp.sqrt(state.nu)))
    assert sizes[1] / sizes[0] == pytest.approx(1.089**20, rel=0.05)


# --- T19: balancing ----------------------------------------------------------------------------------------


def test_t19_balancing():
    """Saul's multiplicative updates with the symmetries that were found: 60 sweeps balance a network (5-6-7-4)."""
    sizes = {"w1": (5, 6), "w2": (6, 7), "w3": (7, 4)}

    def network(params, x):
        return jax.nn.relu(jax.nn.relu(x @ params["w1"]) @ params["w2"]) @ params["w3"]

    def step(params, batch):
        x, y = batch
        loss, grads = jax.value_and_grad(lambda p: jnp.mean((network(p, x) - y) ** 2))(params)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads), loss

    rng = np.random.default_rng(5)
    params = {name: jnp.asarray(rng.normal(size=shape)) for name, shape in sizes.items()}
    batch = jnp.asarray(rng.normal(size=(9, 5))), jnp.asarray(rng.normal(size=(9, 4)))
    before = network(params, batch[0])
    symmetries = [s for s in noether_mlir.analyze(step, params, batch).data["symmetries"] if s["family"] == "rescale"]
    assert len(symmetries) == 2
    shapes = {f"params['{name}']": shape for name, shape in sizes.items()}

    def sides(symmetry):
        """Of each unit: the sum of squares of what it multiplies by, and of what it divides by."""
        total = {1: np.zeros(block_shape(symmetry, shapes)), -1: np.zeros(block_shape(symmetry, shapes))}
        for member in symmetry["members"]:
            w = np.asarray(params[member["parameter"].split("'")[1]])
            others = tuple(axis for axis in range(w.ndim) if axis not in member["axes"])
            total[int(member["exponent"])] += (w**2).sum(others)
        return total[1], total[-1]

    objective = [float(sum((w**2).sum() for w in params.values()))]
    worst = []
    for _ in range(60):
        moves = []
        for symmetry in symmetries:
            up, down = sides(symmetry)
            moves.append((symmetry, np.log(down / up) / 8))
        worst.append(max(abs(8 * element).max() for _, element in moves))
        for symmetry, element in moves:
            for name, log in log_scale(symmetry, element, shapes).items():
                params[name.split("'")[1]] = params[name.split("'")[1]] * np.exp(log)
        objective.append(float(sum((w**2).sum() for w in params.values())))
    assert worst[0] > 1 and worst[-1] < 1e-6
    assert all(after <= before * (1 + 1e-14) for before, after in zip(objective, objective[1:], strict=False))
    np.testing.assert_allclose(network(params, batch[0]), before, rtol=1e-12)


# --- T21: the adaptive form --------------------------------------------------------------------------------


def test_t21_adaptive_form_is_the_same_run():
    optimizer = optax.chain(optax.add_decayed_weights(0.05), optax.sgd(0.1))
    rng = np.random.default_rng(0)
    params = {"w": jnp.asarray(rng.normal(size=(3, COLUMNS)))}
    state, step = optimizer.init(params), step_of(optimizer)
    adapted = noether_mlir.jit(step, rewrite="adaptive")
    plain = jax.jit(step)
    first, second = (params, state), (params, state)
    for _ in range(60):
        batch = draw(rng, 12)
        *first, _ = plain(*first, batch)
        *second, _ = adapted(*second, batch)
        found = adapted.restore(*second, batch)[0]["w"]
        np.testing.assert_allclose(found, first[0]["w"], rtol=0, atol=2e-14 * float(abs(found).max()))


@pytest.mark.parametrize(("share", "ratio"), [(1e-4, 0.99990), (1e-3, 0.99900), (1e-2, 0.98995), (5e-2, 0.94875)])
def test_t21_moving_average_alone(share, ratio):
    """Without the correction of fourth order the stationary r^4 is off by about eta lambda. Gradients of unit size."""
    keep = (1 - share) ** 2
    exact = predict(heavy_ball(0.1, share / 0.1, 0.0), gradient_norm=1.0).equilibrium_norm ** 4
    average = 2 * keep * 0.01 / (1 - keep**2)
    assert average / exact == pytest.approx(ratio, abs=1e-5)


# --- T23: the continuous form --------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "decay", "momentum", "norm", "worst", "end"), [
    (0.01, 5e-3, 0.9, 1.0, 0.08, 0.02), (1e-3, 1e-2, 0.9, 2.0, 0.06, 0.02), (1e-3, 0.0, 0.9, 2.0, 0.017, 0.02),
    (1e-3, 1e-2, 0.0, 1.0, 4e-4, 4e-4)])
def test_t23_continuous_form(rate, decay, momentum, norm, worst, end):
    """r^4 as a moving average of |r g|^2, with a gradient whose size varies and whose direction is kept."""
    found = predict(heavy_ball(rate, decay, momentum) if decay else optax.sgd(rate, momentum=momentum))
    forgetting = value(found, "rmsprop_forgetting") if decay else 0.0
    growth = 2 * value(found, "coherent_growth")
    w, v, fourth, steps = np.array([norm, 0.0]), np.zeros(2), norm**4, 4000
    errors = []
    for t in range(steps):
        r = np.hypot(*w)
        size = 1 + 0.5 * math.sin(2 * math.pi * t / 1000)
        v = momentum * v + size * np.array([-w[1], w[0]]) / r**2 + decay * w
        w = w - rate * v
        fourth = math.exp(-forgetting) * fourth + growth * size**2
        errors.append(abs(np.hypot(*w) ** 4 / fourth - 1))
    assert max(errors[100:]) < worst and errors[-1] < end
