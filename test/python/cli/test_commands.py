# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`noether report`, `explain` and `lint` on a real step; folders of dumps; help, completion, hooks and the action."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
import yaml
from noether_mlir.cli import app
from noether_mlir.cli.common import complete_step
from noether_mlir.lints import lint_codes
from typer.testing import CliRunner

ROOT = pathlib.Path(__file__).resolve().parents[3]

# A hidden layer with a ReLU, and a normalised output whose gain is decayed, as it should not be.
STEP = """
import jax, jax.numpy as jnp

def make():
    def loss(params, batch):
        y = jax.nn.relu(batch @ params["up"]) @ params["down"]
        y = y * jax.lax.rsqrt(jnp.mean(y * y, -1, keepdims=True) + 1e-6) * params["gain"]
        return jnp.mean(jnp.sin(y))

    def step(params, batch):
        value, grads = jax.value_and_grad(loss)(params, batch)
        return jax.tree.map(lambda w, g: w - 0.1 * (g + 1e-3 * w), params, grads), value

    shape = lambda *sizes: jax.ShapeDtypeStruct(sizes, jnp.float32)
    params = {"up": shape(3, 4), "down": shape(4, 2), "gain": shape(2)}
    return step, (params, shape(6, 3))
"""

BAD = "// nothing here is a step\nmodule {}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the step as a module, and as the function that makes it."""
    import jax

    path = tmp_path_factory.mktemp("steps")
    (path / "train.py").write_text(STEP)
    scope = {}
    exec(compile(STEP, str(path / "train.py"), "exec"), scope)
    step, args = scope["make"]()
    with jax.enable_x64(False):
        lowered = jax.jit(step).lower(*args)
    (path / "step.mlir").write_text(lowered.as_text(debug_info=True))
    (path / "bad.mlir").write_text(BAD)
    return path


@pytest.fixture(autouse=True)
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)


def noether(*args, **options):
    run = CliRunner().invoke(app, list(args), **options)
    assert "Traceback" not in run.output and (run.exception is None or isinstance(run.exception, SystemExit))
    return run


def test_report(tmp_path):
    run = noether("report", "step.mlir", "-o", str(tmp_path / "page.html"))
    assert (run.exit_code, run.stdout) == (0, "") and re.match(r"wrote \S*page.html, \d+ kB", run.stderr)
    page = (tmp_path / "page.html").read_text()
    assert page.startswith("<!doctype html>") and 'class="proof"' in page
    without = noether("report", "step.mlir", "--no-proofs", "-o", "-").stdout
    assert without.startswith("<!doctype html>") and 'class="proof"' not in without
    assert noether("analyze", "step.mlir", "--format=html").stdout == without
    assert noether("report", "bad.mlir", "-o", str(tmp_path / "no.html")).exit_code == 1
    assert not (tmp_path / "no.html").exists()


def test_markdown():
    text = noether("analyze", "step.mlir", "--format=markdown").stdout
    assert text.startswith("# Symmetries of `step.mlir`")
    assert "| Rescale | Multiply `down` by _c_, divide `up` by _c_" in text


def test_explain_a_lint():
    for code in lint_codes():
        assert noether("explain", code).stdout.startswith(f"# {code}: ")
    assert noether("explain", "N999").exit_code == 2


def test_explain_a_parameter():
    text = noether("explain", "up", "step.mlir").stdout
    assert text.startswith("up  3x4 f32") and re.search(r"S\d  Rescale, exact", text)
    assert "divide" in text and "η / r²" in text and "The loss has degree 0" in text
    none = noether("explain", "gain", "step.mlir").stdout
    assert "It has no continuous symmetry, because of" in none and "stablehlo.sine" in none


def test_explain_from_a_report(tmp_path):
    report = tmp_path / "report.json"
    assert noether("analyze", "step.mlir", "--derivations", "--format=json", "-o", str(report)).exit_code == 0
    assert noether("explain", "S1", str(report)).stdout == noether("explain", "S1", "step.mlir").stdout
    bare = tmp_path / "bare.json"
    noether("analyze", "step.mlir", "--format=json", "-o", str(bare))
    assert "no proof was recorded" in noether("explain", "S1", str(bare)).stdout
    page = noether("report", str(report), "-o", "-").stdout
    assert page.startswith("<!doctype html>") and 'class="proof"' in page
    (tmp_path / "broken.json").write_text("{")
    assert noether("explain", "S1", str(tmp_path / "broken.json")).exit_code == 1
    assert noether("explain", "S1", "gone.json").exit_code == 1


