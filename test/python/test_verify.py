# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`noether verify`: true claims hold, false ones are found out, on steps that run."""

import copy
import json
import os
import pathlib
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from noether_mlir.analysis import Analysis
from noether_mlir.cli import app
from noether_mlir.lowering import lower_to_text
from noether_mlir.verification.arguments import index_ranges
from noether_mlir.verification.driver import verify_text
from noether_mlir.verification.settings import Settings
from noether_mlir.verification.program import load_program
from typer.testing import CliRunner

import noether_mlir

HERE = pathlib.Path(__file__).parent
DUMPS = HERE.parent / "Inputs" / "dumps"
RNG = np.random.default_rng(0)


def normal(*shape, dtype=np.float32):
    return jnp.asarray(RNG.standard_normal(shape), dtype)


def sgd(loss, rate=0.1):
    """The training step of a loss, by plain gradient descent."""

    def step(params, *data):
        value, grads = jax.value_and_grad(loss)(params, *data)
        return jax.tree.map(lambda w, g: w - jnp.asarray(rate, w.dtype) * g, params, grads), value

    return step


def relu_loss(params, x, y):
    return jnp.mean((jax.nn.relu(x @ params["a"] + params["c"]) @ params["b"] - y) ** 2)


def norm_loss(params, x, y):
    h = x @ params["a"]
    h = (h - h.mean(0)) * jax.lax.rsqrt(h.var(0) + 1e-4)
    return jnp.mean((jnp.tanh(h) @ params["b"] - y) ** 2)


def mlp_arguments(dtype=np.float32):
    params = {"a": normal(5, 4, dtype=dtype), "b": normal(4, 2, dtype=dtype), "c": normal(4, dtype=dtype)}
    return params, normal(7, 5, dtype=dtype), normal(7, 2, dtype=dtype)


def lowered(step, *args):
    with jax.enable_x64(False):
        return lower_to_text(step, args).text


def verify(step, *args, **options):
    """Verifies a step as users lower it: without x64."""
    with jax.enable_x64(False):
        return noether_mlir.verify(step, *args, **options)


# True claims.


@pytest.mark.parametrize(
    ("name", "torus"),
    [("mlp_relu_sgd", 8), ("mlp_layernorm_sgdm", 32), ("cnn_batchnorm_linen_adamw", None), ("gpt_adamw", None)],
)
def test_claims_of_real_steps_hold(name, torus):
    """In double precision, for any argument; where the model is small the count is that of the null space."""
    result = noether_mlir.verify(DUMPS / f"{name}.mlir", completeness=600)
    assert result and result.precision == "double" and result.claims
    report = noether_mlir.analyze(DUMPS / f"{name}.mlir").data
    for claim, symmetry in zip(result.claims, report["symmetries"], strict=True):
        assert claim.outcome == ("holds" if symmetry["exact"] else "holds up to constants"), claim
        assert claim.deviation < claim.tolerance or not symmetry["exact"]
        assert claim.control > 1e3 * claim.tolerance, "the check would not notice a false claim"
        assert claim.tolerance < 1e-10
        if not symmetry["exact"]:
            assert claim.tolerance < claim.deviation < 1e-4 and claim.vanishing < 1e-6 * claim.deviation
        if claim.identity is not None:
            assert claim.identity.agrees
            assert abs(claim.identity.value) < (1e-12 if symmetry["exact"] else 1e-3) * claim.identity.size
    if torus is not None:
        assert result.completeness.counted["torus"] == result.completeness.claimed["torus"] == torus
        assert result.completeness.gap > 1e4


def test_a_step_for_several_devices(tmp_path):
    """The command starts as many as the step is partitioned over."""
    run = subprocess.run(
        [sys.executable, "-m", "noether_mlir", "verify", DUMPS / "mlp_shardmap8_sgd.mlir", "--format=json"],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(HERE.parent.parent / "python"), "JAX_PLATFORMS": "cpu"},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert {claim["outcome"] for claim in found["claims"]} == {"holds"}
    assert found["completeness"]["counted"]["torus"] == 8


