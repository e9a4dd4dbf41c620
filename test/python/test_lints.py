# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Lints: none that warns on recipes as they are published, and each where it is deserved."""

import json
import pathlib
import re

import jax
import jax.numpy as jnp
import optax
import pytest
from real_models import STEPS
from typer.testing import CliRunner

import noether_mlir
from noether_mlir.cli import app
from noether_mlir.lints import lint_codes, lint_page, lint_title

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


# --- a small network with everything in it ----------------------------------------------------------


def norm(x, eps=1e-5):
    x = x - x.mean(-1, keepdims=True)
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + eps)


def make_params(dtype=jnp.float32, bias=True):
    def zeros(*sizes):
        return jnp.full(sizes, 0.5, dtype)

    return {
        "first": {"kernel": zeros(8, 16), **({"bias": zeros(16)} if bias else {})},
        "norm": {"gain": zeros(16), "offset": zeros(16)},
        "second": {"kernel": zeros(16, 12), "bias": zeros(12)},
        "head": {"kernel": zeros(12, 10), "bias": zeros(10)},
    }


def network(params, x):
    x = x @ params["first"]["kernel"] + params["first"].get("bias", 0)
    x = jax.nn.gelu(norm(x) * params["norm"]["gain"] + params["norm"]["offset"])
    x = jax.nn.relu(x @ params["second"]["kernel"] + params["second"]["bias"])
    return x @ params["head"]["kernel"] + params["head"]["bias"]


def loss(params, batch):
    x, y = batch
    return optax.softmax_cross_entropy_with_integer_labels(network(params, x), y).mean()


def matrices(params):
    return jax.tree.map(lambda p: p.ndim > 1, params)


def analyze(optimizer, *, loss=loss, dtype=jnp.float32, bias=True, **options):
    def step(params, state, batch):
        value, grads = jax.value_and_grad(loss)(params, batch)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    with jax.enable_x64(False):
        params = jax.eval_shape(lambda: make_params(dtype, bias))
        state = jax.eval_shape(optimizer.init, params)
        batch = jax.ShapeDtypeStruct((4, 8), dtype), jax.ShapeDtypeStruct((4,), jnp.int32)
        return noether_mlir.analyze(step, params, state, batch, **options)


def codes(analysis, severity=None):
    return {lint.code for lint in analysis.lints if severity in (None, lint.severity)}


def of(analysis, code):
    return [lint for lint in analysis.lints if lint.code == code]


GOOD = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-3, b2=0.95, weight_decay=0.1, mask=matrices))


# --- no false alarms --------------------------------------------------------------------------------


def sgd(mask=matrices):
    return optax.chain(optax.add_decayed_weights(5e-4, mask=mask), optax.sgd(0.1, momentum=0.9, nesterov=True))


@pytest.mark.parametrize("optimizer", [GOOD, sgd(), sgd(None), optax.adamw(1e-3), optax.adam(1e-3), optax.lion(1e-4, weight_decay=0.1, mask=matrices),
                                       optax.rmsprop(1e-3, momentum=0.9), optax.lamb(1e-3, mask=matrices, weight_decay=0.01),
                                       optax.adafactor(1e-3), optax.sgd(0.1)],
                         ids=["adamw", "sgd", "sgd_all", "adamw_all", "adam", "lion", "rmsprop", "lamb", "adafactor", "plain"])
def test_good_recipes_are_not_warned_of(optimizer):
    assert codes(analyze(optimizer), "warning") == set()


#: Decayed as they are published: all of it, or without biases and gains.
PUBLISHED = ["gpt2", "gpt2_untied", "resnet50", "vit_b16", "llama_8b_scanned", "llama_1b_tied", "unet_ddpm", "lstm"]


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_recipes_are_not_warned_of(name):
    with jax.enable_x64(False):
        step, args = STEPS[name]()
        found = noether_mlir.analyze(step, *args)
    assert [lint for lint in found.lints if lint.severity != "note"] == []
    assert ("N109" in codes(found)) == (name != "resnet50")  # clipping at 1.0


# --- each where it is deserved ----------------------------------------------------------------------


def test_decay_of_an_invariant_weight():
    found = analyze(sgd(), bias=False)
    (lint,) = of(found, "N101")
    assert lint.parameter == "params['first']['kernel']" and lint.severity == "note"
    # In words as many digits as people read; the report has all of them.
    assert "(1.001005 per step)" in lint.help
    growth = [k.prediction.quantity("learning_rate_growth") for k in found.kinetics if k.prediction]
    assert any(g and g.value == pytest.approx(1.0010048437211287, abs=1e-12) for g in growth)