def test_explain_why_not(tmp_path):
    text = (ROOT / "examples" / "cosine.mlir").read_text()
    assert noether("explain", "w", "-", input=text).stdout.startswith("w  8 f32")
    reply = ROOT / "test" / "python" / "data" / "analysis.json"
    told = noether("explain", "fc2.bias", str(reply)).stdout
    assert "It has no continuous symmetry, because of" in told
    assert "activation.py:12" in told and "operand has degree 0" in told


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["explain", "up"], "of which step?"),
        (["explain", "nothing", "step.mlir"], "the step has no parameter nothing"),
        (["explain", "wq", "@reply"], "wq is one of several: blocks.0.wq, blocks.1.wq"),
        (["explain"], "Missing argument"),
        (["lint"], "Missing argument"),
        (["lint", "step.mlir", "--fail-on=N999"], "the code of a lint"),
    ],
)
def test_wrong_usage(args, message):
    reply = str(ROOT / "test" / "python" / "data" / "analysis.json")
    run = noether(*[reply if arg == "@reply" else arg for arg in args], env={"COLUMNS": "200"})
    assert run.exit_code == 2 and run.stdout == "" and message in " ".join(run.stderr.split())


def test_lint():
    run = noether("lint", "step.mlir", "--notes")
    lines = run.stdout.splitlines()
    assert lines and all(re.match(r"\S+: (warning|note): .* \[N\d{3}\]$", line) for line in lines)
    assert any("[N103]" in line for line in lines) and run.exit_code == 0
    assert noether("lint", "step.mlir", "--fail-on=N103").exit_code == 3
    assert noether("lint", "step.mlir", "--fail-on=never").exit_code == 0
    assert noether("lint", "step.mlir", "--fail-on=N106").exit_code == 0
    assert len(noether("lint", "step.mlir").stdout.splitlines()) < len(lines)  # notes are left out
    bad = noether("lint", "step.mlir", "bad.mlir")
    assert (bad.exit_code, bad.stdout) == (1, "") and bad.stderr.count("\n") == 1


def test_lint_for_scanners_and_builds():
    log = json.loads(noether("lint", "step.mlir", "step.mlir", "--format=sarif").stdout)
    one = json.loads(noether("lint", "step.mlir", "--format=sarif").stdout)
    (run,), (single,) = log["runs"], one["runs"]
    assert run["results"] == single["results"] * 2 and run["tool"] == single["tool"]
    lines = noether("lint", "step.mlir", "--format=github", "--notes").stdout.splitlines()
    assert all(re.match(r"::(warning|notice) file=[^,]+,line=\d+,title=N\d{3}::\S", line) for line in lines)


@pytest.fixture
def dumps(folder, tmp_path):
    """What JAX_DUMP_IR_TO leaves: the step, something larger, something small."""
    import jax
    import jax.numpy as jnp

    def evaluate(x):
        for _ in range(400):
            x = jnp.sin(x)
        return x

    large = jax.jit(evaluate).lower(jax.ShapeDtypeStruct((4,), jnp.float32)).as_text(debug_info=True)
    assert len(large) > len((folder / "step.mlir").read_text())
    (tmp_path / "jax_ir0001_jit_evaluate_compile.mlir").write_text(large)
    (tmp_path / "jax_ir0002_jit_step_compile.mlir").write_text((folder / "step.mlir").read_text())
    (tmp_path / "jax_ir0003_jit_add_compile.mlir").write_text(BAD)
    return tmp_path


