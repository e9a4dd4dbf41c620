# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Proofs of groups of matrices and of permutations: the true ones are verified, and whatever is wrong is found."""

import copy
import functools
import json
import pathlib
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tampering
from noether_mlir.lowering import lower_to_text, read_file
from noether_mlir.proof import check_proof
from noether_mlir.proof.check import Checker
from tampering import chosen, program, proofs
from zoo import MODELS
from zoo.axis_models import AXIS_MODELS
from zoo.groups import act, random_element
from zoo.steps import names, rename, training_step

LIT = pathlib.Path(__file__).resolve().parent.parent / "Analysis" / "AxisGroup"
GROUPS = ("general_linear", "orthogonal", "complex_linear", "permutation")

#: Models with scatters at constant places, which proofs read piece by piece.
PIECES = ("attention_cache",)


@functools.cache
def lit_step(name):
    return read_file(LIT / f"groups-{name}.mlir").text


def groups(items):
    return chosen(items, GROUPS)


# --- what is true ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [
    "attention", "attention_grouped_repeat", "rnn_lstm", "rnn_minimal_gru", "scanned_layers",
    "between_pair_maximum", "feature_max_groups", "mixture_of_experts", "gpt_fused_qkv", "mlp_cosine_head", "ode_long",
    "residual_layernorm", "cnn_groupnorm", "attention_cache", "scanned_reversed", "padded_with_ones"])
def test_zoo(name):
    step = training_step(MODELS[name], "sgd")
    with jax.enable_x64(False):
        text = lower_to_text(step.function, step.args).text
    verdicts = groups(check_proof(json.loads(proofs(text)), text))
    assert verdicts and not any(verdict.outcome == "failed" for verdict in verdicts), verdicts
    unchecked = [verdict for verdict in verdicts if verdict.outcome == "unchecked"]
    assert all("piece by piece" in verdict.reason for verdict in unchecked) and len(unchecked) <= 3 * (name in PIECES)


@pytest.mark.parametrize("name", AXIS_MODELS)
def test_axis_models(name):
    step = training_step(AXIS_MODELS[name][0], "sgd")
    with jax.enable_x64(False):
        text = lower_to_text(step.function, step.args).text
    assert all(verdict.outcome == "verified" for verdict in groups(check_proof(json.loads(proofs(text)), text)))


@pytest.mark.parametrize("name", ["chain", "fused", "heads", "layernorm", "rmsnorm", "tied"])
def test_lit_steps(name):
    verdicts = groups(check_proof(json.loads(proofs(lit_step(name))), lit_step(name)))
    assert verdicts and all(verdict.outcome == "verified" for verdict in verdicts), verdicts


# --- what is not -------------------------------------------------------------------------------------

SPOILED = ["chain", "heads", "fused", "rmsnorm", "layernorm", "tied"]


def tampered(name):
    return tampering.tampered(lit_step(name), GROUPS)


def fails(report, name, which):
    return tampering.fails(report, lit_step(name), GROUPS, which)


@pytest.mark.parametrize("name", SPOILED)
def test_members(name):
    for which, copies in tampered(name):
        _, claim = next(copies)
        for number, member in enumerate(claim["members"]):
            for change in ({"axes": [1 - member["axes"][0]]}, {"block_axes": []}, {"parameter": "x"},
                           {"side": "direct" if member["side"] != "direct" else "inverse_transpose"}):
                if all(member.get(key) == value for key, value in change.items()):
                    continue
                report, symmetry = next(copies)
                symmetry["members"][number].update(change)
                assert fails(report, name, which), (member, change)
            report, symmetry = next(copies)
            del symmetry["members"][number]
            assert fails(report, name, which)


@pytest.mark.parametrize("name", SPOILED)
def test_claims(name):
    for which, copies in tampered(name):
        _, claim = next(copies)
        changes = [{"size": claim["size"] + 1}, {"dimension": claim["dimension"] + 1}, {"block_shape": [7]},
                   {"exact": False}]
        if claim["family"] == "permutation":
            changes += [{"order": "1!"}]
        for flag in ("fixes_constant", "fixes_sum"):
            if claim.get(flag) and claim["family"] == "general_linear":
                changes.append({flag: False})
        if claim.get("fixes_constant"):
            changes.append({"fixes_constant": False, "fixes_sum": False})
        for change in changes:
            report, symmetry = next(copies)
            symmetry.update(change)
            assert fails(report, name, which), (claim["id"], change)


@pytest.mark.parametrize("name", SPOILED)
def test_a_step_is_missing_or_twice(name):
    for which, copies in tampered(name):
        for number in range(len(next(copies)[1]["derivation"])):
            report, symmetry = next(copies)
            del symmetry["derivation"][number]
            assert fails(report, name, which)
            report, symmetry = next(copies)
            symmetry["derivation"].append(copy.deepcopy(symmetry["derivation"][number]))
            assert "twice" in fails(report, name, which)


@pytest.mark.parametrize("name", SPOILED)
def test_actions(name):
    for which, copies in tampered(name):
        family = next(copies)[1]["family"]
        for number, step in enumerate(next(copies)[1]["derivation"]):
            for place in ("operands", "results"):
                for position, value in enumerate(step[place]):
                    for changed in changed_actions(value["actions"], family):
                        report, symmetry = next(copies)
                        symmetry["derivation"][number][place][position]["actions"] = changed
                        assert fails(report, name, which), (step["op"], place, position, changed)


