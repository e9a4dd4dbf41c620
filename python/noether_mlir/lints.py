# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The pages of the lints: `docs/lints`, which a built package carries along."""

import re
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


@cache
def _folder() -> Path:
    packaged = _PACKAGE / "lint_pages"
    return packaged if packaged.is_dir() else _PACKAGE.parent.parent / "docs" / "lints"


def lint_codes() -> list[str]:
    """The codes of all lints, in order."""
    return sorted(page.stem for page in _folder().glob("N*.md") if re.fullmatch(r"N\d{3}", page.stem))


def lint_page(code: str) -> str:
    """The page of a lint, in Markdown. Raises `KeyError` if there is no such code."""
    if code not in lint_codes():
        raise KeyError(code)
    return (_folder() / f"{code}.md").read_text(encoding="utf-8")


def lint_title(code: str) -> str:
    """What a lint is about, in a few words; empty for a code that this version does not know."""
    return lint_page(code).partition("\n")[0].partition(": ")[2] if code in lint_codes() else ""
