# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Shifts that other parameters take up, by amounts that depend on parameters: the loss does not move, none is missing,
none is counted as something else, and their proofs are checked."""

import copy
import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from noether_mlir.analysis import Analysis, analyze_text, schema
from noether_mlir.group_elements import MalformedClaim, is_continuous, random_element
from noether_mlir.lowering import lower_to_text
from noether_mlir.proof import check_proof
from noether_mlir.table import to_text
from zoo.numerics import flat

TOLERANCE = 1e-10


def normalized(y):
    y = y - y.mean(-1, keepdims=True)
    return y / jnp.sqrt((y * y).mean(-1, keepdims=True))


def attend(q, k, v):
    weights = jax.nn.softmax(jnp.einsum("bthk,bshk->bhts", q, k))
    return jnp.einsum("bhts,bshk->bthk", weights, v)


def heads(p, x):
    project = lambda name: jnp.einsum("btd,dhk->bthk", x, p["w" + name]) + p["b" + name]
    o = attend(project("q"), project("k"), project("v"))
    return jnp.sin(jnp.einsum("bthk,hkd->btd", o, p["wo"]) + p["bo"])


def fused_heads(p, x):
    q, k, v = jnp.split((x + p["beta"]) @ p["w"] + p["b"], 3, -1)
    split = lambda y: y.reshape(*y.shape[:2], 2, -1)
    o = attend(split(q), split(k), split(v)).reshape(*x.shape[:2], -1)
    return jnp.sin(o @ p["wo"] + p["bo"])


def layers(p, x):
    body = lambda y, own: (jnp.sin((y @ own["w1"] + own["b1"]) @ own["w2"] + own["b2"]), None)
    return jax.lax.scan(body, x, p)[0]


#: The function, the parameters, the batch, and the dimension of the affine symmetries.
MODELS = {
    "value_bias": (heads, {"wq": (2, 1, 2), "bq": (1, 2), "wk": (2, 1, 2), "bk": (1, 2), "wv": (2, 1, 2), "bv": (1, 2),
                           "wo": (1, 2, 2), "bo": (2,)}, (2, 3, 2), 2),
    "fused_heads": (fused_heads, {"beta": (2,), "w": (2, 6), "b": (6,), "wo": (2, 2), "bo": (2,)},
                    (2, 3, 2), 4),
    "chain": (lambda p, x: jnp.sin(((x @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]) @ p["w3"] + p["b3"]),
              {"w1": (2, 2), "b1": (2,), "w2": (2, 3), "b2": (3,), "w3": (3, 2), "b3": (2,)}, (4, 2), 5),
    "norm": (lambda p, x: jnp.concatenate([jnp.sin((y := normalized(x @ p["w0"]) * p["gamma"] + p["beta"]) @ p["w1"] + p["b1"]),
                                           jnp.cos(y @ p["w2"] - p["b2"])], -1),
             {"w0": (2, 3), "gamma": (3,), "beta": (3,), "w1": (3, 2), "b1": (2,), "w2": (3, 1), "b2": (1,)}, (4, 2), 3),
    "one_reader_without_bias": (lambda p, x: jnp.sin((y := x + p["b"]) @ p["w1"] + p["c"]) * jnp.sum(y @ p["w2"]),
                                {"b": (3,), "w1": (3, 2), "c": (2,), "w2": (3, 2)}, (4, 3), 0),
    "gain": (lambda p, x: jnp.sin((x + p["b"]) * p["g"] * 3.7 + p["c"]), {"b": (3,), "g": (3,), "c": (3,)}, (4, 3), 3),
    "transposed": (lambda p, x: jnp.sin((x + p["b"]) @ p["w"].T - 2 * p["c"]), {"b": (3,), "w": (2, 3), "c": (2,)}, (4, 3), 3),
    "layers": (layers, {"w1": (2, 2, 2), "b1": (2, 2), "w2": (2, 2, 2), "b2": (2, 2)}, (4, 2), 4),
    "two_biases": (lambda p, x: jnp.sin((x + p["b"]) @ p["w"] + p["c"] + p["d"]),
                   {"b": (2,), "w": (2, 2), "c": (2,), "d": (2,)}, (4, 2), 2),
    "read_twice": (lambda p, x: jnp.sin((x + p["b"]) @ p["w"] + p["c"]) * jnp.sin(p["c"]),
                   {"b": (2,), "w": (2, 2), "c": (2,)}, (4, 2), 0),
    "pieces_of_one": (lambda p, x: jnp.sin((x + p["b"][:2]) @ p["w"] + p["b"][2:]), {"b": (4,), "w": (2, 2)}, (4, 2), 2),
    "pieces_that_overlap": (lambda p, x: jnp.sin((x + p["b"][:2]) @ p["w"] + p["b"][1:]), {"b": (3,), "w": (2, 2)}, (4, 2), 0),
    "piece_read_again": (lambda p, x: jnp.sin((x + p["b"]) @ p["w"] + p["c"][:2]) * jnp.sin(p["c"][:2]) * p["c"][2],
                         {"b": (2,), "w": (2, 2), "c": (3,)}, (4, 2), 0),
    "joined_by_data": (lambda p, x: jnp.sin(jnp.concatenate([(x + p["b"]) @ p["w"], x], 0) + p["c"]),
                       {"b": (2,), "w": (2, 2), "c": (2,)}, (4, 2), 0),
    "tied": (lambda p, x: jnp.sin((x + p["b"]) @ p["w"] + p["b"]), {"b": (2,), "w": (2, 2)}, (4, 2), 0),
    "relu": (lambda p, x: jnp.sin(jax.nn.relu(x + p["b"]) @ p["w"] + p["c"]), {"b": (2,), "w": (2, 2), "c": (2,)}, (4, 2), 0),
}


def drawn(name, seed):
    _, shapes, data, _ = MODELS[name]
    rng = np.random.default_rng(seed)
    return {key: rng.standard_normal(shape) for key, shape in shapes.items()}, rng.standard_normal(data)


def loss(name):
    function = MODELS[name][0]
    # Other weights for each entry: a sum alone has symmetries of its own.
    return lambda p, x: jnp.sum((y := function(p, x)) * jnp.sin(1 + jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape))


@functools.cache
def text_of(name):
    def step(p, x):
        value, gradient = jax.value_and_grad(loss(name))(p, x)
        return jax.tree.map(lambda a, b: a - 0.1 * b, p, gradient), value

    return lower_to_text(step, drawn(name, 0)).text


@functools.cache
def report_text(name):
    return json.dumps(analyze_text(text_of(name), name, derivations=True).data)


def report(name):
    return json.loads(report_text(name))


def affine(found):
    return [symmetry for symmetry in found["symmetries"] if symmetry["family"] == "affine"]


def values(name, found, parameters):
    keys = {parameter["name"]: parameter["name"].split("'")[1] for parameter in found["parameters"]}
    return {own: np.asarray(parameters[key]) for own, key in keys.items()}, keys


def shifted(name, found, symmetry, parameters, size, rng):
    arrays, keys = values(name, found, parameters)
    moved = random_element(symmetry, arrays, rng, size).act(arrays)
    return {keys[own]: jnp.asarray(moved.get(own, array)) for own, array in arrays.items()}


@pytest.mark.parametrize("name", MODELS)
def test_loss_is_invariant(name):
    found, (parameters, batch), rng = report(name), drawn(name, 1), np.random.default_rng(0)
    before = float(loss(name)(parameters, batch))
    for symmetry in found["symmetries"]:
        if symmetry["family"] in ("affine", "translation"):
            for size in (0.3, 3.0):
                after = float(loss(name)(shifted(name, found, symmetry, parameters, size, rng), batch))
                assert abs(after - before) < TOLERANCE * max(1, abs(before)), symmetry


def counted(name):
    """Shifts by constants, translations among them, that some shift linear in the parameters comes with.

    X(theta) = c + A theta moves the loss nowhere if and only if <c + A theta, g> = 0 at every point: the null space of the
    rows (g, g theta^T). How many c there are is the dimension, whatever A takes them up.
    """
    size = flat(drawn(name, 0)[0]).size
    points = [drawn(name, 10 + point) for point in range(int(1.05 * (size + size**2)) + 10)]
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *points)

    def row(point):
        g, theta = flat(jax.grad(loss(name))(*point)), flat(point[0])
        row = jnp.concatenate([g, jnp.outer(g, theta).ravel()])
        return row / jnp.linalg.norm(row)

    rows = np.asarray(jax.jit(jax.vmap(row))(stacked))
    _, singular, right = np.linalg.svd(rows, full_matrices=True)
    rank = int((singular > 1e-10 * singular[0]).sum())
    constants = np.linalg.svd(right[rank:, :size], compute_uv=False) if rank < len(right) else np.zeros(0)
    return int((constants > 1e-7).sum())


@pytest.mark.parametrize("name", MODELS)
def test_dimension(name):
    dimension, expected = report(name)["dimension"], MODELS[name][3]
    assert dimension["affine"] == sum(symmetry["dimension"] for symmetry in affine(report(name)))
    assert dimension["affine"] == expected
    assert dimension["affine"] + dimension["translation"] == counted(name)


@pytest.mark.parametrize("name", MODELS)
def test_nothing_is_counted_twice(name):
    """All generators together are independent at a generic point."""
    found, (parameters, _) = report(name), drawn(name, 2)
    arrays, _ = values(name, found, parameters)
    rng, rows = np.random.default_rng(0), []
    for symmetry in found["symmetries"]:
        if not is_continuous(symmetry) or symmetry["family"] not in ("affine", "translation", "scale", "rescale"):
            continue
        for _ in range(symmetry["dimension"]):
            velocity = random_element(symmetry, arrays, rng, 1.0).velocity(arrays)
            rows.append(np.concatenate([np.ravel(velocity.get(own, np.zeros_like(arrays[own]))) for own in sorted(arrays)]))
    dimension = found["dimension"]
    together = dimension["torus"] + dimension["translation"] + dimension["affine"]
    assert len(rows) == together
    if rows:
        singular = np.linalg.svd(np.array(rows), compute_uv=False)
        assert singular[-1] > 1e-8 * singular[0]


@pytest.mark.parametrize("name", MODELS)
def test_proofs(name):
    verdicts = [v for v in check_proof(report(name), text_of(name)) if v.family in ("affine", "translation")]
    assert all(verdict.outcome == "verified" for verdict in verdicts), verdicts


# --- what is wrong is found --------------------------------------------------------------------------


def tampered(found):
    """Reports with one claim that is not true, and what is wrong with it."""
    for number, symmetry in enumerate(found["symmetries"]):
        if symmetry["family"] != "affine":
            continue

        def changed(change, number=number):
            other = copy.deepcopy(found)
            change(other["symmetries"][number])
            return other

        yield "sign", changed(lambda s: s["absorbers"][0].update(exponent="1"))
        yield "multiple", changed(lambda s: s["absorbers"][0].update(number=1.5))
        yield "absorber", changed(lambda s: s["absorbers"].pop())
        yield "twice", changed(lambda s: s["absorbers"].append(copy.deepcopy(s["absorbers"][0])))
        yield "member", changed(lambda s: s["members"][0].update(exponent="2"))
        yield "factor", changed(lambda s: s["absorbers"][0]["factors"].append(copy.deepcopy(s["absorbers"][0]["factors"][0])))
        yield "no factor", changed(lambda s: s["absorbers"][0]["factors"].clear())
        yield "dimension", changed(lambda s: s.update(dimension=s["dimension"] + 1))
        yield "family", changed(lambda s: s.update(family="translation"))


@pytest.mark.parametrize("name", ["value_bias", "chain", "norm", "gain", "layers", "pieces_of_one"])
def test_tampered_claims(name):
    cases = list(tampered(report(name)))
    assert cases
    for what, other in cases:
        bad = [v.symmetry for v in check_proof(other, text_of(name)) if v.outcome != "verified"]
        assert bad, what


def test_square_matrix_transposed_is_another():
    """Which index of a square matrix is summed over matters."""
    found = report("pieces_of_one")
    affine(found)[0]["absorbers"][0]["factors"][0]["indices"].reverse()
    assert any(v.outcome == "failed" for v in check_proof(found, text_of("pieces_of_one")))


# --- elsewhere ---------------------------------------------------------------------------------------


def test_schema():
    import jsonschema

    jsonschema.validate(report("fused_heads"), schema())


def test_table():
    text = to_text(Analysis.from_json(report("value_bias")))
    assert "absorbed by others: 2" in text and "shift, absorbed" in text and "-W t" in text


def test_malformed_claims():
    found = report("value_bias")
    arrays, _ = values("value_bias", found, drawn("value_bias", 0)[0])
    (symmetry,) = affine(found)
    for change in (lambda s: s["absorbers"][0].update(indices=[7]), lambda s: s["absorbers"][0].update(parameter="none"),
                   lambda s: s["absorbers"][0]["factors"][0].update(indices=[0])):
        other = copy.deepcopy(symmetry)
        change(other)
        with pytest.raises(MalformedClaim):
            random_element(other, arrays, np.random.default_rng(0)).act(arrays)
