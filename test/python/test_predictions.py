# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What is predicted of a run happens: exact laws to rounding, others within what their derivation drops."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from invariant import COLUMNS, SIZE, draw, heavy_ball, loss, predict, shapes, step_of, value

import noether_mlir

# --- numbers of the theory, from the graph ----------------------------------------------------------


@pytest.mark.parametrize(("rate", "decay", "momentum", "forgetting", "coherent", "noise", "angle"), [
    (0.1, 5e-4, 0.9, 2.0e-3, 19000, 1000.013, 0.00725476), (0.1, 1e-4, 0.9, 4.0e-4, 95000, 5000, 0.00324443)])
def test_implicit_rmsprop(rate, decay, momentum, forgetting, coherent, noise, angle):
    found = predict(heavy_ball(rate, decay, momentum))
    assert value(found, "rmsprop_forgetting") == pytest.approx(forgetting, rel=1e-9)
    assert value(found, "rmsprop_scale_coherent") == pytest.approx(coherent, rel=1e-9)
    assert value(found, "rmsprop_scale_noise") == pytest.approx(noise, rel=2e-5)
    assert value(found, "rmsprop_learning_rate") == pytest.approx(math.sqrt(2 * rate * decay / (1 + momentum)), rel=1e-9)
    assert found.rotation_per_step == pytest.approx(angle, rel=1e-6)
    assert found.time_constant_steps == pytest.approx((1 - momentum) / rate / decay, rel=1e-9)
    assert value(found, "coherent_growth") == pytest.approx(1900 * rate**2, rel=1e-9)
    assert value(found, "noise_growth") == pytest.approx(100 * rate**2, rel=1e-9)
    assert (found.label, found.quantity("equilibrium_fourth_power").label) == ("leading order", "needs gradient statistics")


def test_mechanics():
    """Mass, friction and spring of the damped particle."""
    found = predict(heavy_ball(0.1, 5e-4, 0.9))
    assert value(found, "mass") == pytest.approx(0.1 * 1.9 / 2)
    assert value(found, "friction") == pytest.approx(0.1)
    assert value(found, "spring") == pytest.approx(5e-4, rel=1e-6)
    assert value(found, "charge_dissipation") == pytest.approx(2 * 0.1 / (0.1 * 1.9))


@pytest.mark.parametrize(("optimizer", "growth"), [
    (heavy_ball(0.1, 5e-4, 0.9), 1.001005300601762), (heavy_ball(0.1, 1e-4, 0.9), 1.000200210400956),
    (heavy_ball(0.1, 5e-4, 0.0), 1.0001000075005), (heavy_ball(0.1, 5e-4, 0.9, nesterov=True), 1.0010048437211287)])
def test_growing_learning_rate(optimizer, growth):
    assert value(predict(optimizer), "learning_rate_growth") == pytest.approx(growth, abs=1e-12)


@pytest.mark.parametrize(("rate", "decay", "momentum", "fourth", "angle"), [
    (0.1, 0.01, 0.0, 5.0025, 0.04472), (0.1, 0.01, 0.9, 50.013, 0.03244),
    (0.05, 0.02, 0.5, 2.5008, 0.03651), (0.2, 0.005, 0.95, 400.10, 0.03203)])
def test_equilibrium_under_noise(rate, decay, momentum, fourth, angle):
    found = predict(heavy_ball(rate, decay, momentum), gradient_norm=1.0)
    assert found.equilibrium_norm**4 == pytest.approx(fourth, rel=3e-5)
    assert found.rotation_per_step == pytest.approx(angle, rel=2e-4)


@pytest.mark.parametrize(("optimizer", "square", "angle"), [
    (optax.adamw(1e-3, weight_decay=0.1, b1=0.9), 1.0, 0.0032444),
    (optax.adamw(1e-3, weight_decay=0.5, b1=0.95), 0.2, 0.005064),
    (optax.lion(1e-3, weight_decay=0.1, b1=0.9, b2=0.99), 45.25, 0.0021025)])
