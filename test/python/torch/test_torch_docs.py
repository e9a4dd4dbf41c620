# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The examples in docs/pytorch.md run, as one program."""

import pathlib
import re

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs" / "pytorch.md"


def test_examples_run(capsys):
    page = PAGE.read_text()
    blocks = list(re.finditer(r"^```python\n(.*?)^```", page, re.S | re.M))
    assert len(blocks) > 5
    scope = {"__name__": "example"}
    for block in blocks:
        lines = page[: block.start()].count("\n") + 1
        exec(compile("\n" * lines + block.group(1), "docs/pytorch.md", "exec"), scope)
    assert "scale and rescale symmetries: 17" in capsys.readouterr().out