def test_no_decay_of_an_invariant_weight():
    assert {lint.parameter for lint in of(analyze(optax.sgd(0.1), bias=False), "N102")} == {"params['first']['kernel']"}
    # An update that the symmetry does not see has a rate that does not fall.
    assert not of(analyze(optax.lars(0.1, weight_decay=0.0), bias=False), "N102")


def test_decay_of_a_gain():
    found = analyze(optax.adamw(1e-3, weight_decay=0.1))
    assert [(lint.parameter, lint.severity) for lint in of(found, "N103")] == [("params['norm']['gain']", "note")]
    assert not of(analyze(GOOD), "N103")


def test_a_factor_that_is_no_gain():
    """The same place, without the normalisation before it."""

    def plain(params, batch):
        x, y = batch
        x = jax.nn.gelu(jnp.tanh(x @ params["first"]["kernel"]) * params["norm"]["gain"] + params["norm"]["offset"])
        x = jax.nn.relu(x @ params["second"]["kernel"] + params["second"]["bias"])
        x = x @ params["head"]["kernel"] + params["head"]["bias"]
        return optax.softmax_cross_entropy_with_integer_labels(x, y).mean()

    assert not of(analyze(optax.adamw(1e-3, weight_decay=0.1), loss=plain, bias=False), "N103")


def test_decay_within_the_normalisation():
    coupled = optax.chain(optax.add_decayed_weights(1e-2, mask=matrices), optax.adam(1e-3))
    assert [lint.severity for lint in of(analyze(coupled, bias=False), "N106")] == ["warning"]
    decoupled = optax.adamw(1e-3, weight_decay=1e-2, mask=matrices)
    assert not of(analyze(decoupled, bias=False), "N106")


def test_decay_that_rounds_to_nothing():
    low = analyze(optax.adamw(1e-3, weight_decay=0.1, mask=matrices), dtype=jnp.bfloat16)
    assert {"N107", "N108"} <= codes(low, "warning")
    assert {lint.parameter for lint in of(low, "N107")} == {f"params['{name}']['kernel']" for name in ("first", "second", "head")}
    assert not codes(analyze(optax.adamw(1e-3, weight_decay=0.1, mask=matrices)), "warning")
    # Large enough to be seen.
    assert not of(analyze(optax.adamw(0.1, weight_decay=0.1, mask=matrices), dtype=jnp.bfloat16), "N107")
    # 0.9 is not 1, and a sum of squares is meant to grow.
    assert not of(analyze(optax.adam(1e-3, b2=0.9), dtype=jnp.bfloat16), "N108")
    assert not of(analyze(optax.adagrad(1e-2), dtype=jnp.bfloat16), "N108")


def dead_bias(width):
    def loss(params, batch):
        x, y = batch
        x = norm(x @ params["w"] + params["shift"]) @ params["head"]
        return optax.softmax_cross_entropy_with_integer_labels(x, y).mean()

    return loss, {"w": (8, width), "shift": (1,), "head": (width, 10)}


def test_dead_parameters():
    def column_norm(params, batch):
        x, y = batch
        x = x @ params["first"]["kernel"] + params["first"]["bias"]
        x = (x - x.mean(0)) * jax.lax.rsqrt(x.var(0) + 1e-5)
        x = jax.nn.relu((x * params["norm"]["gain"]) @ params["second"]["kernel"] + params["second"]["bias"])
        return optax.softmax_cross_entropy_with_integer_labels(x @ params["head"]["kernel"], y).mean()

    found = analyze(optax.adamw(1e-3, weight_decay=0.1), loss=column_norm)
    dead = {lint.parameter: lint for lint in of(found, "N105")}
    assert "params['first']['bias']" in dead and "192 bytes" in dead["params['first']['bias']"].message
    assert {lint.parameter for lint in of(found, "N104")} == set(dead)


def test_coupling():
    (lint,) = of(analyze(GOOD), "N109")
    assert lint.severity == "note" and lint.location
    assert not of(analyze(sgd()), "N109")