def test_a_python_step_at_its_own_arguments():
    args = mlp_arguments()
    result = verify(sgd(relu_loss), *args)
    assert result and {claim.outcome for claim in result.claims} == {"holds"}
    assert result.loss == pytest.approx(float(relu_loss(*args)), rel=1e-5)
    assert result.completeness.counted["torus"] == 4
    shapes = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), args)
    assert verify(sgd(relu_loss), *shapes).loss != pytest.approx(result.loss)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_narrow_types_are_widened(dtype):
    """What is exact in real arithmetic is exact to fifteen digits."""
    result = verify(sgd(relu_loss), *mlp_arguments(dtype))
    assert result and result.precision == "double"
    assert result.claim("S1").deviation < 1e-13
    constants = verify(sgd(norm_loss), *mlp_arguments(dtype))
    assert constants and constants.claim("S1").outcome == "holds up to constants"


def test_modules_of_flax():
    """A step that updates an nnx module in place."""
    from flax import nnx

    class Network(nnx.Module):
        def __init__(self, rngs):
            self.a, self.b = nnx.Linear(5, 4, rngs=rngs), nnx.Linear(4, 2, rngs=rngs)

        def __call__(self, x):
            return self.b(jax.nn.relu(self.a(x)))

    def step(x, network, y):  # modules come first in what is lowered
        value, grads = nnx.value_and_grad(lambda network: jnp.mean((network(x) - y) ** 2))(network)
        nnx.update(network, jax.tree.map(lambda w, g: w - 0.1 * g, nnx.state(network, nnx.Param), grads))
        return value

    with jax.enable_x64(False):
        result = noether_mlir.verify(step, normal(7, 5), Network(nnx.Rngs(0)), normal(7, 2))
    assert result and result.completeness.counted["torus"] == 4


def test_native_precision():
    result = verify(sgd(relu_loss), *mlp_arguments(), precision="native")
    assert result and result.precision == "native" and 1e-7 < result.claim("S1").tolerance < 1e-3
    assert result.completeness.why and not result.completeness.counted


def test_the_reference_interpreter():
    args = mlp_arguments()
    results = [verify(sgd(relu_loss), *args, engine=engine) for engine in ("xla", "reference")]
    assert all(results) and results[0].loss == pytest.approx(results[1].loss, rel=1e-14)


def dropout_loss(params, x, key):
    """Random numbers are made of the bits of 32-bit floats."""
    keep = jax.random.bernoulli(key, 0.7, (7, 4))
    noise = 0.1 * jax.random.normal(key, (7, 4))
    h = jnp.where(keep, jax.nn.relu(x @ params["a"]), 0.0)
    return jnp.mean(((h * jnp.abs(noise)) @ params["b"] - 1) ** 2)


def recurrent_loss(params, x, steps):
    carry, _ = jax.lax.scan(lambda h, xt: (jax.nn.relu(h @ params["r"] + xt @ params["a"]), None),
                            jnp.zeros((3, 4), x.dtype), x)  # fmt: skip
    return jnp.mean((carry @ params["b"] - steps) ** 2)


def solver_loss(params, x):
    """A library call, which has a name for each precision."""
    gram = x.T @ x + jnp.eye(5)
    return jnp.mean((jax.nn.relu(jnp.linalg.solve(gram, x.T).T @ params["a"]) @ params["b"] - 1) ** 2)


def fourier_loss(params, x):
    """Complex numbers, and constants of them."""
    h = jnp.fft.ifft(jnp.fft.fft(jax.nn.relu(x @ params["a"]), axis=0) + (1 + 2j), axis=0)
    return jnp.mean((jnp.real(h * jnp.conj(h)) @ params["b"] - 1) ** 2)


