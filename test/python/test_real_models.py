# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models at their real sizes have the symmetries that their architectures are known to have.

The dimensions are derived by hand. Each rule is one line: a norm's scale, a rescale between what writes a
channel and what reads it, through what only multiplies.
"""

import jax
import pytest
from real_models import STEPS

import noether_mlir
from noether_mlir.table import to_text


def report(name):
    with jax.enable_x64(False):
        step, args = STEPS[name]()
        return noether_mlir.analyze(step, *args)


# --- what there is, by hand -----------------------------------------------------------------------


def resnet50():
    planes = {64: 3, 128: 4, 256: 6, 512: 3}  # how many blocks of this width
    normalised = 64 + sum(blocks * (p + p + 4 * p) + 4 * p for p, blocks in planes.items())
    inside = sum(blocks * (p + p) for p, blocks in planes.items())  # norm 1, norm 2 against the next kernel
    streams = 64 + sum(4 * p for p in planes)  # the norms that write a stage against all that read it
    return normalised + inside + streams


def transformer(layers, width, *, heads, size, groups=None, rotary=False, hidden=0, tied=False):
    """Pre-norm, one stream. `hidden`: how many hidden channels a layer has that only a product follows."""
    groups = groups or heads
    queries = groups * size // 2 if rotary else groups * size  # against keys; a rotation ties two channels
    values = groups * size  # against the output projection
    gains = 2 * width  # each norm's gain against what reads it
    stream = 1  # all that writes to it
    last = 0 if tied else width  # the last norm against the head
    return layers * (queries + values + gains + hidden) + last + stream


def unet():
    attention = 6 * 3 * 256  # gain against readers, queries against keys, values against output
    inside = 22 * 32  # a residual block's second norm: per group
    before_upsampling = 2 * 256  # no norm reads these two: per channel
    # Streams are what norms read: constant on a group of every norm. The concatenation of 256 and 128 channels
    # has groups of 12 that straddle the seam: so few scales are left where it is found.
    streams = 12 * 16 + 32 + 32
    straddling = 1 + 1
    return attention + inside + before_upsampling + streams + straddling


#: The diagonal symmetries.
TORUS = {
    "resnet50": resnet50(),
    "keras_resnet50": resnet50(),
    "vit_b16": transformer(12, 768, heads=12, size=64),
    "gpt2": transformer(12, 768, heads=12, size=64, tied=True),
    "gpt2_untied": transformer(12, 768, heads=12, size=64),
    "llama_8b": transformer(32, 4096, heads=32, groups=8, size=128, rotary=True, hidden=14336),
    "llama_8b_scanned": transformer(32, 4096, heads=32, groups=8, size=128, rotary=True, hidden=14336),
    "llama_7b_scanned": transformer(32, 4096, heads=32, size=128, rotary=True, hidden=11008),
    "llama_1b_tied": transformer(16, 2048, heads=32, groups=8, size=64, rotary=True, hidden=8192, tied=True),
    "mixtral": transformer(32, 4096, heads=32, groups=8, size=128, rotary=True, hidden=8 * 14336),
    "unet_ddpm": unet(),
    "lstm": 1500,  # the embedding against the first layer's input kernels
}

#: Of these, how many need an epsilon to be 0.
BROKEN = {
    "resnet50": 26_560,  # every channel that is normalised
    "keras_resnet50": 26_560,
    "unet_ddpm": 22 * 32 + 12 * 16 + 32 + 32 + 1 + 1,
    "lstm": 0,
}


def writers(layers, width, hidden):
    """What a layer's two output projections may add to a stream that every norm centres: a number an input, a bias."""
    return layers * (width + 1 + hidden + 1)


#: The directions that parameters may be shifted in, whatever they are; and how many of them are found at least.
#: Missing: softmax heads whose labels pick the logit, rows of tables under a LayerNorm, tokens against positions.
TRANSLATIONS = {
    "resnet50": (3840 + 2049, 3840),  # two norms that write one sum; the head
    "keras_resnet50": (3840 + 2049 + 26_560, 3840 + 2049 + 26_560),  # and biases before norms
    "vit_b16": (2 * 768 + 12 * 768 + 769, 2 * 768),  # embeddings that are added; key biases; the head
    "gpt2": (writers(12, 768, 3072) + 12 * 768 + 1024 + 768, writers(12, 768, 3072) + 12 * 768),
    "gpt2_untied": (writers(12, 768, 3072) + 12 * 768 + 50_257 + 1024 + 767 + 768,
                    writers(12, 768, 3072) + 12 * 768),
    "llama_8b": (4096, 0),
    "llama_8b_scanned": (4096, 0),
    "llama_7b_scanned": (4096, 0),
    "llama_1b_tied": (0, 0),
    "mixtral": (32 * 4096 + 4096, 32 * 4096),  # routers; the head
    "unet_ddpm": (370_880, 370_624),
    "lstm": (1501, 0),
}


def matrices(heads, size):
    """GL(size) for each head, without its diagonal, which are scales."""
    return heads * size * (size - 1)


#: What groups of matrices have beyond scales: queries against keys, values against outputs.
MATRICES = {
    "vit_b16": 12 * 2 * matrices(12, 64),
    "gpt2": 12 * 2 * matrices(12, 64),
    "gpt2_untied": 12 * 2 * matrices(12, 64),
    # A rotation leaves queries and keys the complex numbers: one more a pair of channels.
    "llama_8b": 32 * (matrices(8, 128) + 8 * 64),
    "llama_8b_scanned": 32 * (matrices(8, 128) + 8 * 64),
    "llama_7b_scanned": 32 * (matrices(32, 128) + 32 * 64),
    "llama_1b_tied": 16 * (matrices(8, 64) + 8 * 32),
    "mixtral": 32 * (matrices(8, 128) + 8 * 64),
    "unet_ddpm": 6 * 2 * matrices(1, 256) + 2 * matrices(1, 256),  # and what only a convolution reads
}

#: Shifts that other parameters take up: of each norm by the biases of all that reads it, of values by the output's bias.
AFFINE = {
    "vit_b16": 12 * 2 * 768 + 768,  # dropout: weights of values do not add up to one
    "gpt2": 12 * 3 * 768,
    "gpt2_untied": 12 * 3 * 768,
    # Values; two norms before attention (of the others' channels some are cut); what a norm behind a sum does not see.
    "unet_ddpm": 6 * 256 + 2 * 256 + 16,
}

#: A U-Net's streams differ from one another.
LINES = {"unet_ddpm": 165}


def test_closed_forms():
    assert (TORUS["resnet50"], TORUS["llama_7b_scanned"], TORUS["gpt2"]) == (38_016, 815_105, 36_865)


# One test a model, so that each is lowered once wherever its test runs.
@pytest.mark.parametrize("name", STEPS)
def test_model(name):
    analysis = report(name)
    assert analysis.unknown_operations == ()
    dimension = analysis.dimension
    assert (dimension.torus, dimension.torus - dimension.torus_exact) == (TORUS[name], BROKEN.get(name, 1))
    there, at_least = TRANSLATIONS[name]
    assert at_least <= dimension.translation <= there
    assert dimension.affine == AFFINE.get(name, 0)
    assert dimension.linear - dimension.torus - dimension.translation - dimension.affine == MATRICES.get(name, 0)
    # A person reads it: two screens or so, not a row for each of hundreds of parameters.
    lines = to_text(analysis).splitlines()
    assert max(map(len, lines)) <= 100 and len(lines) <= LINES.get(name, 115)
    assert len(to_text(analysis, full=True).splitlines()) > len(lines)
