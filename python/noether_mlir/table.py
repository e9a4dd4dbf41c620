# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The analysis as a table for a terminal, for plain text, and for a notebook."""

import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from noether_mlir.analysis import Analysis, Kinetics, Lint, Member, Obstruction, Parameter, Symmetry

_NUMBER = re.compile(r"\d+")
_FAMILIES = {
    "scale": "scale",
    "rescale": "rescale",
    "translation": "shift",
    "general_linear": "GL",
    "orthogonal": "O(n)",
    "complex_linear": "GL(C)",
    "permutation": "permute",
}


def count(number: int) -> str:
    """A number with thousands set apart: 38,016."""
    return f"{number:,}"


def shape_text(shape: Sequence[int]) -> str:
    """A shape: 3x3x16x32; a number is "scalar"."""
    return "x".join(map(str, shape)) or "scalar"


def short_location(location: str) -> str:
    """A location as file:line, without folders and column."""
    match = re.search(r'"?([^"()\s]+\.\w+)"?:(\d+)', location)
    if match:
        return f"{match.group(1).rsplit('/', 1)[-1]}:{match.group(2)}"
    return location.removeprefix("loc(").removesuffix(")").strip('"')


def _blur(name: str) -> str:
    return _NUMBER.sub("#", name)


def collapse(names: Sequence[str]) -> str:
    """One name for names that differ in their numbers only: blocks[0..11]."""
    if len(set(names)) == 1:
        return names[0]
    columns = list(zip(*(map(int, _NUMBER.findall(name)) for name in names)))
    parts = _NUMBER.split(names[0])
    text = parts[0]
    for numbers, rest in zip(columns, parts[1:]):
        distinct = sorted(set(numbers))
        contiguous = distinct == list(range(distinct[0], distinct[-1] + 1))
        if len(distinct) == 1:
            text += str(distinct[0])
        elif contiguous:
            text += f"{distinct[0]}..{distinct[-1]}"
        else:
            text += ",".join(map(str, distinct)) if len(distinct) <= 3 else f"{distinct[0]}..{distinct[-1]}*"
        text += rest
    return text


class _Labels:
    """Short names of parameters: block.0.kernel for params['block'][0]['kernel'] if all names start with params."""

    _KEY = re.compile(r"\[(?:'([^']*)'|\"([^\"]*)\"|([^\]'\"]*))\]")

    def __init__(self, names: Sequence[str]):
        paths = [self._dotted(name).split(".") for name in names]
        # Up to `params`, else the first part, if all share it and it is not all there is.
        length = paths[0].index("params") + 1 if paths and "params" in paths[0] else 1
        shared = bool(paths) and all(path[:length] == paths[0][:length] and len(path) > length for path in paths)
        self.root = ".".join(paths[0][:length]) if shared else ""

    def _dotted(self, name: str) -> str:
        return self._KEY.sub(lambda match: "." + next(part for part in match.groups() if part is not None), name)

    def __call__(self, name: str) -> str:
        dotted = self._dotted(name)
        return dotted.removeprefix(f"{self.root}.") if self.root else dotted


def ranges(ids: Sequence[str]) -> str:
    """Ids with runs put together: S1..S3, S7."""
    runs: list[list[str]] = []
    number = lambda name: int(_NUMBER.findall(name)[-1]) if _NUMBER.search(name) else -1
    for name in sorted(ids, key=lambda name: (_blur(name), number(name))):
        if runs and _blur(runs[-1][-1]) == _blur(name) and number(name) == number(runs[-1][-1]) + 1:
            runs[-1].append(name)
        else:
            runs.append([name])
    words = (run[:1] if len(run) == 1 else [run[0] + (".." if len(run) > 2 else ", ") + run[-1]] for run in runs)
    return ", ".join(word for run in words for word in run)


@dataclass
class _Alike:
    """Symmetries that differ only in the numbers in their parameters' names, as those of stacked layers do."""

    symmetries: list[Symmetry]

    @property
    def first(self) -> Symmetry:
        return self.symmetries[0]

    @property
    def ids(self) -> str:
        text = ranges([symmetry.id for symmetry in self.symmetries])
        return text if len(text) <= 10 else f"{self.first.id} (x{len(self.symmetries)})"

    def names(self) -> list[str]:
        return [collapse(names) for names in zip(*([m.parameter for m in s.members] for s in self.symmetries))]


def _laws(kinetics: Kinetics | None) -> tuple[str, ...]:
    return tuple(law.text for law in kinetics.laws) if kinetics else ()


