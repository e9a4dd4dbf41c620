# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Claims beyond the torus on random networks: translations, matrices along axes, permutations.

Sound: a random element of the group leaves the loss as it is, at every point. Complete: the fixed
directions claimed are as many as there are, and so are the fields that move one axis of a parameter
by a matrix.
"""

import numpy as np

from noether_mlir.group_elements import MalformedClaim, is_continuous, random_element

from .claims import FALSE, is_torus, null_space
from .emit import parameter_names
from .evaluate import forward, inputs_at

POINTS = 12


def _flat(moved, parameters):
    return np.concatenate([np.ravel(moved.get(name, np.zeros_like(value)))
                           for name, value in parameters.items()])


def moves_the_loss(program, symmetry, eps, rng, size=0.4):
    """The relative change of the loss at each point under a random element, where it is finite."""
    values = inputs_at(program, POINTS, 11)
    before = np.broadcast_to(_losses(program, values, eps), (POINTS,))
    names = parameter_names(program)
    for point in range(POINTS):
        parameters = {name: values[i][point] for name, i in zip(names, program.params, strict=True)}
        moved = random_element(symmetry, parameters, rng, size).act(parameters)
        for name, i in zip(names, program.params, strict=True):
            if name in moved:
                values[i][point] = moved[name]
    after = np.broadcast_to(_losses(program, values, eps), (POINTS,))
    with np.errstate(all="ignore"):
        change = np.abs(after - before) / (np.abs(before) + 1e-3)
    return change[np.isfinite(change)]


def _losses(program, values, eps):
    with np.errstate(all="ignore"):
        return forward(program, values, eps).values[-1]


def false_motions(report, program, seed=0):
    """What is wrong with the claims that are no scalings."""
    rng, problems = np.random.default_rng(seed), []
    for symmetry in report["symmetries"]:
        if is_torus(symmetry):
            continue
        what = f"{symmetry['id']} ({symmetry['family']})"
        try:
            for eps in (0.0, 0.3) if symmetry["exact"] else (0.0,):
                change = moves_the_loss(program, symmetry, eps, rng)
                if (change > FALSE).sum() > 1:
                    problems.append(f"{what} moves the loss by {change.max():.1e} at "
                                    f"{int((change > FALSE).sum())} of {len(change)} points (eps {eps})")
        except MalformedClaim as error:
            problems.append(f"{what}: {error}")
    return problems


def velocities(symmetries, parameters, rng):
    """Vectors that span how the claims move the parameters at a point; one row per element drawn.

    Elements are drawn by their numbers, so that the rows at several points belong together.
    """
    rows = []
    for symmetry in symmetries:
        if is_continuous(symmetry):
            for _ in range(symmetry["dimension"] + 1):
                element = random_element(symmetry, parameters, rng)
                rows.append(_flat(element.velocity(parameters), parameters))
    total = sum(value.size for value in parameters.values())
    return np.array(rows).reshape(len(rows), total)


def has_idle_elements(program):
    """Whether some elements of parameters are multiplied by zeros: they may move, but no shift knows."""
    for node in program.nodes:
        if node.op == "pad" and (any(node.attrs["interior"]) or node.attrs["value"] == 0):
            return True
        if node.op == "multiply" and any(program.nodes[j].op == "const" and not np.all(
                program.nodes[j].attrs["values"]) for j in node.inputs):
            return True
    return False


def fixed_directions(report, numbers):
    """Of the translations: how many directions are claimed, and how many there are.

    Directions that depend on other parameters (a bias of the values, which the bias of the output
    absorbs) are no part of either. Parameters that the loss does not see at all count on both sides.
    """
    translations = [s for s in report["symmetries"] if s["family"] == "translation"]
    program = numbers.program
    values = inputs_at(program, 2, 5)
    names = parameter_names(program)
    at = [velocities(translations,
                     {n: values[i][point] for n, i in zip(names, program.params, strict=True)},
                     np.random.default_rng(1)) for point in range(2)]
    fixed = at[0][np.all(np.isclose(at[0], at[1]), axis=1)] if len(at[0]) else at[0]
    claimed = int(np.linalg.matrix_rank(fixed, tol=1e-8)) if fixed.size else 0
    count = null_space(numbers.points(True)[1])
    return claimed, count.dimension + int(count.dead.sum()), count.clear


# --- matrices along axes ------------------------------------------------------------------------


def axis_fields(parameters):
    """All fields that move one axis of one parameter by a matrix, a different one at each place of
    the other axes, and all translations: one row each, at the parameters given."""
    total = sum(value.size for value in parameters.values())
    rows, start = [np.eye(total)], 0
    for value in parameters.values():
        index = np.arange(value.size).reshape(value.shape)
        for axis in range(max(value.ndim, 1)):
            lines = np.moveaxis(index, axis, -1).reshape(-1, value.shape[axis]) if value.ndim else \
                index.reshape(1, 1)
            flat = np.ravel(value)
            for line in lines:
                for target in line:
                    for source in line:
                        if axis and source == target:
                            continue  # the diagonal once
                        row = np.zeros(total)
                        row[start + target] = flat[source]
                        rows.append(row[None])
        start += value.size
    return np.concatenate(rows)


def axis_dimension(report, numbers):
    """Of the fields that `axis_fields` has: how many leave the loss alone, and how many of them the
    claims span. Only for networks of few parameters; None where the rank is not clear."""
    shapes = numbers.shapes
    theta, gradients = numbers.points(True)

    def at(vector):
        parts = np.split(vector, np.cumsum([int(np.prod(s)) for s in shapes.values()])[:-1])
        return {n: p.reshape(s) for (n, s), p in zip(shapes.items(), parts, strict=True)}

    products = np.stack([axis_fields(at(t)) @ g for t, g in zip(theta, gradients, strict=True)])
    count = null_space(products)
    if not count.clear:
        return None
    # Fields that are zero or alike as functions count once.
    places = products.shape[1] // theta.shape[1] + 3
    samples = np.concatenate([axis_fields(at(t)) for t in theta[:places]], axis=1)
    alike = samples.shape[0] - int(np.linalg.matrix_rank(samples, tol=1e-8))
    there = count.dimension + int(count.dead.sum()) - alike
    exact = [s for s in report["symmetries"] if s["exact"] and is_continuous(s)]
    claims = np.concatenate([velocities(exact, at(t), np.random.default_rng(1))
                             for t in theta[:places]], axis=1)
    both = int(np.linalg.matrix_rank(np.concatenate([samples, claims]), tol=1e-8))
    rank = int(np.linalg.matrix_rank(claims, tol=1e-8)) if claims.size else 0
    outside = both - int(np.linalg.matrix_rank(samples, tol=1e-8))
    return rank - outside, there, rank