def test_moments_without_a_bound():
    found = analyze(optax.adam(1e-3, b1=0.99, b2=0.9))
    assert len(of(found, "N111")) == 1 and codes(found, "warning") == {"N111"}
    assert not of(analyze(optax.adam(1e-3, b1=0.9, b2=0.82)), "N111")
    assert of(analyze(optax.adam(1e-3, b1=0.95, b2=0.9)), "N111")  # 0.9025


def test_epsilon_is_judged_by_given_gradients():
    optimizer = optax.adamw(1e-3, eps=1e-3, weight_decay=0.1, mask=matrices)
    assert not of(analyze(optimizer, bias=False), "N110")
    assert of(analyze(optimizer, bias=False, gradient_norm=1e-3), "N110")
    assert not of(analyze(optimizer, bias=False, gradient_norm=1e3), "N110")


def test_rescale_pairs():
    # The hidden layer behind the ReLU: its kernel and bias against the head.
    trap = of(analyze(optax.sgd(0.1), bias=False), "N113")
    assert trap == []
    everything = optax.chain(optax.add_decayed_weights(1e-3), optax.sgd(0.1))
    (lint,) = of(analyze(everything), "N113")
    assert "params['head']['kernel']" in lint.message and lint.severity == "note"
    one = optax.chain(
        optax.add_decayed_weights(1e-3, mask=lambda p: jax.tree_util.tree_map_with_path(lambda k, _: "head" in str(k), p)),
        optax.sgd(0.1))
    (lint,) = of(analyze(one), "N112")
    assert "only params['head']['kernel']" in lint.message


def test_a_block_that_several_rules_update():
    """Kernel and bias before the norm are scale-invariant together: the mask decays one of them."""
    (lint,) = of(analyze(sgd()), "N116")
    assert lint.severity == "note" and "only params['first']['kernel'] decays" in lint.message
    assert not of(analyze(sgd(None)), "N116")
    assert not of(analyze(sgd(), bias=False), "N116")


def test_frozen_directions():
    found = of(analyze(optax.sgd(0.1)), "N115")
    assert any("8 directions of params['first']['kernel']" in lint.message for lint in found)
    assert not of(analyze(optax.adam(1e-3)), "N115")


def test_gradient_of_another_loss():
    def step(params, batch):
        def inner(params, stop):
            x, y = batch
            h = x @ params["w"]
            scale = jax.lax.rsqrt((h * h).mean(-1, keepdims=True) + 1e-6)
            return jnp.mean((h * (jax.lax.stop_gradient(scale) if stop else scale) * y) ** 2)

        value = inner(params, False)
        grads = jax.grad(inner)(params, True)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads), value

    with jax.enable_x64(False):
        shapes = {"w": jax.ShapeDtypeStruct((4, 6), jnp.float32)}, (jax.ShapeDtypeStruct((3, 4), jnp.float32),
                                                                     jax.ShapeDtypeStruct((3, 6), jnp.float32))
        found = noether_mlir.analyze(step, *shapes)
    # Its degree is that of the gradient: no proof, so nothing is said.
    assert not of(found, "N114")


@pytest.mark.parametrize("power", [1, 2])
def test_gradient_with_another_degree(power):
    """A derivative of its own that squares the kernel on the way back: the gradient's degree tells."""
    head = jax.custom_vjp(lambda x, kernel: x @ kernel)
    head.defvjp(lambda x, kernel: (x @ kernel, (x, kernel)),
                lambda kept, cotangent: (cotangent @ (kept[1]**power).T, kept[0].T @ cotangent))

    def step(params, batch):
        value, grads = jax.value_and_grad(lambda p: jnp.mean(head(batch[0] @ p["a"], p["b"]) * batch[1]))(params)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads), value

    with jax.enable_x64(False):
        shape = lambda *sizes: jax.ShapeDtypeStruct(sizes, jnp.float32)
        found = noether_mlir.analyze(step, {"a": shape(4, 5), "b": shape(5, 3)}, (shape(8, 4), shape(8, 3)))
    assert [lint.severity for lint in of(found, "N114")] == (["warning"] if power == 2 else [])
    if power == 2:
        (lint,) = of(found, "N114")
        assert "params['a']" in lint.message and lint.location


