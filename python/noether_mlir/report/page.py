# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""All that a report shows, worked out before it is laid out: templates read this and decide nothing."""

import math
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from noether_mlir._version import __version__
from noether_mlir.analysis import Analysis, Lint, Parameter
from noether_mlir.decay import Choice, choices_of
from noether_mlir.lints import lint_title
from noether_mlir.report.derivation import Proof, proof_of
from noether_mlir.report.drawing import Drawing, draw
from noether_mlir.report.families import FAMILIES, Family, family_of
from noether_mlir.report.optimizer import Forecast, Treatment, forecasts, mathematics, treatments
from noether_mlir.report.plots import Plot, plots
from noether_mlir.report.quoting import Sources
from noether_mlir.report.sentences import Ranks, Sentence, dimension, holds, sentence
from noether_mlir.table.grouping import Group, group
from noether_mlir.table.labels import Labels, split
from noether_mlir.table.words import count, human, id_ranges, short_location


@dataclass(frozen=True)
class Tile:
    """A family at a glance."""

    family: Family
    number: str
    unit: str


@dataclass(frozen=True)
class Claim:
    """A group of symmetries.

    Attributes:
        ids: of all, with runs put together. anchor: the id of the first, and of its place in the page.
        rows: names, how they move, how many, and their shape, for each kind of member.
    """

    anchor: str
    ids: str
    family: Family
    sentence: Sentence
    dimension: str
    exact: bool
    holds: str
    rows: list[tuple[str, str, str, str]]
    charge: str
    conserved: str
    broken_by: list[str]
    forecasts: list[Forecast]
    proof: Proof | None
    treatment: Treatment | None


@dataclass(frozen=True)
class Remark:
    """Lints that differ in parameters only."""

    code: str
    severity: str
    title: str
    parameters: list[str]
    message: str
    help: str
    place: str
    code_line: str


@dataclass(frozen=True)
class ParameterRow:
    """A parameter in the table of all."""

    name: str
    full_name: str
    shape: str
    numbers: int
    symmetries: list[tuple[str, str, str]]  # id, anchor, family
    unit: str
    dead: bool
    why: list[str]


@dataclass
class Page:
    """A report."""

    source: str
    entry: str
    parameters: int
    numbers: str
    total: int | None
    torus: int | None
    torus_exact: int | None
    tiles: list[Tile]
    drawing: Drawing
    in_order: bool  # of use
    overlap: bool  # a direction belongs to several families
    claims: list[Claim]
    treatments: list[tuple[str, Treatment]]
    plots: list[Plot]
    remarks: list[Remark]
    rows: list[ParameterRow]
    decay: list[tuple[Choice, list[str]]]  # by name, and what of it
    mismatches: list[str]
    unknown: list[str]
    tool_version: str
    version: str = __version__
    families: list[Family] = field(default_factory=list)

    @property
    def warnings(self) -> int:
        return sum(remark.severity in ("warning", "error") for remark in self.remarks)


def _ids(names: list[str]) -> str:
    """Ids with runs put together, in few words: S1–S3, S7."""
    runs = id_ranges(names).split(", ")
    shown = runs if len(runs) <= 6 else [*runs[:3], "…", runs[-1]]
    return ", ".join(shown).replace("..", "–")


def _amount(numbers: int) -> str:
    """How many numbers, as one would say it: 4,976 or 124 million."""
    if numbers < 1_000_000:
        return count(numbers)
    short, _, unit = human(numbers).partition(" ")
    return f"{short} {({'M': 'million', 'G': 'billion', 'T': 'trillion'})[unit]}"


def _tiles(analysis: Analysis) -> list[Tile]:
    tiles = []
    for family in FAMILIES:
        members = [symmetry for symmetry in analysis.symmetries if symmetry.family == family.key]
        if not members:
            continue
        if family.key == "permutation":
            tiles.append(Tile(family, count(len(members)), "groups" if len(members) > 1 else "group"))
        else:
            dimensions = sum(symmetry.dimension for symmetry in members)
            tiles.append(Tile(family, count(dimensions), "dimensions" if dimensions != 1 else "dimension"))
    return tiles


def _short(text: str, label: Labels) -> str:
    """A text with the short names of parameters in it, and the signs that a book would have."""
    return mathematics("".join(label.merge([text]))) if text else ""


def _way(moves: str, family: str) -> str:
    """How a member moves, as an operation: "× c²"."""
    if moves.startswith("^"):
        inverse, size = moves.startswith("^-"), moves.removeprefix("^").removeprefix("-")
        return f"{'÷' if inverse else '×'} c{'' if size == '1' else mathematics(f'^{size}')}"
    words = {"": "× c" if family == "scale" else "", "+t": "+ t", "-t": "− t", "M^-T": "M⁻ᵀ"}
    return words.get(moves, moves)


def _sentence(words: str) -> str:
    """Words that begin with a capital letter, unless with a name, and end in a full stop."""
    words = words.strip()
    start = words[:1].upper() + words[1:] if re.match(r"[a-z]+[ ,:]", words) else words
    return f"{start}." if start and start[-1] not in ".!?" else start