def test_steps_tied_to_their_precision():
    """Bit casts, library calls and loops keep running in double precision."""
    params = {"a": normal(5, 4), "b": normal(4, 2)}
    key = jax.random.key_data(jax.random.key(3)).astype(jnp.uint32)
    typed = lambda params, x, key: dropout_loss(params, x, jax.random.wrap_key_data(key))
    for loss, args in (
        (typed, (params, normal(7, 5), key)),
        (recurrent_loss, ({**params, "r": normal(4, 4)}, normal(6, 3, 5), jnp.float32(1))),
        (solver_loss, (params, normal(7, 5))),
        (fourier_loss, (params, normal(8, 5))),
    ):
        result = verify(sgd(loss), *args)
        assert result and result.precision == "double", (loss, result.why_native)
        with jax.enable_x64(False):  # where the random numbers are made of other bits
            assert result.loss == pytest.approx(float(loss(*args)), rel=1e-4), loss
        if result.claims:
            assert all(claim.outcome == "holds" and claim.deviation < 1e-12 for claim in result.claims), loss
    assert verify(sgd(typed), params, normal(7, 5), key).claims


# False claims.


def corrupt(step, args, change):
    """The report on a step, changed."""
    with jax.enable_x64(False):
        data = copy.deepcopy(noether_mlir.analyze(step, *args).data)
    change(data["symmetries"])
    return Analysis.from_json(data)


def set_exponent(symmetries):
    symmetries[0]["members"][-1]["exponent"] = "-1/2"


def set_axes(symmetries):
    kernel = next(m for m in symmetries[0]["members"] if m["parameter"] == "params['a']")
    kernel["axes"] = [0]  # of the wrong length for the blocks, too


def forget_member(symmetries):
    symmetries[0]["members"] = [m for m in symmetries[0]["members"] if m["parameter"] != "params['c']"]


def claim_a_translation(symmetries):
    symmetries.append({
        "id": "T9", "family": "translation", "members": [{"parameter": "params['c']", "exponent": "1", "axes": [0]}],
        "block_shape": [4], "dimension": 4, "exact": True, "broken_by": [], "charge": None})  # fmt: skip


def claim_a_rotation(symmetries):
    members = [{"parameter": f"params['{name}']", "exponent": "1", "axes": [axis], "side": side}
               for name, axis, side in (("a", 1, "direct"), ("c", 0, "direct"), ("b", 0, "inverse_transpose"))]  # fmt: skip
    symmetries.append({
        "id": "G9", "family": "orthogonal", "members": members, "size": 4, "block_shape": [], "dimension": 6,
        "exact": True, "broken_by": [], "charge": None})  # fmt: skip


@pytest.mark.parametrize("change", [set_exponent, set_axes, forget_member, claim_a_translation, claim_a_rotation])
def test_false_claims_are_found(change):
    args = mlp_arguments()
    step = sgd(relu_loss)
    assert verify(step, *args)
    result = verify(step, *args, claims=corrupt(step, args, change))
    assert not result and len(result.false) == 1 and result.false[0].why
    if change is not set_axes:
        assert result.false[0].deviation > 1e6 * result.false[0].tolerance


def test_the_permutation_that_is_there_holds():
    def change(symmetries):
        claim_a_rotation(symmetries)
        symmetries[-1] |= {"family": "permutation", "id": "P9", "order": "4!", "dimension": 0}

    args = mlp_arguments()
    result = verify(sgd(relu_loss), *args, claims=corrupt(sgd(relu_loss), args, change))
    assert result and result.claim("P9").outcome == "holds" and result.claim("P9").identity is None


def test_a_hidden_constant_is_found():
    """Said to be exact, what a small constant breaks is false; said to be broken by another constant, too."""
    args = mlp_arguments()

    def exact(symmetries):
        symmetries[0] |= {"exact": True, "broken_by": []}

    def other(symmetries):
        symmetries[0]["broken_by"] = [{"constant": 2.0, "degree": "1", "op": "stablehlo.multiply", "location": ""}]

    step = sgd(norm_loss)
    assert verify(step, *args).claim("S1").outcome == "holds up to constants"
    assert verify(step, *args, claims=corrupt(step, args, exact)).claim("S1").outcome == "FALSE"
    verdict = verify(step, *args, claims=corrupt(step, args, other)).claim("S1")
    assert verdict.outcome in ("FALSE", "not checkable") and verdict.why


