# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Whatever the input: a report, or one located diagnostic and a status that says so. Never a crash."""

import pathlib
import re
import subprocess
import sys

import mutations
import pytest

from noether_mlir.tool import find_tool

DUMPS = pathlib.Path(__file__).resolve().parent.parent / "Inputs" / "dumps"
SMALL = "mlp_relu_sgd.mlir"
BATCH = 12  # mutations per test: enough to be worth a test, few enough to name the culprit


def judge(data, folder, what=""):
    verdict = mutations.judge([str(find_tool())], data, folder)
    if verdict.complaint:
        pytest.fail(f"{what} {verdict.complaint}: {verdict.stderr[:300]}", pytrace=False)
    return verdict


def refused(data, folder, pattern):
    verdict = judge(data if isinstance(data, bytes) else data.encode(), folder)
    assert verdict.status == 1
    errors = [line[:300] for line in verdict.stderr.splitlines() if "error: " in line]
    assert len(errors) == 1, errors
    assert re.search(pattern, errors[0]), errors[0]


@pytest.fixture(scope="module")
def small():
    return (DUMPS / SMALL).read_text()


# --- by seed ----------------------------------------------------------------------------------


@pytest.mark.parametrize("start", range(0, 240, BATCH))
@pytest.mark.parametrize("dump", [SMALL, "mlp_layernorm_sgdm.mlir"])
def test_mutated(dump, start, tmp_path):
    text = (DUMPS / dump).read_text()
    for seed in range(start, start + BATCH):
        data, mutation = mutations.mutate(text, seed)
        judge(data, tmp_path, f"seed {seed} ({mutation})")


@pytest.mark.parametrize("start", range(0, 48, BATCH))
@pytest.mark.parametrize("dump", ["cnn_batchnorm_linen_adamw.mlir", "gpt_adamw.mlir",
                                  "mlp_shardmap8_sgd.mlir"])
def test_mutated_large(dump, start, tmp_path):
    test_mutated(dump, start, tmp_path)


@pytest.mark.parametrize("part", range(8))
def test_truncated(part, small, tmp_path):
    length = len(small)
    for k in range(8):
        cut = (part * 8 + k) * length // 64
        verdict = judge(small[:cut].encode(), tmp_path)
        assert verdict.status == 1


# --- what is no training step -------------------------------------------------------------------

MODULE = """
"builtin.module"() ({
%s
}) : () -> ()
"""
MAIN = """
"func.func"() <{function_type = (%s) -> (%s), sym_name = "main"}> ({
^bb0(%s):
%s
}) : () -> ()
"""


def main(arguments, results, body):
    """A module whose @main has arguments `name: type`, result types and body as given."""
    types = ", ".join(a.split(": ", 1)[1] for a in arguments)
    return MODULE % (MAIN % (types, ", ".join(results), ", ".join(arguments), body))


def test_empty(tmp_path):
    refused("", tmp_path, "entry|empty|function")


def test_no_function(tmp_path):
    refused(MODULE % "", tmp_path, "entry|function")


def test_declaration_only(tmp_path):
    refused(MODULE % '"func.func"() <{function_type = () -> (), sym_name = "main"}> ({}) : () -> ()',
            tmp_path, "body|declaration|entry")


def test_no_loss(tmp_path):
    refused(main(["%a: tensor<4xf32>"], ["tensor<4xf32>"],
                 '"func.return"(%a) : (tensor<4xf32>) -> ()'), tmp_path, "loss")


def test_no_results(tmp_path):
    refused(main(["%a: tensor<4xf32>"], [], '"func.return"() : () -> ()'), tmp_path, "loss|result")


def test_no_parameters(tmp_path):
    refused(main(["%a: tensor<f32>"], ["tensor<f32>"],
                 '%0 = "stablehlo.negate"(%a) : (tensor<f32>) -> tensor<f32>\n'
                 '"func.return"(%0) : (tensor<f32>) -> ()'), tmp_path, "param")