def _groups(analysis: Analysis, shapes: dict[str, tuple[int, ...]]) -> list[_Alike]:
    groups: dict[object, _Alike] = {}
    for symmetry in analysis.symmetries:
        kinetics = analysis.kinetics_of(symmetry.id)
        key = (
            symmetry.family,
            symmetry.dimension,
            symmetry.order,
            symmetry.exact,
            tuple((spurion.constant, spurion.degree) for spurion in symmetry.broken_by),
            tuple((_blur(m.parameter), m.exponent, m.axes, m.side, shapes.get(m.parameter)) for m in symmetry.members),
            _laws(kinetics),
            (kinetics.equivariant, kinetics.ksb, tuple(b.why for b in kinetics.breaks)) if kinetics else None,
        )
        if key in groups:
            groups[key].symmetries.append(symmetry)
        else:
            groups[key] = _Alike([symmetry])
    return list(groups.values())


def _exponent(member: Member, family: str) -> str:
    if member.side:
        return {"left": "M", "right": "M^-T"}.get(member.side, member.side)
    if family not in ("scale", "rescale") or (family == "scale" and member.exponent == Fraction(1)):
        return ""
    return f"^{member.exponent}"


def _part(member: Member, shape: tuple[int, ...]) -> str:
    """Which part of a parameter a member is: empty for all of it, else its slices, as in Python."""
    view = member.view or shape
    cuts = list(zip(view, member.offsets, member.sizes))
    if all(size == extent for extent, _, size in cuts):
        return ""
    slices = (":" if size == extent else f"{offset}:{offset + size}" for extent, offset, size in cuts)
    return f"[{','.join(slices)}]"


def _member_lines(group: _Alike, label: "_Labels", shapes: dict[str, tuple[int, ...]]) -> list[tuple[Text, Text]]:
    # The parts that a parameter is cut into (the halves that a rotary embedding makes) are one line if they move alike.
    alike: dict[tuple[str, Fraction, tuple[int, ...], tuple[int, ...]], list[Member]] = {}
    names = {}
    for member, name in zip(group.first.members, group.names()):
        names[member.parameter] = name
        alike.setdefault((member.parameter, member.exponent, member.axes, member.view), []).append(member)
    lines = []
    for (parameter, _, axes, view), members in alike.items():
        shape = shapes.get(parameter, ())
        whole = sum(math.prod(member.sizes) for member in members) == math.prod(shape)
        parts = ["" if whole else _part(member, shape) for member in members]
        left, right = Text(label(names[parameter])), Text(shape_text(shape))
        exponent = _exponent(members[0], group.first.family)
        if exponent:
            left.append(f" {exponent}", style="cyan")
        if view and (axes or any(parts)):
            right.append(f" as {shape_text(view)}")
        right.append(f" {' '.join(parts)}" if any(parts) else "")
        if axes:
            right.append(f" [{','.join(map(str, axes))}]", style="cyan")
        lines.append((left, right))
    return lines


def _exactness_lines(group: _Alike) -> list[Text]:
    symmetry = group.first
    if symmetry.exact:
        return [Text("exact", style="green")]
    lines = []
    for spurion in symmetry.broken_by[:2]:
        value = "a constant" if spurion.constant is None else f"{spurion.constant:.3g}"
        lines.append(Text(f"up to {value} / r^{spurion.degree}", style="yellow"))
        if spurion.location and len({s.broken_by[0].location for s in group.symmetries}) == 1:
            lines.append(Text(f"  {short_location(spurion.location)}", style="dim"))
    if len(symmetry.broken_by) > 2:
        lines.append(Text(f"and {len(symmetry.broken_by) - 2} more", style="yellow"))
    return lines


def _table(*columns: tuple[str, dict]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False, header_style="bold")
    for title, options in columns:
        table.add_column(title, **options)
    return table


def _heading(analysis: Analysis) -> Text:
    numbers = sum(math.prod(parameter.shape) for parameter in analysis.parameters)
    text = Text()
    text.append(analysis.source or "step", style="bold")
    text.append(f"  @{analysis.entry}  " if analysis.entry else "  ")
    plural = "" if len(analysis.parameters) == 1 else "s"
    text.append(f"{len(analysis.parameters)} parameter{plural}, {count(numbers)} numbers\n")
    dimension = analysis.dimension
    if dimension.torus is not None:
        text.append("scale and rescale symmetries: ")
        text.append(count(dimension.torus), style="bold green" if dimension.torus else "bold")
        if dimension.torus_exact is not None and dimension.torus_exact != dimension.torus:
            text.append(f" ({count(dimension.torus_exact)} with every constant as it is)")
    if dimension.translation is not None:
        text.append(f"\ntranslations: {count(dimension.translation)}")
    if dimension.linear is not None:
        text.append(f"   all together: {count(dimension.linear)}")
    return text


