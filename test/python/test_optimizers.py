# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every optimizer of optax: what is claimed of it for each family of symmetries, run."""

import jax
import jax.numpy as jnp
import pytest
from optimizers import catalogue, network, table, verify
from optimizers.steps import report

import noether_mlir

TOLERANCE = 1e-9
ALL = sorted(catalogue.ENTRIES)
#: At least this share has a law, or the operation is named that couples parameters.
SOLVED = 0.95


def test_every_optimizer_is_in_the_catalogue():
    assert catalogue.covered() == set(catalogue.names())


@pytest.mark.parametrize("name", ALL)
def test_claims_hold(name):
    wrong = {symmetry: error for symmetry, error in verify.results(name).items() if not error < TOLERANCE}
    assert not wrong


@pytest.mark.parametrize("source", table.SOURCES, ids=lambda source: source.library)
def test_most_are_solved(source):
    share, unsolved = table.share_solved(source)
    assert share >= SOLVED, unsolved
    # Of the others the operation is named.
    assert all(item["op"] for item in table.unsolved(source).values())


def keeps(name, tensor):
    return table.of(report(name), tensor)[1].get("keeps")


@pytest.mark.parametrize(("name", "orthogonal", "linear"), [
    ("sgd", "orthogonal", "orthogonal"),
    ("sgd:momentum", "orthogonal", "orthogonal"),
    ("clip_by_global_norm", "orthogonal", "orthogonal"),
    ("lars", "orthogonal", "orthogonal"),
    ("contrib.muon", "orthogonal", "orthogonal"),
    ("adamw", "permutation", "permutation"),
    ("lion", "permutation", "permutation"),
    ("adafactor", "permutation", "permutation"),
    ("centralize", "permutation", "permutation"),
])
def test_groups(name, orthogonal, linear):
    assert keeps(name, "norm_in") == orthogonal
    assert keeps(name, "linear_in") == linear


@pytest.mark.parametrize(("name", "kept", "factor"), [
    ("sgd", True, None),
    ("adam", True, None),
    ("lookahead", True, None),
    ("contrib.schedule_free", True, None),
    ("adamw", False, "1 - hyper['learning_rate'] * hyper['weight_decay']"),
    ("adamw:constants", False, "0.996"),
    ("sgd:constants", False, None),
    ("lars", False, None),
])
def test_translations(name, kept, factor):
    kinetics = table.of(report(name), "norm_out")[1]
    assert kinetics["equivariant"] == kept
    assert kinetics.get("factor") == factor
    assert kept or kinetics["breaks"][0]["op"]


#: Entries that decay by numbers of their own.
DECAYED = {"adamw:constants", "sgd:constants", "inject_hyperparams"}


def lint_codes(name):
    return {lint["code"] for lint in report(name)["lints"]}


@pytest.mark.parametrize("name", [n for n in ALL if not any("decay" in h for h in catalogue.ENTRIES[n].hyper)])
def test_no_decay_is_claimed_where_there_is_none(name):
    """Slow weights, averages that are interpolated with, weights kept while others are tried: none of them decays."""
    assert bool(lint_codes(name) & {"N101", "N106", "N113"}) == (name in DECAYED)


@pytest.mark.parametrize("name", ["add_decayed_weights", "adamw", "adan", "contrib.momo", "lamb", "lars", "lion", "nadamw"])
def test_decay_is_found(name):
    assert "N101" in lint_codes(name)


@pytest.mark.parametrize(("name", "laws"), [
    ("sgd", {"learning_rate": "2"}),
    ("adamw", {"learning_rate": "1", "weight_decay": "-1", "eps": "-1"}),
    ("lion", {"learning_rate": "1", "weight_decay": "-1"}),
    ("scale_by_trust_ratio", {}),
    ("contrib.madgrad:exact", {"learning_rate": "2"}),
    ("contrib.schedule_free_sgd", {"learning_rate": "2", "weight_decay": "-2"}),
])
def test_laws(name, laws):
    kinetics = table.of(report(name), "w_tensor")[1]
    assert {verify.law_name(law): law["degree"] for law in kinetics["laws"]} == laws


@pytest.mark.parametrize(("name", "coupled"), [
    ("adamw", False), ("sgd", False), ("lars", True), ("lamb", True), ("adafactor", True), ("contrib.muon", True),
    ("clip_by_block_rms", True), ("adaptive_grad_clip", False),
])
def test_channels(name, coupled):
    """A norm of the whole weight couples its channels; one for each channel does not."""
    kinetics = table.of(report(name), "w_channel")[1]
    assert verify.couples_blocks(kinetics) == coupled
    assert all(item["op"] for item in kinetics["breaks"])


def test_constants_are_known_by_what_they_do():
    """AdamW as Keras writes it: decay first, all numbers folded; the learning rate is equal to an average's weight."""

    def step(params, state, batch, count):
        loss, grads = jax.value_and_grad(network.loss)(params, batch)
        rate, decay, b1, b2 = 1e-3, 4e-3, 0.9, 0.999
        t = (count + 1).astype(jnp.float64)
        alpha = rate * jnp.sqrt(1 - b2**t) / (1 - b1**t)
        m = jax.tree.map(lambda m, g: m + (g - m) * (1 - b1), state["m"], grads)
        v = jax.tree.map(lambda v, g: v + (jnp.square(g) - v) * (1 - b2), state["v"], grads)
        params = jax.tree.map(lambda w, m, v: w - w * decay * rate - m * alpha / (jnp.sqrt(v) + 1e-7), params, m, v)
        return params, {"m": m, "v": v}, loss, count + 1

    params = network.parameters()
    zeros = jax.tree.map(jnp.zeros_like, params)
    found = noether_mlir.analyze(
        step, params, {"m": zeros, "v": zeros}, network.data(), jnp.zeros((), jnp.int32)).data
    laws = {(law["hyperparameter"], law["value"], law["degree"]) for law in table.of(found, "w_tensor")[1]["laws"]}
    assert laws == {("learning_rate", 1e-3, "1"), ("epsilon", 1e-7, "-1")}
    assert table.of(found, "norm_out")[1]["factor"] == "0.999996"


def test_updates_that_read_other_parameters():
    """The bias is moved by the head, the last layer by the size of a gradient that is not its own."""

    def step(params, batch, rate):
        loss, grads = jax.value_and_grad(network.loss)(params, batch)
        new = jax.tree.map(lambda w, g: w - rate * g, params, grads)
        new["bias"] = new["bias"] - 0.01 * jnp.sum(params["norm_out"], 0)
        new["norm_out"] = params["norm_out"] - rate * grads["norm_out"] * jnp.sum(grads["w_tensor"] ** 2)
        return new, loss

    found = noether_mlir.analyze(step, network.parameters(), network.data(), jnp.asarray(0.1)).data
    for tensor in ("norm_out", "w_tensor"):
        kinetics = table.of(found, tensor)[1]
        assert not kinetics["equivariant"]
        assert any(f"params['{tensor}']" in item["why"] for item in kinetics["breaks"]), kinetics


def test_table_is_up_to_date():
    text = table.DOCUMENT.read_text()
    assert table.document(text) == text, "run: cd test/python && python -m optimizers.table"
