# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random networks by seed.

A *recipe* is what a seed stands for: sizes, layers each with a seed of its own, and a loss. Layers can
be left out of a recipe and sizes made smaller while the rest stays, which is how failures shrink.
"""

import dataclasses

import numpy as np

from .builder import Builder
from .layers import LAYERS, LOSSES, Stream, embedding, linear
from .program import walk

LARGEST = 80  # elements of all parameters together
PENALTY = ("none", "none", "none", "none", "none", "none", "none", "none", "all", "some")


@dataclasses.dataclass(frozen=True)
class Recipe:
    start: str  # vectors, sequences, images, tokens, words
    sizes: tuple[int, ...]  # batch, space or time, inputs, and widths to choose from
    layers: tuple[tuple[str, int], ...]
    loss: tuple[int, int]  # number and seed
    penalty: str = "none"

    def to_json(self):
        return dataclasses.asdict(self)

    @staticmethod
    def from_json(data):
        tuples = lambda v: tuple(map(tuples, v)) if isinstance(v, (list, tuple)) else v
        return Recipe(**{k: tuples(v) for k, v in data.items()})


RANK = {"vectors": 2, "words": 2, "sequences": 3, "tokens": 3, "images": 4}


def recipe(seed):
    rng = np.random.default_rng((77, seed))
    pick = lambda options: options[int(rng.integers(len(options)))]
    start = pick(["vectors"] * 4 + ["words", "sequences", "sequences", "tokens", "images", "images"])
    # Sizes that coincide are where indices could be taken for one another.
    if rng.random() < 0.25:
        n = pick([3, 4])
        sizes = (n,) * 6
    else:
        sizes = tuple(pick(options) for options in (
            [3, 4, 5], [2, 3, 4, 4] if start == "images" else [2, 3, 4], [1, 2, 3, 4],
            [2, 3, 4], [3, 4, 5, 6], [2, 3, 4, 6]))
    names = list(LAYERS)
    chances = np.array([LAYERS[n][0] * (3.0 if RANK[start] not in (2,) and len(LAYERS[n][1]) < 3 else 1.0)
                        for n in names])
    count = int(rng.integers(1, 8))
    chosen = rng.choice(len(names), size=count, p=chances / chances.sum())
    layers = tuple((names[int(k)], int(rng.integers(1 << 30))) for k in chosen)
    return Recipe(start, sizes, layers, (int(rng.integers(len(LOSSES))), int(rng.integers(1 << 30))),
                  pick(PENALTY))


def build(recipe):
    """The program of a recipe."""
    b = Builder(np.random.default_rng(0))
    batch, space, inputs, *widths = recipe.sizes
    s = Stream(0, [], [], LARGEST - 15, widths)
    b.rng = np.random.default_rng((recipe.loss[1], 1))
    if recipe.start == "vectors":
        s.h = b.data(batch, inputs)
    elif recipe.start == "sequences":
        s.h = b.data(batch, space, inputs)
    elif recipe.start == "images":
        s.h = b.data(batch, space, space, min(inputs, 2))
    else:
        s.h = embedding(b, s, batch, space if recipe.start == "tokens" else 0, widths[0])
    for name, seed in recipe.layers:
        rank = len(b.shape(s.h))
        _, ranks, function = LAYERS[name]
        if rank not in ranks or s.room < 0:
            continue
        b.rng = np.random.default_rng(seed)
        s.past.append(s.h)
        function(b, s)
    b.rng = np.random.default_rng(recipe.loss[1])
    if not b.program.params:
        s.h = linear(b, s, s.h, widths[0], bias=True)
    loss = LOSSES[recipe.loss[0]](b, s, s.h)
    if recipe.penalty != "none":
        params = b.program.params
        for p in params if recipe.penalty == "all" else params[:1 + len(params) // 2]:
            square = b.total(b.times(p, p), range(len(b.shape(p))), keep=False)
            loss = b.plus(loss, b.scaled(square, 0.125))
    if loss != len(b.program.nodes) - 1:
        b.reshape(loss, shape=[])
    return b.program.pruned()


def network(seed):
    """The network of a seed, or the nearest one that is small enough."""
    r = recipe(seed)
    program = build(r)
    while program.size > LARGEST and r.layers:
        r = dataclasses.replace(r, layers=r.layers[:-1])
        program = build(r)
    return r, program


def operations(program):
    """The names of all operations in it, those of bodies included."""
    return sorted({node.op for _, node in walk(program)})
