# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Proofs are checked by a program that shares nothing with the solver, and it finds whatever is wrong with them."""

import copy
import functools
import json
import pathlib
import re
from fractions import Fraction

import jax
import pytest
import tampering
from noether_mlir.analysis import analyze_text
from noether_mlir.lowering import lower_to_text, read_file
from noether_mlir.proof import check_proof
from noether_mlir.proof.rules import RuleError, parse_rule
from tampering import program, proofs
from typer.testing import CliRunner
from zoo import MODELS
from zoo.dumps import INPUTS
from zoo.steps import training_step

LIT = pathlib.Path(__file__).resolve().parent.parent / "Analysis" / "Torus"
TORUS = ("scale", "rescale")
#: Rows that data picks move by functions of the data, which proofs do not say yet.
PICKED = "a degree is no function on the axes of the symmetry"
#: Strides, reversals and the like are read as slices that are put together.
PIECES = re.compile("piece")


@functools.cache
def lit_step(name):
    return read_file(LIT / f"infer-symmetries-{name}.mlir").text


#: Why a claim may be unchecked: docs/proofs.md.
REASONS = re.compile("piece|is no function on the axes of the symmetry|does not say how the scale varies")


def torus(verdicts):
    return [verdict for verdict in verdicts if verdict.family in TORUS]


def assert_verified(report, text):
    verdicts = torus(check_proof(report, text))
    assert all(v.outcome == "verified" or v.outcome == "unchecked" and (v.reason == PICKED or PIECES.search(v.reason))
               for v in verdicts), verdicts
    return verdicts


# --- what is true ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mlp_relu_sgd", "mlp_layernorm_sgdm", "cnn_batchnorm_linen_adamw", "gpt_adamw",
                                  "mlp_shardmap8_sgd"])
def test_dumps(name):
    text = read_file(INPUTS / f"{name}.mlir").text
    verdicts = assert_verified(json.loads(proofs(text)), text)
    assert sum(verdict.outcome != "verified" for verdict in verdicts) <= (name == "gpt_adamw")


@pytest.mark.parametrize("name", [*list(MODELS)[::9], "mlp_weight_norm", "gpt_fused_qkv", "scanned_layers", "ode_long",
                                  "cnn_groupnorm", "mixture_of_experts", "frobenius_norm", "feature_fourier"])
def test_zoo(name):
    step = training_step(MODELS[name], "sgd")
    with jax.enable_x64(False):
        text = lower_to_text(step.function, step.args).text
    assert_verified(analyze_text(text, "step", derivations=True).data, text)


@pytest.mark.parametrize("name", list(MODELS)[4::6])
def test_zoo_of_all_families(name):
    """Every claim is verified, or unchecked for one of the reasons that are listed."""
    step = training_step(MODELS[name], "sgd")
    with jax.enable_x64(False):
        text = lower_to_text(step.function, step.args).text
    for verdict in check_proof(analyze_text(text, "step", derivations=True).data, text):
        assert verdict.outcome == "verified" or verdict.outcome == "unchecked" and REASONS.search(verdict.reason), verdict


@pytest.mark.parametrize("name", ["between_strided", "between_flip", "places_spread", "state_space_scan",
                                  "places_permuted"])
def test_entries_that_are_put_elsewhere(name):
    """Operations that the proof reads as several are checked as the tables of indices that they are."""
    step = training_step(MODELS[name], "sgd")
    with jax.enable_x64(False):
        text = lower_to_text(step.function, step.args).text
    report = json.loads(proofs(text))
    assert all(verdict.outcome == "verified" for verdict in torus(check_proof(report, text)))
    spoiled = 0
    for number, symmetry in enumerate(report["symmetries"]):
        pieces = [s for s in symmetry.get("derivation", []) if s["kind"] == "piece"]
        if symmetry["family"] not in TORUS or not pieces:
            continue
        for term in pieces[-1]["results"][0]["degree"]:
            copied = json.loads(proofs(text))
            last = [s for s in copied["symmetries"][number]["derivation"] if s["kind"] == "piece"][-1]
            last["results"][0]["degree"] = [{**term, "coefficient": "7"}]
            assert fails(copied, text, [s for s in report["symmetries"] if s["family"] in TORUS].index(symmetry))
            spoiled += 1
    assert spoiled


