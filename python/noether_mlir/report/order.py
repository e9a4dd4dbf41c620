# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The order in which a step uses its arguments, read off its text. It serves the eye only: no claim rests on it."""

import re

_FUNCTION = re.compile(r'^\s*"func\.func"\(\)')
_NAME = re.compile(r'sym_name = "([^"]+)"')
_ARGUMENT = re.compile(r"(%\w+): ")
_OPERAND = re.compile(r"%\w+")
_CALLEE = re.compile(r'"func\.call"\(([^)]*)\).*callee = @"?([\w.$-]+)')


def _functions(text: str) -> dict[str, list[str]]:
    """The lines of each function of a module in generic form, the line with its arguments first."""
    found: dict[str, list[str]] = {}
    lines: list[str] | None = None
    for line in text.splitlines():
        if _FUNCTION.match(line):
            lines = found.setdefault(name.group(1) if (name := _NAME.search(line)) else "", [])
        elif lines is not None:
            lines.append(line)
    return found


def _uses(functions: dict[str, list[str]], name: str, depth: int) -> list[int]:
    """The arguments of a function, in the order of their first use; those of calls in the order of the callee's."""
    lines = functions.get(name, [])
    if not lines:
        return []
    left = {argument: number for number, argument in enumerate(_ARGUMENT.findall(lines[0]))}
    order: list[int] = []
    for line in lines[1:]:
        if not left:
            break
        operands = [operand for operand in _OPERAND.findall(line) if operand in left]
        call = _CALLEE.search(line) if len(operands) > 1 and depth else None
        if call:
            passed = _OPERAND.findall(call.group(1))
            inner = [passed[number] for number in _uses(functions, call.group(2), depth - 1) if number < len(passed)]
            operands = [operand for operand in inner if operand in left] + operands
        for operand in operands:
            if operand in left:
                order.append(left.pop(operand))
    return order


def first_uses(text: str | bytes, entry: str) -> dict[int, int]:
    """By argument of the entry function, its place in the order of first uses; those that no line uses are missing."""
    if isinstance(text, bytes):
        return {}
    return {argument: place for place, argument in enumerate(_uses(_functions(text), entry, depth=4))}
