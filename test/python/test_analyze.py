# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`noether_mlir.analyze`: what it accepts, what it hands the compiler, and what it makes of the reply."""

import copy
import json
import pathlib
import re
import subprocess
import sys
from collections import namedtuple
from fractions import Fraction

import jax
import jax.numpy as jnp
import jsonschema
import noether_mlir
import pytest
from noether_mlir.analysis import Analysis, schema
from noether_mlir.lowering import lower_to_text, read_file, read_step, to_generic
from noether_mlir.roles import argument_roles
from noether_mlir.table import to_html, to_text

HERE = pathlib.Path(__file__).parent
REPLY = HERE / "data" / "analysis.json"


@pytest.fixture(autouse=True)
def fake_opt(monkeypatch, tmp_path):
    monkeypatch.setenv("NOETHER_OPT", str(HERE / "fake_opt.py"))
    monkeypatch.setenv("FAKE_REPORT", str(REPLY))
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


def step(params, batch):
    loss = lambda params: jnp.mean((batch["x"] @ params["w"]) ** 2)
    value, grads = jax.value_and_grad(loss)(params)
    return jax.tree.map(lambda w, g: w - 0.1 * g, params, grads), value


ARGS = ({"w": jnp.ones((4, 3))}, {"x": jnp.ones((5, 4))})


def arguments_of(text):
    """The attribute dictionaries of the entry's arguments, as text."""
    return re.search(r"arg_attrs = \[(.*?)\], (?:function_type|res_attrs)", text, re.S).group(1)


# The object.


def test_mirrors_the_json():
    analysis = Analysis.from_json(REPLY.read_text())
    assert analysis.parameter("params['conv']['kernel']").invariant_unit == "axes [3]"
    rescale = next(symmetry for symmetry in analysis.symmetries if symmetry.family == "rescale")
    assert [member.exponent for member in rescale.members] == [1, 1, -1]
    assert analysis.symmetries[0].broken_by[0].degree == Fraction(2)
    assert analysis.kinetics_of("S3").laws[0].text == "eta_eff = eta / r^2"
    assert analysis.kinetics_of("S99") is None and analysis.dimension.torus == 164
    assert json.loads(analysis.json()) == json.loads(REPLY.read_text())
    with pytest.raises(KeyError):
        analysis.parameter("nothing")


def test_unknown_keys_are_kept_and_ignored():
    data = json.loads(REPLY.read_text()) | {"future": {"x": 1}}
    data["symmetries"][0]["future"] = 1
    assert json.loads(Analysis.from_json(data).json())["future"] == {"x": 1}


@pytest.mark.parametrize(
    "data", ["[]", "nonsense", "{}", '{"schema_version": 2}', '{"schema_version": 1, "parameters": 3}']
)
def test_other_json_is_refused(data):
    with pytest.raises(noether_mlir.NoetherError, match="not an analysis"):
        Analysis.from_json(data)


def test_schema_accepts_the_contract_and_refuses_what_breaks_it():
    good = json.loads(REPLY.read_text())
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(good, schema())

    def broken(change):
        data = copy.deepcopy(good)
        change(data)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(data, schema())

    broken(lambda data: data.pop("dimension"))
    broken(lambda data: data["symmetries"][0]["members"][0].update(exponent=0.5))
    broken(lambda data: data["symmetries"][0].update(family="magic"))
    broken(lambda data: data["symmetries"][0].update(exact=True))
    broken(lambda data: data["symmetries"][3].update(exact=False))
    broken(lambda data: data["parameters"][0].update(role_decided_by="guess"))
    broken(lambda data: data["parameters"][0].update(invariant_unit="all"))
    broken(lambda data: data["lints"][0].update(code="W1"))


# The table.


def test_table_groups_layers_and_fits():
    analysis = Analysis.from_json(REPLY.read_text())
    text = str(analysis)
    assert "blocks.0,1.wq" in text and "2 x 2" in text and "S1.." in text
    assert re.search(r"fc2.kernel +\^-1 +\[128\]x10", text) and "128!" in text
    assert "eta_eff = eta / r^2" in text and "normalization.py:120" in text
    assert "stablehlo.exponential: operand has degree 0" in text
    assert "N101" in text and "custom_call @foo" in text
    for width in (80, 100, 120):
        assert max(map(len, to_text(analysis, width).splitlines())) <= width
    assert "\x1b" not in text


