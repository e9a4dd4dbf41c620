# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Steps that update flax.nnx modules in place: what they change is returned, and found."""

import jax
import jax.numpy as jnp
import optax
import pytest
from flax import nnx

import noether_mlir
from noether_mlir.modules import functional, is_module


class Net(nnx.Module):
    def __init__(self, *, rngs):
        self.inner = nnx.Linear(4, 8, rngs=rngs)
        self.norm = nnx.BatchNorm(8, rngs=rngs)
        self.outer = nnx.Linear(8, 3, rngs=rngs)

    def __call__(self, x):
        return self.outer(nnx.relu(self.norm(self.inner(x))))


def step(model, optimizer, x, y):
    def loss_fn(model):
        return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()

    loss, grads = nnx.value_and_grad(loss_fn)(model)
    optimizer.update(model, grads)
    return loss


@pytest.fixture
def args():
    model = Net(rngs=nnx.Rngs(0))
    return model, nnx.Optimizer(model, optax.adamw(1e-3), wrt=nnx.Param), jnp.ones((5, 4)), jnp.zeros(5, jnp.int32)


@pytest.mark.parametrize("wrap", [lambda f: f, nnx.jit], ids=["plain", "nnx.jit"])
def test_what_a_step_changes_in_place_is_found(args, wrap):
    analysis = noether_mlir.analyze(wrap(step), *args)
    assert analysis.source == "step" and analysis.dimension.torus == 16
    assert {p.name for p in analysis.parameters} == {
        f"modules['model']{name}.value" for name in (
            "['inner']['kernel']", "['inner']['bias']", "['norm']['scale']", "['norm']['bias']",
            "['outer']['kernel']", "['outer']['bias']")}
    # Only the state that a step returns tells how its optimizer treats it.
    laws = {law.text for kinetics in analysis.kinetics for law in kinetics.laws}
    assert "eta_eff = eta / r" in laws and "lambda_eff = lambda * r" in laws


def test_the_function_does_what_the_step_does(args):
    function, inputs, named = functional(nnx.jit(step), args[:2], {"y": args[3], "x": args[2]}, {})
    assert not named
    states, loss = jax.jit(function)(*inputs)
    expected = step(*args)
    assert loss == pytest.approx(expected)
    assert jnp.allclose(states["model"]["inner"]["kernel"][...], args[0].inner.kernel[...])
    assert jnp.allclose(states["model"]["norm"]["mean"][...], args[0].norm.mean[...])


def test_other_steps_stay_as_they_are(args):
    function = lambda w, x: (w, x.sum())
    assert functional(function, (1, 2), {"a": 3}, {"roles": "param"}) == (function, (1, 2), {"a": 3})
    assert not is_module(nnx.state(args[0])) and not is_module(args[0].inner.kernel) and is_module(nnx.Rngs(0))


def test_roles_of_modules_cannot_be_given(args):
    with pytest.raises(noether_mlir.NoetherError, match="modules"):
        noether_mlir.analyze(step, *args, roles=("param",))
