# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Noether's reports as plain dictionaries, and what their claims mean in numbers."""

import functools
from fractions import Fraction

import jax
import numpy as np

import noether_mlir

from .model import MODELS
from .steps import names, training_step


def report(step, *args, **options):
    """The JSON of `noether analyze`, for a step lowered as users lower it: without x64."""
    with jax.enable_x64(False):
        return noether_mlir.analyze(step, *args, **options).data


@functools.cache
def model_report(name, optimizer="sgd", variant="constant"):
    step = training_step(MODELS[name], optimizer, variant=variant)
    return report(step.function, *step.args)


def number(text):
    """An exact exponent or degree."""
    return Fraction(text)


def member_index(member, shape):
    """Of one member of a symmetry: the view of the parameter it speaks of, and the part that moves."""
    view = tuple(member.get("view", shape))
    assert np.prod(view, dtype=int) == np.prod(shape, dtype=int), (view, shape)
    offsets = member.get("offsets", [0] * len(view))
    sizes = member.get("sizes", list(view))
    return view, tuple(slice(o, o + s) for o, s in zip(offsets, sizes, strict=True))


def block_shape(symmetry, shapes):
    """The shape of the group element: one size per block axis."""
    if "block_shape" in symmetry:
        return tuple(symmetry["block_shape"])
    member = symmetry["members"][0]
    view, part = member_index(member, shapes[member["parameter"]])
    return tuple(part[axis].stop - part[axis].start for axis in member["axes"])


def random_generator(symmetry, shapes, rng, size=0.7):
    """A random element of the symmetry's Lie algebra: one number per block."""
    element = size * rng.standard_normal(block_shape(symmetry, shapes))
    if symmetry.get("traceless"):
        for axis in range(element.ndim):
            element = element - element.mean(axis=axis, keepdims=True)
    return element


def log_scale(symmetry, element, shapes):
    """Per parameter name, the logarithm each of its elements is scaled by."""
    scales = {}
    for member in symmetry["members"]:
        name = member["parameter"]
        shape = shapes[name]
        view, part = member_index(member, shape)
        field = scales.setdefault(name, np.zeros(shape))
        axes = member["axes"]
        assert len(axes) == element.ndim, (member, element.shape)
        # The block's axes, moved to where the member has them.
        order = np.argsort(axes)
        broadcast = np.ones(len(view), int)
        for axis, length in zip(axes, element.shape, strict=True):
            broadcast[axis] = length
        moved = np.transpose(element, order).reshape(broadcast)
        field.reshape(view)[part] += float(number(member["exponent"])) * moved
    return scales


def act(params, scales):
    """The parameters moved by a group element."""
    from .steps import rename

    moved = {name: value * np.exp(scales.get(name, 0.0)) for name, value in names(params).items()}
    return rename(params, moved)
