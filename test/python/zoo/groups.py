# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Axis groups and permutations of reports, as they act on parameters."""

import numpy as np

from .reports import member_index

LINEAR = ("general_linear", "orthogonal", "complex_linear")


def axis_groups(report, families=LINEAR):
    return [s for s in report["symmetries"] if s["family"] in families]


def complement(size):
    """An orthonormal basis of the vectors whose entries sum to zero. Shape (size, size - 1)."""
    return np.linalg.qr(np.concatenate([np.ones((size, 1)), np.eye(size)[:, :-1]], 1))[0][:, 1:]


def random_orthogonal(size, rng):
    q, r = np.linalg.qr(rng.standard_normal((size, size)))
    return q * np.sign(np.diagonal(r))


def random_invertible(size, rng, far):
    """Close to one, or far from it and from the orthogonal group, with a condition below 20."""
    if not far:
        return np.eye(size) + 0.1 * rng.standard_normal((size, size)) / np.sqrt(size)
    stretch = np.exp(rng.uniform(-1.2, 1.2, size))
    return random_orthogonal(size, rng) * stretch @ random_orthogonal(size, rng)


def random_matrix(group, rng, far):
    """A random element of what a block of a group may be."""
    size, fixes = group["size"], (group.get("fixes_constant"), group.get("fixes_sum"))
    if group["family"] == "permutation":
        return np.eye(size)[rng.permutation(size)]
    if group["family"] == "complex_linear":
        radius, angle = (np.exp(rng.uniform(-1, 1)), rng.uniform(0, 2 * np.pi)) if far else (
            1 + 0.1 * rng.standard_normal(), 0.1 * rng.standard_normal())
        a, b = radius * np.cos(angle), radius * np.sin(angle)
        return np.array([[a, -b], [b, a]])
    inner = size - any(fixes)
    if group["family"] == "orthogonal":
        if far:
            matrix = random_orthogonal(inner, rng)
        else:  # the Cayley transform of a small skew matrix
            skew = 0.1 * rng.standard_normal((inner, inner))
            skew = skew - skew.T
            matrix = np.linalg.solve(np.eye(inner) - skew, np.eye(inner) + skew)
    else:
        matrix = random_invertible(inner, rng, far)
    if not any(fixes):
        return matrix
    basis, constant = complement(size), np.full((size, size), 1 / size)
    matrix = basis @ matrix @ basis.T + constant
    if fixes == (True, False):
        matrix = matrix + np.outer(np.ones(size), basis @ rng.standard_normal(size - 1)) / size
    if fixes == (False, True):
        matrix = matrix + np.outer(basis @ rng.standard_normal(size - 1), np.ones(size)) / size
    return matrix


def random_element(group, rng, far):
    """One matrix for each block. Shape (*block_shape, size, size)."""
    blocks = [random_matrix(group, rng, far) for _ in range(int(np.prod(group["block_shape"])))]
    size = group["size"]
    return np.array(blocks).reshape(*group["block_shape"], size, size)


def along(array, member, matrices):
    """`array` (a part of a view) with matrices applied along the member's axis, block by block."""
    blocks = list(member["block_axes"])
    order = [*blocks, *member["axes"]]
    moved = np.moveaxis(array, order, range(len(order)))  # (*blocks, size, rest)
    flat = moved.reshape(*moved.shape[: len(order)], -1)
    return np.moveaxis((matrices @ flat).reshape(moved.shape), range(len(order)), order)


def part_of(values, member):
    """A member's part of a parameter, as a view to write to."""
    view, part = member_index(member, values.shape)
    return values.reshape(view)[part]


def act(params, group, matrices):
    """The parameters (arrays by name) moved by a group element."""
    moved = {name: np.array(value, np.float64) for name, value in params.items()}
    inverse = np.linalg.inv(matrices).swapaxes(-1, -2)
    for member in group["members"]:
        part = part_of(moved[member["parameter"]], member)
        part[...] = along(part, member, inverse if member["side"] == "inverse_transpose" else matrices)
    return moved


def basis_of(group):
    """A basis of the Lie algebra of one block. Shape (dimension, size, size)."""
    size = group["size"]
    if group["family"] == "complex_linear":
        return np.array([[[1, 0], [0, 1]], [[0, -1], [1, 0]]], float)
    units = np.eye(size * size).reshape(-1, size, size)
    if group["family"] == "orthogonal":
        units = units - units.swapaxes(1, 2)
    if group.get("fixes_constant"):
        centre = np.eye(size) - 1 / size
        units = units @ centre
    if group.get("fixes_sum"):
        centre = np.eye(size) - 1 / size
        units = centre @ units
    left, values, right = np.linalg.svd(units.reshape(len(units), -1))
    return right[: int((values > 1e-9).sum())].reshape(-1, size, size)


def generators(group):
    """The Lie algebra of a group. Shape (dimension, *block_shape, size, size)."""
    basis = basis_of(group)
    shape, size = tuple(group["block_shape"]), group["size"]
    count = int(np.prod(shape))
    rows = []
    for block in range(count):
        for element in basis:
            matrices = np.zeros((count, size, size))
            matrices[block] = element
            rows.append(matrices.reshape(*shape, size, size))
    return rows


def velocity(params, group, generator):
    """How the parameters start to move. Arrays by name, zero where they do not."""
    moved = {name: np.zeros_like(value) for name, value in params.items()}
    for member in group["members"]:
        source = part_of(np.array(params[member["parameter"]]), member)
        part = part_of(moved[member["parameter"]], member)
        matrices = -generator.swapaxes(-1, -2) if member["side"] == "inverse_transpose" else generator
        part[...] += along(source, member, matrices)
    return moved
