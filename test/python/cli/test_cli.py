# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command `noether`: what it prints, where, and its exit status (0 done, 1 not a training step, 2 wrong usage)."""

import json
import os
import pathlib
import subprocess
import sys

import jsonschema
import pytest
from noether_mlir.analysis import schema
from noether_mlir.cli import app
from typer.testing import CliRunner

HERE = pathlib.Path(__file__).parent.parent
REPLY = HERE / "data" / "analysis.json"


@pytest.fixture(autouse=True)
def fake_opt(monkeypatch, tmp_path):
    monkeypatch.setenv("NOETHER_OPT", str(HERE / "fake_opt.py"))
    monkeypatch.setenv("FAKE_REPORT", str(REPLY))
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "step.mlir").write_text("module {}\n")
    (tmp_path / "bad.mlir").write_text("// fail: this is no training step: no parameter is updated\n")


def noether(*args, **options):
    run = CliRunner().invoke(app, list(args), **options)
    assert "Traceback" not in run.output and (run.exception is None or isinstance(run.exception, SystemExit))
    return run


def test_table():
    run = noether("analyze", "step.mlir")
    assert run.exit_code == 0 and run.stderr == ""
    assert run.stdout.startswith("step.mlir  @main  7 parameters") and "\x1b" not in run.stdout


def test_json_fits_the_schema():
    run = noether("analyze", "step.mlir", "--format=json")
    assert run.exit_code == 0
    data = json.loads(run.stdout)
    jsonschema.validate(data, schema())
    assert data["source"] == "step.mlir"


def test_lints_fail_a_build_and_are_given_to_scanners():
    assert noether("analyze", "step.mlir", "--fail-on=warning").exit_code == 3
    assert noether("analyze", "step.mlir", "--fail-on=error").exit_code == 0
    log = json.loads(noether("analyze", "step.mlir", "--format=sarif").stdout)
    (result,) = log["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == ("N101", "warning")
    place = result["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "a.py"}, "region": {"startLine": 3}}


def test_standard_input_and_output_file(tmp_path):
    run = noether("analyze", "-", "--format", "json", "--output", "out.json", input="module {}\n")
    assert run.exit_code == 0 and run.stdout == ""
    assert json.loads((tmp_path / "out.json").read_text())["source"] == "<stdin>"


def test_options_reach_the_compiler(tmp_path):
    assert noether("analyze", "step.mlir", "--spurion-threshold", "1e-4", "--derivations").exit_code == 0
    flags = (tmp_path / "log").read_text().splitlines()[0]
    assert "spurion-threshold=0.0001" in flags and "derivations=true" in flags


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["analyze", "bad.mlir"], "bad.mlir:1:1: error: this is no training step: no parameter is updated"),
        (["rewrite", "bad.mlir", "--charges"], "bad.mlir:1:1: error: this is no training step"),
        (["analyze", "nowhere.mlir"], "error: nowhere.mlir: No such file or directory"),
        (["analyze", "nowhere:make"], "error: cannot import nowhere"),
        (["analyze", "json:nothing"], "error: json has no nothing"),
        (["analyze", "json:decoder"], "error: json:decoder is not a function"),
        (["analyze", "os:getpid"], "error: os:getpid must return (step, args)"),
        (["analyze", "gone.py:make"], "error: gone.py: no such file"),
    ],
)
def test_what_is_no_step(args, message):
    run = noether(*args)
    assert run.exit_code == 1 and run.stdout == ""
    assert run.stderr.startswith(message) and run.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "args",
    [
        ["analyze"],
        ["analyze", "step.mlir", "--format", "xml"],
        ["analyze", "step.mlir", "--spurion-threshold", "-1"],
        ["analyze", "step.mlir", "--output", "/nowhere/out"],
        ["rewrite", "step.mlir"],
        ["rewrite", "step.mlir", "--adaptive", "--eps", "1"],
        ["rewrite", "step.mlir", "--with", "nothing"],
        ["rewrite", "step.mlir", "--with", "balance:sweeps"],
        ["rewrite", "step.mlir", "--with", "balance:speed=1"],
        ["rewrite", "step.mlir", "--with", "balance:sweeps=1 --noether-lint"],
        ["explain"],
    ],
)
def test_wrong_usage(args):
    run = noether(*args)
    assert run.exit_code == 2 and run.stdout == ""


def test_rewrite_asks_for_the_passes():
    run = noether("rewrite", "step.mlir", "--charges", "--adaptive", "--eps", "keep")
    assert run.exit_code == 0
    flags = run.stdout.splitlines()[0].removeprefix("// ").split()
    assert flags == [
        "-",
        "--noether-rewrite-adaptive=eps=keep",
        "--noether-track-charges",
        "--noether-lower-charges",
        "--mlir-print-op-generic",
        "--mlir-print-debuginfo",
    ]
    assert noether("rewrite", "step.mlir", "--charges", "-o", "out.mlir").exit_code == 0
    assert "--noether-rewrite-adaptive" not in pathlib.Path("out.mlir").read_text()


def test_rewrites_by_name():
    run = noether("rewrite", "step.mlir", "--with", "eliminate-decay", "--with", "balance:sweeps=10:symmetries=S1,S2")
    assert run.exit_code == 0
    flags = run.stdout.splitlines()[0]
    assert "--noether-eliminate-decay --noether-balance=sweeps=10 symmetries=S1,S2 --mlir" in flags


STEP = """
import jax, jax.numpy as jnp

def make():
    def step(params, batch):
        value, grads = jax.value_and_grad(lambda params: jnp.mean((batch @ params) ** 2))(params)
        return params - 0.1 * grads, value
    return step, (jnp.ones(3), jnp.ones((4, 3)))

def mapping():
    step, args = make()
    return {"step": step, "args": args, "donate": (0,)}
"""


@pytest.mark.parametrize("name", ["mine:make", "mine.py:make", "mine:mapping"])
def test_python_function(tmp_path, monkeypatch, name):
    (tmp_path / "mine.py").write_text(STEP)
    monkeypatch.setattr(sys, "path", [*sys.path])
    sys.modules.pop("mine", None)
    run = noether("analyze", name, "--format=json")
    assert run.exit_code == 0, run.stderr
    assert json.loads(run.stdout)["source"] == name
    assert "stablehlo.dot_general" in (tmp_path / "log").read_text()


def test_version():
    run = noether("--version")
    assert run.exit_code == 0 and run.stdout.startswith("noether 0.") and "noether-opt 9.8.7" in run.stdout


def test_as_a_process(tmp_path):
    """Without JAX ever imported for a module in generic form: the start is quick."""
    python = str(HERE.parent.parent / "python")
    code = "import sys; from noether_mlir.cli import app; app(standalone_mode=False); print('jax' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code, "analyze", "step.mlir"],
        env={**os.environ, "PYTHONPATH": python},
        capture_output=True,
        text=True,
    )
    assert run.stdout.splitlines()[-1] == "False", run.stderr
    run = subprocess.run(
        [sys.executable, "-m", "noether_mlir", "analyze", "bad.mlir"],
        env={**os.environ, "PYTHONPATH": python},
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stdout) == (1, "") and run.stderr.startswith("bad.mlir:1:1: error:")