def _symmetry_table(groups: list[_Alike], label: "_Labels", shapes: dict[str, tuple[int, ...]]) -> Table:
    table = _table(
        ("symmetry", {"no_wrap": True, "style": "bold"}),
        ("family", {"no_wrap": True}),
        ("parameters", {"overflow": "fold", "ratio": 1, "min_width": 16}),
        ("shape [axes]", {"no_wrap": True}),
        ("dim", {"justify": "right", "no_wrap": True}),
        ("holds", {"overflow": "fold", "min_width": 12}),
    )
    for group in groups:
        symmetry, many = group.first, len(group.symmetries)
        size = symmetry.order or count(symmetry.dimension)
        first = (
            group.ids,
            _FAMILIES.get(symmetry.family, symmetry.family),
            f"{many} x {size}" if many > 1 else size,
        )
        members = zip_longest(_member_lines(group, label, shapes), _exactness_lines(group), fillvalue=None)
        for number, (member, holds) in enumerate(members):
            name, family, dim = first if number == 0 else ("", "", "")
            table.add_row(name, family, *(member or ("", "")), dim, holds or "")
    return table


def _kinetics_table(analysis: Analysis, groups: list[_Alike], label: "_Labels") -> Table | None:
    rows: dict[object, tuple[list[_Alike], Kinetics]] = {}
    for group in groups:
        kinetics = analysis.kinetics_of(group.first.id)
        if kinetics is not None:
            breaks = tuple((item.why, item.location) for item in kinetics.breaks)
            key = (_laws(kinetics), kinetics.equivariant, breaks, kinetics.prediction)
            rows.setdefault(key, ([], kinetics))[0].append(group)
    if not rows:
        return None
    columns: list[tuple[str, dict]] = [
        ("symmetry", {"style": "bold", "overflow": "fold", "max_width": 16}),
        ("what the optimizer makes of it", {"overflow": "fold", "ratio": 1}),
        ("prediction", {"overflow": "fold"}),
    ]
    predictions = [_prediction(kinetics) for _, kinetics in rows.values()]
    table = _table(*(columns if any(predictions) else columns[:-1]))
    for (members, kinetics), prediction in zip(rows.values(), predictions):
        ids = [symmetry.id for group in members for symmetry in group.symmetries]
        everything = len(ids) == len(analysis.symmetries) > 1
        cells = ("all" if everything else ranges(ids), _law_text(kinetics, label), prediction)
        table.add_row(*cells[: len(table.columns)])
    return table


def _law_text(kinetics: Kinetics, label: "_Labels") -> Text:
    text = Text()
    if kinetics.equivariant and not kinetics.laws:
        text.append("equivariant: the optimizer keeps the symmetry")
    alike: dict[tuple[str, str], list[str]] = {}
    for law in sorted(kinetics.laws, key=lambda law: not law.text.startswith("eta")):  # the learning rate first
        value = "" if law.value is None else f" = {law.value:g}"
        words = law.text or f"{law.hyperparameter} has degree {law.degree}"
        alike.setdefault((words, f"{law.hyperparameter}{value}"), []).append(label(law.parameter))
    for (words, hyperparameter), parameters in alike.items():
        if text:
            text.append("\n")
        text.append(words, style="green")
        text.append(f"  ({hyperparameter})", style="dim")
        if len(alike) > 1 and any(parameters) and len({law.parameter for law in kinetics.laws}) > 1:
            text.append(f"  for {', '.join(dict.fromkeys(parameters))}", style="dim")
    for item in kinetics.breaks:
        if text:
            text.append("\n")
        text.append(f"broken: {item.why}", style="yellow")
        text.append(f" ({item.op} at {short_location(item.location)})" if item.location else "", style="dim")
    if not text:
        text.append("no law found", style="dim")
    return text


def _prediction(kinetics: Kinetics) -> Text:
    prediction = kinetics.prediction
    parts = []
    if prediction:
        if prediction.equilibrium_norm is not None:
            parts.append(f"r -> {prediction.equilibrium_norm:.4g}")
        if prediction.time_constant_steps is not None:
            parts.append(f"in {prediction.time_constant_steps:.4g} steps")
        if prediction.rotation_per_step is not None:
            parts.append(f"{prediction.rotation_per_step:.3g} rad/step")
        if prediction.label and parts:
            parts.append(f"({prediction.label})")
    return Text("\n".join(parts))


