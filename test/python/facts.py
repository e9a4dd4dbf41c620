# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What an analysis says, without how it names things: two front ends must agree on it."""

from collections import Counter

import numpy as np
from zoo.reports import block_shape, log_scale


def short(name):
    """fc1.weight of params['fc1.weight'], lr of hyper['lr']."""
    return name.split("'")[1] if "'" in name else name


def summary(analysis):
    """How often there is a symmetry of some family, shape and dimension, treated so by the optimizer."""
    kinetics = {entry["symmetry"]: entry for entry in analysis.data["kinetics"]}
    found = Counter()
    for symmetry in analysis.data["symmetries"]:
        own = kinetics.get(symmetry["id"], {"equivariant": None, "laws": [], "breaks": []})
        laws = frozenset((short(law["hyperparameter"]), law["degree"]) for law in own["laws"])
        shape = tuple(symmetry.get("block_shape") or ())
        found[symmetry["family"], shape, symmetry["dimension"], symmetry.get("order"), symmetry["exact"],
              own["equivariant"], own.get("keeps"), laws, len(own["breaks"])] += 1
    return found


def generators(analysis, families, order, named=short, laid_out=lambda name, array: array):
    """One row for each infinitesimal symmetry of some families: how it moves the parameters, in this order.

    Args:
        named: what a parameter is called in `order`. laid_out: an array of its shape as the other side has it.
    """
    shapes = {parameter.name: parameter.shape for parameter in analysis.parameters}
    names = {named(name): name for name in shapes}
    rows = []
    for symmetry in analysis.data["symmetries"]:
        if symmetry["family"] not in families:
            continue
        blocks = block_shape(symmetry, shapes)
        for index in np.ndindex(*blocks):
            element = np.zeros(blocks)
            element[index] = 1.0
            if symmetry.get("traceless"):
                for axis in range(element.ndim):
                    element = element - element.mean(axis, keepdims=True)
            field = log_scale(symmetry, element, shapes)
            moved = {n: field.get(names[n], np.zeros(shapes[names[n]])) for n in order}
            rows.append(np.concatenate([laid_out(n, array).ravel() for n, array in moved.items()]))
    return np.array(rows)


def same_span(first, second):
    """Whether two sets of rows span one space."""
    ranks = [np.linalg.matrix_rank(rows) if len(rows) else 0 for rows in (first, second)]
    both = np.concatenate([rows for rows in (first, second) if len(rows)]) if any(ranks) else np.zeros((0, 1))
    return ranks[0] == ranks[1] == (np.linalg.matrix_rank(both) if len(both) else 0)