def test_a_claim_broken_outright_is_not_saved_by_its_constant():
    """The deviation must vanish with the constant that is blamed."""

    def loss(params, x, y):  # tanh breaks what eps is blamed for
        return norm_loss(params, x, y) + 1e-3 * jnp.sum(jnp.tanh(params["a"]))

    args = mlp_arguments()
    with jax.enable_x64(False):
        data = copy.deepcopy(noether_mlir.analyze(sgd(norm_loss), *args).data)
    result = verify(sgd(loss), *args, claims=Analysis.from_json(data))
    assert result.claim("S1").outcome == "FALSE" and result.claim("S1").vanishing > 1e-6


def test_what_is_not_the_gradient_is_told():
    """The loss is invariant, and the update uses something else than its gradient."""

    def loss(params, x, y, hidden=lambda w: w):
        h = jax.nn.relu(x @ params["a"])
        return jnp.mean(((0.5 * h + 0.5 * hidden(h)) @ params["b"] - y) ** 2)

    params, x, y = mlp_arguments()
    params = {"a": params["a"], "b": params["b"]}
    honest = verify(sgd(loss), params, x, y).claim("S1")
    assert honest.outcome == "holds" and honest.identity.agrees and not honest.why
    claim = verify(sgd(lambda *args: loss(*args, jax.lax.stop_gradient)), params, x, y).claim("S1")
    assert claim.outcome == "holds" and not claim.identity.agrees and "not the gradient" in claim.why
    assert abs(claim.identity.value) > 0.01 * claim.identity.size > 1e6 * abs(claim.identity.slope)


# Arguments.


def embedding_loss(params, tokens, labels):
    h = jax.nn.relu(params["table"][tokens])
    return -jnp.mean(jnp.sum(jax.nn.one_hot(labels, 6) * jax.nn.log_softmax(h @ params["head"]), -1))


def test_ranges_of_indices():
    params = {"table": normal(11, 4), "head": normal(4, 6)}
    text = lowered(sgd(embedding_loss), params, jnp.zeros(8, jnp.int32), jnp.zeros(8, jnp.int32))
    assert index_ranges(text, "main") == {2: 11, 3: 6}
    take = lambda p, t, l: -jnp.mean(jnp.take_along_axis(  # noqa: E731, E741
        jax.nn.log_softmax(p["table"][t] @ p["head"]), l[:, None], axis=1))  # fmt: skip
    text = lowered(sgd(take), params, jnp.zeros(8, jnp.int32), jnp.zeros(8, jnp.int32))
    assert index_ranges(text, "main") == {2: 11, 3: 6}


def test_data_that_needs_logarithms():
    def loss(params, x):
        return jnp.mean((jax.nn.relu(jnp.log(x) @ params["a"]) @ params["b"]) ** 2) + jnp.mean(jnp.sqrt(1 - x))

    params = {"a": normal(5, 4), "b": normal(4, 2)}
    result = verify(sgd(loss), params, jax.ShapeDtypeStruct((3, 5), jnp.float32))
    assert result and np.isfinite(result.loss)


def test_a_loss_that_is_never_finite():
    loss = lambda params, x: jnp.mean((x @ params["a"]) ** 2) + jnp.log(-1.0 - jnp.sum(x**2))
    with pytest.raises(noether_mlir.UnsupportedStep, match="finite"):
        verify(sgd(loss), {"a": normal(5, 4)}, jax.ShapeDtypeStruct((3, 5), jnp.float32))


def test_arguments_by_name(tmp_path):
    args = mlp_arguments()
    text = lowered(sgd(relu_loss), *args)
    given = {"params['a']": np.asarray(args[0]["a"]), "3": np.asarray(args[1])}
    one = verify_text(text, "step", given, Settings(points=1, completeness=0))
    again = verify_text(text, "step", given, Settings(points=1, completeness=0))
    other = verify_text(text, "step", given | {"3": 2 * given["3"]}, Settings(points=1, completeness=0))
    assert one.loss == again.loss != other.loss
    for wrong in ({"params['z']": given["3"]}, {"3": given["3"][:2]}, [given["3"]]):
        with pytest.raises(noether_mlir.NoetherError):
            verify_text(text, "step", wrong)