def test_html_is_styled_and_escaped():
    data = json.loads(REPLY.read_text())
    data["parameters"][6]["name"] = "<script>"
    analysis = Analysis.from_json(data)
    assert to_html(analysis).startswith("<pre")
    for html in (to_html(analysis), analysis._repr_html_()):
        assert "<script>" not in html and "&lt;script&gt;" in html


def test_empty_analysis_prints():
    data = {key: value for key, value in json.loads(REPLY.read_text()).items()}
    data.update(parameters=[], symmetries=[], kinetics=[], lints=[], unknown_operations=[])
    assert "No symmetry found" in str(Analysis.from_json(data))


# What is accepted.


@pytest.mark.parametrize("jitted", [False, True])
def test_a_function_and_its_arguments(fake_opt, jitted):
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), ARGS)
    analysis = noether_mlir.analyze(jax.jit(step) if jitted else step, *shapes)
    assert analysis.source == "step" and len(analysis.symmetries) == 5
    log = fake_opt.read_text()
    assert "loc(\"params['w']\")" in log and '"stablehlo.dot_general"' in log
    assert str(HERE.parent.parent) not in log and "site-packages" not in log and "lowering.py" not in log


def test_what_jax_makes_of_a_function():
    lowered = jax.jit(step).lower(*ARGS)
    direct = lower_to_text(step, ARGS).text
    for form in (lowered, lowered.as_text(debug_info=True), direct):
        text = read_step(form, (), {}).text
        assert '"stablehlo.dot_general"' in text and "= stablehlo." not in text


def test_portable_artifact(tmp_path):
    from jax.export import export

    exported = export(jax.jit(step))(*ARGS)
    (tmp_path / "step.mlirbc").write_bytes(exported.mlir_module_serialized)
    for form in (exported, tmp_path / "step.mlirbc", exported.mlir_module_serialized):
        assert '"stablehlo.dot_general"' in read_step(form, (), {}).text


def test_files_and_folders(tmp_path):
    text = lower_to_text(step, ARGS).text
    (tmp_path / "small.mlir").write_text("module {}")
    (tmp_path / "large.mlir").write_text(text)
    assert read_file(tmp_path).source.endswith("large.mlir")
    assert noether_mlir.analyze(tmp_path / "large.mlir").source.endswith("large.mlir")
    assert noether_mlir.analyze(str(tmp_path)).entry == "main"
    assert to_generic(text) is text
    with pytest.raises(noether_mlir.NotATrainingStep, match="No such file"):
        noether_mlir.analyze("nowhere.mlir")
    (tmp_path / "empty").mkdir()
    with pytest.raises(noether_mlir.NotATrainingStep, match=r"no \.mlir file"):
        noether_mlir.analyze(tmp_path / "empty")


@pytest.mark.parametrize(
    "dialect", ["func.func @main() { return }", "%0 = arith.constant 1 : i32", '"stablehlo.add"()']
)
def test_what_needs_no_jaxlib_passes_untouched(dialect):
    assert to_generic(dialect) == dialect


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("%0 = stablehlo.add %1", "step"),
        (b"\xff\xfe", "neither"),
        (b"ML\xefR\rStableHLO_v1", "step"),
    ],
)
def test_what_cannot_be_read(data, message):
    with pytest.raises(noether_mlir.NotATrainingStep, match=message) as caught:
        to_generic(data)
    assert "\n" not in str(caught.value)


def test_no_step():
    for thing in (3, None, {"a": 1}):
        with pytest.raises(noether_mlir.NotATrainingStep, match="cannot read a step from"):
            noether_mlir.analyze(thing)
    with pytest.raises(noether_mlir.NotATrainingStep, match="takes no arguments"):
        noether_mlir.analyze("module {}", 1)


def test_options_reach_the_compiler(fake_opt):
    noether_mlir.analyze("module {}", spurion_threshold=1e-4, derivations=True)
    flags = fake_opt.read_text().splitlines()[0]
    assert "spurion-threshold=0.0001" in flags and "derivations=true" in flags