@pytest.mark.parametrize("name", ["batchnorm", "case", "concatenate", "fused-qkv", "while", "while-unknown", "residual",
                                  "select", "shard-map", "tied"])
def test_lit_steps(name):
    assert assert_verified(json.loads(proofs(lit_step(name))), lit_step(name))


def test_multiples_of_a_symmetry_are_symmetries():
    report = json.loads(proofs(lit_step("batchnorm")))
    (symmetry,) = report["symmetries"]

    def double(holder, key):
        holder[key] = str(2 * Fraction(holder[key]))

    for member in symmetry["members"]:
        double(member, "exponent")
    for broken in symmetry["broken_by"]:
        double(broken, "degree")
    for step in symmetry["derivation"]:
        for value in [*step["operands"], *step["results"]]:
            for term in value["degree"] if value["degree"] != "any" else []:
                double(term, "coefficient")
        for spurion in step.get("spurions", []):
            double(spurion, "degree")
    assert_verified(report, lit_step("batchnorm"))


# --- what is not -------------------------------------------------------------------------------------


def fails(report, text, which=0):
    return tampering.fails(report, text, TORUS, which)


def tampered(name, which=0):
    """Fresh copies of a report, each with the symmetry to spoil."""
    return tampering.copies(lit_step(name), TORUS, which)


SPOILED = [("batchnorm", 0), ("fused-qkv", 0), ("while-unknown", 0), ("concatenate", 0), ("case", 0)]


@pytest.mark.parametrize("name, which", SPOILED)
def test_exponents(name, which):
    copies, text = tampered(name, which), lit_step(name)
    count = len(next(copies)[1]["members"])
    for number in range(count):
        for spoil in (lambda m: m.update(exponent="3"), lambda m: m.update(exponent="-1/2"),
                      lambda m: m.update(axes=m["axes"][1:])):
            report, symmetry = next(copies)
            spoil(symmetry["members"][number])
            if symmetry["members"] != next(copies)[1]["members"]:
                assert fails(report, text, which)
        report, symmetry = next(copies)
        del symmetry["members"][number]
        assert fails(report, text, which)


@pytest.mark.parametrize("name, which", SPOILED)
def test_a_step_is_missing_or_twice(name, which):
    copies, text = tampered(name, which), lit_step(name)
    for number in range(len(next(copies)[1]["derivation"])):
        report, symmetry = next(copies)
        del symmetry["derivation"][number]
        assert fails(report, text, which)
        report, symmetry = next(copies)
        symmetry["derivation"].append(copy.deepcopy(symmetry["derivation"][number]))
        assert "twice" in fails(report, text, which)


@pytest.mark.parametrize("name, which", SPOILED)
def test_degrees(name, which):
    copies, text = tampered(name, which), lit_step(name)
    for number, step in enumerate(next(copies)[1]["derivation"]):
        for side in ("operands", "results"):
            for position, value in enumerate(step[side]):
                changes = [[], "any", [{"coefficient": "7", "axes": term["axes"], "view": term.get("view")}
                                       for term in value["degree"] if isinstance(term, dict)]]
                for change in changes:
                    report, symmetry = next(copies)
                    if symmetry["derivation"][number][side][position]["degree"] == change or value["degree"] == "any":
                        continue
                    if value["degree"] == [] and change in ([], "any"):
                        # That what does not move has any degree is not true either.
                        change = "any"
                    symmetry["derivation"][number][side][position]["degree"] = change
                    assert fails(report, text, which), (step, side, position, change)


