# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Rules, read from their text: which factors the axes of each tensor have, and the equations between degrees."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

#: ("o" or "r", number): an operand or a result.
Tensor = tuple[str, int]
#: A list of segments (one, if the axis is not cut), each a product of factors, row-major.
Dim = tuple[tuple[str, ...], ...]


class RuleError(ValueError):
    """Text that is no rule."""


@dataclass(frozen=True)
class Equation:
    """`lhs = sum of coefficient * tensor`; no terms: `lhs = 0`."""

    lhs: Tensor
    terms: tuple[tuple[Fraction, Tensor], ...]


@dataclass(frozen=True)
class Rule:
    """A rule: dims of every operand and result, sizes of factors inside products and cuts, and equations.

    Attributes:
        uses: how each operand enters the results, one character each; empty if the rule does not say. Proofs of groups
            rest on them.
    """

    operands: tuple[tuple[Dim, ...], ...] = ()
    results: tuple[tuple[Dim, ...], ...] = ()
    sizes: tuple[tuple[str, int], ...] = ()
    sums: frozenset[str] = frozenset()
    frozen: frozenset[str] = frozenset()
    equations: tuple[Equation, ...] = ()
    is_barrier: bool = False
    uses: tuple[str, ...] = ()

    @cached_property
    def canonical(self) -> tuple[Any, ...]:
        """What the rule says, whatever its factors are called."""
        names: dict[str, int] = {}

        def number(factors: Iterable[str]) -> tuple[int, ...]:
            return tuple(names.setdefault(factor, len(names)) for factor in factors)

        tensors = [*self.operands, *self.results]
        numbered = tuple(tuple(tuple(number(segment) for segment in dim) for dim in dims) for dims in tensors)
        inside = {f for dims in tensors for dim in dims for s in dim if len(dim) > 1 or len(s) > 1 for f in s}
        sizes = sorted((names[name], size) for name, size in self.sizes if name in inside)
        marked = [tuple(sorted(number(sorted(group)))) for group in (self.sums, self.frozen)]
        return len(self.operands), numbered, tuple(sizes), *marked, self.equations, self.is_barrier

    def dims(self, tensor: Tensor) -> tuple[Dim, ...]:
        """The dims of one operand or result."""
        return (self.operands if tensor[0] == "o" else self.results)[tensor[1]]


class _Reader:
    def __init__(self, text: str):
        self.tokens = re.findall(r"->|[A-Za-z_]\w*|\d+|[^\s\w]", text)
        self.position = 0

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def next(self) -> str:
        token = self.peek()
        if not token:
            raise RuleError("the rule ends too early")
        self.position += 1
        return token

    def take(self, token: str) -> bool:
        if self.peek() != token:
            return False
        self.position += 1
        return True

    def expect(self, token: str) -> None:
        if not self.take(token):
            raise RuleError(f"expected '{token}' before '{self.peek()}'")

    def number(self) -> int:
        token = self.next()
        if not token.isdigit():
            raise RuleError(f"expected a number, not '{token}'")
        return int(token)

    def list(self, close: str, item):
        items = []
        while not self.take(close):
            items.append(item())
            self.take(",")
        return tuple(items)

    def segment(self) -> tuple[str, ...]:
        if self.take("("):
            return self.list(")", self.next)
        name = self.next()
        return () if name == "_" else (name,)

    def dim(self) -> Dim:
        if not self.take("{"):
            return (self.segment(),)
        segments = [self.segment()]
        while self.take("|"):
            segments.append(self.segment())
        self.expect("}")
        return tuple(segments)

    def tensor(self) -> tuple[Dim, ...]:
        self.expect("[")
        return self.list("]", self.dim)

    def tensors(self):
        self.expect("(")
        return self.list(")", self.tensor)

    def size(self) -> tuple[str, int]:
        name = self.next()
        self.expect("=")
        return name, self.number()

    def value(self) -> Tensor:
        name = self.next()
        if not re.fullmatch(r"[or]\d+", name):
            raise RuleError(f"expected an operand or a result, not '{name}'")
        return name[0], int(name[1:])

    def equation(self) -> Equation:
        lhs = self.value()
        self.expect("=")
        if self.take("0"):
            return Equation(lhs, ())
        terms: list[tuple[Fraction, Tensor]] = []
        while self.peek() not in ("", ",", ">"):
            sign = -1 if self.take("-") else 1
            self.take("+")
            coefficient = Fraction(1)
            if self.peek().isdigit():
                coefficient = Fraction(self.number())
                if self.take("/"):
                    coefficient /= self.number()
            terms.append((sign * coefficient, self.value()))
        return Equation(lhs, tuple(terms))

    def equations(self) -> tuple[Equation, ...]:
        equations = [self.equation()]
        while self.take(","):
            equations.append(self.equation())
        return tuple(equations)


