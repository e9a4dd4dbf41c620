# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Short names of parameters, and one name for many that differ in their numbers only.

A *pattern* is a name with its numbers taken out (`blocks.#.norm#.scale`); the numbers are its *indices*.
"""

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence

from noether_mlir.table.words import runs, runs_text

_NUMBER = re.compile(r"\d+")
_KEY = re.compile(r"\[(?:'([^']*)'|\"([^\"]*)\"|([^\]'\"]*))\]")
_SEPARATOR = re.compile(r"((?<!\.)\.(?!\.)|/)")  # a dot, but not one of those in 0..3
Indices = tuple[int, ...]


def split(label: str) -> tuple[str, Indices]:
    """The pattern of a label, and its indices."""
    return _NUMBER.sub("#", label), tuple(map(int, _NUMBER.findall(label)))


def fill(pattern: str, texts: Iterable[str]) -> str:
    """A pattern with its numbers put in."""
    literals = pattern.split("#")
    return literals[0] + "".join(text + literal for text, literal in zip(texts, literals[1:]))


def columns(label: str) -> list[str]:
    """What stands before each of a label's indices, with the indices in it taken out."""
    pattern = split(label)[0]
    return [pattern[: match.start()] for match in re.finditer("#", pattern)]


def boxes(indices: Iterable[Indices]) -> Iterator[tuple[Indices, ...]]:
    """A set of index tuples as a few products of sets: {00, 01, 10, 11, 20} is {0, 1} x {0, 1} and {2} x {0}."""
    rests: dict[int, set[Indices]] = {}
    for index in sorted(set(indices)):
        if not index:
            yield ()
            return
        rests.setdefault(index[0], set()).add(index[1:])
    alike: dict[frozenset[Indices], list[int]] = {}
    for first, rest in rests.items():
        alike.setdefault(frozenset(rest), []).append(first)
    for rest, firsts in alike.items():
        for box in boxes(rest):
            yield (tuple(firsts), *box)


