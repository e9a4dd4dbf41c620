# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a group of symmetries does, as a sentence.

A sentence is a sequence of spans, so that one text serves HTML, Markdown and a terminal: plain words, names of
parameters, and mathematics.
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from noether_mlir.table.grouping import Group, Line
from noether_mlir.table.labels import Labels
from noether_mlir.table.parts import Part
from noether_mlir.table.words import count, span


class Span(NamedTuple):
    """A piece of a sentence: kind is "text", "name" or "math"."""

    kind: str
    text: str


Sentence = list[Span]
Ranks = Mapping[str, int]


def text(words: str) -> Span:
    return Span("text", words)


def plain(sentence: Sequence[Span]) -> str:
    """A sentence without any marks."""
    return "".join(piece.text for piece in sentence)


def _exponent(exponent: Fraction) -> str:
    return str(exponent).translate(str.maketrans("0123456789-/", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᐟ"))


#: More names than these in a sentence are counted.
_NAMES = 4

#: A name, and whether only a part of what has it is meant.
_Named = tuple[str, bool]


def _names(names: Sequence[_Named]) -> Sentence:
    """Names with commas and an "and" between them; of many, the first and how many more."""
    shown = list(names) if len(names) <= _NAMES else list(names[: _NAMES - 1])
    spans: Sentence = []
    for number, (name, cut) in enumerate(shown):
        if number:
            spans.append(text(" and " if number == len(names) - 1 else ", "))
        spans += [text("part of "), Span("name", name)] if cut else [Span("name", name)]
    if len(shown) < len(names):
        spans.append(text(f" and {len(names) - len(shown)} more"))
    return spans


def _named(line: Line, label: Labels) -> _Named:
    return label.collapse([part.parameter for part in line.parts]), any(part.sizes != part.view for part in line.parts)


def _moves(group: Group, label: Labels) -> list[tuple[Part, list[_Named]]]:
    """A part for each way of moving, and the names of what moves so."""
    ways: dict[tuple[Fraction, str | None], tuple[Part, dict[_Named, None]]] = {}
    for line in group.lines.values():
        part = line.parts[0]
        ways.setdefault((part.exponent, part.side), (part, {}))[1][_named(line, label)] = None
    return [(part, list(names)) for part, names in ways.values()]


def _each(group: Group, number: str, of: str = "indices") -> Sentence:
    """Of what there is one for each block: ", one c for each of 16 indices"."""
    shapes = {math.prod(symmetry.block_shape) for symmetry in group.symmetries}
    return [] if shapes == {1} else [text(", one "), Span("math", number), text(f" for each of {span(shapes)} {of}")]


def _along(group: Group, label: Labels, ranks: Ranks) -> Sentence:
    """The axis that the blocks lie along, where the first member is seen in its own shape: " (axis 1 of w)"."""
    line = next(iter(group.lines.values()))
    part = line.parts[0]
    name, cut = _named(line, label)
    if cut or not part.axes or len(part.view) != ranks.get(part.parameter):
        return []
    axes = f"axis {part.axes[0]}" if len(part.axes) == 1 else f"axes {', '.join(map(str, part.axes))}"
    return [text(f" ({axes} of "), Span("name", name), text(")")]


def _scaled(group: Group, label: Labels, ranks: Ranks) -> Sentence:
    spans: Sentence = []
    for number, (part, names) in enumerate(_moves(group, label)):
        verb = "divide" if part.exponent < 0 else "multiply"
        size = abs(part.exponent)
        factor = "c" if size == 1 else f"c{_exponent(size)}"
        spans.append(text(f"{verb.capitalize() if not number else f', {verb}'} "))
        spans += [*_names(names), text(" by "), Span("math", factor)]
    each = _each(group, "c")
    return [*spans, *each, *(_along(group, label, ranks) if each else [])]


def _shifted(group: Group, label: Labels, ranks: Ranks) -> Sentence:
    spans: Sentence = []
    for number, (part, names) in enumerate(_moves(group, label)):
        verb = "add" if part.exponent > 0 else "subtract"
        size = abs(part.exponent)
        spans.append(text(f"{verb.capitalize() if not number else f', {verb}'} "))
        # Of what takes a shift up: times the parameters between.
        factors = part.side.removeprefix("absorber ") if part.side else ""
        spans.append(Span("math", f"{'' if size == 1 else f'{size} '}{factors}t"))
        spans += [text(" to " if part.exponent > 0 else " from "), *_names(names)]
    each = _each(group, "t")
    return [*spans, *each, *(_along(group, label, ranks) if each else [])]


_MATRICES = {
    "general_linear": "an invertible matrix",
    "orthogonal": "a rotation",
    "complex_linear": "complex numbers, as matrices",
}


def _mixed(group: Group, label: Labels) -> Sentence:
    moves = _moves(group, label)
    sizes = {part.sizes[part.axes[0]] for line in group.lines.values() for part in line.parts if part.axes}
    size = f" of size {span(sizes)}" if sizes else ""
    spans: Sentence = [text("Multiply ")]
    for number, (part, names) in enumerate(moves):
        inverse = part.side in ("inverse_transpose", "right")
        spans += [text(", and " if number else ""), *_names(names), text(" by ")]
        if number == 0:
            spans += [text(f"{_MATRICES.get(group.first.family, 'a matrix')} "), Span("math", "M"), text(size)]
        else:
            spans.append(Span("math", "M⁻ᵀ" if inverse else "M"))
    return [*spans, *_each(group, "M", "blocks")]


def _permuted(group: Group, label: Labels) -> Sentence:
    sizes = {part.sizes[part.axes[0]] for line in group.lines.values() for part in line.parts if part.axes}
    number = f"{span(sizes)} indices" if sizes else "indices"
    names = list(dict.fromkeys(name for _, names in _moves(group, label) for name in names))
    return [text(f"Reorder the {number} of "), *_names(names), text(" alike" if len(names) > 1 else "")]


def sentence(group: Group, label: Labels, ranks: Ranks | None = None) -> Sentence:
    """What an element of each symmetry of a group does to the parameters.

    Args:
        ranks: how many axes parameters have, by name; without it no axes are named.
    """
    family = group.first.family
    if family in ("scale", "rescale"):
        spans = _scaled(group, label, ranks or {})
    elif family in ("translation", "affine"):
        spans = _shifted(group, label, ranks or {})
    elif family == "permutation":
        spans = _permuted(group, label)
    else:
        spans = _mixed(group, label)
    if group.first.traceless:
        spans.append(text(", with mean zero over them"))
    if group.first.undescribed:
        spans.append(text(", in a way that no axes tell"))
    return [*spans, text(".")]


def holds(group: Group) -> str:
    """Whether a group is exact, or up to what: "up to 1e-05 / r²"."""
    if group.first.exact:
        return "exact"
    words = {}
    for spurion in group.first.broken_by:
        value = "c" if spurion.constant is None else f"{spurion.constant:.3g}"
        power = "r" if abs(spurion.degree) == 1 else f"r{_exponent(abs(spurion.degree))}"
        words[f"{value} / {power}" if spurion.degree > 0 else f"{value} · {power}"] = None
    shown = list(words)
    more = f" and {len(shown) - 2} more" if len(shown) > 2 else ""
    return f"up to {', '.join(shown[:2])}{more}"


def dimension(group: Group) -> str:
    """How many symmetries and of which dimension, or the order of a permutation group: "12 × 64", "16!"."""
    many = len(group.symmetries)
    if group.first.order:
        orders = list(dict.fromkeys(symmetry.order or "" for symmetry in group.symmetries))
        size = orders[0] if len(orders) == 1 else f"{orders[0]} … {orders[-1]}"
    else:
        size = span(symmetry.dimension for symmetry in group.symmetries).replace("..", " … ")
    return f"{count(many)} × {size}" if many > 1 else size