def _claim(found: Group, label: Labels, ranks: Ranks, sources: Sources, treatment: Treatment | None) -> Claim:
    first = found.first
    conserved = first.conserved
    breaking = {}
    for spurion in first.broken_by:
        constant = "a constant" if spurion.constant is None else f"{spurion.constant:g}"
        at = f" at {short_location(spurion.location)}" if spurion.location else ""
        power = mathematics(f"r^{spurion.degree}")
        breaking[f"{constant} in {spurion.op}{at}, which would have to scale as {power}"] = None
    return Claim(
        anchor=first.id,
        ids=_ids(found.ids),
        family=family_of(first.family),
        sentence=sentence(found, label, ranks),
        dimension=mathematics(dimension(found)),
        exact=first.exact,
        holds=holds(found),
        rows=[
            (names, _way(moves, first.family), times, shape.replace("x", "×"))
            for names, moves, times, shape in found.rows(label)
        ],
        charge=_short(first.charge, label),
        conserved=(
            f"{count(conserved.gradient_flow)} quantities under gradient flow, {count(conserved.momentum_flow)} with"
            " momentum" if conserved else ""
        ),
        broken_by=list(breaking),
        forecasts=forecasts(found),
        proof=proof_of(first, sources),
        treatment=treatment,
    )


def _remarks(lints: tuple[Lint, ...], label: Labels, sources: Sources) -> list[Remark]:
    alike: dict[Hashable, list[Lint]] = {}
    for lint in lints:
        key = (lint.code, lint.severity, split(label.skeleton(lint.message)[0])[0].replace("\0, ", ""), lint.help)
        alike.setdefault(key, []).append(lint)
    remarks = []
    for found in alike.values():
        first = found[0]
        message = first.message
        if len(found) > 1 and first.parameter and message.startswith(f"{first.parameter} "):
            message = f"it{message[len(first.parameter):]}"  # each of those listed
        remarks.append(
            Remark(
                first.code, first.severity, lint_title(first.code),
                label.summary(dict.fromkeys(each.parameter for each in found if each.parameter)),
                _sentence(_short(message, label)), _sentence(_short(first.help or "", label)),
                short_location(first.location or ""), sources.line(first.location or ""),
            )
        )
    rank = {"error": 0, "warning": 1}
    return sorted(remarks, key=lambda remark: (rank.get(remark.severity, 2), remark.code))


def _parameter_row(parameter: Parameter, label: Labels, anchors: Mapping[str, tuple[str, str]]) -> ParameterRow:
    why = []
    for reason in parameter.no_symmetry_because[:2]:
        at = f" at {short_location(reason.location)}" if reason.location else ""
        why.append(_short(f"{reason.op}: {reason.says}{at}", label))
    return ParameterRow(
        label(parameter.name), parameter.name, "×".join(map(str, parameter.shape)) or "scalar",
        math.prod(parameter.shape),
        [(name, *anchors[name]) for name in parameter.symmetries if name in anchors],
        parameter.invariant_unit, parameter.dead, list(dict.fromkeys(why)),
    )


def page_of(analysis: Analysis, order: Mapping[int, int] | None = None, with_plots: bool = True) -> Page:
    """Works a report out.

    Args:
        order: by argument, its place in the order in which the step uses them (see `first_uses`).
        with_plots: also draw plots, which needs matplotlib.
    """
    label = Labels([parameter.name for parameter in analysis.parameters])
    groups = group(analysis, label)
    sources = Sources(analysis.source)
    treated = treatments(groups, label)
    of_group = {number: treatment for treatment in treated for number in treatment.groups}
    anchors = {
        symmetry.id: (found.first.id, found.first.family) for found in groups for symmetry in found.symmetries
    }
    shown = dict.fromkeys(found.first.family for found in groups)
    ranks = {parameter.name: len(parameter.shape) for parameter in analysis.parameters}
    return Page(
        source=analysis.source or "training step",
        entry=analysis.entry,
        parameters=len(analysis.parameters),
        numbers=_amount(sum(math.prod(parameter.shape) for parameter in analysis.parameters)),
        total=analysis.dimension.linear,
        torus=analysis.dimension.torus,
        torus_exact=analysis.dimension.torus_exact,
        tiles=_tiles(analysis),
        drawing=draw(analysis, groups, label, order or {}),
        in_order=bool(order),
        overlap=analysis.dimension.linear not in (None, sum(symmetry.dimension for symmetry in analysis.symmetries)),
        claims=[_claim(found, label, ranks, sources, of_group.get(number)) for number, found in enumerate(groups)],
        treatments=[(_ids([name for number in each.groups for name in groups[number].ids]), each) for each in treated],
        plots=plots(groups, treated) if with_plots else [],
        remarks=_remarks(analysis.lints, label, sources),
        rows=[_parameter_row(parameter, label, anchors) for parameter in analysis.parameters],
        decay=[(choice, label.summary(choice.parameters)) for choice in choices_of(analysis)],
        mismatches=[
            f"{_short(item.why, label)} ({item.op} at {short_location(item.location)})"
            for item in analysis.gradient_mismatches
        ],
        unknown=sorted({operation.op for operation in analysis.unknown_operations}),
        tool_version=analysis.tool_version,
        families=[family_of(key) for key in shown],
    )
