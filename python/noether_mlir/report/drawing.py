# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The model as it is drawn: its parameters in the order the step uses them, and lanes that join what moves together.

A row is one parameter, or those of all layers of a kind: names that differ in numbers only, and that the same groups
of symmetries move in the same way. A lane is a group of symmetries; lanes that do not overlap share a column.
"""

import math
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from noether_mlir.analysis import Analysis, Parameter
from noether_mlir.report.families import family_of
from noether_mlir.table.grouping import Group, exponent_text
from noether_mlir.table.labels import Labels, split
from noether_mlir.table.parts import Part


@dataclass(frozen=True)
class Stripe:
    """A line across the glyph of a tensor, in hundredths of its size; across the rows, or along them."""

    family: str
    down: bool
    at: float
    thickness: float


@dataclass(frozen=True)
class Glyph:
    """A tensor as a small rectangle, last axis to the right: its sides grow with the logarithm of its sizes.

    Attributes:
        fill: the family that moves it as a whole, if any. stripes: blocks that move on their own.
    """

    width: float
    height: float
    fill: str = ""
    stripes: tuple[Stripe, ...] = ()


@dataclass(frozen=True)
class Mark:
    """A member of a group in a row."""

    group: int
    shape: str
    words: str


@dataclass(frozen=True)
class Strand:
    """What of a lane is seen in a row: whether it goes on above and below, and the mark if the row is a member."""

    group: int
    column: int
    up: bool
    down: bool
    mark: Mark | None


@dataclass
class Row:
    """A line of the drawing: a parameter, or (without parameters) the heading of a module."""

    module: str
    name: str
    parameters: list[Parameter] = field(default_factory=list)
    shape: list[tuple[str, str]] = field(default_factory=list)  # sizes, and the family that acts along each
    glyph: Glyph | None = None
    marks: list[Mark] = field(default_factory=list)
    strands: list[Strand] = field(default_factory=list)
    path: str = ""  # of the module, where there is no heading
    alike: int = 1  # how many it stands for, where its heading does not say so

    @property
    def dead(self) -> bool:
        return bool(self.parameters) and all(parameter.dead for parameter in self.parameters)

    @property
    def times(self) -> int:
        return len(self.parameters)


@dataclass(frozen=True)
class Drawing:
    """All rows, and how many columns the lanes take."""

    rows: list[Row]
    columns: int


#: A dot between names, not one of those in 0..3.
_DOT = re.compile(r"(?<!\.)\.(?!\.)")

#: Per row of the drawing, the parts of it that each group moves.
_Moves = dict[str, list[tuple[int, Hashable, Part]]]


def _moves(groups: Sequence[Group]) -> _Moves:
    found: _Moves = {}
    for number, group in enumerate(groups):
        for kind, line in group.lines.items():
            for part in line.parts:
                found.setdefault(part.parameter, []).append((number, kind, part))
    return found


def _collect(analysis: Analysis, label: Labels, moves: _Moves, order: Mapping[int, int]) -> list[Row]:
    """Rows in the order of use, without headings."""
    place = lambda parameter: (order.get(parameter.argument, parameter.argument), parameter.argument)
    alike: dict[Hashable, list[Parameter]] = {}
    for parameter in sorted(analysis.parameters, key=place):
        moved = frozenset((number, kind) for number, kind, _ in moves.get(parameter.name, ()))
        pattern = split(label(parameter.name))[0]
        alike.setdefault((pattern, len(parameter.shape), parameter.dead, moved), []).append(parameter)
    rows = []
    for parameters in alike.values():
        name = label.collapse([parameter.name for parameter in parameters])
        dots = [match.start() for match in _DOT.finditer(name)] if not re.search(r"[ (]", name) else []
        rows.append(Row(name[: dots[-1]], name[dots[-1] + 1 :], parameters) if dots else Row("", name, parameters))
    return rows


def _with_headings(rows: Sequence[Row]) -> list[Row]:
    """A heading before each run of rows of one module; modules with one row keep their name in it."""
    together: list[Row] = []
    modules: dict[Hashable, list[Row]] = {}
    for number, row in enumerate(rows):
        modules.setdefault(row.module or number, []).append(row)
    for inside in modules.values():
        module = inside[0].module
        if module and len(inside) > 1:
            times = {row.times for row in inside}
            together.append(Row(module, "", alike=times.pop() if len(times) == 1 else 0))
            for row in inside:
                row.alike = 1 if together[-1].alike else row.times
        elif module:
            inside[0].path, inside[0].module, inside[0].alike = f"{module}.", "", inside[0].times
        else:
            for row in inside:
                row.alike = row.times
        together += inside
    return together


def _size(extent: int) -> float:
    return 8 + 4 * math.log2(max(1, extent)) ** 0.92


_STRIPES = 4


def _glyph(parameter: Parameter, moves: Sequence[tuple[int, Hashable, Part]], groups: Sequence[Group]) -> Glyph:
    shape = parameter.shape
    width = _size(shape[-1]) if shape else 8
    height = _size(math.prod(shape[:-1])) if len(shape) > 1 else 9
    fill, stripes, taken = "", [], set()
    for number, _, part in moves:
        family = groups[number].first.family
        if not part.axes:
            fill = fill or family
        for axis in part.axes:
            down = len(shape) < 2 or axis == len(part.view) - 1
            if (down, len([item for item in taken if item[0] == down])) == (down, 2) or (down, family) in taken:
                continue
            if family == "permutation" and any(item[0] == down for item in taken):
                continue  # it acts where something else does already
            taken.add((down, family))
            second = len([item for item in taken if item[0] == down]) == 2
            pitch = 100 / _STRIPES
            start, thickness = (0.5, 0.22) if second else (0.12, 0.34)
            stripes += [Stripe(family, down, (i + start) * pitch, thickness * pitch) for i in range(_STRIPES)]
    return Glyph(round(min(width, 60), 1), round(min(height, 34), 1), fill, tuple(stripes))


def _shape(row: Row, moves: Sequence[tuple[int, Hashable, Part]], groups: Sequence[Group]) -> list[tuple[str, str]]:
    """The sizes along each axis; with the family that acts along it, where axes are the tensor's own."""
    shapes = [parameter.shape for parameter in row.parameters]
    families: dict[int, str] = {}
    for number, _, part in moves:
        if len(part.view) == len(shapes[0]):
            for axis in part.axes:
                families.setdefault(axis, groups[number].first.family)
    texts = []
    for axis in range(len(shapes[0])):
        sizes = sorted({shape[axis] for shape in shapes})
        texts.append((str(sizes[0]) if len(sizes) == 1 else f"{sizes[0]}…{sizes[-1]}", families.get(axis, "")))
    return texts


