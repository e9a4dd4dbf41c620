# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Rules as linear equations between the log-scales of single elements.

This shares nothing with the compiler: it takes the text of a rule, as the checker of proofs reads it, at its word.
"""

import itertools

import numpy as np

from noether_mlir.proof.rules import Rule


class ScaleSystem:
    """The equations of a rule between the elements of tensors of given shapes.

    Args:
        shapes: for each tensor ("o" or "r", number) its shape; tensors without a scale (integers) are absent.
    """

    def __init__(self, rule: Rule, shapes: dict[tuple[str, int], tuple[int, ...]], all_shapes=None):
        self.rule = rule
        self.shapes = shapes
        self.offsets, self.size = {}, 0
        for tensor, shape in shapes.items():
            self.offsets[tensor] = self.size
            self.size += int(np.prod(shape, dtype=int))
        self._null = {}
        self.sizes = dict(rule.sizes)
        for tensor, shape in (all_shapes or shapes).items():
            for dim, size in zip(rule.dims(tensor), shape, strict=True):
                if len(dim) == 1 and len(dim[0]) == 1:
                    assert self.sizes.setdefault(dim[0][0], size) == size, (rule, tensor)

    def _elements(self, tensor, segments, grid):
        """The element of `tensor` for every point of the grid (factor -> indices), given the chosen segments."""
        index = np.zeros_like(next(iter(grid.values()))) if grid else np.zeros((), int)
        for dim, chosen, size in zip(self.rule.dims(tensor), segments, self.shapes[tensor], strict=True):
            start = sum(int(np.prod([self.sizes[f] for f in s], dtype=int)) for s in dim[:chosen])
            position = np.zeros_like(index)
            for factor in dim[chosen]:
                position = position * self.sizes[factor] + grid[factor]
            index = index * size + start + position
        return self.offsets[tensor] + index

    def _rows(self, equation):
        """Sparse rows: (elements, coefficients) with one row per point."""
        tensors = [equation.lhs, *[tensor for _, tensor in equation.terms]]
        coefficients = [1.0, *[-float(coefficient) for coefficient, _ in equation.terms]]
        known = [(t, c) for t, c in zip(tensors, coefficients, strict=True) if t in self.shapes]
        if not known or equation.lhs not in self.shapes:
            return
        choices = [[range(len(dim)) for dim in self.rule.dims(tensor)] for tensor, _ in known]
        for choice in itertools.product(*[itertools.product(*c) for c in choices]):
            active = {
                factor
                for (tensor, _), segments in zip(known, choice, strict=True)
                for dim, chosen in zip(self.rule.dims(tensor), segments, strict=True)
                for factor in dim[chosen]
            }
            # A segment is chosen by the factors in it: the others must not be active.
            if any(
                active & set(segment)
                for (tensor, _), segments in zip(known, choice, strict=True)
                for dim, chosen in zip(self.rule.dims(tensor), segments, strict=True)
                for number, segment in enumerate(dim)
                if number != chosen
            ):
                continue
            names = sorted(active)
            ranges = np.indices([self.sizes[name] for name in names]) if names else []
            grid = {name: ranges[i].ravel() for i, name in enumerate(names)}
            columns = [
                np.atleast_1d(self._elements(tensor, segments, grid))
                for (tensor, _), segments in zip(known, choice, strict=True)
            ]
            count = max(len(column) for column in columns)
            yield (
                np.stack([np.broadcast_to(column, count) for column in columns], axis=1),
                np.array([coefficient for _, coefficient in known]),
            )

    def square(self, skipping=()):
        """M^T M for the matrix M of the equations without those with a tensor in `skipping`; the elements spoken of.

        Its null space is that of the equations; coefficients are small, so that squares are safe.
        """
        square, covered = np.zeros((self.size, self.size)), np.zeros(self.size, bool)

        def add(elements, coefficients):
            for column, x in zip(elements.T, coefficients, strict=True):
                for other, y in zip(elements.T, coefficients, strict=True):
                    np.add.at(square, (column, other), x * y)

        for equation in self.rule.equations:
            if equation.lhs in skipping or any(t in skipping for _, t in equation.terms):
                continue
            for elements, coefficients in self._rows(equation):
                elements = np.unique(elements, axis=0)
                add(elements, coefficients)
                covered[elements[:, 0]] = True
        for tensor, shape in self.shapes.items():
            if tensor[0] != "o" or tensor in skipping:
                continue
            for axis, dim in enumerate(self.rule.dims(tensor)):
                if not any(factor in self.rule.frozen for segment in dim for factor in segment):
                    continue
                numbers = self.offsets[tensor] + np.arange(int(np.prod(shape, dtype=int))).reshape(shape)
                numbers = np.moveaxis(numbers, axis, 0).reshape(shape[axis], -1)
                for other in numbers[1:]:
                    add(np.stack([numbers[0], other], axis=1), (1.0, -1.0))
        return square, covered

    def random_solution(self, generator, skipping=()):
        """Log-scales that satisfy the equations, and for each result element whether any equation speaks of it."""
        if skipping not in self._null:
            square, covered = self.square(skipping)
            values, vectors = np.linalg.eigh(square)
            self._null[skipping] = vectors[:, values < 1e-9 * values.max(initial=1)], covered
        null, covered = self._null[skipping]
        solution = null @ (null.T @ generator.normal(scale=0.6, size=self.size))
        scales, spoken = {}, {}
        for tensor, shape in self.shapes.items():
            start = self.offsets[tensor]
            part = slice(start, start + int(np.prod(shape, dtype=int)))
            scales[tensor] = solution[part].reshape(shape)
            spoken[tensor] = covered[part].reshape(shape)
        return scales, spoken
