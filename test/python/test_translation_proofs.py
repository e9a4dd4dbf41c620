# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Proofs of translations: the true ones are verified, and whatever is wrong is found."""

import copy
import functools
import itertools
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tampering
from noether_mlir.lowering import lower_to_text, read_file
from noether_mlir.proof import check_proof
from noether_mlir.proof.check import Checker
from noether_mlir.proof.degrees import BadDegree
from noether_mlir.proof.reading import NotCheckable, ProofError
from noether_mlir.proof.roots import Roots, rational
from noether_mlir.proof.shifts import Labels, Term, total
from noether_mlir.proof.translations import TranslationProof
from tampering import chosen, program, proofs
from zoo import MODELS
from zoo.steps import names, rename, training_step

LIT = pathlib.Path(__file__).resolve().parent.parent / "Analysis" / "Translation"
STEPS = ["batchnorm", "key-bias", "layernorm", "mean-free", "residual", "softmax", "slices", "slices-bias", "tables",
         "weighted-mean"]


@functools.cache
def lit_step(name):
    return read_file(LIT / f"translation-{name}.mlir").text


def translations(items):
    return chosen(items, ("translation",))


# --- what is true ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [
    "attention", "attention_biases", "cnn_batchnorm", "gpt_classic", "residual_layernorm", "linen_transformer",
    "mlp_rmsnorm_vmap", "between_loop", "embedding_bag_layernorm", "rnn_lstm"])
def test_zoo(name):
    step = training_step(MODELS[name], "sgd")
    with jax.enable_x64(False):
        text = lower_to_text(step.function, step.args).text
    verdicts = translations(check_proof(json.loads(proofs(text)), text))
    assert verdicts and all(verdict.outcome == "verified" for verdict in verdicts), verdicts


@pytest.mark.parametrize("name", STEPS)
def test_lit_steps(name):
    assert all(v.outcome == "verified" for v in translations(check_proof(json.loads(proofs(lit_step(name))), lit_step(name))))


# --- what is not -------------------------------------------------------------------------------------


def tampered(name):
    return tampering.tampered(lit_step(name), ("translation",))


def fails(report, name, which):
    return tampering.fails(report, lit_step(name), ("translation",), which)


@pytest.mark.parametrize("name", STEPS)
def test_every_entry_for_itself_is_no_translation(name):
    """The finest function there is on a parameter that is moved, where it is finer than the claim."""
    for which, copies in tampered(name):
        report, claim = next(copies)
        (parameter,) = [p for p in report["parameters"] if p["name"] == claim["members"][0]["parameter"]]
        shape = parameter["shape"]
        if np.prod(shape) == np.prod(claim["block_shape"], dtype=int):
            continue
        claim.update(block_shape=shape, dimension=int(np.prod(shape)), members=[
            {"parameter": parameter["name"], "exponent": "1", "axes": list(range(len(shape))), "side": None}])
        assert fails(report, name, which), claim


@pytest.mark.parametrize("name", STEPS)
def test_claims(name):
    for which, copies in tampered(name):
        _, claim = next(copies)
        changes = [{"dimension": claim["dimension"] + 1}, {"exact": not claim["exact"]}, {"members": []},
                   {"block_shape": [*claim["block_shape"], 3]},
                   {"broken_by": [{"constant": 0.5, "degree": "1", "op": "", "location": ""}], "exact": False}]
        for change in changes:
            report, symmetry = next(copies)
            symmetry.update(change)
            assert fails(report, name, which), change
        if len(claim["members"]) > 1 and name not in ("slices",):
            report, symmetry = next(copies)
            symmetry["members"][0]["exponent"] = "7"
            assert fails(report, name, which)


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_missing_or_twice(name):
    for which, copies in tampered(name):
        for number in range(len(next(copies)[1]["derivation"])):
            report, symmetry = next(copies)
            del symmetry["derivation"][number]
            if symmetry["derivation"]:
                assert fails(report, name, which)
            report, symmetry = next(copies)
            symmetry["derivation"].append(copy.deepcopy(symmetry["derivation"][number]))
            assert "twice" in fails(report, name, which)