def test_roles_of_the_arguments():
    """Second moments are drawn positive, counts whole, and parameters nowhere near zero norm."""
    text = (DUMPS / "gpt_adamw.mlir").read_text()
    program = load_program(text, "gpt", "main")
    from noether_mlir.verification.arguments import random_arguments

    values = random_arguments(program, index_ranges(program.text, "main"), np.random.default_rng(0))
    for argument, value in zip(program.arguments, values, strict=True):
        assert value.shape == argument.shape and value.dtype == argument.dtype
        if ".nu[" in argument.name:
            assert argument.role == "state" and (value > 0).all()
    tokens = [v for a, v in zip(program.arguments, values) if a.name == "batch['inputs']"]
    assert tokens and tokens[0].max() > 16 and tokens[0].max() < 32


def test_what_cannot_be_run_is_refused():
    linalg = """
func.func @main(%w: tensor<4xf32> loc("params['w']"), %x: tensor<4xf32> loc("x"))
    -> (tensor<4xf32> {jax.result_info = "result[0]['w']"}, tensor<f32>) {
  %c = arith.constant 0.0 : f32
  %i = tensor.from_elements %c : tensor<f32>
  %l = linalg.dot ins(%w, %x : tensor<4xf32>, tensor<4xf32>) outs(%i : tensor<f32>) -> tensor<f32>
  return %x, %l : tensor<4xf32>, tensor<f32>
}"""
    with pytest.raises(noether_mlir.UnsupportedStep, match="StableHLO"):
        verify_text(linalg, "step")

    def printing(params, x, y):
        jax.debug.print("{}", x[0, 0])
        return relu_loss(params, x, y)

    with pytest.raises(noether_mlir.UnsupportedStep, match="Python"):
        verify(sgd(printing), *mlp_arguments())


# The command.


def noether(*args):
    run = CliRunner().invoke(app, [str(arg) for arg in args])
    assert "Traceback" not in run.output and (run.exception is None or isinstance(run.exception, SystemExit))
    return run


def test_command(tmp_path):
    step = DUMPS / "mlp_relu_sgd.mlir"
    table = noether("verify", step)
    assert table.exit_code == 0 and "holds" in table.stdout and "8 claimed, 100 %" in table.stdout
    data = json.loads(noether("verify", step, "--format=json", "--points=1", "--completeness=0").stdout)
    assert data["holds"] is True and data["claims"][0]["outcome"] == "holds" and data["completeness"] is None

    report = json.loads(noether("analyze", step, "--format=json").stdout)
    set_exponent(report["symmetries"])
    (tmp_path / "false.json").write_text(json.dumps(report))
    false = noether("verify", step, f"--claims={tmp_path / 'false.json'}")
    assert false.exit_code == 1 and "FALSE" in false.stdout
    written = tmp_path / "out.json"
    assert noether("verify", step, "--format=json", "--completeness=0", "-o", written).exit_code == 0
    assert json.loads(written.read_text())["holds"]


def test_command_with_arguments(tmp_path):
    step = DUMPS / "mlp_relu_sgd.mlir"
    np.savez(tmp_path / "given.npz", **{"params['fc1']['bias']": np.ones(8)})
    assert noether("verify", step, f"--arguments={tmp_path / 'given.npz'}").exit_code == 0
    np.savez(tmp_path / "wrong.npz", **{"params['fc9']": np.ones(8)})
    wrong = noether("verify", step, f"--arguments={tmp_path / 'wrong.npz'}")
    assert wrong.exit_code == 1 and "no argument params['fc9']" in wrong.stderr
    assert noether("verify", step, f"--arguments={tmp_path / 'none.npz'}").exit_code == 2
    assert noether("verify", step, f"--claims={tmp_path / 'given.npz'}").exit_code == 2
    assert noether("verify", tmp_path / "none.mlir").exit_code == 1
    assert noether("verify", step, "--engine=magic").exit_code == 2


