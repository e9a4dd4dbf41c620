# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The examples in the documentation run."""

import pathlib
import re

import jax
import pytest

DOCS = pathlib.Path(__file__).resolve().parent.parent.parent / "docs"


@pytest.mark.parametrize("name", ["exports", "verify"])
def test_examples_run(name):
    """All Python blocks of a page, as one program."""
    page = (DOCS / f"{name}.md").read_text()
    blocks = list(re.finditer(r"^```python\n(.*?)^```", page, re.S | re.M))
    assert blocks
    scope = {"__name__": "example"}
    with jax.enable_x64(False):
        for block in blocks:
            lines = page[: block.start()].count("\n") + 1
            exec(compile("\n" * lines + block.group(1), f"docs/{name}.md", "exec"), scope)