@pytest.mark.parametrize("name, which", SPOILED)
def test_rules(name, which):
    copies, text = tampered(name, which), lit_step(name)
    steps = next(copies)[1]["derivation"]
    for number, step in enumerate(steps):
        for other in steps:
            if parse_or_none(other["rule"]) == parse_or_none(step["rule"]):
                continue
            report, symmetry = next(copies)
            symmetry["derivation"][number].update(rule=other["rule"], equation=other["equation"])
            assert fails(report, text, which), (step["op"], other["rule"])
        report, symmetry = next(copies)
        symmetry["derivation"][number]["equation"] = "r0 = 5 o0"
        assert fails(report, text, which)


def parse_or_none(rule):
    return parse_rule(rule) if rule else None


@pytest.mark.parametrize("name, which", SPOILED)
def test_identities(name, which):
    copies, text = tampered(name, which), lit_step(name)
    for number, step in enumerate(next(copies)[1]["derivation"]):
        for change in ({"path": "999"}, {"op": "stablehlo.tanh"}, {"part": 17}, {"kind": "carry" if
                       step["kind"] != "carry" else "loop"}, {"operands": step["operands"][1:]}):
            report, symmetry = next(copies)
            symmetry["derivation"][number].update(change)
            assert fails(report, text, which), change
        # One value under the name of another.
        report, symmetry = next(copies)
        values = [*symmetry["derivation"][number]["operands"], *symmetry["derivation"][number]["results"]]
        if len({value["value"] for value in values}) > 1:
            values[0]["value"] = next(v["value"] for v in values if v["value"] != values[0]["value"])
            assert fails(report, text, which)


def test_constants():
    copies, text = tampered("batchnorm"), lit_step("batchnorm")
    for spoil in (lambda s: s["broken_by"].clear(), lambda s: s["broken_by"][0].update(degree="1"),
                  lambda s: s["broken_by"][0].update(constant=1e-4), lambda s: s.update(exact=True),
                  lambda s: (s["broken_by"].clear(), s.update(exact=True)),
                  lambda s: s["broken_by"].append({"constant": 0.5, "degree": "1", "op": "", "location": ""})):
        report, symmetry = next(copies)
        spoil(symmetry)
        assert fails(report, text)
    report, symmetry = next(copies)
    for step in symmetry["derivation"]:
        step.pop("spurions", None)
    assert "satisfy" in fails(report, text)


def test_another_step():
    """The same proof for a step in which something else happens."""
    text = lit_step("batchnorm")
    report = json.loads(proofs(text))
    for old, new in (('"stablehlo.rsqrt"', '"stablehlo.sqrt"'), ('"stablehlo.rsqrt"', '"stablehlo.tanh"'),
                     ("dense<1.0e-05>", "dense<3.0e-05>"), ("dense<1.0e-05>", "dense<1.0>"),
                     ("(%centred, %rstd_b)", "(%centred, %y)"), ("(%centred, %rstd_b)", "(%y, %rstd_b)")):
        changed = text.replace(old, new)
        assert changed != text
        if new == "(%y, %rstd_b)":
            # Not a mean any more, but invariant all the same.
            continue
        assert fails(report, changed), (old, new)


def test_another_loss():
    report = json.loads(proofs(lit_step("batchnorm")))
    for loss in ({"result": 5}, {"result": None}, {}):
        (verdict,) = check_proof({**report, "loss": loss}, lit_step("batchnorm"))
        assert verdict.outcome == "failed" and "loss" in verdict.reason


