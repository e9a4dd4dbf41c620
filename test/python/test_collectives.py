# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""On four devices that exchange features: every claim holds, and all scales there are are claimed."""

import json
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).with_name("collective_claims.py")


@pytest.mark.parametrize("kind", ["gathered", "normalised", "scattered", "exchanged"])
def test_claims_hold_between_devices(kind):
    run = subprocess.run([sys.executable, SCRIPT, kind], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["torus"] == found["counted"] > 0
    assert "permutation" in found["families"]
    assert max(found["off"].values()) < 1e-9, found