def test_the_step_among_dumps(dumps):
    data = json.loads(noether("analyze", str(dumps), "--format=json").stdout)
    assert data["source"].endswith("jit_step_compile.mlir")
    (dumps / "jax_ir0002_jit_step_compile.mlir").unlink()
    run = noether("analyze", str(dumps))
    assert run.exit_code == 1 and run.stdout == "" and run.stderr.count("\n") == 1
    assert "none of 2 modules is a training step; of the largest: " in run.stderr


def test_help_has_examples():
    for command in ("analyze", "report", "explain", "lint", "verify", "rewrite", "export"):
        text = noether(command, "--help").stdout
        assert re.search(rf"\n +noether {command} \S+.*\n", text), command
    assert "Exit status: 0 done" in noether("--help").stdout


@pytest.mark.parametrize(("words", "expected"), [
    ("noether ex", {"explain", "export"}),
    ("noether explain N10", {f"N10{i}" for i in range(1, 10)}),
    ("noether analyze s", {"step.mlir"}),
    ("noether analyze t", {"train.py:"}),
    ("noether analyze step.mlir --format=", set()),
    ("noether analyze step.mlir --fail-on n", {"never"}),
])
def test_completion(words, expected):
    code = "from noether_mlir.cli import app; app(prog_name='noether')"
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT / "python"), "_NOETHER_COMPLETE": "complete_bash",
        "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1),
    }
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    if expected:
        assert set(run.stdout.split()) == expected


def test_completion_of_files(folder):
    assert complete_step("") == ["bad.mlir", "step.mlir", "train.py:"]
    assert complete_step("hf:g") == ["hf:gpt2"]
    assert complete_step(f"{folder}/s") == [f"{folder}/step.mlir"] and complete_step("/nowhere/x") == []


def test_colours_and_progress_on_a_terminal_only(folder):
    """The same command with and without a terminal."""
    command = [sys.executable, "-m", "noether_mlir", "analyze", "step.mlir"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    plain = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "\x1b" not in plain.stdout and plain.stderr == ""
    terminal = subprocess.run(
        ["script", "-qec", " ".join(command), "/dev/null"], env=environment, capture_output=True, text=True, check=True
    )
    assert "\x1b[" in terminal.stdout and "Analysing" in terminal.stdout


def test_hooks():
    """Each hook names a command that there is, with options it has."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert {hook["id"] for hook in hooks} == {"noether-lint", "noether-lint-step"}
    for hook in hooks:
        name, *words = hook["entry"].split()
        assert name == "noether" and hook["language"] == "system"
        assert noether(*words, "train.py:make").exit_code == 0
        assert noether(*words, "train.py:make", "--fail-on=N103").exit_code == 3


def test_the_action(tmp_path):
    """The scripts of the action, run as GitHub runs them."""
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    defaults = {name: entry.get("default", "") for name, entry in action["inputs"].items()}
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "noether").write_text(f'#!/bin/sh\nexec {sys.executable} -m noether_mlir "$@"\n')
    (bin_folder / "noether").chmod(0o755)
    summary = tmp_path / "summary.md"
    files = {"sarif": str(tmp_path / "out.sarif"), "report": str(tmp_path / "r.html")}
    inputs = {**defaults, **files, "steps": "step.mlir", "fail-on": "N103"}
    assert {step["if"] for step in action["runs"]["steps"] if "if" in step} == {"${{ inputs.report != '' }}"}
    statuses = {}
    for step in action["runs"]["steps"]:
        given = {name: inputs[re.search(r"inputs\.([\w-]+)", value).group(1)] for name, value in step["env"].items()}
        environment = {
            **os.environ, **given, "PYTHONPATH": str(ROOT / "python"), "GITHUB_STEP_SUMMARY": str(summary),
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
        }
        script = ["bash", "-eo", "pipefail", "-c", step["run"]]
        run = subprocess.run(script, env=environment, capture_output=True, text=True)
        statuses[step["name"]] = run.returncode, run.stdout
    assert statuses["Report"][0] == statuses["Summary"][0] == 0 and statuses["Lint"][0] == 3
    assert statuses["Lint"][1].startswith("::") and json.loads((tmp_path / "out.sarif").read_text())["runs"]
    assert "<!doctype html>" in (tmp_path / "r.html").read_text() and "# Symmetries of" in summary.read_text()