def _marks(moves: Sequence[tuple[int, Hashable, Part]], groups: Sequence[Group]) -> list[Mark]:
    marks: dict[int, Mark] = {}
    for number, _, part in moves:
        group = groups[number]
        family = family_of(group.first.family)
        other = part.exponent < 0 or part.side in ("inverse_transpose", "right")
        words = exponent_text(part, group.first.family).replace("^", "c^") or ("moved" if not part.side else "M")
        if number not in marks:
            marks[number] = Mark(number, family.marks[other], words)
    return list(marks.values())


def _columns(spans: Mapping[int, tuple[int, int]]) -> dict[int, int]:
    """A column for each lane: the shortest innermost, no two in one column where they overlap."""
    columns: list[list[tuple[int, int]]] = []
    placed = {}
    for lane, (first, last) in sorted(spans.items(), key=lambda item: (item[1][1] - item[1][0], item[1][0], item[0])):
        free = (
            number
            for number, taken in enumerate(columns)
            if all(last < start or end < first for start, end in taken)
        )
        column = next(free, len(columns))
        if column == len(columns):
            columns.append([])
        columns[column].append((first, last))
        placed[lane] = column
    return placed


def draw(analysis: Analysis, groups: Sequence[Group], label: Labels, order: Mapping[int, int]) -> Drawing:
    """Lays the model out.

    Args:
        order: by argument, a number that grows in the order in which the step uses its parameters; may lack some.
    """
    moves = _moves(groups)
    rows = _with_headings(_collect(analysis, label, moves, order))
    spans: dict[int, tuple[int, int]] = {}
    for number, row in enumerate(rows):
        if not row.parameters:
            continue
        own = moves.get(row.parameters[0].name, [])
        row.marks = _marks(own, groups)
        row.glyph = _glyph(row.parameters[0], own, groups)
        row.shape = _shape(row, own, groups)
        for mark in row.marks:
            first, _ = spans.get(mark.group, (number, number))
            spans[mark.group] = (first, number)
    columns = _columns(spans)
    for lane, (first, last) in spans.items():
        for number in range(first, last + 1):
            mark = next((mark for mark in rows[number].marks if mark.group == lane), None)
            rows[number].strands.append(Strand(lane, columns[lane], number > first, number < last, mark))
    for row in rows:
        row.strands.sort(key=lambda strand: strand.column)
    return Drawing(rows, max(columns.values(), default=-1) + 1)
