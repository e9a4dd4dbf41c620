# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a report claims of a random network, against its gradients at random points.

Sound: every generator claimed is orthogonal to the gradient at every point, and no more are claimed
than the null space has. Complete: as many are claimed as it has.
"""

import dataclasses

import numpy as np
from zoo.reports import block_shape, member_index, number

from .emit import parameter_names
from .evaluate import at_points
from .program import Program

FALSE = 1e-5  # the part of a claimed generator that the gradient has, at which a claim is false
ZERO = 1e-9  # singular values below count as zero,
CLEAR = 1e-6  # and above as not; in between, the rank is not clear


@dataclasses.dataclass
class Count:
    """The dimension of a null space, without the elements whose gradient is always zero."""

    dimension: int
    dead: np.ndarray  # per element
    clear: bool


def null_space(rows, floor=1e-8):
    """The dimension of what is orthogonal to all rows; columns below the floor are zero."""
    if not len(rows):  # no point at which all is finite: nothing is known
        return Count(0, np.zeros(rows.shape[1], bool), not rows.shape[1])
    size = np.sqrt((rows**2).mean(axis=0))
    dead = size <= floor * size.max(initial=0.0)
    rows = rows[:, ~dead] / size[~dead]
    if not rows.size:
        return Count(0, dead, True)
    values = np.linalg.svd(rows, compute_uv=False)
    values = values / values[0]
    clear = len(rows) > rows.shape[1] + 3 and not ((values > ZERO) & (values < CLEAR)).any()
    return Count(rows.shape[1] - int((values > ZERO).sum()), dead, clear)


def usable(program, count, seed, eps, careful):
    """Parameters and gradients at points where all is finite and more than rounding.

    Each row of gradients is divided by the size of its products with the parameters.
    """
    points = at_points(program, count, seed, eps)
    with np.errstate(all="ignore"):
        size = np.linalg.norm(points.parameters * points.gradients, axis=1)
        good = np.isfinite(size) & np.isfinite(points.losses) & (size > 1e-8 * points.magnitude)
        gradients = points.gradients / size[:, None]
        if careful:
            # A well-conditioned gradient moves as little as the parameters do.
            near = at_points(program, count, seed, eps, jitter=1e-12)
            moved = np.abs(points.parameters * (near.gradients / size[:, None] - gradients)).max(axis=1)
            good &= moved < 1e-8
    return points.parameters[good], gradients[good]


class Numbers:
    """A network at random points: with its epsilons promoted (zero) or kept (large).

    Args:
        careful: leave out points where rounding shows in the gradients.
    """

    def __init__(self, program: Program, seed=0, oversampling=1.15, careful=False):
        self.program, self.careful = program, careful
        self.shapes = dict(zip(parameter_names(program),
                               [program.shape(i) for i in program.params], strict=True))
        count = int(oversampling * program.size) + 16
        self.usable = [usable(program, count, seed, 0.0, careful)]
        self.usable.append(usable(program, count, seed, 0.3, careful) if program.sites
                           else self.usable[0])

    def points(self, exact):
        return self.usable[exact]

    def torus(self, exact):
        parameters, gradients = self.points(exact)
        return null_space(parameters * gradients)

    def translation(self):
        return null_space(self.points(False)[1])


def scale_rows(symmetry, shapes):
    """A basis of the logarithmic scales of a symmetry: one row per block, one column per element."""
    names = list(shapes)
    offsets = dict(zip(names, np.cumsum([0] + [int(np.prod(shapes[n])) for n in names]),
                       strict=False))
    total = sum(int(np.prod(shape)) for shape in shapes.values())
    blocks = block_shape(symmetry, shapes)
    count = int(np.prod(blocks))
    rows = np.zeros((count, total))
    for member in symmetry["members"]:
        shape = shapes[member["parameter"]]
        view, part = member_index(member, shape)
        elements = np.arange(int(np.prod(shape))).reshape(view)[part]
        # The block each element lies in.
        grid = np.zeros(elements.shape, int)
        for axis, stride in zip(member["axes"], _strides(blocks), strict=True):
            view_shape = [1] * elements.ndim
            view_shape[axis] = -1
            grid = grid + stride * np.arange(elements.shape[axis]).reshape(view_shape)
        np.add.at(rows, (grid.ravel(), offsets[member["parameter"]] + elements.ravel()),
                  float(number(member["exponent"])))
    if symmetry.get("traceless"):
        rows = rows.reshape(*blocks, total)
        for axis in range(len(blocks)):
            rows = rows - rows.mean(axis=axis, keepdims=True)
        rows = rows.reshape(count, total)
    return rows


def _strides(shape):
    return [int(np.prod(shape[i + 1:])) for i in range(len(shape))]


def is_torus(symmetry):
    return symmetry["family"] in ("scale", "rescale")


def is_untold(symmetry):
    """Whether the report states a dimension only: a function on parts of an axis that no view has."""
    return bool(symmetry.get("undescribed"))


@dataclasses.dataclass
class Verdict:
    """What is wrong with a report, and how much of what there is it found."""

    false: list  # messages
    found: dict  # family -> dimension claimed
    there: dict  # family -> dimension there is
    unclear: bool = False

    @property
    def missing(self):
        return {k: self.there[k] - self.found[k] for k in self.there if self.found[k] < self.there[k]}


def judge(report, numbers):
    """Compares a report with the numbers; a rank that is not clear is judged with more points."""
    verdict = Verdict([], {}, {})
    shapes = numbers.shapes
    # Below this size of what a claim moves, what is left over is rounding.
    small = 1e-3 if numbers.careful else 1e-7
    claims = [s for s in report["symmetries"] if is_torus(s) and not is_untold(s)]
    untold = sum(s["dimension"] for s in report["symmetries"] if is_torus(s) and is_untold(s))
    for symmetry in claims:
        if any(len(m["axes"]) != len(symmetry["block_shape"]) for m in symmetry["members"]):
            verdict.false.append(f"{symmetry['id']} ({symmetry['family']}) has members without its axes")
            return verdict
    for kind, exact in (("torus", False), ("torus_exact", True)):
        parameters, gradients = numbers.points(exact)
        if len(parameters) < gradients.shape[1] + 4:
            verdict.unclear = True
            continue
        rows = parameters * gradients
        basis = [np.zeros((0, rows.shape[1]))]
        for symmetry in claims:
            if exact and not symmetry["exact"]:
                continue
            generators = scale_rows(symmetry, shapes)
            basis.append(generators)
            # Of what each point's gradient has on the members, the part that is left over.
            left = np.abs(rows @ generators.T)
            whole = np.abs(rows) @ np.abs(generators.T) + small
            wrong = (left / whole > FALSE).sum(axis=0)
            if (wrong > max(2, 0.02 * len(rows))).any():
                verdict.false.append(f"{kind}: {symmetry['id']} ({symmetry['family']}) moves the loss: "
                                     f"{(left / whole).max():.1e} at {int(wrong.max())} of {len(rows)} points")
        count = null_space(rows)
        verdict.unclear |= not count.clear
        basis = np.concatenate(basis)
        claimed = report["dimension"][kind]
        rank = _rank(basis)
        if not exact and rank + untold != claimed:
            verdict.false.append(f"{kind}: {claimed} claimed, but the generators have rank {rank}")
        # What moves dead elements only does not show in the gradients.
        found = claimed - (rank - _rank(basis[:, ~count.dead]))
        dead = int(count.dead.sum())
        if count.clear and found > count.dimension + (dead if exact or untold else 0):
            verdict.false.append(f"{kind}: {found} claimed, {count.dimension} there are")
        verdict.found[kind], verdict.there[kind] = min(found, count.dimension), count.dimension
    return verdict


def _rank(rows):
    return int(np.linalg.matrix_rank(rows, tol=1e-8)) if rows.size else 0
