# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Claims beyond the torus on random networks: translations, matrices along axes, permutations.

Sound: a random element of the group leaves the loss as it is, at every point. Complete, for
translations: the fixed directions claimed are as many as there are.
"""

import numpy as np

from noether_mlir.group_elements import MalformedClaim, is_continuous, random_element

from .claims import FALSE, is_torus, is_untold, null_space
from .emit import parameter_names
from .evaluate import forward, inputs_at

POINTS = 12


def _flat(moved, parameters):
    return np.concatenate([np.ravel(moved.get(name, np.zeros_like(value)))
                           for name, value in parameters.items()])


def moves_the_loss(program, symmetry, eps, rng, size=0.4):
    """The relative change of the loss at each point under a random element, where it is finite.

    Zero where it is no larger than what rounding may do: what happens if all parameters change in
    their last digits.
    """
    values = inputs_at(program, POINTS, 11)
    before, noise = _losses(program, values, eps)
    names = parameter_names(program)
    for point in range(POINTS):
        parameters = {name: values[i][point] for name, i in zip(names, program.params, strict=True)}
        moved = random_element(symmetry, parameters, rng, size).act(parameters)
        for name, i in zip(names, program.params, strict=True):
            if name in moved:
                values[i][point] = moved[name]
    after, more_noise = _losses(program, values, eps)
    with np.errstate(all="ignore"):
        change = np.abs(after - before)
        change = np.where(change > 1e3 * (noise + more_noise), change, 0.0) / (np.abs(before) + 1e-3)
    return change[np.isfinite(change)]


def _losses(program, values, eps):
    """The losses, and by how much the last digits of the parameters change them."""
    near = dict(values)
    for i in program.params:
        signs = np.random.default_rng(i).choice([-1.0, 1.0], values[i].shape)
        near[i] = values[i] * (1 + 1e-12 * signs)
    with np.errstate(all="ignore"):
        losses, others = (np.broadcast_to(forward(program, v, eps).values[-1], (POINTS,))
                          for v in (values, near))
        return losses, np.abs(losses - others)


def false_motions(report, program, seed=0):
    """What is wrong with the claims that are no scalings."""
    rng, problems = np.random.default_rng(seed), []
    for symmetry in report["symmetries"]:
        if is_torus(symmetry) or is_untold(symmetry):
            continue
        what = f"{symmetry['id']} ({symmetry['family']})"
        try:
            for eps in (0.0, 0.3) if symmetry["exact"] else (0.0,):
                change = moves_the_loss(program, symmetry, eps, rng)
                if (change > FALSE).sum() > POINTS // 4:
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
        if node.op == "select":  # a mask that is a constant
            return True
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
    translations = [s for s in report["symmetries"] if s["family"] == "translation" and not is_untold(s)]
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