def _reasons(parameters: Sequence[Parameter], label: "_Labels") -> Table | None:
    groups: dict[object, list[Parameter]] = {}
    for parameter in parameters:
        if not parameter.symmetries:
            key = (
                _blur(parameter.name),
                parameter.shape,
                parameter.dead,
                _because(parameter.no_symmetry_because),
            )
            groups.setdefault(key, []).append(parameter)
    if not groups:
        return None
    table = _table(
        ("parameters without a symmetry", {"overflow": "fold", "ratio": 2}),
        ("shape", {"no_wrap": True}),
        ("why", {"overflow": "fold", "ratio": 3}),
    )
    for members in groups.values():
        first = members[0]
        why = "dead: the loss does not depend on it" if first.dead else _because(first.no_symmetry_because)
        table.add_row(label(collapse([m.name for m in members])), shape_text(first.shape), why)
    return table


def _because(reasons: Sequence[Obstruction]) -> str:
    lines = []
    for reason in reasons[:2]:
        place = f" at {short_location(reason.location)}" if reason.location else ""
        lines.append(f"{reason.op}: {reason.says}{place}")
    return "\n".join(lines)


def _lints(analysis: Analysis, label: "_Labels") -> Table | None:
    if not analysis.lints:
        return None
    groups: dict[object, list[Lint]] = {}
    for lint in analysis.lints:
        message = lint.message.replace(lint.parameter, "#") if lint.parameter else lint.message
        key = (lint.code, lint.severity, _blur(message), lint.help, _blur(lint.parameter))
        groups.setdefault(key, []).append(lint)
    table = _table(
        ("lint", {"no_wrap": True}),
        ("parameter", {"overflow": "fold", "ratio": 2}),
        ("message", {"overflow": "fold", "ratio": 3}),
    )
    for alike in groups.values():
        lint = alike[0]
        words = Text(lint.message.replace(lint.parameter, label(lint.parameter)) if lint.parameter else lint.message)
        if lint.help:
            words.append(f"\n{lint.help}", style="dim")
        color = {"error": "red", "warning": "yellow"}.get(lint.severity, "cyan")
        table.add_row(Text(lint.code, style=color), label(collapse([each.parameter for each in alike])), words)
    return table


def _mismatches(analysis: Analysis) -> Text | None:
    lines = [f"{item.why} ({item.op} at {short_location(item.location)})" for item in analysis.gradient_mismatches]
    if not lines:
        return None
    return Text("\n".join(["What the update uses is not the gradient of this loss:", *lines]), style="yellow")


def _unknown(analysis: Analysis) -> Text | None:
    if not analysis.unknown_operations:
        return None
    names: dict[str, int] = {}
    for operation in analysis.unknown_operations:
        names[operation.op] = names.get(operation.op, 0) + 1
    listed = ", ".join(name if times == 1 else f"{name} (x{times})" for name, times in names.items())
    return Text(f"Operations without a rule, through which nothing is claimed: {listed}", style="yellow")


def render(analysis: Analysis) -> Iterator[RenderableType]:
    """The parts of the table, top to bottom."""
    shapes = {parameter.name: parameter.shape for parameter in analysis.parameters}
    groups = _groups(analysis, shapes)
    label = _Labels([parameter.name for parameter in analysis.parameters])
    yield _heading(analysis)
    tables = [
        _symmetry_table(groups, label, shapes) if groups else Text("No symmetry found."),
        _kinetics_table(analysis, groups, label),
        _reasons(analysis.parameters, label),
        _lints(analysis, label),
        _mismatches(analysis),
        _unknown(analysis),
    ]
    for table in tables:
        if table is not None:
            yield Padding(table, (1, 0, 0, 0))


def to_text(analysis: Analysis, width: int = 100) -> str:
    """The table as plain text of at most `width` columns."""
    console = Console(file=io.StringIO(), width=width, color_system=None, highlight=False, legacy_windows=False)
    console.print(Group(*render(analysis)))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines())


def to_html(analysis: Analysis, width: int = 110) -> str:
    """The table as a piece of HTML with inline styles."""
    console = Console(file=io.StringIO(), width=width, record=True, highlight=False, force_terminal=True)
    console.print(Group(*render(analysis)))
    return console.export_html(inline_styles=True, code_format='<pre style="line-height:1.25">{code}</pre>')
