# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""On eight devices, tracked and rewritten steps give what one device gives, sharded as before."""

import json
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent


CASES = [(layout, mode, optimizer) for layout in ("data", "tensor") for optimizer in ("momentum", "adamw")
         for mode in ("track", "rewrite")] + [("tensor", "track-stated", "adamw")]


@pytest.mark.parametrize(("layout", "mode", "optimizer"), CASES)
def test_eight_devices(layout, mode, optimizer):
    run = subprocess.run([sys.executable, HERE / "sharded_steps.py", layout, mode, optimizer],
                         capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr[-4000:]
    result = json.loads(run.stdout.splitlines()[-1])
    assert result["devices"] == 8
    assert result["loss"] < 1e-12
    assert result["params"] < 1e-12
    assert result["states"] < 1e-12
    assert all(result["shardings"].values()), result["shardings"]
    if layout == "tensor":
        assert result["split"] == 5
    if mode.startswith("track"):
        assert result["symmetries"] and result["charges"] < 1e-10
        assert result["identity"] < 1e-12
    else:
        assert result["adapted"] and all(result["direction_shardings"])
