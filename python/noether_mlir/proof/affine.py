# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Proofs of affine symmetries: translations that come with shifts of other parameters, by t times parameters.

The shift of a parameter that takes up what others make of t has the name that a product with these parameters has in the
step, so that both cancel where they meet.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from noether_mlir.proof.actions import axes_of_view
from noether_mlir.proof.degrees import BadDegree, TooLarge
from noether_mlir.proof.operations import Operation
from noether_mlir.proof.program import Step
from noether_mlir.proof.reading import NotCheckable, ProofError
from noether_mlir.proof.roots import Root, rational
from noether_mlir.proof.shifts import Labels, Term, restricted, total
from noether_mlir.proof.translations import TranslationProof

#: Entries of a parameter whose parts and other shapes are told apart entry by entry.
_LIMIT = 1 << 20


class AffineProof(TranslationProof):
    """The shifts that one affine symmetry makes of all values."""

    def move_parameters(self) -> None:
        super().move_parameters()
        absorbers = self.symmetry.get("absorbers")
        if not absorbers:
            raise ProofError("nothing takes up the shift")
        moving = {member["parameter"] for member in (*self.symmetry["members"], *absorbers)}
        terms: dict[int, list[Term]] = {value: list(shift) for value, shift in self.shifts.items()}
        for absorber in absorbers:
            value = self.checker.parameters.get(absorber["parameter"])
            if value is None:
                raise ProofError(f"{absorber['parameter']} is no parameter")
            if any(factor["parameter"] in moving for factor in absorber["factors"]):
                raise ProofError(f"{absorber['parameter']} is shifted by what moves itself")
            terms.setdefault(value, []).append(self.read_absorber(absorber, self.program.values[value].shape))
        self.shifts = {value: total(own) for value, own in terms.items()}

    def read_absorber(self, absorber: Mapping[str, Any], shape: tuple[int, ...]) -> Term:
        number = rational(float(absorber.get("number", 1.0)))
        if not number:
            raise ProofError(f"{absorber['parameter']} is shifted by a multiple that is no number")
        sizes = dict(enumerate(self.shape))
        labels = tuple(Labels.of([index], np.arange(size)) for index, size in sizes.items())
        term = Term("t", Fraction(absorber["exponent"]) * number, labels)
        factors = absorber["factors"]
        self.stretches: dict[Any, list[tuple[int | None, int]]] = {}
        self.starts: dict[Any, int] = {}
        for position, factor in enumerate(factors):
            # Summed over where it stands for the last time.
            later = {index for each in (absorber, *factors[position + 1:]) for index in each["indices"]}
            alone = set(absorber["indices"]) - {
                index for number, each in enumerate(factors) if number != position for index in each["indices"]}
            term = self.times(term, factor, later, alone - set(range(len(self.shape))), sizes)
        view = absorber.get("view") or list(shape)
        indices = absorber["indices"]
        offsets, extents = absorber.get("offsets") or [0] * len(view), absorber.get("sizes") or view
        owners = axes_of_view(view, shape)
        masks, places = [], {}
        digits_of: dict[int, tuple[int, np.ndarray]] = {}
        for axis, index in enumerate(indices):
            stride = int(np.prod([view[n] for n in range(axis + 1, len(owners)) if owners[n] == owners[axis]]))
            digits = np.arange(shape[owners[axis]]) // stride % view[axis] - offsets[axis]
            digits = np.where((0 <= digits) & (digits < extents[axis]), digits, -1)
            masks.append(Labels.of([owners[axis]], (digits >= 0).astype(np.int64)))
            if index is not None:
                if index in places or sizes.get(index) != extents[axis]:
                    raise BadDegree("an index that does not fit the parameter's axis")
                places[index] = Labels.of([owners[axis]], digits)
                digits_of[index] = owners[axis], digits
        for name, stretch in self.stretches.items():
            used = [digits_of[index] for index, _ in stretch if index is not None]
            if len({owner for owner, _ in used}) != 1:
                raise NotCheckable("a part of a parameter that lies along several axes of what takes up the shift")
            outside = np.any([digits < 0 for _, digits in used], axis=0)
            array = sum((digits_of[index][1] if index is not None else 0) * stride for index, stride in stretch)
            places[name] = Labels.of([used[0][0]], np.where(outside, -1, array + self.starts[name]))
        placed = []
        for own in term.labels:
            if any(axis not in places or not (own.array == np.arange(sizes[axis])).all()
                   for axis in own.axes):
                raise BadDegree("an index that the parameter does not have")
            placed.append(places[own.axes[0]] if own.axes else own)
        return restricted(Term(term.name, term.coefficient, tuple(placed), tuple(masks)))

    def times(self, term: Term, factor: Mapping[str, Any], later: set[int | None], alone: set[int | None],
              sizes: dict[Any, int]) -> Term:
        """The product with a parameter, summed over indices that are needed no more.

        Args:
            later: indices that are needed. alone: those that the absorber has from this factor. sizes: of indices.
        """
        parameter = self.checker.parameters.get(factor["parameter"])
        if parameter is None:
            raise ProofError(f"{factor['parameter']} is no parameter")
        shape = self.program.values[parameter].shape
        view, indices = factor.get("view") or list(shape), factor["indices"]
        offsets, extents = factor.get("offsets") or [0] * len(view), factor.get("sizes") or view
        if not len(view) == len(indices) == len(offsets) == len(extents):
            raise BadDegree("there is not one index for each axis of a factor")
        for index, extent in zip(indices, extents, strict=True):
            if index is None and extent != 1:
                raise BadDegree("an axis of a factor has no index")
            if index is not None and sizes.setdefault(index, extent) != extent:
                raise BadDegree("an index of two sizes")
        value = self.seen_as(parameter, view, offsets, extents)
        if value is None:
            return self.stretched(term, parameter, factor, later, alone, sizes)
        own = self.program.values[value].shape
        # The indices of each dimension of the value.
        dims: dict[int, tuple[Any, ...]] = {}
        rest = [(index, extent) for index, extent in zip(indices, extents, strict=True) if extent != 1]
        for dimension, size in enumerate(own):
            found, left = [], size
            while left > 1:
                index, extent = rest.pop(0)
                if left % extent:
                    raise BadDegree("a factor that is cut otherwise than the step does")
                left //= extent
                if index is not None:
                    found.append(index)
            if found:
                dims[dimension] = tuple(found)
        summed = {index for index in indices if index is not None and index not in later}
        root = Root(value, Fraction(1), tuple(dimension if dimension in dims else None for dimension in range(len(own))))
        return self.functions.times(sizes, summed, term, root, 1, dims)

    def stretched(self, term: Term, parameter: int, factor: Mapping[str, Any], later: set[int | None],
                  alone: set[int | None], sizes: dict[Any, int]) -> Term:
        """The product with all of a parameter where a part of it is meant: what else it makes goes elsewhere."""
        shape = self.program.values[parameter].shape
        view, indices = factor["view"], factor["indices"]
        owners = axes_of_view(view, shape)
        dims: dict[int, tuple[Any, ...]] = {}
        summed: set[Any] = set()
        for dimension in range(len(shape)):
            axes = [axis for axis, owner in enumerate(owners) if owner == dimension]
            named = [indices[axis] for axis in axes if indices[axis] is not None]
            if all(factor["sizes"][axis] == view[axis] for axis in axes):
                dims[dimension] = tuple(named)
                summed |= set(named) - later
                continue
            if not set(named) <= alone:
                raise NotCheckable("a part of a parameter that is summed over, or multiplied again")
            name = ("part", parameter, dimension)
            strides = [int(np.prod([view[other] for other in axes if other > axis])) for axis in axes]
            self.stretches[name] = [(indices[axis], stride) for axis, stride in zip(axes, strides, strict=True)]
            self.starts[name] = sum(factor["offsets"][axis] * stride for axis, stride in zip(axes, strides, strict=True))
            sizes[name] = shape[dimension]
            dims[dimension] = (name,)
        dims = {dimension: names for dimension, names in dims.items() if names}
        root = Root(parameter, Fraction(1), tuple(d if d in dims else None for d in range(len(shape))))
        return self.functions.times(sizes, summed, term, root, 1, dims)

    def seen_as(self, parameter: int, view: list[int], offsets: list[int], extents: list[int]) -> int | None:
        """The value of the step that is this part of a parameter, in the shape that the step multiplies with.

        None: it multiplies with the parameter as a whole.
        """
        shape = self.program.values[parameter].shape
        is_whole = list(extents) == list(view)
        arrays = self.views(parameter)
        if is_whole and len(arrays) == 1:
            return parameter
        if int(np.prod(shape)) > _LIMIT:
            raise TooLarge("a parameter of many entries that is seen in several ways")
        entries = np.arange(int(np.prod(shape))).reshape(view)[
            tuple(slice(o, o + s) for o, s in zip(offsets, extents, strict=True))].ravel()
        found = [value for value, array in arrays.items() if array.size == entries.size and (array.ravel() == entries).all()
                 and self.is_multiplied(value)]
        if len(found) > 1 or (is_whole and not found):
            raise NotCheckable("what part of a parameter multiplies the shift cannot be told")
        return found[0] if found else None

    def is_multiplied(self, value: int) -> bool:
        """Whether something is multiplied with this value, or with what is told by it."""
        roots = self.checker.roots
        work = [value] if roots.get(value).value == value else []
        while work:
            own = work.pop()
            for number in self.checker.touching.get(own, ()):
                step = self.program.steps[number]
                if step.kind != "rule" or own not in step.operands:
                    continue
                if "*" in step.rule.uses:
                    return True
                work += [result for result in step.results if roots.get(result).value == value]
        return False

    def views(self, parameter: int) -> dict[int, np.ndarray]:
        """What is made of a parameter by putting its entries in other shapes: which entries they are."""
        shape = self.program.values[parameter].shape
        if int(np.prod(shape)) > _LIMIT:
            return {parameter: np.zeros(0)}
        found = {parameter: np.arange(int(np.prod(shape))).reshape(shape)}
        work = [parameter]
        while work:
            value = work.pop()
            for number in self.checker.touching.get(value, ()):
                step = self.program.steps[number]
                if value in step.operands and step.results and step.results[0] not in found:
                    array = self.moved(step, found[value])
                    if array is not None:
                        found[step.results[0]] = array
                        work.append(step.results[0])
        return found

    def moved(self, step: Step, array: np.ndarray) -> np.ndarray | None:
        """The entries of an operand where the result has them; None if it is no such operation."""
        rule = step.rule
        rest = range(1, len(step.operands))
        if step.kind != "rule" or len(step.results) != 1 or rule.uses[:1] != ("+",) or rule.sums or rule.frozen or any(
                rule.uses[o] == "+" or self.program.values[step.operands[o]].is_float for o in rest):
            return None
        sizes = Operation(self.program, step).sizes
        wanted = [factor for dim in rule.results[0] for segment in dim for factor in segment]
        names: list[str] = []
        lengths: list[int] = []
        for axis, dim in enumerate(rule.operands[0]):
            chosen = [n for n, segment in enumerate(dim) if set(segment) & set(wanted)] or [0]
            extents = [int(np.prod([sizes[f] for f in segment])) for segment in dim]
            start = sum(extents[:chosen[0]])
            array = array.take(range(start, start + extents[chosen[0]]), axis)
            names += dim[chosen[0]]
            lengths += [sizes[f] for f in dim[chosen[0]]]
        if sorted(names) != sorted(wanted):
            return None
        array = np.transpose(array.reshape(lengths), [names.index(f) for f in wanted])
        return array.reshape(self.program.values[step.results[0]].shape)
