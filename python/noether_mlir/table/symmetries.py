# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The table of symmetries, and that of the constants that break them."""

from itertools import zip_longest

from rich import box
from rich.table import Table
from rich.text import Text

from noether_mlir.analysis import Spurion
from noether_mlir.table.grouping import Group
from noether_mlir.table.labels import Labels
from noether_mlir.table.words import count, short_location, span

FAMILIES = {
    "scale": "scale",
    "rescale": "rescale",
    "translation": "shift",
    "affine": "shift, absorbed",
    "general_linear": "GL",
    "orthogonal": "O(n)",
    "complex_linear": "GL(C)",
    "permutation": "permute",
}


def new_table(*columns: tuple[str | Text, dict]) -> Table:
    """A table in the style of all of them: a title, and options, for each column."""
    style = box.SIMPLE_HEAD
    table = Table(box=style, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False, header_style="bold")
    for title, options in columns:
        table.add_column(title, **options)
    return table


def dimension_text(group: Group) -> str:
    """How many symmetries, and the dimension of each: 12 x 64..256."""
    many = len(group.symmetries)
    if group.first.order:
        orders = list(dict.fromkeys(symmetry.order or "" for symmetry in group.symmetries))
        size = orders[0] if len(orders) == 1 else f"{orders[0]}..{orders[-1]}"
    else:
        size = span(symmetry.dimension for symmetry in group.symmetries)
    return f"{many} x {size}" if many > 1 else size


def breaking_text(spurion: Spurion) -> str:
    """What a constant that breaks a symmetry leaves of it: up to 1e-05/r^2."""
    value = "c" if spurion.constant is None else f"{spurion.constant:.3g}"
    return f"up to {value}/r^{spurion.degree}" if spurion.degree > 0 else f"up to {value}*r^{-spurion.degree}"


def holds_text(group: Group) -> list[Text]:
    """Whether a symmetry is exact, or up to what."""
    if group.first.exact:
        return [Text("exact", style="green")]
    words = list(dict.fromkeys(map(breaking_text, group.first.broken_by)))
    lines = [Text(word, style="yellow") for word in words[:2]]
    return lines + ([Text(f"and {len(words) - 2} more", style="yellow")] if len(words) > 2 else [])


def symmetry_table(groups: list[Group], label: Labels) -> Table:
    """One block of lines for each group: its name and family; its dimension and how it holds; its members."""
    table = new_table(
        ("symmetry", {"no_wrap": True, "style": "bold"}),
        ("dimension", {"no_wrap": True}),
        ("parameters", {"overflow": "fold", "ratio": 1, "min_width": 24}),
        ("", {"no_wrap": True}),
        ("shape", {"overflow": "fold", "max_width": 44}),
    )
    for group in groups:
        many = len(group.symmetries) > 1
        family = FAMILIES.get(group.first.family, group.first.family)
        name = [group.first.id + (".." if many else ""), Text(family, "dim")]
        size = [Text(dimension_text(group)), *holds_text(group)]
        if group.first.undescribed:
            size.append(Text("no axes tell how", style="dim"))
        members = []
        for names, exponent, times, shape in group.rows(label):
            words = Text(names)
            words.append(f" {times}" if times else "", style="dim")
            members.append((words, Text(exponent, style="cyan"), shape))
        for cells in zip_longest(name, size, members):
            table.add_row(cells[0] or "", cells[1] or "", *(cells[2] or ("", "", "")))
    return table


def legend(groups: list[Group], label: Labels) -> Text:
    """The notation that the table of symmetries uses."""
    rows = [row for group in groups for row in group.rows(label)]
    shapes = "".join(shape for *_, shape in rows)
    notes = [
        ("[" in shapes, "[n]: the axes it acts on"),
        ("(" in shapes, "(n): one for each"),
        ("{" in shapes, "{i}: part of it"),
        (any("*" in name for name, *_ in rows), "*: all"),
        (any(times for _, _, times, _ in rows), "x3: how many"),
        (any(group.first.absorbers for group in groups), "W t: the shift times parameters"),
        (any(group.first.family in ("scale", "rescale") for group in groups), "charge: sum of exponent x w^2"),
    ]
    return Text("; ".join(words for occurs, words in notes if occurs), style="dim")


def constants_table(groups: list[Group]) -> Table | None:
    """Which constants break symmetries, and where they stand."""
    found: dict[tuple[str, str], tuple[set[str], dict[str, None]]] = {}
    for group in groups:
        for symmetry in group.symmetries:
            for spurion in symmetry.broken_by:
                ids, places = found.setdefault((breaking_text(spurion), spurion.op), (set(), {}))
                ids.add(symmetry.id)
                places[short_location(spurion.location)] = None
    if not found:
        return None
    table = new_table(
        ("constants that break them", {"no_wrap": True, "style": "yellow"}),
        ("symmetries", {"justify": "right", "no_wrap": True}),
        ("where", {"overflow": "fold", "ratio": 1}),
    )
    for (words, op), (ids, places) in found.items():
        known = [place for place in places if place]
        more = f" and {len(known) - 2} more places" if len(known) > 2 else ""
        at = f" at {', '.join(known[:2])}{more}" if known else ""
        table.add_row(words, count(len(ids)), f"{op}{at}")
    return table