def test_equilibrium_of_adaptive_updates(optimizer, square, angle):
    found = predict(optimizer)
    assert found.equilibrium_norm**2 == pytest.approx(square, rel=1e-2)
    assert found.rotation_per_step == pytest.approx(angle, rel=1e-3)


@pytest.mark.parametrize(("rate", "decay", "first", "cube"), [(1e-3, 1e-3, 0.9, 7.071), (1e-3, 4e-3, 0.0, 1.768)])
def test_equilibrium_with_decay_inside(rate, decay, first, cube):
    optimizer = optax.chain(optax.add_decayed_weights(decay), optax.adam(rate, b1=first))
    found = predict(optimizer, gradient_norm=1.0)
    assert value(found, "equilibrium_cube") == pytest.approx(cube, rel=1e-3)
    assert found.equilibrium_norm**3 == pytest.approx(cube, rel=1e-3)
    assert found.label == "needs gradient statistics"


@pytest.mark.parametrize(("first", "second", "bound", "stability"), [(0.9, 0.999, 7.2703, 0.2212), (0.9, 0.95, 1.1650, 0.1696)])
def test_bound_of_adam(first, second, bound, stability):
    found = predict(optax.adam(1e-3, b1=first, b2=second))
    assert value(found, "direction_bound") == pytest.approx(bound, abs=5e-5)
    assert value(found, "stability") == pytest.approx(stability, abs=5e-5)


def test_no_bound():
    found = predict(optax.adam(1e-3, b1=0.99, b2=0.9))
    assert value(found, "direction_bound") is None and value(found, "stability") < 0


def test_bound_is_attained():
    """The gradients that the bound is about: g_k proportional to n_k / q_k, backward in time."""
    first, second, steps = 0.9, 0.95, 400
    optimizer = optax.scale_by_adam(b1=first, b2=second, eps=0.0)
    gradients = (first / second) ** np.arange(steps)[::-1]
    state = optimizer.init(jnp.zeros(()))
    for gradient in gradients:
        update, state = optimizer.update(jnp.asarray(gradient), state)
    bound = value(predict(optax.adam(1e-3, b1=first, b2=second)), "direction_bound")
    assert abs(float(update)) == pytest.approx(bound, rel=1e-6)


# --- runs -------------------------------------------------------------------------------------------


