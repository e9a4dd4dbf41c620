# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One network in plain JAX and as frameworks have it: the same symmetries, dimensions and laws, with roles from the
framework."""

import functools
import json
import pathlib
import subprocess
import sys

import flax_steps
import jax
import keras
import other_steps
import plain
import pytest
from facts import generators, same_span, summary

import noether_mlir

#: What makes a step of it, what its parameters are called in the order of `plain.NAMES`, and who says that they are some.
FRAMEWORKS = {
    "linen": (flax_steps.linen, "state.params['{}']['{}']", ("kernel", "bias", "scale"), "caller"),
    "nnx": (flax_steps.nnx_in_place, "modules['model']['{}']['{}'].value", ("kernel", "bias", "scale"), "caller"),
    "nnx, functional": (flax_steps.nnx_functional, "state[0]['{}']['{}'].value", ("kernel", "bias", "scale"), "caller"),
    "equinox": (other_steps.equinox, "model.{}.{}", ("weight", "bias", "weight"), "data flow"),
    "haiku": (other_steps.haiku, "params['{}']['{}']", ("w", "b", "scale"), "data flow"),
    "keras": (other_steps.keras_model, "params['sequential']['{}']['{}']", ("kernel", "bias", "gamma"), "caller"),
}
NORM_BIASES = {"haiku": "offset", "keras": "beta"}


def names_in(framework):
    """Of the framework's parameters, what plain JAX calls them."""
    _, pattern, (kernel, bias, scale), _ = FRAMEWORKS[framework]
    kinds = {"kernel": kernel, "bias": bias, "scale": scale}
    found = {}
    for name in plain.NAMES:
        layer, kind = name.split(".")
        own = NORM_BIASES.get(framework, bias) if "norm" in layer and kind == "bias" else kinds[kind]
        found[pattern.format(layer, own)] = name
    return found


@functools.cache
def of_framework(framework, optimizer):
    keras.backend.clear_session()  # which numbers names
    step, args, *options = FRAMEWORKS[framework][0](optimizer)
    return noether_mlir.analyze(step, *args, **(options[0] if options else {}))


@functools.cache
def of_plain(optimizer, objective):
    step, args = plain.step_and_arguments(optimizer, objective)
    return noether_mlir.analyze(step, *args)


@pytest.mark.parametrize("optimizer", plain.OPTIMIZERS)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_same_is_found(framework, optimizer):
    ours = of_framework(framework, optimizer)
    theirs = of_plain(optimizer, plain.one_hot_cross_entropy if framework == "keras" else plain.cross_entropy)
    names = names_in(framework)
    assert {parameter.name: parameter.role_decided_by for parameter in ours.parameters} == dict.fromkeys(
        names, FRAMEWORKS[framework][3])
    assert ours.dimension == theirs.dimension and ours.dimension.torus == 8 + 6 + 6 + 1
    assert not ours.unknown_operations and not ours.gradient_mismatches

    def laws(analysis):
        """What is found, without the names of hyperparameters: Keras' learning rate is an argument."""
        return {(*key[:7], frozenset(degree for _, degree in key[7]), key[8]): count
                for key, count in summary(analysis).items()}

    assert laws(ours) == laws(theirs)
    transposed = lambda name, array: array.T if framework == "equinox" else array
    for families in (("scale", "rescale"), ("translation",)):
        rows = [
            generators(ours, families, plain.NAMES, names.get, transposed),
            generators(theirs, families, plain.NAMES, lambda name: name.split("'")[1]),
        ]
        assert same_span(*rows)


@pytest.mark.parametrize("framework", ["equinox", "keras"])
def test_claims_hold(framework):
    """Tried on the framework's own step, in double precision, with its arguments."""
    step, args = FRAMEWORKS[framework][0]("sgd")
    verification = noether_mlir.verify(step, *args, points=1, completeness=0)
    assert verification and len(verification.claims) >= 8


def test_scanned_and_sharded_steps():
    """Three layers written out, scanned, under `shard_map`, in linen with logical axes on a mesh, and in Equinox."""
    program = pathlib.Path(__file__).parent / "scanned.py"
    run = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr[-4000:]
    found = json.loads(run.stdout.splitlines()[-1])
    assert list(found) == ["written_out", "scanned", "sharded", "linen", "equinox"]
    # A layer: queries and keys, values and output, two gains, 12 hidden units; the stream, and the last gain. A general linear
    # group for each of the two pairs of matrices.
    torus = 3 * (8 + 8 + 2 * 8 + 12) + 1 + 8
    for facts in found.values():
        assert facts == found["written_out"]
        assert facts["dimension"] == [torus, torus - 1, 0, 0, torus + 3 * 2 * 8 * 7]
        assert "eta_eff = eta / r" in facts["laws"] and not facts["unknown"] and not facts["mismatches"]
