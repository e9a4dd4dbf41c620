# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Counts the torus of every model of the zoo and keeps the numbers in counted.json.

    cd test/python && python -m zoo.count [MODEL ...]

Counting all takes minutes; the tests count some of them again and compare the analysis with all.
"""

import pathlib
import sys

import conftest  # noqa: F401  (the settings every test shares)

from . import tables
from .numerics import Counter

TABLE = pathlib.Path(__file__).with_name("counted.json")


def counted():
    """For each model, the dimension with its epsilons promoted, and with them as they are."""
    return {name: tuple(pair) for name, pair in tables.read(TABLE).items()}


def count(model):
    """The two dimensions, and how far they stand out: the smaller gap between singular values."""
    counter = Counter(model)
    promoted = counter(0.0)
    exact = counter(0.3) if model.sites else promoted
    return (promoted.dimension, exact.dimension), min(promoted.gap, exact.gap)


if __name__ == "__main__":
    tables.recount(TABLE, sys.argv[1:], count)