@lru_cache(maxsize=4096)
def parse_rule(text: str) -> Rule:
    """Reads `#noether.rule<...>`.

    Raises:
        RuleError: if it is none.
    """
    reader = _Reader(text)
    for token in ("#", "noether", ".", "rule", "<"):
        reader.expect(token)
    if reader.take("barrier"):
        reader.expect(">")
        return Rule(is_barrier=True)
    operands = reader.tensors()
    reader.expect("->")
    results = reader.tensors()
    sizes: tuple[tuple[str, int], ...] = ()
    sums: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    equations: tuple[Equation, ...] = ()
    uses: tuple[str, ...] = ()
    while not reader.take(">"):
        if reader.take("sizes"):
            reader.expect("{")
            sizes = reader.list("}", reader.size)
        elif reader.take("sum"):
            reader.expect("{")
            sums = reader.list("}", reader.next)
        elif reader.take("frozen"):
            reader.expect("{")
            frozen = reader.list("}", reader.next)
        elif reader.take("uses"):
            reader.expect("(")
            uses = reader.list(")", reader.next)
        else:
            reader.expect(":")
            equations = reader.equations()
    return Rule(operands, results, sizes, frozenset(sums), frozenset(frozen), equations, uses=uses)


def parse_equations(text: str) -> tuple[Equation, ...]:
    """Reads `r0 = o0 + o1, o1 = 0`."""
    return _Reader(text).equations() if text else ()


def _factors(count: int) -> tuple[Dim, ...]:
    return tuple(((f"d{axis}",),) for axis in range(count))


def copy_rule(shapes: tuple[tuple[int, ...], ...], result: tuple[int, ...], ignored: int = 0) -> Rule:
    """The result equals each operand but the first `ignored`; along axes of unequal sizes all are constant."""
    frozen = set()
    operands: list[tuple[Dim, ...]] = [()] * ignored
    for number, shape in enumerate(shapes[ignored:]):
        if shape == result:
            operands.append(_factors(len(result)))
            continue
        dims = []
        for axis, size in enumerate(shape):
            same = len(shape) == len(result) and size == result[axis]
            name = f"d{axis}" if same else f"u{number}_{axis}"
            if not same:
                frozen.add(name)
            dims.append(((name,),))
        operands.append(tuple(dims))
    equations = tuple(
        Equation(("r", 0), ((Fraction(1), ("o", ignored + number)),)) for number in range(len(shapes) - ignored)
    )
    uses = ("_",) * ignored + (("+",) if len(shapes) - ignored == 1 else ("|",) * (len(shapes) - ignored))
    return Rule(tuple(operands), (_factors(len(result)),), frozen=frozenset(frozen), equations=equations, uses=uses)


def slice_rule(whole: tuple[int, ...], starts: list[int], part: tuple[int, ...], update: bool) -> Rule:
    """A slice at known starts; with `update`, the part written over the whole. Operands beyond are indices."""
    sizes: dict[str, int] = {}
    frozen: set[str] = set()

    def factor(name: str, size: int) -> tuple[str, ...]:
        sizes[name] = size
        return (name,)

    cut = [axis for axis in range(len(whole)) if part[axis] != whole[axis]]
    before: list[Dim] = []
    middle: list[Dim] = []
    after: list[Dim] = []
    for axis, (extent, start, size) in enumerate(zip(whole, starts, part, strict=True)):
        if update and len(cut) > 1 and axis in cut:
            # Parts along several axes are not pieces of each: only what is constant is followed.
            for dims, name, length in ((before, "a", extent), (middle, "b", size), (after, "c", extent)):
                dims.append((factor(f"{name}{axis}", length),))
                frozen.add(f"{name}{axis}")
            continue
        head = [factor(f"h{axis}", start)] if start else []
        tail = [factor(f"t{axis}", extent - start - size)] if start + size < extent else []
        kept = factor(f"k{axis}", size)
        # What is overwritten is not read.
        below = kept if not update or (extent == size and cut) else factor(f"x{axis}", size)
        before.append(tuple([*head, below, *tail]))
        middle.append((kept,))
        after.append(tuple([*head, kept, *tail]))
    names = [("r", 0), ("o", 0), ("o", 1)]
    equal = [Equation(names[0], ((Fraction(1), source),)) for source in names[1:]]
    indices = ((),) * len(whole)
    if not update:
        uses = ("+", *["_"] * len(whole))
        return Rule((tuple(before), *indices), (tuple(middle),), tuple(sizes.items()), equations=(equal[0],), uses=uses)
    equations = tuple(equal if cut else equal[1:])
    tensors = (tuple(before), tuple(middle), *indices)
    uses = ("+", "+", *["_"] * len(whole))
    return Rule(tensors, (tuple(after),), tuple(sizes.items()), frozenset(), frozenset(frozen), equations, uses=uses)