def changed_actions(actions, family):
    if not actions:
        yield [{"axis": 0, "side": "direct", "block_axes": [], "view": [2]}]
        yield None
        return
    yield []
    first, rest = actions[0], actions[1:]
    yield [*actions, first]
    yield [{**first, "axis": (first["axis"] + 1) % (len(first["view"]) + 1)}, *rest]
    if family == "general_linear":
        other = "direct" if first["side"] != "direct" else "inverse_transpose"
        yield [{**first, "side": other}, *rest]
    if family != "permutation":
        yield [{**first, "side": "paired" if first["side"] != "paired" else "direct"}, *rest]
    if first["block_axes"]:
        yield [{**first, "block_axes": []}, *rest]


@pytest.mark.parametrize("name", SPOILED)
def test_identities(name):
    for which, copies in tampered(name):
        for number, step in enumerate(next(copies)[1]["derivation"]):
            for change in ({"path": "999"}, {"op": "stablehlo.tanh"}, {"part": 17}, {"operands": step["operands"][1:]},
                           {"equation": "r0 = 5 o0"}, {"rule": "#noether.rule<([i])->([i]) : r0 = o0>"}):
                report, symmetry = next(copies)
                symmetry["derivation"][number].update(change)
                assert fails(report, name, which), change


@pytest.mark.parametrize("family", ["general_linear", "orthogonal"])
def test_permutations_are_not_more(family):
    """What a relu lets through is moved by permutations, and by no other matrices."""
    text = read_file(LIT / "permutations-relu.mlir").text
    report = json.loads(proofs(text))
    (claim,) = groups(report["symmetries"])
    n = claim["size"]
    dimension = {"general_linear": (n - 1) ** 2, "orthogonal": (n - 1) * (n - 2) // 2}[family]
    claim.update(family=family, dimension=dimension, fixes_constant=True, fixes_sum=True)
    (verdict,) = groups(check_proof(report, text))
    assert verdict.outcome == "failed" and "not linear" in verdict.reason


@pytest.mark.parametrize("name, old, new", [
    ("chain", "(%h, %b)", "(%h, %b_sorted)"), ("rmsnorm", '"stablehlo.rsqrt"', '"stablehlo.rsqrt"')])
def test_another_step(name, old, new):
    """The same proof for a step in which something else happens."""
    text = lit_step(name)
    report = json.loads(proofs(text))
    if new == "(%h, %b_sorted)":
        tanh = '%b_sorted = "stablehlo.tanh"(%b) : (tensor<5x3xf32>) -> tensor<5x3xf32>'
        changed = re.sub(r"(\n[^\n]*\(%h, %b\))", lambda m: "\n" + tanh + m.group(1).replace(old, new), text)
    else:
        changed = text.replace("stablehlo.subtract", "stablehlo.maximum").replace("stablehlo.add", "stablehlo.maximum")
    assert changed != text
    assert any(v.outcome == "failed" for v in groups(check_proof(report, changed)))


@pytest.mark.parametrize("name", ["gqa_rope", "gqa_rope_every_second"])
def test_rotations_are_looked_at_as_a_whole(name):
    """What is no product with complex numbers, and halves that something else reads."""
    step = training_step(AXIS_MODELS[name][0], "sgd")
    with jax.enable_x64(False):
        text = lower_to_text(step.function, step.args).text
    report = json.loads(proofs(text))
    number = next(n for n, s in enumerate(report["symmetries"]) if s["family"] == "complex_linear")
    assert check_proof(report, text)[number].outcome == "verified"
    rotation = re.search(r'"stablehlo.subtract"\(%\w+, %\w+\)', text).group(0)
    changed = text.replace(rotation, rotation.replace("subtract", "add"), 1)
    assert check_proof(report, changed)[number].outcome == "failed"
    for member in report["symmetries"][number]["members"]:
        member["side"] = "direct"
    assert check_proof(report, text)[number].outcome == "failed"


# --- what is verified is true, whoever says it ----------------------------------------------------------


def more_general(claim):
    """The same matrices on the same axes, more of them than permutations."""
    n, blocks = claim["size"], int(np.prod(claim["block_shape"], dtype=int))
    for family, constant, total, dimension in (
            ("orthogonal", False, False, n * (n - 1) // 2), ("orthogonal", True, True, (n - 1) * (n - 2) // 2),
            ("general_linear", True, True, (n - 1) ** 2), ("general_linear", True, False, n * (n - 1)),
            ("general_linear", False, True, n * (n - 1))):
        if dimension:
            yield {**claim, "family": family, "fixes_constant": constant, "fixes_sum": total,
                   "dimension": dimension * blocks}


@pytest.mark.parametrize("name", ["mlp_layernorm", "attention", "mlp_cosine_head", "residual_layernorm",
                                  "mlp_relu_squared_error", "gpt_fused_qkv", "rnn_lstm", "deep_linear"])
def test_what_is_verified_is_invariant(name):
    """Claims made up from those there are: the checker lets through only what numbers confirm."""
    model = MODELS[name]
    step = training_step(model, "sgd")
    with jax.enable_x64(False):
        text = lower_to_text(step.function, step.args).text
    report = json.loads(proofs(text))
    checker, rng = Checker(program(text), report), np.random.default_rng(0)
    params, batch, eps = model.parameters(0), model.data(0), tuple(jnp.full(model.sites, 0.2))
    loss = jax.jit(model.value)
    before = float(loss(params, batch, eps))
    for claim in groups(report["symmetries"]):
        for other in more_general(claim):
            if checker.check(other).outcome == "verified":
                moved = rename(params, act(names(params), other, random_element(other, rng, True)))
                assert abs(float(loss(moved, batch, eps)) - before) < 1e-9 * abs(before), other
