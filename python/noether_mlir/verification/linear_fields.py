# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Linear vector fields on parameters, to count the linear symmetries of a small model among.

The fields are: each entry times itself (the diagonal ones), and for each axis of a parameter, each entry of a matrix
that acts along it, off the diagonal; of parameters with three axes and more, one such matrix for each index of another
axis (heads). A field X is a symmetry if <X(theta), g(theta)> = 0 at every theta.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

#: What counts as zero among singular values, relative to the largest.
ZERO = 1e-9


@dataclass(frozen=True)
class AxisMatrix:
    """Matrices that act along an axis of a parameter, one for each index of the axis `block` (None: one)."""

    start: int
    shape: tuple[int, ...]
    axis: int
    block: int | None

    def arrange(self, entries: np.ndarray) -> np.ndarray:
        """The parameter's entries as [block, axis, rest]."""
        value = entries[self.start : self.start + int(np.prod(self.shape))].reshape(self.shape)
        if self.block is None:
            return np.moveaxis(value, self.axis, 0).reshape(1, self.shape[self.axis], -1)
        moved = np.moveaxis(value, (self.block, self.axis), (0, 1))
        return moved.reshape(self.shape[self.block], self.shape[self.axis], -1)

    @property
    def count(self) -> int:
        """How many fields these are."""
        n = self.shape[self.axis]
        return (self.shape[self.block] if self.block is not None else 1) * n * (n - 1)


class LinearFields:
    """The fields of a list of parameters.

    Attributes:
        size: entries of all parameters. count: how many fields there are.
    """

    def __init__(self, shapes: Sequence[tuple[int, ...]]):
        starts = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])
        self.starts = [int(start) for start in starts]
        self.size = self.starts[-1]
        self.matrices = [
            AxisMatrix(int(start), shape, axis, block)
            for start, shape in zip(starts, shapes)
            for axis, block in _axes(shape)
        ]
        self.count = self.size + sum(matrix.count for matrix in self.matrices)

    def against(self, weights: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        """<X(theta), g> for each field X, at one point."""
        parts = [weights * gradients]
        for matrix in self.matrices:
            w, g = matrix.arrange(weights), matrix.arrange(gradients)
            parts.append((g @ np.swapaxes(w, 1, 2))[:, ~np.eye(w.shape[1], dtype=bool)].ravel())
        return np.concatenate(parts)

    def values(self, weights: np.ndarray) -> np.ndarray:
        """X(theta) for each field X, as columns, at one point."""
        columns = np.zeros((self.size, self.count))
        columns[np.arange(self.size), np.arange(self.size)] = weights
        at = self.size
        for matrix in self.matrices:
            w, places = matrix.arrange(weights), matrix.arrange(np.arange(self.size))
            for block in range(w.shape[0]):
                for i, j in zip(*np.nonzero(~np.eye(w.shape[1], dtype=bool))):
                    columns[places[block, i], at] = w[block, j]
                    at += 1
        return columns

    def within(self, directions: np.ndarray, samples: Sequence[np.ndarray]) -> int:
        """How many independent combinations of the fields always point along some directions.

        Args:
            directions: orthonormal columns.
            samples: parameters at random points, as many as the longest axis and a few.
        """
        # Each field is told apart from others by its values at about as many points as its matrix has columns.
        longest = max((matrix.shape[matrix.axis] for matrix in self.matrices), default=1)
        chosen = [self.values(weights) for weights in samples[: longest + 3]]
        total = 0
        for entries in self._together(directions):
            rows = np.concatenate([values[entries] for values in chosen])
            own = np.abs(rows).max(axis=0) > 0
            along = directions[entries]
            project = np.eye(len(entries)) - along @ along.T
            stacked = np.concatenate([project @ values[np.ix_(entries, own)] for values in chosen])
            total += int(own.sum()) - _rank(stacked)
        return total

    def _together(self, directions: np.ndarray) -> list[np.ndarray]:
        """The entries of parameters that some direction moves together, with those of the rest one by one."""
        groups: list[tuple[set[int], np.ndarray]] = []
        for start, stop in zip(self.starts, self.starts[1:]):
            rows = directions[start:stop]
            moved = set(np.nonzero(np.abs(rows @ directions.T).max(axis=0, initial=0.0) > 1e-9)[0])
            mine = moved | set(range(start, stop))
            joined = [group for group in groups if group[0] & mine]
            groups = [group for group in groups if not group[0] & mine]
            entries = np.concatenate([*(group[1] for group in joined), np.arange(start, stop)])
            groups.append((mine.union(*(group[0] for group in joined)), entries))
        return [entries for _, entries in groups]


def _rank(matrix: np.ndarray) -> int:
    size = np.linalg.norm(matrix, axis=0)
    alive = size > ZERO * size.max(initial=0.0)
    if not alive.any():
        return 0
    values = np.linalg.svd(matrix[:, alive] / size[alive], compute_uv=False)
    return int((values > ZERO * values[0]).sum())


def _axes(shape: tuple[int, ...]) -> Iterator[tuple[int, int | None]]:
    for axis in range(len(shape)):
        if shape[axis] < 2:
            continue
        if len(shape) < 3:
            yield axis, None
        for block in range(len(shape)) if len(shape) >= 3 else ():
            if block != axis:
                yield axis, block
