# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Finds and runs `noether-opt`, the compiler behind this package.

Text is what passes between the two, both ways: it survives whichever MLIR either side is built with.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from noether_mlir.booleans import pack_booleans, unpack_booleans
from noether_mlir.errors import NotATrainingStep, ToolNotFound

_NAME = "noether-opt"


def _candidates() -> list[Path]:
    package = Path(__file__).resolve().parent
    found = shutil.which(_NAME)
    return [
        package / "bin" / _NAME,  # an installed wheel
        package.parent.parent / "build" / "bin" / _NAME,  # a checkout
        *([Path(found)] if found else []),
    ]


def find_tool() -> Path:
    """The path of `noether-opt`: $NOETHER_OPT, else the package's own, the checkout's build, or PATH.

    Raises:
        ToolNotFound: if it is in none of these places.
    """
    named = os.environ.get("NOETHER_OPT")
    if named:
        if not os.access(named, os.X_OK):
            raise ToolNotFound(f"NOETHER_OPT={named} is not an executable file")
        return Path(named)
    for path in _candidates():
        if os.access(path, os.X_OK):
            return path
    raise ToolNotFound(
        f"cannot find {_NAME}: build it (make build), or name it in the environment variable NOETHER_OPT"
    )


@lru_cache(maxsize=8)
def _version_of(path: Path, modified: int) -> str:
    output = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"[Nn]oether\S*\s+(?:version\s+)?(\d\S*)", output)
    return match.group(1) if match else "unknown"


def tool_version() -> str:
    """The version that `noether-opt --version` states, or "unknown"."""
    path = find_tool()
    return _version_of(path, path.stat().st_mtime_ns)


def _first_error(diagnostics: str, source: str) -> str:
    """The first error of what the compiler printed, on one line."""
    lines = [line for line in diagnostics.splitlines() if line.strip()]
    line = next((line for line in lines if "error:" in line), lines[-1] if lines else "")
    return line.replace("<stdin>", source).strip()


def run_tool(passes: Sequence[str], text: str | bytes, source: str = "<step>") -> str:
    """Runs `noether-opt` over a module and returns what it prints.

    Args:
        passes: command line flags, in order.
        text: the module, in generic form (or MLIR bytecode).
        source: what diagnostics call the module.

    Raises:
        NotATrainingStep: if the compiler refuses the module; carries the whole diagnostic.
        ToolNotFound: if the compiler is missing, does not start, or crashed.
    """
    tool = find_tool()
    data = pack_booleans(text).encode() if isinstance(text, str) else text
    try:
        run = subprocess.run([tool, "-", *passes], input=data, capture_output=True, check=False)
    except OSError as error:
        raise ToolNotFound(f"cannot start {tool}: {error.strerror}") from error
    diagnostics = run.stderr.decode(errors="replace")
    if run.returncode < 0 or run.returncode > 2:
        raise ToolNotFound(
            f"{tool.name} ended abnormally (status {run.returncode}) on {source}; please report this",
            diagnostics,
        )
    if run.returncode and "Unknown command line argument" in diagnostics:
        raise ToolNotFound(
            f"{tool} does not know what this version of the package asks of it: build both together",
            diagnostics,
        )
    if run.returncode:
        message = _first_error(diagnostics, source) or f"{tool.name} failed with status {run.returncode}"
        raise NotATrainingStep(message, diagnostics.replace("<stdin>", source))
    if os.environ.get("NOETHER_VERBOSE"):
        print(diagnostics, file=sys.stderr, end="")
    return unpack_booleans(run.stdout.decode())
