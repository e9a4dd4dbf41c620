# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Lowered charges run in XLA and are what plain NumPy computes."""

import math
from dataclasses import dataclass
from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest

from noether_mlir.tool import run_tool
from running import run_module

MLIR_TYPES = {"float32": "f32", "float64": "f64", "bfloat16": "bf16", "float16": "f16"}


@dataclass(frozen=True)
class Member:
    """One parameter of a symmetry, as `#noether.member` has it."""

    shape: tuple
    exponent: Fraction = Fraction(1)
    view: tuple | None = None
    axes: tuple = ()
    offsets: tuple | None = None
    sizes: tuple | None = None

    def attribute(self):
        view = self.view or self.shape
        text = f"#noether.member<{self.exponent} view [{','.join(map(str, view))}]"
        if self.axes:
            text += f" axes [{','.join(map(str, self.axes))}]"
        if self.offsets:
            text += (f" offsets [{','.join(map(str, self.offsets))}]"
                     f" sizes [{','.join(map(str, self.sizes))}]")
        return text + ">"

    def term(self, a, b):
        """What the member adds to the sum of products of `a` and `b`."""
        view = self.view or self.shape
        start = self.offsets or (0,) * len(view)
        cut = tuple(slice(o, o + s) for o, s in zip(start, self.sizes or view, strict=True))
        product = a.reshape(view)[cut] * b.reshape(view)[cut]
        rest = tuple(axis for axis in range(len(view)) if axis not in self.axes)
        kept = sorted(self.axes)
        return float(self.exponent) * product.sum(axis=rest).transpose(
            [kept.index(axis) for axis in self.axes])


CASES = {
    "one tensor": [Member((7, 5))],
    "columns": [Member((7, 5), axes=(1,))],
    "scalar": [Member(())],
    "pair": [Member((4, 6), axes=(1,)), Member((6,), axes=(0,)),
             Member((6, 3), Fraction(-1, 2), axes=(0,))],
    "heads": [Member((8, 24), view=(8, 3, 2, 4), axes=(3, 2), offsets=(0, 1, 0, 0),
                     sizes=(8, 1, 2, 4)),
              Member((8, 8), Fraction(-1), view=(2, 4, 8), axes=(1, 0))],
    "one parameter twice": [Member((6, 4), axes=(1,), offsets=(0, 0), sizes=(2, 4)),
                            Member((6, 4), Fraction(-1), axes=(1,), offsets=(2, 0), sizes=(4, 4))],
}


def module_text(members, dtype, result, with_gradients, with_next, traceless=False):
    """A function of the weights, then the gradients, then the next weights."""
    groups = 1 + with_gradients + with_next
    types = [f"tensor<{'x'.join([*map(str, m.shape), dtype])}>" for m in members] * groups
    names = [f"%a{i}" for i in range(len(types))]
    count = len(members)

    def group(keyword, index):
        start = index * count
        return (f"{keyword} ({', '.join(names[start:start + count])} : "
                f"{', '.join(types[start:start + count])})")

    parts = [group("weights", 0)]
    if with_gradients:
        parts.append(group("gradients", 1))
    if with_next:
        parts.append(group("next", groups - 1))
    results = [result] * (1 + 2 * with_gradients + with_next)
    return f"""
func.func @main({', '.join(f'{n}: {t}' for n, t in zip(names, types, strict=True))})
    -> ({', '.join(results)}) {{
  %zero = "stablehlo.constant"() <{{value = dense<0.0> : tensor<f32>}}> : () -> tensor<f32>
  %c:{len(results)} = noether.charge "S1" members [{', '.join(m.attribute() for m in members)}]
    {'traceless' if traceless else ''} {' '.join(parts)} -> {', '.join(results)}
  return {', '.join(f'%c#{i}' for i in range(len(results)))} : {', '.join(results)}
}}"""


@pytest.mark.parametrize("groups", [(True, True), (False, True), (True, False), (False, False)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("name", CASES)
def test_lowered_charges(name, dtype, groups):
    members = CASES[name]
    block = np.asarray(members[0].term(np.ones(members[0].shape), np.ones(members[0].shape))).shape
    wide = "float64" if dtype == "float64" else "float32"
    result = f"tensor<{'x'.join([*map(str, block), MLIR_TYPES[wide]])}>"
    text = run_tool(["--noether-lower-charges", "--mlir-print-op-generic"],
                    module_text(members, MLIR_TYPES[dtype], result, *groups))
    assert "noether.charge" not in text

    rng = np.random.default_rng(len(name))
    draw = lambda: [jnp.asarray(rng.normal(size=m.shape), dtype) for m in members]  # noqa: E731
    w, g, n = draw(), draw(), draw()
    wanted = [(w, w)] + [(w, g), (g, g)] * groups[0] + [(n, n)] * groups[1]
    args = w + g * groups[0] + n * groups[1]
    got = run_module(text, args)
    assert len(got) == len(wanted)
    for value, (a, b) in zip(got, wanted, strict=True):
        terms = [m.term(np.asarray(x, np.float64), np.asarray(y, np.float64))
                 for m, x, y in zip(members, a, b, strict=True)]
        size = max(math.prod(m.shape) for m in members)
        assert value.dtype == wide and value.shape == block
        np.testing.assert_allclose(value, sum(terms), rtol=1e-6,
                                   atol=(1e-13 if dtype == "float64" else 1e-6) * size)


@pytest.mark.parametrize("name", ["columns", "heads"])
def test_traceless(name):
    """Only differences along the block are conserved: means are taken away."""
    members = CASES[name]
    block = members[0].term(np.ones(members[0].shape), np.ones(members[0].shape)).shape
    result = f"tensor<{'x'.join([*map(str, block), 'f64'])}>"
    text = run_tool(["--noether-lower-charges", "--mlir-print-op-generic"],
                    module_text(members, "f64", result, False, False, traceless=True))
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=m.shape) for m in members]
    (got,) = run_module(text, [jnp.asarray(w) for w in weights])
    wanted = sum(m.term(w, w) for m, w in zip(members, weights, strict=True))
    for axis in range(wanted.ndim):
        wanted = wanted - wanted.mean(axis, keepdims=True)
    np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12)