class Labels:
    """Short names for a step's parameters: block.0.kernel for params['block'][0]['kernel'] if all start with params.

    Attributes:
        root: what was left out in front, which all names share.
    """

    def __init__(self, names: Sequence[str]):
        paths = [self._path(name) for name in names]
        start = self._shared_start(paths)
        value = bool(paths) and all(path[-1] == "value" and len(path) > start + 1 for path in paths)  # nnx
        self.root = self._join(paths[0][:start]) if paths else ""
        cut = slice(start, -1 if value else None)
        self._labels = {name: self._join(path[cut]) for name, path in zip(names, paths)}
        self._indices: dict[str, set[Indices]] = {}
        for label in self._labels.values():
            pattern, indices = split(label)
            self._indices.setdefault(pattern, set()).add(indices)
        self._name = re.compile("|".join(map(re.escape, sorted(self._labels, key=len, reverse=True))) or r"\Z.")

    @staticmethod
    def _path(name: str) -> list[str]:
        dotted = _KEY.sub(lambda match: "." + next(part for part in match.groups() if part is not None), name)
        return [part for part in dotted.split(".") if part] or [name]

    @staticmethod
    def _join(path: Sequence[str]) -> str:
        # A name that starts with a number is a list's element.
        return ".".join([f"[{path[0]}]" if path[0].isdecimal() else path[0], *path[1:]]) if path else ""

    @staticmethod
    def _shared_start(paths: Sequence[Sequence[str]]) -> int:
        """How many leading parts to leave out: up to `params`, else the argument's name and positions within it."""
        if not paths:
            return 0
        first = paths[0]
        longest = min(map(len, paths)) - 1
        shared = lambda length: length <= longest and all(path[:length] == first[:length] for path in paths)
        if "params" in first and shared(first.index("params") + 1):
            return first.index("params") + 1
        length = 1 if shared(1) else 0
        while length and first[length].isdecimal() and shared(length + 1):
            length += 1
        return length

    def __call__(self, name: str) -> str:
        """The short name of a parameter."""
        return self._labels.get(name) or self._join(self._path(name))

    def collapse(self, names: Iterable[str]) -> str:
        """One text for names of one pattern: blocks.*.kernel if that is all of them, else blocks.0..3.kernel."""
        labels = list(dict.fromkeys(map(self, names)))
        if len(labels) == 1:
            return labels[0]
        pattern = split(labels[0])[0]
        present = {split(label)[1] for label in labels}
        everything = self._indices.get(pattern, set())
        parts = list(boxes(present))
        if len(parts) <= 2 and all(len(runs(values)) <= 3 for box in parts for values in box):
            return ", ".join(fill(pattern, self._texts(box, everything)) for box in parts)
        sets = [sorted(set(column)) for column in zip(*present)]
        fits = lambda index: all(len(values) > 1 or i == values[0] for i, values in zip(index, sets))
        there = {index for index in everything if fits(index)}  # as many as can be told apart by what varies
        if present == there:
            return fill(pattern, ["*" if len(values) > 1 else str(values[0]) for values in sets])
        ends = [str(values[0]) if len(values) == 1 else f"{values[0]}..{values[-1]}" for values in sets]
        return f"{fill(pattern, ends)} ({len(present)} of {len(there)})"

    @staticmethod
    def _texts(box: tuple[Indices, ...], everything: set[Indices]) -> list[str]:
        """The sets of a product in words: * for all that there are beside the others."""
        texts = []
        for column, values in enumerate(box):
            beside = lambda index: all(i in some for j, (i, some) in enumerate(zip(index, box)) if j != column)
            there = {index[column] for index in everything if beside(index)}
            texts.append("*" if len(values) > 2 and there == set(values) else runs_text(values))
        return texts

    def summary(self, names: Iterable[str]) -> list[str]:
        """A few texts for any names: those of one pattern together, and then siblings: norm.{bias,scale}."""
        patterns: dict[str, list[str]] = {}
        for name in names:
            patterns.setdefault(split(self(name))[0], []).append(name)
        return [text for text, _ in siblings([(self.collapse(alike), None) for alike in patterns.values()])]

    def skeleton(self, message: str) -> tuple[str, tuple[str, ...]]:
        """A message with parameters' names taken out, and these names."""
        return self._name.sub("\0", message), tuple(self._name.findall(message))

    def merge(self, messages: Iterable[str]) -> list[str]:
        """Messages that differ in parameters' names only, each kind once, with short names."""
        kinds: dict[str, list[tuple[str, ...]]] = {}
        for message in messages:
            text, names = self.skeleton(message)
            kinds.setdefault(text, []).append(names)
        merged = []
        for text, found in kinds.items():
            columns = [", ".join(self.summary(column)) for column in zip(*found)]
            literals = text.split("\0")
            merged.append(literals[0] + "".join(name + part for name, part in zip(columns, literals[1:])))
        return merged


def siblings(texts: Sequence[tuple[str, Hashable]]) -> list[tuple[str, Hashable]]:
    """Dotted names that differ in one part only, as one: a.{x,y}.b, if what comes with them is equal. In order."""
    merged: list[_Siblings] = []
    for text, with_it in texts:
        parts = _SEPARATOR.split(text)
        if not any(family.take(parts, with_it) for family in merged):
            merged.append(_Siblings(parts, with_it))
    return [(family.text(), family.with_it) for family in merged]


class _Siblings:
    def __init__(self, parts: list[str], with_it: Hashable):
        self.parts, self.with_it = parts, with_it
        self.where: int | None = None  # the part they differ in
        self.values: list[str] = []

    def take(self, parts: list[str], with_it: Hashable) -> bool:
        """Adds a name, if it is a sibling of those here."""
        if with_it != self.with_it or len(parts) != len(self.parts):
            return False
        differ = [i for i, (mine, other) in enumerate(zip(self.parts, parts)) if mine != other]
        # What has numbers put together stands for several names itself.
        plain = len(differ) == 1 and all(re.fullmatch(r"\w+", some[differ[0]]) for some in (self.parts, parts))
        if not plain or self.where not in (None, differ[0]):
            return False
        self.where = differ[0]
        self.values = (self.values or [self.parts[self.where]]) + [parts[self.where]]
        return True

    def text(self) -> str:
        if self.where is None:
            return "".join(self.parts)
        return "".join([*self.parts[: self.where], f"{{{','.join(self.values)}}}", *self.parts[self.where + 1 :]])
