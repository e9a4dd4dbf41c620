# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The functions that shifts are made of, and their names: equal names are equal functions."""

from collections.abc import Container, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from noether_mlir.proof.degrees import BadDegree
from noether_mlir.proof.operations import Operation
from noether_mlir.proof.roots import Root
from noether_mlir.proof.rules import Tensor
from noether_mlir.proof.shifts import Labels, Term, restricted


class Functions:
    """Functions by name: "t" is that of the claim.

    Attributes:
        axes: for each function the lengths of its indices, and whether it has mean zero along them.
    """

    def __init__(self, shape: Sequence[int], traceless: bool):
        self.axes: dict[Hashable, tuple[tuple[int, bool], ...]] = {"t": tuple((size, traceless) for size in shape)}

    def length(self, name: Hashable, index: int) -> int:
        """The number of values of an index."""
        return self.axes[name][index][0]

    def sum_name(self, name: Hashable, index: int) -> Hashable | None:
        """The function summed over one of its indices; None if it has mean zero along it."""
        if self.axes[name][index][1]:
            return None
        new: Hashable = ("sum", name, index)
        if isinstance(name, tuple) and name[0] == "product":
            _, inner, value, power, dims, tied, free = name
            if index >= free:
                new = _without(inner, value, power, dims, tied, free, index - free)
        axes = self.axes[name]
        self.axes.setdefault(new, axes[:index] + axes[index + 1:])
        return new

    def product(self, operation: Operation, term: Term, root: Root, power: int,
                factors: Mapping[int, tuple[str, ...]]) -> Term:
        """The product with a value as a function of its own."""
        return self.times(operation.sizes, operation.rule.sums, term, root, power, factors)

    def times(self, sizes: Mapping[Any, int], sums: Container[Any], term: Term, root: Root, power: int,
              factors: Mapping[int, tuple[Any, ...]]) -> Term:
        """The product with a value whose dimensions have the names `factors`, summed over those in `sums`."""
        # Along a dimension of size one there is nothing to say.
        factors = {d: tuple(f for f in own if sizes[f] != 1) for d, own in factors.items()}
        factors = {d: own for d, own in factors.items() if own}
        number = {f: (d, n) for d, own in sorted(factors.items()) for n, f in enumerate(own)}
        dims: list[tuple[Any, ...]] = [(d, "sum") for d in root.summed]
        for dimension, own in factors.items():
            dims.append((dimension, tuple((sizes[f], f in sums) for f in own)))
        tied: list[Any] = []
        free: list[tuple[int, Labels]] = []
        for index, labels in enumerate(term.labels):
            inside = [axis in number for axis in labels.axes]
            if inside and all(inside):
                tied.append((index, tuple(number[f] for f in labels.axes), labels.data))
            elif any(inside):
                raise BadDegree("a function of an index that a product mixes")
            else:
                free.append((index, labels))
        masks = []
        for mask in term.masks:
            inside = [axis in number for axis in mask.axes]
            if inside and all(inside):
                tied.append((-1, tuple(number[f] for f in mask.axes), mask.data))
            elif any(inside):
                raise BadDegree("a part that a product mixes")
            else:
                masks.append(mask)
        inner = (term.name, tuple(index for index, _ in free))
        name = _normal(inner, root.value, power, tuple(sorted(dims, key=repr)), tuple(sorted(tied, key=repr)), len(free))
        kept = [f for _, own in sorted(factors.items()) for f in own if f not in sums]
        functions = self.axes[term.name]
        self.axes.setdefault(name, (*(functions[index] for index, _ in free), *((sizes[f], False) for f in kept)))
        labels = [own for _, own in free] + [Labels.of([f], np.arange(sizes[f])) for f in kept]
        factor = root.coefficient if power > 0 else 1 / root.coefficient
        return restricted(Term(name, term.coefficient * factor, tuple(labels), tuple(masks)))

    def mapped(self, operation: Operation, term: Term, operand: int, result: Tensor) -> Term:
        """A linear map of which only the indices that it leaves alone are known."""
        rule, step = operation.rule, operation.step
        if any(len(dim) > 1 for dims in (*rule.operands, *rule.results) for dim in dims):
            raise BadDegree("a product with pieces")
        own = {f for dim in rule.operands[operand] for segment in dim for f in segment}
        touched = set(rule.frozen)
        for other, dims in enumerate(rule.operands):
            if other != operand and operation.is_related(result, other):
                touched |= {f for dim in dims for segment in dim for f in segment}
        targets = [f for dim in rule.dims(result) for segment in dim for f in segment]
        kept = [f for f in targets if f in own and f not in touched]
        made = [f for f in targets if f in touched or f not in own]
        free = [index for index, labels in enumerate(term.labels) if labels.axes and set(labels.axes) <= set(kept)]
        tied = [(index, labels) for index, labels in enumerate(term.labels) if index not in free]
        if any(set(labels.axes) & set(kept) for _, labels in tied):
            raise BadDegree("a function of an index that an operation mixes")
        masks = [mask for mask in term.masks if set(mask.axes) <= set(kept)]
        rest = [mask for mask in term.masks if mask not in masks]
        if any(set(mask.axes) & set(kept) for mask in rest):
            raise BadDegree("a part that an operation mixes")
        name = ("map", step.path, step.part, operand, result, term.name, tuple(free), tuple(tied), tuple(rest))
        functions, sizes = self.axes[term.name], operation.sizes
        self.axes.setdefault(name, (*(functions[i] for i in free), *((sizes[f], False) for f in made)))
        labels = [term.labels[i] for i in free] + [Labels.of([f], np.arange(sizes[f])) for f in made]
        return restricted(Term(name, term.coefficient, tuple(labels), tuple(masks)))


def _normal(inner: Hashable, value: int, power: int, dims: tuple[Any, ...], tied: tuple[Any, ...], free: int) -> Hashable:
    """The name of a product: a dimension that is summed while nothing else runs along it is a sum of the value alone."""
    used = {d for _, places, _ in tied for d, _ in places}
    own = []
    for dimension, what in dims:
        alone = what != "sum" and what and all(summed for _, summed in what) and dimension not in used and power > 0
        own.append((dimension, "sum") if alone else (dimension, what))
    return ("product", inner, value, power, tuple(own), tied, free)


def _without(inner: Hashable, value: int, power: int, dims: tuple[Any, ...], tied: tuple[Any, ...], free: int,
             index: int) -> Hashable:
    """The name of a product summed over one of the indices of its value."""
    own, position = [], 0
    for dimension, what in sorted(dims, key=lambda each: each[0]):
        if what == "sum":
            own.append((dimension, what))
            continue
        factors = []
        for size, summed in what:
            factors.append((size, summed or position == index))
            position += not summed
        own.append((dimension, tuple(factors)))
    return _normal(inner, value, power, tuple(sorted(own, key=repr)), tied, free)
