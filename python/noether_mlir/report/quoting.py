# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Lines of source that locations name, to be quoted beside what is said of them.

Locations come from the input, so that not every file they name is opened: only Python and MLIR sources in the working
directory, beside the module, and among installed packages.
"""

import linecache
import os
import re
import sysconfig
from functools import lru_cache
from pathlib import Path

_LOCATION = re.compile(r'"?([^"\n]+\.(?:py|mlir))"?:(\d+)')
_LARGEST = 4_000_000  # bytes


class Sources:
    """Looks lines up.

    Args:
        beside: the path of the module, if it is a file: sources may lie beside it.
    """

    def __init__(self, beside: str = ""):
        roots = [Path.cwd(), Path(beside).parent] if beside and os.path.exists(beside) else [Path.cwd()]
        roots += [Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")]
        self._roots = list(dict.fromkeys(root.resolve() for root in roots))
        self._find = lru_cache(maxsize=None)(self._find_file)

    def _find_file(self, name: str) -> str | None:
        for root in self._roots:
            path = (root / name).resolve()
            if path.is_relative_to(root) and path.is_file() and path.stat().st_size <= _LARGEST:
                return str(path)
        return None

    def line(self, location: str) -> str:
        """The line that a location names, without its indentation; empty if it is not to be had."""
        match = _LOCATION.match(location or "")
        path = self._find(match.group(1)) if match else None
        return linecache.getline(path, int(match.group(2))).strip() if match and path else ""
