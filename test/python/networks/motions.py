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

POINTS = 8


def _flat(moved, parameters):
    return np.concatenate([np.ravel(moved.get(name, np.zeros_like(value)))
                           for name, value in parameters.items()])


def _losses(program, values, eps, digits=False):
    """The loss at each point; with `digits`, after a change of the last digits of parameters and data."""
    if digits:
        values = dict(values)
        for i, value in values.items():
            if np.issubdtype(value.dtype, np.floating):
                signs = np.random.default_rng(i).choice([-1.0, 1.0], value.shape)
                values[i] = value * (1 + 1e-12 * signs)
    with np.errstate(all="ignore"):
        count = next(iter(values.values())).shape[0]
        return np.broadcast_to(forward(program, values, eps).values[-1], (count,))


def _moved(program, symmetry, values, rng, size=0.4):
    """The inputs with the parameters of every point moved by a random element of its own."""
    moved = {i: np.array(values[i]) for i in program.params}
    names = parameter_names(program)
    for point in range(POINTS):
        parameters = {name: values[i][point] for name, i in zip(names, program.params, strict=True)}
        change = random_element(symmetry, parameters, rng, size).act(parameters)
        for name, i in zip(names, program.params, strict=True):
            if name in change:
                moved[i][point] = change[name]
    return {**values, **moved}


def _changes(program, before, after, eps):
    """The relative change of the loss from the inputs to each of several others, at each point.

    Zero where it is no larger than what rounding may do (what happens if all inputs change in
    their last digits), and where the loss is not finite.
    """
    # All at once: a pass over many points costs little more than one over a few.
    together = {i: np.concatenate([v[i] for v in (before, *after)]) for i in before}
    losses = _losses(program, together, eps).reshape(-1, POINTS)
    with np.errstate(all="ignore"):
        change = np.abs(losses[1:] - losses[0])
        relative = change / (np.abs(losses[0]) + 1e-3)
        if (relative > FALSE).any():
            noise = np.abs(losses - _losses(program, together, eps, digits=True).reshape(-1, POINTS))
            relative = np.where(change > 1e3 * (noise[1:] + noise[0]), relative, 0.0)
    return np.where(np.isfinite(relative), relative, 0.0)


def is_rounding(program):
    """Whether the loss is made of rounding errors at some point: one over the mean of what has been centred."""
    values = inputs_at(program, POINTS, 11)

    def changes(eps):
        losses, others = (_losses(program, values, eps, digits) for digits in (False, True))
        with np.errstate(all="ignore"):
            return np.any(np.abs(losses - others) > 1e-6 * np.abs(losses))

    return bool(changes(0.0) or (program.sites and changes(0.3)))


def false_motions(report, program, seed=0):
    """What is wrong with the claims that are no scalings."""
    rng, problems = np.random.default_rng(seed), []
    values = inputs_at(program, POINTS, 11)
    moved = []
    for symmetry in report["symmetries"]:
        if is_torus(symmetry) or is_untold(symmetry):
            continue
        try:
            moved.append((symmetry, _moved(program, symmetry, values, rng)))
        except MalformedClaim as error:
            problems.append(f"{symmetry['id']} ({symmetry['family']}): {error}")
    for eps in (0.0, 0.3) if program.sites else (0.0,):
        judged = [(s, after) for s, after in moved if s["exact"] or eps == 0]
        if not judged:
            continue
        changes = _changes(program, values, [after for _, after in judged], eps)
        for (symmetry, _), change in zip(judged, changes, strict=True):
            if (change > FALSE).sum() > POINTS // 4:
                problems.append(f"{symmetry['id']} ({symmetry['family']}) moves the loss by {change.max():.1e} "
                                f"at {int((change > FALSE).sum())} of {POINTS} points (eps {eps})")
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