def test_diagnostics_become_errors(monkeypatch):
    with pytest.raises(noether_mlir.NotATrainingStep, match="<text>:1:1: error: no loss") as caught:
        noether_mlir.analyze("// fail: no loss\n")
    assert "\n" not in str(caught.value) and "note: see current" in caught.value.diagnostic
    with pytest.raises(noether_mlir.ToolNotFound, match="abnormally"):
        noether_mlir.analyze("// crash\n")
    monkeypatch.setenv("NOETHER_OPT", "/nowhere/noether-opt")
    with pytest.raises(noether_mlir.ToolNotFound, match="NOETHER_OPT"):
        noether_mlir.analyze("module {}")


# Roles.


def roles_of(*args, roles=None, step=None, **kwargs):
    names = [chr(ord("a") + number) for number in range(len(args))]
    namespace = {}
    exec(f"def step({', '.join(names)}, **kwargs): pass", namespace)
    decided = argument_roles(step or namespace["step"], args, kwargs, roles)
    assert all(entry is None or entry[1] == "caller" for entry in decided)
    return [entry and entry[0] for entry in decided]


def test_roles_of_plain_arguments_are_left_to_the_analysis():
    assert roles_of({"w": 1.0, "b": 2.0}, [3.0]) == [None] * 3


def test_roles_from_the_caller():
    tree = {"b": 1.0, "w": 2.0}
    assert roles_of(tree, 3.0, roles=("param", "batch")) == ["param", "param", "batch"]
    assert roles_of(tree, 3.0, roles=({"b": None, "w": "param"},)) == [None, "param", None]
    assert roles_of(tree, 3.0, roles={"b": "hyper"}) == [None, None, "hyper"]
    assert roles_of(1.0, rate=2.0, roles={"rate": "hyper"}) == [None, "hyper"]


@pytest.mark.parametrize(
    ("roles", "message"),
    [(("weights",), "unknown role"), ({"z": "param"}, "no argument"), (("param",) * 3, "3 roles for 2"), (3, "sequence"),
     ((["param", "param"],), "do not fit")],
)  # fmt: skip
def test_roles_that_make_no_sense(roles, message):
    with pytest.raises(noether_mlir.NoetherError, match=message):
        roles_of({"w": 1.0}, 2.0, roles=roles)


def test_roles_from_flax_and_optax():
    optax = pytest.importorskip("optax")
    state = optax.adam(1e-3).init({"w": jnp.ones(3)})
    assert set(roles_of(state)) == {"state"}
    assert roles_of({"params": {"w": 1.0}, "batch_stats": {"m": 1.0}}) == ["state", "param"]
    TrainState = namedtuple("TrainState", "step params opt_state batch_stats")
    train_state = TrainState(0, {"w": 1.0, "index": 3}, state, {"m": 1.0})
    assert roles_of(train_state) == ["state", "state", "param", *["state"] * 4]
    nnx = pytest.importorskip("flax.nnx")
    _, variables = nnx.split(nnx.BatchNorm(3, rngs=nnx.Rngs(0)))
    assert roles_of(variables) == ["param", "state", "param", "state"]
    assert roles_of(jax.random.key(0)) == ["rng"]


def test_roles_are_written_to_the_module():
    text = lower_to_text(step, ARGS, roles=("param", "batch")).text
    attributes = arguments_of(text)
    assert attributes.count('noether.role = "param"') == 1 and attributes.count('noether.role = "batch"') == 1
    assert 'noether.role_decided_by = "caller"' in attributes
    with_static = lower_to_text(
        lambda n, w: (w * n, w.sum()), (2, jnp.ones(3)), static_argnums=0, roles={"w": "param"}
    ).text
    assert 'noether.role = "param"' in arguments_of(with_static)


# Without JAX.

_NO_JAX = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("jax", "jaxlib", "numpy"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Refuse())
import noether_mlir
print(noether_mlir.analyze("module {}").dimension.torus)
for use in (lambda: noether_mlir.jit, lambda: noether_mlir.analyze(print, 1), lambda: noether_mlir.Polar,
            lambda: noether_mlir.analyze("%0 = stablehlo.constant dense<1> : tensor<i32>\\n")):
    try:
        use()
    except noether_mlir.MissingDependency as error:
        print(error)
"""


def test_without_jax():
    run = subprocess.run(
        [sys.executable, "-c", _NO_JAX], cwd=HERE.parent.parent / "python", capture_output=True, text=True
    )
    lines = run.stdout.splitlines()
    assert lines[:1] == ["164"] and len(lines) == 5, run.stderr
    assert all("needs JAX: pip install 'noether-mlir[jax]'" in line for line in lines[1:])
