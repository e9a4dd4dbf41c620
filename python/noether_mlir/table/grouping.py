# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Puts symmetries together that say the same of different layers.

Two symmetries are alike if they have the same family, break alike, are treated alike by the optimizer, and if their
members are the same up to numbers: those in names (which layer), sizes, and which part of a stacked parameter moves.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace

from noether_mlir.analysis import Analysis, Kinetics, Symmetry
from noether_mlir.table.labels import Labels, siblings
from noether_mlir.table.parts import Part, kinds, parts_of
from noether_mlir.table.words import runs_text, span


@dataclass
class Line:
    """Parts of one kind, from all symmetries of a group; for each, the number of its symmetry in the group."""

    parts: list[Part] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def shape(self) -> str:
        """The shape, sizes that differ as ranges: 3x64..512x[2]{0}. [n]: a number each; {i}: the part that moves."""
        first = self.parts[0]
        texts = []
        for axis, size in enumerate(first.sizes):
            text = span(part.view[axis] for part in self.parts).replace(",", "")
            if size != first.view[axis]:
                text += "{" + self._cut(axis, size) + "}"
            texts.append(f"[{text}]" if axis in first.axes else f"({text})" if axis in first.block_axes else text)
        return "x".join(texts) or "scalar"

    def _cut(self, axis: int, size: int) -> str:
        offsets = sorted({part.offsets[axis] for part in self.parts})
        if size > 1:
            pieces = [f"{offset}:{offset + size}" for offset in offsets]
            return ",".join(pieces) if len(pieces) <= 2 else f"{pieces[0]},..,{pieces[-1]}"
        return "*" if len(offsets) == self.parts[0].view[axis] > 2 else runs_text(offsets)

    def times(self, symmetries: int) -> str:
        """How many parameters a symmetry has of it, if that is not one: "x3", or "x3..6"."""
        counts: dict[int, set[str]] = {}
        for number, part in zip(self.numbers, self.parts):
            counts.setdefault(number, set()).add(part.parameter)
        each = [len(names) for names in counts.values()] + [0] * (symmetries - len(counts))
        return "" if set(each) == {1} else f"x{span(each)}"


@dataclass
class Group:
    """Symmetries that are alike."""

    symmetries: list[Symmetry]
    kinetics: list[Kinetics]
    lines: dict[Hashable, Line]

    @property
    def first(self) -> Symmetry:
        return self.symmetries[0]

    @property
    def ids(self) -> list[str]:
        return [symmetry.id for symmetry in self.symmetries]

    def rows(self, label: Labels) -> list[tuple[str, str, str, str]]:
        """One row for each kind of member: names, exponent, how many, shape."""
        rows = []
        for line in self.lines.values():
            part = line.parts[0]
            names = label.collapse([each.parameter for each in line.parts])
            exponent = exponent_text(part, self.first.family)
            rows.append((names, (exponent, line.times(len(self.symmetries)), line.shape())))
        return [(names, *rest) for names, rest in siblings(rows)]  # type: ignore[misc]


def exponent_text(part: Part, family: str) -> str:
    """How a member moves, where that needs saying: ^-1."""
    if family in ("translation", "affine"):
        factors = part.side.removeprefix("absorber ") if part.side else ""
        return f"{'+' if part.exponent > 0 else '-'}{'' if abs(part.exponent) == 1 else abs(part.exponent)}{factors}t"
    if part.side:
        sides = {"direct": "M", "left": "M", "inverse_transpose": "M^-T", "right": "M^-T"}
        return "" if family == "permutation" else sides.get(part.side, part.side)
    if family not in ("scale", "rescale") or (family == "scale" and part.exponent == 1):
        return ""
    return f"^{part.exponent}"


def forecast_key(kinetics: Kinetics) -> Hashable:
    """What is predicted, without the names of the states it is about."""
    prediction = kinetics.prediction
    if prediction is None or prediction.motion is None:
        return prediction
    return replace(prediction, motion=replace(prediction.motion, buffers=("",) * len(prediction.motion.buffers)))


def _laws(kinetics: Kinetics | None, label: Labels) -> Hashable:
    if kinetics is None:
        return None
    laws = tuple(sorted({(law.hyperparameter, law.value, law.text) for law in kinetics.laws}, key=str))
    breaks = tuple(sorted({label.skeleton(item.why)[0] for item in kinetics.breaks}))
    return kinetics.equivariant, kinetics.ksb, laws, breaks, forecast_key(kinetics)


_FAMILIES = ("scale", "rescale", "translation", "affine", "general_linear", "orthogonal", "complex_linear", "permutation")


#: With more groups than this, sizes may differ within one.
_MANY = 12


def group(analysis: Analysis, label: Labels, full: bool = False) -> list[Group]:
    """The symmetries in groups, by family, else in the order of the analysis.

    Args:
        full: each symmetry is a group of its own.
    """
    shapes = {parameter.name: parameter.shape for parameter in analysis.parameters}
    treated = {kinetics.symmetry: kinetics for kinetics in analysis.kinetics}
    alike: dict[Hashable, list[tuple[Symmetry, list[Part], list[Hashable]]]] = {}
    for symmetry in analysis.symmetries:
        parts = parts_of(symmetry, shapes)
        kind_of = kinds(parts, label)
        key: Hashable = symmetry.id if full else (
            symmetry.family,
            symmetry.traceless,
            symmetry.undescribed,
            symmetry.order is None,
            tuple(sorted({(str(spurion.constant), spurion.degree) for spurion in symmetry.broken_by})),
            frozenset(kind_of),
            _laws(treated.get(symmetry.id), label),
        )
        alike.setdefault(key, []).append((symmetry, parts, kind_of))

    by_size: dict[Hashable, list[tuple[Symmetry, list[Part], list[Hashable]]]] = {}
    for key, members in alike.items():
        for entry in members:
            sizes = tuple((kind, part.view) for part, kind in zip(entry[1], entry[2]))
            by_size.setdefault((key, sizes), []).append(entry)
    groups = []
    for members in (by_size if len(by_size) <= _MANY else alike).values():
        found = Group([], [], {})
        for number, (symmetry, parts, kind_of) in enumerate(members):
            found.symmetries.append(symmetry)
            found.kinetics += [treated[symmetry.id]] if symmetry.id in treated else []
            for kind, part in zip(kind_of, parts):
                line = found.lines.setdefault(kind, Line())
                line.parts.append(part)
                line.numbers.append(number)
        groups.append(found)
    order = lambda found: _FAMILIES.index(found.first.family) if found.first.family in _FAMILIES else len(_FAMILIES)
    return sorted(groups, key=order)


def leaders(groups: Sequence[Group]) -> str:
    """Groups by their first symmetries: S1.., S4."""
    return ", ".join(f"{group.first.id}.." if len(group.symmetries) > 1 else group.first.id for group in groups)