def test_a_function_that_does_not_hold_index_by_index():
    """A mean over an axis does not follow a scale for each of its indices."""
    text = lit_step("groupnorm")
    report = json.loads(proofs(text))
    symmetry = next(s for s in report["symmetries"] if s["family"] in TORUS)
    pattern = json.dumps(symmetry)
    assert symmetry["block_shape"]
    # The finest claim: one scale for every entry of the parameter.
    member = symmetry["members"][0]
    shape = next(p["shape"] for p in report["parameters"] if p["name"] == member["parameter"])
    symmetry.update(block_shape=shape, members=[{**member, "axes": list(range(len(shape))), "view": shape,
                                                 "offsets": [0] * len(shape), "sizes": shape}])
    assert json.dumps(symmetry) != pattern
    assert fails(report, text)


@pytest.mark.parametrize("report", [
    {}, {"loss": {"result": 0}, "symmetries": [{"id": "S1", "family": "scale", "derivation": [{}], "members": []}]},
    {"loss": {"result": 0}, "symmetries": [{"id": "S1", "family": "scale", "derivation": [{"path": []}], "members": [
        {"parameter": "w", "exponent": "1/0", "axes": []}]}]}])
def test_malformed(report):
    assert not any(verdict.outcome == "verified" for verdict in check_proof(report, lit_step("batchnorm")))


@pytest.mark.parametrize("rule", ["", "#noether.rule<", "#noether.rule<([i])->([i]) : r0 = x>", "#noether.rule<([i"])
def test_rules_that_are_none(rule):
    with pytest.raises(RuleError):
        parse_rule(rule)


# --- the command -------------------------------------------------------------------------------------


def command(*arguments):
    from noether_mlir.cli import app

    return CliRunner().invoke(app, ["check-proof", *map(str, arguments)])


def test_command(tmp_path):
    step, report = LIT / "infer-symmetries-batchnorm.mlir", tmp_path / "report.json"
    data = json.loads(proofs(lit_step("batchnorm")))
    report.write_text(json.dumps(data))
    run = command(report, step)
    assert run.exit_code == 0 and re.search(r"S1 +scale +verified +11 steps", run.stdout)
    assert json.loads(command(report, step, "--format=json").stdout)["verdicts"][0]["outcome"] == "verified"
    data["symmetries"][0]["exact"] = True
    report.write_text(json.dumps(data))
    run = command(report, step)
    assert run.exit_code == 1 and "failed" in run.stdout and "exact" in run.stdout
    assert command(tmp_path / "none.json", step).exit_code == 2
    report.write_text("{")
    assert command(report, step).exit_code == 2


def test_command_wants_proofs(tmp_path):
    report = tmp_path / "report.json"
    report.write_text(json.dumps(analyze_text(lit_step("batchnorm"), "step").data))
    run = command(report, LIT / "infer-symmetries-batchnorm.mlir")
    assert run.exit_code == 0 and "unchecked" in run.stdout and "--derivations" in run.stdout


def test_command_prints_one_proof():
    from noether_mlir.cli import app

    step = str(LIT / "infer-symmetries-batchnorm.mlir")
    run = CliRunner().invoke(app, ["analyze", step, "--derivation", "S1"])
    assert run.exit_code == 0 and run.stdout.startswith("S1  scale  w: 1\n")
    assert "2 s(0) = [1e-05]" in run.stdout and "batchnorm.mlir:33\n    stablehlo.add" in run.stdout
    assert CliRunner().invoke(app, ["analyze", step, "--derivation", "S7"]).exit_code == 2


# --- reasons -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*list(MODELS)[4::15], "mlp_tanh", "mlp_gelu"])
def test_reasons(name):
    """Every parameter that nothing moves has a reason, with a source line."""
    step = training_step(MODELS[name], "sgd")
    with jax.enable_x64(False):
        text = lower_to_text(step.function, step.args).text
    for parameter in analyze_text(text, "step").data["parameters"]:
        reasons = parameter["no_symmetry_because"]
        assert all(reason["says"] and reason["op"] for reason in reasons)
        if not parameter["symmetries"] and not parameter["dead"]:
            # Calls of LAPACK have no line in what JAX writes.
            assert any(reason["location"] or reason["op"] == "stablehlo.custom_call" for reason in reasons), parameter
