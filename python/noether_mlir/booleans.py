# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Large constants of booleans, which two versions of MLIR write in two ways.

In hexadecimal digits jaxlib's MLIR writes a byte an entry, the one that `noether-opt` is built with a bit.
"""

import math
import re

_BOOLEANS = re.compile(r'dense<"0x(?P<digits>(?:[0-9A-Fa-f]{2})+)"> : tensor<(?P<shape>(?:\d+x)+)i1>')


def pack_booleans(text: str) -> str:
    """The text of a module with a bit for each boolean of a large constant."""

    def packed(match: re.Match[str]) -> str:
        entries = bytes.fromhex(match["digits"])
        if len(entries) != _size(match):
            return match[0]
        bits = int("".join("1" if entry else "0" for entry in reversed(entries)), 2)
        return _constant(bits.to_bytes(-(-len(entries) // 8), "little"), match)

    return _BOOLEANS.sub(packed, text) if "i1>" in text else text


def unpack_booleans(text: str) -> str:
    """The text of a module with a byte for each boolean of a large constant."""

    def unpacked(match: re.Match[str]) -> str:
        packed, size = bytes.fromhex(match["digits"]), _size(match)
        if len(packed) != -(-size // 8):
            return match[0]
        bits = f"{int.from_bytes(packed, 'little'):0{8 * len(packed)}b}"[::-1][:size]
        return _constant(bytes(map(int, bits)), match)

    return _BOOLEANS.sub(unpacked, text) if "i1>" in text else text


def _size(constant: re.Match[str]) -> int:
    return math.prod(int(size) for size in constant["shape"].split("x")[:-1])


def _constant(digits: bytes, of: re.Match[str]) -> str:
    return f'dense<"0x{digits.hex().upper()}"> : tensor<{of["shape"]}i1>'