def test_a_decay_that_may_be_zero_is_not_warned_of():
    def step(params, state, batch, hyper):
        optimizer = optax.adamw(1e-3, weight_decay=hyper["decay"])
        value, grads = jax.value_and_grad(loss)(params, batch)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    with jax.enable_x64(False):
        params = jax.eval_shape(make_params)
        state = jax.eval_shape(optax.adam(1e-3).init, params)
        batch = jax.ShapeDtypeStruct((4, 8), jnp.float32), jax.ShapeDtypeStruct((4,), jnp.int32)
        args = params, state, batch, {"decay": jax.ShapeDtypeStruct((), jnp.float32)}
        state = jax.eval_shape(optax.adamw(1e-3).init, params)
        args = params, state, batch, {"decay": jax.ShapeDtypeStruct((), jnp.float32)}
        assert "N103" not in codes(noether_mlir.analyze(step, *args))
        assert "N103" in codes(noether_mlir.analyze(step, *args, numbers={"decay": 0.1}))
        assert "N103" not in codes(noether_mlir.analyze(step, *args, numbers={"decay": 0.0}))


# --- the documentation, and the command -------------------------------------------------------------


def test_every_code_has_a_page():
    source = (ROOT / "lib" / "Lint" / "Lint.cpp").read_text()
    assert lint_codes() == sorted(set(re.findall(r'\{"(N\d{3})",', source)))
    used = set()
    for path in (ROOT / "lib" / "Lint").glob("*.cpp"):
        used |= set(re.findall(r'add\("(N\d{3})"', path.read_text()))
    assert used == set(lint_codes())
    index = (ROOT / "docs" / "lints" / "README.md").read_text()
    for code in lint_codes():
        page = lint_page(code)
        assert page.startswith(f"# {code}: {lint_title(code)}\n") and f"[{code}]({code}.md)" in index
        for part in ("Severity:", "## Why", "## The theorem", "## What to do", "## Example"):
            assert part in page


def test_the_command(tmp_path):
    def step(params, batch):
        value, grads = jax.value_and_grad(loss)(params, batch)
        return jax.tree.map(lambda p, g: p - 0.1 * (g + 1e-3 * p), params, grads), value

    def run(*args):
        return CliRunner().invoke(app, ["analyze", *args])

    with jax.enable_x64(False):
        shapes = jax.ShapeDtypeStruct((4, 8), jnp.float32), jax.ShapeDtypeStruct((4,), jnp.int32)
        text = jax.jit(step).lower(jax.eval_shape(make_params), shapes).as_text(debug_info=True)
    path = tmp_path / "step.mlir"
    path.write_text(text)
    assert run(str(path)).exit_code == 0
    assert run(str(path), "--fail-on=warning").exit_code == 0
    assert run(str(path), "--fail-on=N103").exit_code == 3
    assert run(str(path), "--fail-on=N106").exit_code == 0
    assert run(str(path), "--fail-on=N999").exit_code == 2
    assert CliRunner().invoke(app, ["explain", "N103"]).stdout.startswith("# N103")
    assert CliRunner().invoke(app, ["explain", "N999"]).exit_code == 2
    log = json.loads(run(str(path), "--format=sarif").stdout)["runs"][0]
    (rule,) = [rule for rule in log["tool"]["driver"]["rules"] if rule["id"] == "N103"]
    assert rule["shortDescription"]["text"] == lint_title("N103") and rule["help"]["markdown"] == lint_page("N103")
    levels = {result["ruleId"]: result["level"] for result in log["results"]}
    assert levels["N103"] == "note"


def test_the_command_fails_on_a_warning(tmp_path):
    optimizer = optax.adam(1e-3, b1=0.99, b2=0.9)

    def step(params, state, batch):
        value, grads = jax.value_and_grad(loss)(params, batch)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, value

    with jax.enable_x64(False):
        shapes = jax.ShapeDtypeStruct((4, 8), jnp.float32), jax.ShapeDtypeStruct((4,), jnp.int32)
        params = jax.eval_shape(make_params)
        text = jax.jit(step).lower(params, jax.eval_shape(optimizer.init, params), shapes).as_text(debug_info=True)
    path = tmp_path / "step.mlir"
    path.write_text(text)
    assert CliRunner().invoke(app, ["analyze", str(path)]).exit_code == 0
    assert CliRunner().invoke(app, ["analyze", str(path), "--fail-on=warning"]).exit_code == 3
    log = json.loads(CliRunner().invoke(app, ["analyze", str(path), "--format=sarif"]).stdout)["runs"][0]
    assert {result["ruleId"]: result["level"] for result in log["results"]}["N111"] == "warning"
