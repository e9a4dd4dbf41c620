# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Constants of a step: what their attributes hold, and elementwise operations on numbers."""

import math
import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np

_NUMBER = re.compile(r"dense<([^\[\"<>]+)>")
_HEX = re.compile(r"dense<0x([0-9A-Fa-f]+)>")


def splat(attribute: Any) -> float | None:
    """The number that a `value` attribute holds in every element; None if it holds several, or cannot be read."""
    text = str(attribute)[:200]
    hexadecimal = _HEX.match(text)
    if hexadecimal:
        return _from_bits(int(hexadecimal.group(1), 16), len(hexadecimal.group(1)), text)
    pair = re.match(r"dense<\(([^,\[\"]+),([^)]+)\)>", text)
    if pair:  # complex
        parts = [float(part) for part in pair.groups()]
        return parts[0] if parts[1] == 0 else None
    match = _NUMBER.match(text)
    if not match and "dense" not in text and "[" not in text:
        match = re.match(r"([^\s:]+)", text)
    if not match:
        return None
    word = match.group(1).strip()
    if word in ("true", "false"):
        return float(word == "true")
    try:
        return float(word)
    except ValueError:
        return None


def _from_bits(bits: int, digits: int, text: str) -> float | None:
    """Infinities and NaN are printed by their bits."""
    if "bf16" in text and digits == 4:
        bits, digits = bits << 16, 8
    kinds: dict[int, tuple[Any, Any]] = {4: (np.uint16, np.float16), 8: (np.uint32, np.float32), 16: (np.uint64, np.float64)}
    if digits not in kinds or re.search(r"[x<]u?i\d+>", text):
        return None
    unsigned, floating = kinds[digits]
    return float(np.array(bits, unsigned).view(floating))


def consists_of_zeros(attribute: Any) -> bool:
    """Whether every element of a `value` attribute that is no splat is zero, infinite or NaN."""
    from jaxlib.mlir import ir

    if isinstance(attribute, str):
        return False
    try:
        array = np.asarray(ir.DenseElementsAttr(attribute))
    except (ValueError, TypeError, RuntimeError):
        return False
    return array.dtype.kind in "fc" and array.size > 0 and not bool((np.isfinite(array) & (array != 0)).any())


def _divide(x: float, y: float, integer: bool) -> float | None:
    if y == 0:
        return None
    return float(math.trunc(x / y)) if integer else x / y


_IDENTITY = ("broadcast", "broadcast_in_dim", "copy", "reshape", "transpose", "real", "slice", "reverse")
_UNARY: dict[str, Callable[[float], float]] = {
    "abs": abs,
    "ceil": math.ceil,
    "cosine": math.cos,
    "exponential": math.exp,
    "exponential_minus_one": math.expm1,
    "floor": math.floor,
    "is_finite": math.isfinite,
    "log": math.log,
    "log_plus_one": math.log1p,
    "negate": operator.neg,
    "rsqrt": lambda x: 1 / math.sqrt(x),
    "sign": lambda x: math.copysign(1.0, x) if x else x,
    "sine": math.sin,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
}
_BINARY: dict[str, Callable[[float, float], float]] = {
    "add": operator.add,
    "maximum": max,
    "minimum": min,
    "multiply": operator.mul,
    "power": lambda x, y: float(x**y),
    "subtract": operator.sub,
}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "EQ": operator.eq,
    "NE": operator.ne,
    "LT": operator.lt,
    "LE": operator.le,
    "GT": operator.gt,
    "GE": operator.ge,
}


def evaluate(name: str, numbers: list[float], element: str, attributes: Callable[[str], str]) -> float | None:
    """The number that an operation of StableHLO makes of numbers; None if that is not known.

    Args:
        element: the result's element type. attributes: the text of an attribute by name, "" if there is none.
    """
    name = name.removeprefix("stablehlo.").removeprefix("mhlo.")
    is_integer = element[0] in "iu" or element == "index"
    try:
        value = _evaluate(name, numbers, is_integer, element, attributes)
    except (ArithmeticError, ValueError, TypeError):
        return None
    if value is None:
        return None
    value = float(value)
    if is_integer and element != "i1" and not (value.is_integer() and abs(value) < 2**31):
        return None  # wraps around
    return value


def _evaluate(
    name: str, numbers: list[float], is_integer: bool, element: str, attributes: Callable[[str], str]
) -> float | None:
    x = numbers[0]
    if name in _IDENTITY:
        return x
    if name == "convert":
        if element == "i1":
            return float(x != 0)
        return float(math.trunc(x)) if is_integer else x
    if any(math.isnan(number) for number in numbers) and name not in ("compare", "select", "is_finite"):
        return math.nan if not is_integer else None
    if name in _UNARY and len(numbers) == 1:
        return float(_UNARY[name](x))
    if name in _BINARY and len(numbers) == 2:
        if element == "i1":
            return None
        return float(_BINARY[name](x, numbers[1]))
    if name == "divide" and len(numbers) == 2:
        return _divide(x, numbers[1], is_integer)
    if name == "compare" and len(numbers) == 2:
        direction = re.search(r"\b(EQ|NE|LT|LE|GT|GE)\b", attributes("comparison_direction"))
        return float(_COMPARE[direction.group(1)](x, numbers[1])) if direction else None
    if name == "select" and len(numbers) == 3:
        return numbers[1] if x != 0 else numbers[2]
    if name == "clamp" and len(numbers) == 3:
        return min(max(numbers[1], x), numbers[2])
    if element == "i1" and name in ("and", "or", "xor", "not"):
        flags = [bool(number) for number in numbers]
        if name == "not":
            return float(not flags[0])
        return float({"and": operator.and_, "or": operator.or_, "xor": operator.xor}[name](flags[0], flags[1]))
    return None