def test_dynamic_shapes(small, tmp_path):
    refused(small.replace("tensor<8x3xf32>", "tensor<?x3xf32>"), tmp_path, "dynamic")


def test_unranked(small, tmp_path):
    refused(small.replace("tensor<8x3xf32>", "tensor<*xf32>"), tmp_path, "rank|shape|dynamic")


def test_elided_constant(small, tmp_path):
    assert re.search(r"dense<[^>]*>", small)
    refused(re.sub(r"dense<[^>]*>", "dense_resource<__elided__>", small, count=1), tmp_path, "elided")


STEP = """
"func.func"() <{function_type = (tensor<4xf32>) -> (tensor<4xf32>, tensor<f32>), res_attrs = [
    {jax.result_info = "result[0]['w']"}, {jax.result_info = "result[1]"}], sym_name = "main"}> ({
^bb0(%%w: tensor<4xf32> loc("params['w']")):
  %%n = "func.call"(%%w) <{callee = @%s}> : (tensor<4xf32>) -> tensor<4xf32>
  %%z = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %%l = "stablehlo.reduce"(%%n, %%z) <{dimensions = array<i64: 0>}> ({
  ^bb0(%%x: tensor<f32>, %%y: tensor<f32>):
    %%s = "stablehlo.add"(%%x, %%y) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%%s) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  "func.return"(%%n, %%l) : (tensor<4xf32>, tensor<f32>) -> ()
}) : () -> ()
"""


def callee(name, calls):
    if calls is None:
        body = '"func.return"(%a) : (tensor<4xf32>) -> ()'
    else:
        body = (f'%0 = "func.call"(%a) <{{callee = @{calls}}}> : (tensor<4xf32>) -> tensor<4xf32>\n'
                '"func.return"(%0) : (tensor<4xf32>) -> ()')
    return ('"func.func"() <{function_type = (tensor<4xf32>) -> tensor<4xf32>, '
            f'sym_name = "{name}", sym_visibility = "private"}}> ({{\n^bb0(%a: tensor<4xf32>):\n'
            f"{body}\n}}) : () -> ()\n")


def test_calls_are_followed(tmp_path):
    text = MODULE % (STEP % "f" + callee("f", "g") + callee("g", None))
    assert judge(text.encode(), tmp_path).status == 0


@pytest.mark.parametrize("cycle", [1, 2, 5])
def test_recursion(cycle, tmp_path):
    ring = "".join(callee(f"f{i}", f"f{(i + 1) % cycle}") for i in range(cycle))
    refused(MODULE % (STEP % "f0" + ring), tmp_path, "recurs|calls itself|cycle")


def test_recursion_into_main(small, tmp_path):
    text = MODULE % (STEP % "main")
    verdict = judge(text.encode(), tmp_path)
    assert verdict.status == 1


def test_missing_callee(tmp_path):
    refused(MODULE % (STEP % "nowhere"), tmp_path, "nowhere")


def test_exponential_calls(tmp_path):
    """Each function calls the next one twice: 2^40 call sites, which must not be walked one by one
    without end."""
    depth = 40
    functions = []
    for i in range(depth):
        functions.append(
            f'"func.func"() <{{function_type = (tensor<4xf32>) -> tensor<4xf32>, sym_name = "f{i}", '
            'sym_visibility = "private"}> ({\n^bb0(%a: tensor<4xf32>):\n'
            f'%0 = "func.call"(%a) <{{callee = @f{i + 1}}}> : (tensor<4xf32>) -> tensor<4xf32>\n'
            f'%1 = "func.call"(%0) <{{callee = @f{i + 1}}}> : (tensor<4xf32>) -> tensor<4xf32>\n'
            '"func.return"(%1) : (tensor<4xf32>) -> ()\n}) : () -> ()\n')
    text = MODULE % (STEP % "f0" + "".join(functions) + callee(f"f{depth}", None))
    judge(text.encode(), tmp_path)


