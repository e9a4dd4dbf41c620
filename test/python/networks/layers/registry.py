# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Where layers are listed, and what they work on."""

import dataclasses


LAYERS = {}


def layer(weight, ranks=(2, 3, 4)):
    """Lists a layer.

    Args:
        weight: how often it is chosen, relative to others. ranks: of the streams it fits.
    """

    def register(function):
        LAYERS[function.__name__] = (weight, ranks, function)
        return function

    return register


@dataclasses.dataclass
class Stream:
    h: int
    past: list
    kernels: list  # (shape, parameter): what may be tied
    room: int  # how many more elements parameters may have
    sizes: list  # widths to choose from