@pytest.mark.parametrize("name", STEPS)
def test_what_moves(name):
    for which, copies in tampered(name):
        for number, step in enumerate(next(copies)[1]["derivation"]):
            for place in ("operands", "results"):
                for position, value in enumerate(step[place]):
                    report, symmetry = next(copies)
                    symmetry["derivation"][number][place][position]["shift"] = "t" if value["shift"] == "0" else "0"
                    assert fails(report, name, which), (step["op"], place, position)


@pytest.mark.parametrize("name, old, new", [
    ("softmax", "stablehlo.maximum", "stablehlo.minimum"), ("batchnorm", "stablehlo.subtract", "stablehlo.maximum"),
    ("layernorm", "stablehlo.subtract", "stablehlo.add"), ("key-bias", "stablehlo.subtract", "stablehlo.maximum"),
    ("residual", "stablehlo.subtract", "stablehlo.add")])
def test_another_step(name, old, new):
    """The same proof for a step in which something else happens."""
    changed = lit_step(name).replace(old, new)
    assert changed != lit_step(name)
    report = json.loads(proofs(lit_step(name)))
    assert all(v.outcome == "failed" for v in translations(check_proof(report, changed)))


# --- the parts of the checker ------------------------------------------------------------------------


def test_parts_side_by_side_are_one_term():
    def part(*entries):
        mask = np.isin(np.arange(6), entries).astype(int)
        return Term("t", 1, (Labels.of([0], np.where(mask == 1, np.arange(6), -1)),), (Labels.of([0], mask),))

    whole = Term("t", 1, (Labels.of([0], np.arange(6)),))
    assert total([part(0, 1), part(2, 3, 4), part(5)]) == (whole,)
    assert total([part(0, 1), part(2, 3, 4), part(5), whole.scaled(-1)]) == ()
    assert total([part(0, 1), whole.scaled(-1)]) != ()


def test_constants_are_ratios_up_to_rounding():
    assert rational(np.float32(1 / 3).item()) * 3 == 1 and rational(4.0) == 4 and rational(0.3) != 0
    assert rational(float("inf")) is None


def test_what_entries_add_up_to():
    step = program(lit_step("softmax"))
    roots = Roots(step)
    sums = {roots.sum_along(value, axis) for value in range(len(step.values))
            for axis in range(len(step.values[value].shape))}
    assert sums <= {None, 0, 1}


# --- what is verified is true, whoever says it ----------------------------------------------------------


@pytest.mark.parametrize("name", ["attention", "cnn_batchnorm", "residual_layernorm", "rnn_lstm",
                                  "attention_biases"])
def test_what_is_verified_is_invariant(name):
    """Every function on some axes of a parameter: the checker lets through only what numbers confirm."""
    model = MODELS[name]
    step = training_step(model, "sgd")
    with jax.enable_x64(False):
        text = lower_to_text(step.function, step.args).text
    report = json.loads(proofs(text))
    checker, rng = Checker(program(text), report), np.random.default_rng(0)
    params, batch, eps = model.parameters(0), model.data(0), tuple(jnp.full(model.sites, 0.2))
    loss, verified = jax.jit(model.value), 0
    before = float(loss(params, batch, eps))
    for parameter in report["parameters"]:
        shape, own = parameter["shape"], parameter["name"]
        if parameter["role"] != "param" or parameter["dead"]:
            continue
        for count in range(len(shape) + 1):
            for axes in itertools.combinations(range(len(shape)), count):
                claim = {"id": "T", "family": "translation", "dimension": 1, "exact": True, "broken_by": [],
                         "block_shape": [shape[axis] for axis in axes],
                         "members": [{"parameter": own, "exponent": "1", "axes": list(axes)}]}
                proof = TranslationProof(checker, claim)
                try:
                    proof.move_parameters()
                    proof.check_operands()
                    proof.check_loss()
                except (ProofError, NotCheckable, BadDegree):
                    continue
                verified += 1
                element = rng.normal(size=[shape[axis] if axis in axes else 1 for axis in range(len(shape))])
                leaves = names(params)
                moved = rename(params, {**leaves, own: leaves[own] + element})
                assert abs(float(loss(moved, batch, eps)) - before) < 1e-9 * abs(before), claim
    assert verified
