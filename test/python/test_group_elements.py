# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Group elements do to parameters what the claim's members say, on functions whose symmetries are known."""

import numpy as np
import pytest

from noether_mlir.group_elements import MalformedClaim, block_shape, is_continuous, random_element

RNG = np.random.default_rng(0)


def member(parameter, exponent="1", axes=(), **more):
    return {"parameter": parameter, "exponent": exponent, "axes": list(axes), **more}


def symmetry(family, *members, **more):
    return {"id": "X1", "family": family, "members": list(members), **more}


def normal(*shape):
    return RNG.standard_normal(shape)


A, B, X = normal(5, 4), normal(4, 6), normal(3, 5)
HEADS_Q, HEADS_K = normal(5, 2, 3), normal(5, 2 * 3)

#: Name: the claim, the parameters, and a function of them that it leaves alone.
CASES = {
    "rescale": (
        symmetry("rescale", member("a", axes=[1]), member("b", "-1", axes=[0])),
        {"a": A, "b": B},
        lambda p: X @ p["a"] @ p["b"],
    ),
    "rescale with exponents": (
        symmetry("rescale", member("a", "1/2", axes=[1]), member("b", "-1", axes=[0])),
        {"a": A, "b": B},
        lambda p: (X @ p["a"]) ** 2 @ p["b"],
    ),
    "scale, of heads within a fused axis": (
        symmetry("scale", member("k", axes=[1], view=[5, 2, 3]), block_shape=[2]),
        {"k": HEADS_K},
        lambda p: (lambda k: k / np.sqrt((k**2).sum(axis=(0, 2), keepdims=True)))(p["k"].reshape(5, 2, 3)),
    ),
    "scale, of a part": (
        symmetry("scale", member("k", view=[5, 6], offsets=[0, 2], sizes=[5, 4])),
        {"k": HEADS_K},
        lambda p: (p["k"][:, :2], p["k"][:, 2:] / np.linalg.norm(p["k"][:, 2:])),
    ),
    "traceless": (
        symmetry("scale", member("a", axes=[1]), traceless=True),
        {"a": np.abs(A)},
        lambda p: np.log(p["a"]).sum(),
    ),
    "translation": (
        symmetry("translation", member("a", axes=[0]), member("b", "-1", axes=[1])),
        {"a": A, "b": normal(6, 5)},
        lambda p: (p["a"] - p["a"].mean(axis=1, keepdims=True), p["a"].mean(axis=1) + p["b"].mean(axis=0)),
    ),
    "general linear": (
        symmetry("general_linear", member("a", axes=[1], side="direct"),
                 member("b", axes=[0], side="inverse_transpose"), size=4),
        {"a": A, "b": B},
        lambda p: X @ p["a"] @ p["b"],
    ),
    "general linear, by head": (
        symmetry("general_linear",
                 member("q", axes=[2], side="direct", block_axes=[1]),
                 member("k", axes=[2], side="inverse_transpose", block_axes=[1], view=[5, 2, 3]),
                 size=3, block_shape=[2]),
        {"q": HEADS_Q, "k": HEADS_K},
        lambda p: np.einsum("ihd,jhd->hij", p["q"], p["k"].reshape(5, 2, 3)),
    ),
    "general linear fixing the constant vector": (
        symmetry("general_linear", member("a", axes=[0], side="direct"), size=5, fixes_sum=True),
        {"a": A},
        lambda p: p["a"].sum(axis=0),
    ),
    "orthogonal": (
        symmetry("orthogonal", member("a", axes=[1], side="direct"),
                 member("b", axes=[0], side="inverse_transpose"), size=4),
        {"a": A, "b": B},
        lambda p: (X @ p["a"] @ p["b"], ((X @ p["a"]) ** 2).sum(axis=1)),
    ),
    "orthogonal fixing the constant vector": (
        symmetry("orthogonal", member("a", axes=[1], side="direct"), size=4, fixes_constant=True),
        {"a": A},
        lambda p: ((X @ p["a"]).sum(axis=1), ((X @ p["a"]) ** 2).sum(axis=1)),
    ),
    "both axes of one matrix": (
        symmetry("general_linear", member("s", axes=[0], side="inverse_transpose"),
                 member("s", axes=[1], side="direct"), size=4),
        {"s": normal(4, 4)},
        lambda p: (np.trace(p["s"]), np.linalg.det(p["s"])),
    ),
    "complex linear": (
        symmetry("complex_linear", member("q", axes=[1], side="direct", block_axes=[2]),
                 member("k", axes=[1], side="inverse_transpose", block_axes=[2], view=[5, 2, 3]),
                 size=2, block_shape=[3]),
        {"q": HEADS_Q, "k": HEADS_K},
        lambda p: (lambda q, k: (q.conj()[:, None] * k[None]).sum(-1))(
            *(v[:, 0] + 1j * v[:, 1] for v in (p["q"], p["k"].reshape(5, 2, 3)))),
    ),
    "permutation": (
        symmetry("permutation", member("a", axes=[1]), member("b", axes=[0]), size=4, order="4!"),
        {"a": A, "b": B},
        lambda p: np.tanh(X @ p["a"]) @ p["b"],
    ),
}  # fmt: skip


def close(a, b, tolerance=1e-11):
    pairs = zip(a, b) if isinstance(a, tuple) else [(a, b)]
    return all(np.allclose(x, y, rtol=tolerance, atol=tolerance) for x, y in pairs)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", [0.1, 1.5])
def test_leaves_the_function_alone(name, size):
    claim, parameters, function = CASES[name]
    element = random_element(claim, parameters, np.random.default_rng(1), size)
    before = {key: value.copy() for key, value in parameters.items()}
    moved = element.act(parameters)
    assert any(abs(moved[key] - parameters[key]).max() > 1e-3 for key in moved)
    assert close(function({**parameters, **moved}), function(parameters))
    assert all((parameters[key] == before[key]).all() for key in before), "the parameters were written to"


@pytest.mark.parametrize("name", [n for n, case in CASES.items() if is_continuous(case[0])])
def test_velocity_is_the_derivative(name):
    claim, parameters, _ = CASES[name]
    element = random_element(claim, parameters, np.random.default_rng(2), 1.0)
    h = 1e-5
    forward, backward = element.scaled(h).act(parameters), element.scaled(-h).act(parameters)
    velocity = element.velocity(parameters)
    assert set(velocity) == set(forward)
    for key, value in velocity.items():
        np.testing.assert_allclose(value, (forward[key] - backward[key]) / (2 * h), rtol=1e-7, atol=1e-8)


def test_a_claim_that_does_not_fit_is_refused():
    parameters = {"a": A}
    for bad in (
        symmetry("scale", member("c")),
        symmetry("scale", member("a", axes=[1], view=[3, 3])),
        symmetry("scale", member("a", view=[5, 4], offsets=[0, 3], sizes=[5, 2])),
        symmetry("rescale", member("a", axes=[1]), member("a", "-1", axes=[0]), block_shape=[4]),
        symmetry("general_linear", member("a", axes=[0]), size=4),
        symmetry("general_linear", member("a", axes=[0])),
        symmetry("sorcery", member("a")),
    ):
        with pytest.raises(MalformedClaim):
            random_element(bad, parameters, RNG).act(parameters)


def test_blocks_of_a_member_without_a_shape():
    assert block_shape(symmetry("scale", member("a", axes=[1])), {"a": A}) == (4,)