def test_command_on_a_python_function(tmp_path):
    (tmp_path / "train.py").write_text(
        "import jax, jax.numpy as jnp\n"
        "def loss(w, x): return jnp.mean((jax.nn.relu(x @ w['a']) @ w['b']) ** 2)\n"
        "def step(w, x):\n"
        "    value, grads = jax.value_and_grad(loss)(w, x)\n"
        "    return jax.tree.map(lambda w, g: w - 0.1 * g, w, grads), value\n"
        "def make(): return step, ({'a': jnp.ones((3, 4)), 'b': jnp.ones((4, 2))}, jnp.ones((5, 3)))\n"
    )
    run = noether("verify", f"{tmp_path / 'train.py'}:make", "--format=json", "--points=1")
    assert run.exit_code == 0, run.stderr
    assert json.loads(run.stdout)["loss"] == pytest.approx(144.0)  # at the arguments that the function gives


# Counting.


def linear_loss(params, x, y):
    return jnp.mean((x @ params["a"] @ params["b"] - y) ** 2)


def softmax_loss(params, x, y):
    logits = jnp.tanh(x @ params["a"]) @ params["b"]
    return -jnp.mean(jnp.sum(jax.nn.softmax(y) * jax.nn.log_softmax(logits), -1))


def rms_loss(params, x, y):
    h = x @ params["a"]
    return jnp.mean((h * jax.lax.rsqrt(jnp.mean(h * h, -1, keepdims=True)) @ params["b"] - y) ** 2)


def attention_loss(params, x, y):
    q, k = (jnp.einsum("td,dhk->htk", x, params[name]) for name in "ab")
    return jnp.mean((jax.nn.softmax(jnp.einsum("htk,hsk->hts", q, k)) @ x) ** 3)


@pytest.mark.parametrize(
    ("loss", "shapes", "torus", "translation", "linear"),
    [
        (linear_loss, ((5, 3), (3, 2)), 3, 0, 9),  # GL(3)
        (softmax_loss, ((5, 3), (3, 2)), 0, 3, 3),  # W += a 1^T, whatever function of W that is
        (rms_loss, ((5, 4), (4, 2)), 1, 0, 1 + 6),  # a scale and O(4)
        (attention_loss, ((5, 2, 3), (5, 2, 3)), 6, 0, 2 * 9),  # GL(3) for each head
    ],
)
def test_counts_are_those_of_the_catalogue(loss, shapes, torus, translation, linear):
    """Counted from gradients alone: what the groups of known layers have."""
    params = {name: normal(*shape) for name, shape in zip("ab", shapes)}
    result = verify(sgd(loss), params, normal(7, 5), normal(7, 2), points=1)
    assert result
    found = result.completeness
    assert found.counted == {"torus": torus, "translation": translation, "linear": linear}
    assert found.claimed["torus"] == torus and found.gap > 1e6


def test_many_claims_at_once():
    """The same verdicts as one by one; false ones are found among true ones."""
    args = mlp_arguments()
    step = sgd(relu_loss)

    def change(symmetries):
        claim_a_translation(symmetries)
        claim_a_rotation(symmetries)

    claims = corrupt(step, args, change)
    single, joint = (verify(step, *args, claims=claims, jointly=jointly) for jointly in (False, True))
    assert [c.outcome for c in single.claims] == [c.outcome for c in joint.claims]
    assert {claim.symmetry for claim in joint.false} == {"T9", "G9"}
    norm = verify(sgd(norm_loss), *args, jointly=True)
    assert norm and norm.claim("S1").outcome == "holds up to constants" and norm.claim("S1").vanishing < 1e-9
    gpt = noether_mlir.verify(DUMPS / "gpt_adamw.mlir", jointly=True, completeness=0)
    assert gpt and max(claim.together for claim in gpt.claims) >= 10