# --- depth and size -------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [100, 3000])
def test_deep_calls(depth, tmp_path):
    chain = "".join(callee(f"f{i}", f"f{i + 1}") for i in range(depth)) + callee(f"f{depth}", None)
    judge((MODULE % (STEP % "f0" + chain)).encode(), tmp_path)


@pytest.mark.parametrize("depth", [50, 2000, 20_000])
def test_deep_regions(depth, tmp_path):
    inner = '"stablehlo.return"() : () -> ()'
    opening = '"stablehlo.case"(%i) ({\n' * depth
    closing = ('\n}) : (tensor<i32>) -> ()\n"stablehlo.return"() : () -> ()') * depth
    body = (f'{opening}{inner}{closing[:-len(inner)]}\n'
            '"func.return"(%w, %l) : (tensor<4xf32>, tensor<f32>) -> ()')
    judge(main(["%w: tensor<4xf32>", "%l: tensor<f32>", "%i: tensor<i32>"],
               ["tensor<4xf32>", "tensor<f32>"], body).encode(), tmp_path)


@pytest.mark.parametrize("depth", [100, 5000, 100_000])
def test_deep_attributes(depth, small, tmp_path):
    nested = "[" * depth + "]" * depth
    judge(small.replace('sym_name = "main"', f'sym_name = "main", nested = {nested}', 1).encode(),
          tmp_path)


def test_long_chain(tmp_path):
    """Depth of the data flow is no depth of any recursion."""
    count = 60_000
    chain = "\n".join(f'%{i + 1} = "stablehlo.negate"(%{i}) : (tensor<f32>) -> tensor<f32>'
                      for i in range(count))
    body = (f'%0 = "stablehlo.negate"(%w) : (tensor<f32>) -> tensor<f32>\n{chain}\n'
            f'"func.return"(%{count}, %{count}) : (tensor<f32>, tensor<f32>) -> ()')
    judge(main(["%w: tensor<f32>"], ["tensor<f32>", "tensor<f32>"], body).encode(), tmp_path)


@pytest.mark.parametrize("value", mutations.HUGE)
def test_huge_integers(value, small, tmp_path):
    """Every integer in an attribute, one after the other."""
    found = [m for m in re.finditer(r"(?<=[\[ :=])\d+(?=[,\]>])", small)]
    for match in found[:: max(1, len(found) // 12)]:
        judge((small[:match.start()] + value + small[match.end():]).encode(), tmp_path)


def test_huge_tensor(small, tmp_path):
    """Sizes whose product overflows must not be multiplied blindly."""
    judge(small.replace("8x3", "9223372036854775807x9223372036854775807").encode(), tmp_path)


@pytest.mark.parametrize("data", [b"\x00" * 4096, b"\xff\xfe" * 100, b"ML\xefR" + b"\x01" * 200,
                                  "модуль {}".encode(), b"(" * 10_000, b"module {" * 1000])
def test_no_text_at_all(data, tmp_path):
    judge(data, tmp_path)


# --- the command --------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["truncated", "elided", "empty", "binary"])
def test_command_prints_nothing_on_standard_output(damage, small, tmp_path):
    data = {"truncated": small[:len(small) // 2].encode(),
            "elided": re.sub(r"dense<[^>]*>", "dense_resource<__elided__>", small, count=1).encode(),
            "empty": b"", "binary": b"\x00\xff" * 50}[damage]
    path = tmp_path / "step.mlir"
    path.write_bytes(data)
    run = subprocess.run([sys.executable, "-m", "noether_mlir", "analyze", str(path), "--format=json"],
                         capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 1
    assert run.stdout == ""
    assert re.search(r"\S+\.(mlir|py):", run.stderr) and "Traceback" not in run.stderr
    assert len(run.stderr.strip().splitlines()) <= 3, run.stderr
