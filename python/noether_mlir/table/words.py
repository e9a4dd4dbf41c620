# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Short words for numbers, shapes, places and ids."""

import re
from collections.abc import Iterable, Sequence

_NUMBER = re.compile(r"\d+")


def count(number: int) -> str:
    """A number with thousands set apart: 38,016."""
    return f"{number:,}"


def human(number: int) -> str:
    """A number of things in three digits: 25.6 M."""
    value = float(number)
    for unit in ("", " k", " M", " G"):
        if value < 999.5:
            break
        value, unit = value / 1000, " T"
    return f"{value:.{max(0, 3 - len(str(int(value))))}f}{unit}" if unit else str(number)


def span(values: Iterable[int]) -> str:
    """The least and the greatest: 64..512; a number if they are equal."""
    least, greatest = min(values := list(values)), max(values)
    return count(least) if least == greatest else f"{count(least)}..{count(greatest)}"


def shape_text(shape: Sequence[int]) -> str:
    """A shape: 3x3x16x32; a number is "scalar"."""
    return "x".join(map(str, shape)) or "scalar"


def short_location(location: str) -> str:
    """A location as file:line, without folders and column."""
    match = re.search(r'"?([^"()\s]+\.\w+)"?:(\d+)', location)
    if match:
        return f"{match.group(1).rsplit('/', 1)[-1]}:{match.group(2)}"
    return location.removeprefix("loc(").removesuffix(")").strip('"')


def runs(values: Iterable[int]) -> list[tuple[int, int]]:
    """Integers as runs (first, last), in order."""
    found: list[tuple[int, int]] = []
    for value in sorted(set(values)):
        if found and value == found[-1][1] + 1:
            found[-1] = (found[-1][0], value)
        else:
            found.append((value, value))
    return found


def runs_text(values: Iterable[int]) -> str:
    """Integers in few words: 0..3,7."""
    short = lambda first, last: str(first) if first == last else f"{first}{',' if last == first + 1 else '..'}{last}"
    return ",".join(short(*run) for run in runs(values))


def id_ranges(ids: Sequence[str]) -> str:
    """Ids with runs put together: S1..S3, S7."""
    letters: dict[str, list[int]] = {}
    for name in ids:
        prefix = name.rstrip("0123456789")
        letters.setdefault(prefix, []).append(int(name[len(prefix) :] or -1))
    words = []
    for prefix, numbers in letters.items():
        for first, last in runs(numbers):
            middle = ", " if last == first + 1 else ".."
            words.append(f"{prefix}{first}" if first == last else f"{prefix}{first}{middle}{prefix}{last}")
    return ", ".join(words)