def measure(optimizer, buffer, steps=200, size=12):
    """Runs in double precision. Yields (vectors before the step, gradient, vectors after) for w and the buffer."""
    rng = np.random.default_rng(0)
    params = {"w": jnp.asarray(rng.normal(size=(size // COLUMNS, COLUMNS)))}
    state = optimizer.init(params)
    step = jax.jit(step_of(optimizer))
    gradient = jax.jit(jax.grad(loss))
    for _ in range(steps):
        batch = draw(rng, size)
        before = [np.ravel(params["w"])] + ([np.ravel(buffer(state)["w"])] if buffer else [])
        g = np.ravel(gradient(params, batch)["w"])
        params, state, _ = step(params, state, batch)
        after = [np.ravel(params["w"])] + ([np.ravel(buffer(state)["w"])] if buffer else [])
        yield before, g, after


def trace(state):
    return next(s.trace for s in jax.tree.leaves(state, is_leaf=lambda s: isinstance(s, optax.TraceState))
                if isinstance(s, optax.TraceState))


@pytest.mark.parametrize(("optimizer", "buffer"), [
    (heavy_ball(0.1, 5e-3, 0.0), None), (heavy_ball(0.1, 5e-3, 0.9), trace), (heavy_ball(0.1, 5e-3, 0.9, nesterov=True), trace),
    (optax.chain(optax.trace(0.9), optax.add_decayed_weights(1e-2), optax.scale(-0.05)), trace)],
    ids=["sgd", "momentum", "nesterov", "decoupled"])
def test_recurrence_is_exact(optimizer, buffer):
    """The Gram matrix of parameter and buffer follows from the gradient's norm and its overlap with the buffer."""
    found = predict(optimizer, size=12, dtype=jnp.float64)
    a, b = np.array(found.motion.transition), np.array(found.motion.drive)
    assert found.motion.driven_by == "gradient" and found.quantity("charge_recurrence").label == "exact"
    gram = None
    for before, g, after in measure(optimizer, buffer):
        x, y = np.array(before), np.array(after)
        gram = x @ x.T if gram is None else gram
        overlap = np.array([0.0] + [v @ g for v in before[1:]])
        gram = a @ gram @ a.T + np.outer(a @ overlap, b) + np.outer(b, a @ overlap) + g @ g * np.outer(b, b)
        np.testing.assert_allclose(gram, y @ y.T, rtol=1e-10, atol=1e-12)


def test_recurrence_of_a_decoupled_update():
    """What is not linear in the gradient: the charge from the update's norm and its overlap."""
    optimizer = optax.adamw(1e-2, weight_decay=0.1)
    found = predict(optimizer, size=12, dtype=jnp.float64)
    keeps = found.motion.transition[0][0]
    assert keeps == pytest.approx(1 - 1e-3, abs=1e-15)
    for (w,), _, (after,) in measure(optimizer, None):
        update = after - keeps * w
        assert after @ after == pytest.approx(keeps**2 * (w @ w) + 2 * keeps * (w @ update) + update @ update, rel=1e-13)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_moving_average_of_the_paper(momentum):
    """r^4 = C G with G a moving average of |r g|^2, for gradients that keep their direction: 8 % after the start,
    2 % at the end (the terms dropped are of second order in the step)."""
    rate, decay, steps = 1e-3, 1e-2, 4000
    found = predict(heavy_ball(rate, decay, momentum))
    forgetting, scale = value(found, "rmsprop_forgetting"), value(found, "rmsprop_scale_coherent")
    w, v, fourth = np.array([1.0, 0.0]), np.zeros(2), 1.0
    worst = 0.0
    for t in range(steps):
        r = np.hypot(*w)
        size = 1 + 0.5 * math.sin(2 * math.pi * t / 1000)
        g = size * np.array([-w[1], w[0]]) / r**2
        v = momentum * v + g + decay * w
        w = w - rate * v
        fourth = (1 - forgetting) * fourth + forgetting * scale * size**2
        if t > 100:
            worst = max(worst, abs(np.hypot(*w) ** 4 / fourth - 1))
    assert worst < (0.08 if momentum else 0.01)
    assert abs(np.hypot(*w) ** 4 / fourth - 1) < 0.02


def test_equilibrium_is_reached():
    """AdamW under gradients that are not correlated: norm and angle per step."""
    rng = np.random.default_rng(0)
    optimizer = optax.adamw(1e-2, weight_decay=0.5)
    found = predict(optimizer)

    def drawn(carry, key):
        w, state = carry
        g = jax.random.normal(key, w.shape)
        g = g - w * jnp.dot(g, w) / jnp.dot(w, w)
        update, state = optimizer.update(g / jnp.linalg.norm(w), state, w)
        after = optax.apply_updates(w, update)
        cosine = jnp.dot(w, after) / jnp.linalg.norm(w) / jnp.linalg.norm(after)
        return (after, state), (jnp.dot(after, after), 2 - 2 * cosine)

    w = jnp.asarray(rng.normal(size=SIZE)) * found.equilibrium_norm / math.sqrt(SIZE)
    _, (squares, turns) = jax.lax.scan(drawn, (w, optimizer.init(w)), jax.random.split(jax.random.key(0), 6000))
    assert float(squares[2000:].mean()) == pytest.approx(found.equilibrium_norm**2, rel=0.02)
    assert float(jnp.sqrt(turns[2000:].mean())) == pytest.approx(found.rotation_per_step, rel=0.02)


def test_equivalent_schedule():
    """The run without decay, its learning rate growing by `learning_rate_growth`, has the same directions."""
    rate, decay = 0.1, 1e-2
    plain = predict(heavy_ball(rate, decay, 0.0), size=12, dtype=jnp.float64)
    factor, growth = value(plain, "decay_factor"), value(plain, "learning_rate_growth")
    rng = np.random.default_rng(1)
    w = u = jnp.asarray(rng.normal(size=(3, COLUMNS)))
    gradient = jax.jit(jax.grad(loss))
    for t in range(150):
        batch = draw(rng, 12)
        g, h = gradient({"w": w}, batch)["w"], gradient({"w": u}, batch)["w"]
        w = w - rate * (g + decay * w)
        u = u - rate / factor * growth**t * h
        np.testing.assert_allclose(w / jnp.linalg.norm(w), u / jnp.linalg.norm(u), atol=1e-12)


def test_given_numbers():
    def step(params, batch, lr):
        value, grads = jax.value_and_grad(loss)(params, batch)
        return {"w": params["w"] - lr * (grads["w"] + 1e-2 * params["w"])}, value

    with jax.enable_x64(False):
        args = *shapes(SIZE), jax.ShapeDtypeStruct((), jnp.float32)
        unknown = noether_mlir.analyze(step, *args)
        known = noether_mlir.analyze(step, *args, numbers={"lr": 0.1}, gradient_norm=1.0)
    assert unknown.kinetics[0].prediction.rotation_per_step is None
    prediction = known.kinetics[0].prediction
    assert prediction.equilibrium_norm**4 == pytest.approx(5.0025, rel=1e-4)
    assert prediction.time_constant_steps == pytest.approx(1000)


# --- updates that are harder to read ------------------------------------------------------------------


def test_adabelief():
    """What is squared is the gradient less its moving average: under noise 2 beta^2 / (1 + beta) of its square."""
    decayed = optax.chain(optax.scale_by_belief(b1=0.9, b2=0.999), optax.add_decayed_weights(0.1), optax.scale(-1e-3))
    found = predict(decayed)
    reference = predict(optax.adamw(1e-3, weight_decay=0.1, b1=0.9))
    smaller = 2 * 0.81 / 1.9
    assert found.equilibrium_norm**2 == pytest.approx(reference.equilibrium_norm**2 / smaller, rel=1e-9)
    assert found.rotation_per_step == pytest.approx(reference.rotation_per_step, rel=1e-9)
    assert found.quantity("direction_bound") is None

    def drawn(carry, key):
        w, state = carry
        g = jax.random.normal(key, w.shape)
        g -= w * jnp.dot(g, w) / jnp.dot(w, w)
        update, state = decayed.update(g / jnp.linalg.norm(w), state, w)
        return (w + update, state), jnp.dot(w, w)

    w = jnp.asarray(np.random.default_rng(0).normal(size=SIZE)) * found.equilibrium_norm / math.sqrt(SIZE)
    _, squares = jax.lax.scan(drawn, (w, decayed.init(w)), jax.random.split(jax.random.key(0), 20000))
    assert float(squares[8000:].mean()) == pytest.approx(found.equilibrium_norm**2, rel=0.02)


def test_amsgrad():
    """A running maximum has no equilibrium; the bound of Adam holds for it all the more."""
    found, adam = predict(optax.amsgrad(1e-3)), predict(optax.adam(1e-3))
    assert found.motion.driven_by == "normalized" and found.equilibrium_norm is None
    assert value(found, "direction_bound") == value(adam, "direction_bound")
    assert value(found, "stability") == value(adam, "stability")


def test_schedules_have_numbers_where_the_count_is_given():
    schedule = optax.warmup_cosine_decay_schedule(0.0, 0.1, 100, 1000)
    optimizer = optax.chain(optax.add_decayed_weights(1e-3), optax.sgd(schedule, momentum=0.9))
    assert predict(optimizer).time_constant_steps is None
    for count in (50, 400, 900):
        found = predict(optimizer, numbers={"count": float(count)})
        assert found.time_constant_steps == pytest.approx(0.1 / float(schedule(count)) / 1e-3, rel=1e-5)


def scaled_step(optimizer, scale=1024.0):
    """Mixed precision's loss scaling: the gradient of the loss times a factor, divided by it; steps whose gradients are
    not finite are left out."""

    def step(params, state, batch):
        grads = jax.grad(lambda p: loss(p, batch) * scale)(params)
        grads = jax.tree.map(lambda g: g / scale, grads)
        finite = jnp.stack([jnp.all(jnp.isfinite(g)) for g in jax.tree.leaves(grads)]).all()
        updates, new_state = optimizer.update(grads, state, params)
        new = optax.apply_updates(params, updates)
        keep = lambda new, old: jnp.where(finite, new, old)
        return (*jax.tree.map(keep, (new, new_state), (params, state)), loss(params, batch))

    return step


@pytest.mark.parametrize("optimizer", [heavy_ball(0.1, 5e-4, 0.9), optax.adamw(1e-3, weight_decay=0.1)], ids=["momentum", "adamw"])
def test_loss_scaling(optimizer):
    with jax.enable_x64(False):
        params, batch = shapes(SIZE)
        state = jax.eval_shape(optimizer.init, params)
        found = noether_mlir.analyze(scaled_step(optimizer), params, state, batch)
    (symmetry,) = [s for s in found.symmetries if s.family == "scale"]
    kinetics = found.kinetics_of(symmetry.id)
    plain = predict(optimizer)
    assert kinetics.prediction.rotation_per_step == pytest.approx(plain.rotation_per_step, rel=1e-12)
    assert kinetics.prediction.time_constant_steps == pytest.approx(plain.time_constant_steps, rel=1e-12)
    assert not [b for b in kinetics.breaks if "no scaling" in b.why]


def test_parameters_of_one_element():
    """A gain and a scale that divides it out again."""

    def step(params, state, batch):
        x, y = batch

        def loss(p):
            return jnp.mean((x * p["up"] * p["down"] - y) ** 2)

        value, grads = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    optimizer = heavy_ball(0.1, 1e-3, 0.9)
    params = {name: jax.ShapeDtypeStruct((), jnp.float64) for name in ("up", "down")}
    state = jax.eval_shape(optimizer.init, params)
    batch = (jax.ShapeDtypeStruct((8,), jnp.float64),) * 2
    found = noether_mlir.analyze(step, params, state, batch)
    (pair,) = [s for s in found.symmetries if s.family == "rescale"]
    prediction = found.kinetics_of(pair.id).prediction
    assert prediction.quantity("charge_recurrence").label == "exact"
    np.testing.assert_allclose(prediction.motion.transition, predict(optimizer, dtype=jnp.float64).motion.transition)


@pytest.mark.parametrize(("rank", "flow", "momentum"), [(1, 1, 0), (2, 3, 1), (5, 14, 10), (9, 30, 36), (11, 38, 52)])
def test_conserved_quantities(rank, flow, momentum):
    """Of two matrices that the loss sees the product of, two rows and two columns besides."""

    def step(params, batch):
        x, y = batch
        value, grads = jax.value_and_grad(lambda p: jnp.mean((x @ p["u"] @ p["v"] - y) ** 2))(params)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads), value

    struct = jax.ShapeDtypeStruct
    params = {"u": struct((2, rank), jnp.float32), "v": struct((rank, 2), jnp.float32)}
    with jax.enable_x64(False):
        found = noether_mlir.analyze(step, params, (struct((7, 2), jnp.float32), struct((7, 2), jnp.float32)))
    conserved = [s.conserved for s in found.symmetries if s.family == "general_linear"]
    if rank > 1:  # a single column is a rescale
        assert [(c.gradient_flow, c.momentum_flow) for c in conserved] == [(flow, momentum)]


def test_scalar_product_has_more():
    """One row and one column: turns of both at once keep the loss as well."""

    def step(params, batch):
        x, y = batch
        value, grads = jax.value_and_grad(lambda p: jnp.mean((x @ p["u"] @ p["v"] - y) ** 2))(params)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads), value

    struct = jax.ShapeDtypeStruct
    for rank, momentum in ((2, 2), (3, 6), (4, 10)):
        params = {"u": struct((1, rank), jnp.float32), "v": struct((rank, 1), jnp.float32)}
        with jax.enable_x64(False):
            found = noether_mlir.analyze(step, params, (struct((7, 1), jnp.float32), struct((7, 1), jnp.float32)))
        conserved = [s.conserved for s in found.symmetries if s.family == "general_linear"]
        assert [(c.gradient_flow, c.momentum_flow) for c in conserved] == [(2 * rank - 1, momentum)]
